//! The ways back.

use super::*;

const SIZES: [usize; 3] = [5, 1, 7];

fn drawn(stream: &str) -> Vec<f64> {
    seed_normal(stream, 13)
}

#[test]
fn every_smooth_pull_is_the_derivative() {
    let (g, w) = (drawn("g"), drawn("w"));
    for written in [
        "kind = \"clip\", norm = 1.0",
        "kind = \"clip\", norm = 100",
        "kind = \"clip\", norm = 0.7, of = \"layer\"",
        "kind = \"clip\", norm = 2.0, of = \"layer\"",
        "kind = \"clip\", norm = 0.5, of = \"entry\"",
        "kind = \"sparsify\", share = 0.4",
        "kind = \"sparsify\", share = 0.4, choice = \"random\"",
        "kind = \"drop-layers\", layers = \"t2\"",
    ] {
        let step = step(written, &SIZES);
        let sent = applied(&step, parameters(&SIZES, &g), &mut generator());
        for alone in [None, Some(&sent)] {
            let transform = step.transform(&Received { alone, ..of_sum(&net()) }).unwrap();
            let inner = |g: &[f64]| transform.forward(&parameters(&SIZES, g)).dot(&parameters(&SIZES, &w));
            let pulled = flat(&transform.pull(&parameters(&SIZES, &g), parameters(&SIZES, &w)));
            for i in 0..g.len() {
                let shifted = |h: f64| {
                    let mut g = g.clone();
                    g[i] += h;
                    inner(&g)
                };
                let numeric = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
                let what = format!("{written}, {alone:?}, entry {i}: {numeric} {}", pulled[i]);
                assert!((numeric - pulled[i]).abs() < 1e-8, "{what}");
            }
        }
    }
}

#[test]
fn rounding_is_simulated_and_pulled_straight_through() {
    let (g, w) = (parameters(&SIZES, &drawn("g")), parameters(&SIZES, &drawn("w")));
    for written in [
        "kind = \"quantise\", levels = 4",
        "kind = \"quantise\", levels = 3, scale = \"l2\"",
        "kind = \"cast\", format = \"fp16\"",
        "kind = \"cast\", format = \"bf16\"",
        "kind = \"cast\", format = \"int8\"",
        "kind = \"sign\"",
        "kind = \"sign\", scaled = false",
    ] {
        let step = step(written, &SIZES);
        let sent = applied(&step, g.clone(), &mut generator());
        for alone in [None, Some(&sent)] {
            let transform = step.transform(&Received { alone, ..of_sum(&net()) }).unwrap();
            assert_eq!(flat(&transform.forward(&g)), flat(&sent), "{written}");
            assert_eq!(flat(&transform.pull(&g, w.clone())), flat(&w), "{written}");
        }
    }
}

#[test]
fn zeros_that_a_later_step_filled_are_not_taken_for_a_mask() {
    let g = parameters(&SIZES, &drawn("g"));
    let sent = parameters(&SIZES, &drawn("noise"));
    let cut = |choice: &str| {
        let step = step(&format!("kind = \"sparsify\", share = 0.4, choice = \"{choice}\""), &SIZES);
        flat(&step.transform(&Received { alone: Some(&sent), ..of_sum(&net()) }).unwrap().forward(&g))
    };
    let largest = applied(&step("kind = \"sparsify\", share = 0.4", &SIZES), g.clone(), &mut generator());
    assert_eq!(cut("largest"), flat(&largest));
    let kept = [(5, 3.0 / 5.0), (1, 1.0), (7, 5.0 / 7.0)];
    let factors = kept.iter().flat_map(|&(size, kept)| std::iter::repeat_n(kept, size));
    let mean: Vec<f64> = flat(&g).iter().zip(factors).map(|(value, kept)| kept * value).collect();
    assert!(cut("random").iter().zip(mean).all(|(found, mean)| (found - mean).abs() < 1e-15));
}
