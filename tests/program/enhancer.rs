//! A network that the attacker passes its answer through: beside the answer, never in its place, with what it makes of noise.

use serde_json::Value;

use crate::lab::{Lab, finished, write};

/// A safetensors file of square convolutions without biases, all their taps 0 but the middle one of each channel to itself.
fn identities(lab: &Lab, name: &str, shapes: &[[usize; 4]]) -> String {
    let (mut header, mut values) = (serde_json::Map::new(), Vec::new());
    for (at, &[out, channels, side, _]) in shapes.iter().enumerate() {
        let begin = values.len() * 4;
        for o in 0..out {
            for tap in 0..channels * side * side {
                let is_middle = tap == o * side * side + side * side / 2;
                values.push(f32::from(u8::from(is_middle)));
            }
        }
        let tensor = serde_json::json!({
            "dtype": "F32", "shape": [out, channels, side, side], "data_offsets": [begin, values.len() * 4]
        });
        header.insert(format!("model.{}.weight", 2 * at), tensor);
    }
    let header = serde_json::to_vec(&header).unwrap();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    write(&lab.path(name), &bytes)
}

fn run(lab: &Lab, enhancer: &str) -> Value {
    let set = format!("knowledge.enhancer={enhancer}");
    let said = lab.succeed(&["run", "rog", "--set", "attack.iterations=80", "--set", &set, "--json"]);
    finished(&said)
}

#[test]
fn what_an_enhancer_makes_stands_beside_the_answer_with_what_it_makes_of_noise() {
    let lab = Lab::new();
    // In the order of their numbers, model.10 the last, or channels do not fit.
    let shapes = [[2, 1, 3, 3], [2, 2, 1, 1], [2, 2, 3, 3], [2, 2, 1, 1], [2, 2, 3, 3], [1, 2, 3, 3]];
    let file = identities(&lab, "same.safetensors", &shapes);
    let same = run(&lab, &file);
    let round = &same["rounds"][0];
    let psnr = round["metrics"]["psnr"]["mean"].as_f64().unwrap();
    let [enhanced, of_noise] = [0, 1].map(|at| round["enhanced"][at].as_f64().unwrap());
    assert!((enhanced - psnr).abs() < 1e-6 && of_noise < 10.0, "{psnr} {enhanced} {of_noise}");
    let id = same["run"].as_str().unwrap();
    let picture = lab.run_path(id).join("pictures/round-0-enhanced.png");
    let reconstruction = lab.run_path(id).join("pictures/round-0-reconstruction.png");
    assert_eq!(std::fs::read(&picture).unwrap(), std::fs::read(reconstruction).unwrap());
    let said = lab.succeed(&["show", id]);
    assert!(said.contains("data-enhanced") && said.contains("round-0-enhanced.png"), "{said}");
    assert!(said.contains("enhanced") && said.contains("6 convolutions with ReLUs between them"), "{said}");

    // Taking the picture off itself leaves black, which changes nothing of the answer.
    let black = run(&lab, &format!("{{ file = \"{file}\", residual = \"subtract\" }}"));
    let round = &black["rounds"][0];
    assert_eq!(round["metrics"]["psnr"]["mean"].as_f64(), Some(psnr));
    let [enhanced, of_noise] = [0, 1].map(|at| round["enhanced"][at].as_f64().unwrap());
    assert!(enhanced == of_noise && enhanced < psnr, "{psnr} {enhanced} {of_noise}");
}

#[test]
fn a_run_goes_on_with_the_network_that_it_began_with() {
    let lab = Lab::new();
    let file = identities(&lab, "same.safetensors", &[[1, 1, 3, 3]]);
    let before = std::fs::read(&file).unwrap();
    let set = format!("knowledge.enhancer={file}");
    let run = lab.detach(&["rog", "--set", "attack.iterations=1000000", "--set", &set]);
    lab.wait_for_checkpoint(&run);
    lab.succeed(&["stop", &run]);
    identities(&lab, "same.safetensors", &[[1, 1, 5, 5]]);
    let error = lab.fail(&["resume", &run], 1);
    assert!(error.contains("knowledge.enhancer has changed since this run began"), "{error}");
    std::fs::write(&file, before).unwrap();
    lab.succeed(&["resume", &run, "--detach"]);
    lab.succeed(&["stop", &run]);
}

#[test]
fn what_cannot_enhance_the_pictures_is_refused_in_one_sentence() {
    let lab = Lab::new();
    let coloured = identities(&lab, "coloured.safetensors", &[[3, 3, 3, 3]]);
    let broken = identities(&lab, "broken.safetensors", &[[4, 1, 3, 3], [1, 2, 3, 3]]);
    let even = identities(&lab, "even.safetensors", &[[1, 1, 2, 2]]);
    for (preset, enhancer, said) in [
        ("rog", coloured.as_str(), "makes pictures of 3 channels, the victim's have 1"),
        ("rog", &broken, "one gives 4 channels, the next takes 2"),
        ("rog", &even, "has model.0.weight of the shape [1, 1, 2, 2], which is none"),
        ("rog", "fashion-lenet5", "knowledge.enhancer"),
        ("rog", "{ file = \"x.pth\", residual = \"plus\" }", "knowledge.enhancer is a file, as"),
        ("table-row", &even.replace("even", "one"), "one.safetensors"),
    ] {
        let set = format!("knowledge.enhancer={enhancer}");
        let error = lab.fail(&["run", preset, "--set", &set], 2);
        assert!(error.contains(said) && error.lines().count() == 1, "{preset} {enhancer}: {error}");
    }
    let one = identities(&lab, "one.safetensors", &[[1, 1, 3, 3]]);
    let error = lab.fail(&["run", "table-row", "--set", &format!("knowledge.enhancer={one}")], 2);
    assert!(error.contains("the samples are rows of a table"), "{error}");
}
