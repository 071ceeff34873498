#![allow(clippy::unwrap_used)]
use super::*;

fn bytes(hex: &serde_json::Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap().as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn every_operation_is_that_of_the_imaging_library_to_the_last_bit() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/ats.json");
    let golden: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut compared = 0;
    for case in golden["pictures"].as_array().unwrap() {
        let [width, height] = ["width", "height"].map(|key| case[key].as_u64().unwrap() as usize);
        let picture = |hex: &serde_json::Value| {
            let channels = bytes(hex).chunks(width * height).map(<[u8]>::to_vec).collect();
            Picture { width, height, channels }
        };
        let own = picture(&case["values"]);
        for (number, results) in case["operations"].as_object().unwrap() {
            let operation = LIBRARY[number.parse::<usize>().unwrap()];
            for (sign, result) in [1.0, -1.0].into_iter().zip(results.as_array().unwrap()) {
                let (made, expected) = (operation.towards(sign, &own), picture(result));
                let values = made.channels.iter().flatten().zip(expected.channels.iter().flatten());
                let off = values.filter(|(made, expected)| made != expected).count();
                assert_eq!(
                    off,
                    0,
                    "{number}, {operation:?} towards {sign}: values that differ of {}",
                    width * height
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn a_picture_in_eight_bit_is_written_as_it_was_read() {
    let pixels: Vec<f64> = (0..24).map(|value| f64::from(value) / 255.0).collect();
    let picture = Picture::of(&pixels, 4, 2);
    assert_eq!((picture.channels.len(), picture.height), (3, 2));
    let mut written = vec![0.0; 24];
    picture.write(&mut written);
    assert_eq!(written, pixels);
    // Beyond the range: the nearest of it.
    assert_eq!(Picture::of(&[-0.1, 1.2], 2, 1).channels, [[0, 255]]);
}
