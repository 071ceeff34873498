//! What is drawn: its moments, and that it is drawn anew.

use super::*;
use crate::golden::tensors;

const NOISES: [(&str, f64); 2] =
    [("kind = \"gaussian-noise\", sigma = 0.1", 0.1), ("kind = \"laplace-noise\", scale = 0.1", 0.141_421)];

#[test]
fn noise_has_its_deviation_and_is_drawn_anew_by_client_and_round() {
    let zeros = parameters(&[20_000], &vec![0.0; 20_000]);
    for (written, expected) in NOISES {
        let noise = |client, round| {
            let mut generator = crate::fl::victim::post_stream(Seed(1), round, client);
            flat(&applied(&step(written, &[20_000]), zeros.clone(), &mut generator))
        };
        let values = noise(0, 0);
        let mean = values.iter().sum::<f64>() / 20_000.0;
        let deviation = (values.iter().map(|value| value * value).sum::<f64>() / 20_000.0).sqrt();
        assert!(mean.abs() < 5.0 * expected / 20_000_f64.sqrt(), "{written}: {mean}");
        assert!((deviation / expected - 1.0).abs() < 0.03, "{written}: {deviation}");
        assert!(values != noise(1, 0) && values != noise(0, 1) && values == noise(0, 0));
        assert!(step(written, &[20_000]).transform(&of_sum(&net())).is_none());
    }
}

/// The mean magnitude of Laplace noise is b, and that of its square 2 b^2; the share beyond 3 b is exp(-3).
#[test]
fn laplace_noise_has_its_tails() {
    let drawn = crate::seed::laplace(&mut generator(), 100_000);
    let share = |beyond: f64| drawn.iter().filter(|value| value.abs() > beyond).count() as f64 / 100_000.0;
    for beyond in [0.5_f64, 1.0, 3.0] {
        let expected = (-beyond).exp();
        let deviation = (expected * (1.0 - expected) / 100_000.0).sqrt();
        assert!((share(beyond) - expected).abs() < 5.0 * deviation, "{beyond}: {}", share(beyond));
    }
}

#[test]
fn stochastic_rounding_is_unbiased_and_has_its_variance() {
    const DRAWS: usize = 3000;
    let tensors = tensors("defences.f64");
    let g = &tensors["tiny.b1.g"].1;
    let sizes = [27, 3, 108, 4, 768, 12, 48, 4];
    for (name, written) in [
        ("squant4", "kind = \"quantise\", levels = 4, rounding = \"stochastic\""),
        ("qsgd4", "kind = \"quantise\", levels = 4, scale = \"l2\", rounding = \"stochastic\""),
    ] {
        let (step, clean) = (step(written, &sizes), parameters(&sizes, g));
        assert!(step.transform(&of_sum(&net())).is_none());
        let variance = &tensors[&format!("tiny.b1.{name}.var")].1;
        let (mut sum, mut squares) = (vec![0.0; g.len()], 0.0);
        let mut generator = generator();
        for _ in 0..DRAWS {
            let sent = flat(&applied(&step, clean.clone(), &mut generator));
            for ((sum, sent), g) in sum.iter_mut().zip(&sent).zip(g) {
                *sum += sent;
                squares += (sent - g) * (sent - g);
            }
        }
        for ((sum, g), variance) in sum.iter().zip(g).zip(variance) {
            let (mean, error) = (sum / DRAWS as f64, (variance / DRAWS as f64).sqrt());
            assert!((mean - g).abs() <= 5.0 * error + 1e-12, "{name}: {mean} {g} {error}");
        }
        let (found, expected) = (squares / DRAWS as f64, variance.iter().sum::<f64>());
        assert!((found / expected - 1.0).abs() < 0.02, "{name}: {found} {expected}");
    }
}

#[test]
fn random_choice_keeps_as_many_and_others_each_time() {
    let step = step("kind = \"sparsify\", share = 0.7, choice = \"random\"", &[10, 1]);
    let mut generator = generator();
    let mut kept = [0; 11];
    for _ in 0..2000 {
        let sent = flat(&applied(&step, parameters(&[10, 1], &[1.0; 11]), &mut generator));
        assert_eq!(sent.iter().filter(|value| **value != 0.0).count(), 4);
        kept.iter_mut().zip(sent).for_each(|(kept, sent)| *kept += i32::from(sent != 0.0));
    }
    assert_eq!(kept[10], 2000);
    assert!(kept[..10].iter().all(|kept| (kept - 600).abs() < 110), "{kept:?}");
}

#[test]
fn error_feedback_loses_nothing_over_rounds() {
    for choice in ["largest", "random"] {
        let written = |feedback: bool| {
            format!("kind = \"sparsify\", share = 0.75, choice = \"{choice}\", feedback = {feedback}")
        };
        let (sizes, mut generator) = ([40, 3], generator());
        let step = step(&written(true), &sizes);
        let mut residue = Residue::default();
        let (mut clean, mut sent) = (vec![0.0; 43], vec![0.0; 43]);
        for round in 0..30 {
            let g = seed_normal(&format!("round {round}"), 43);
            let what =
                residue.through(0, &*step, parameters(&sizes, &g), |g| applied(&step, g, &mut generator));
            let what = flat(&what);
            assert!(what.iter().filter(|value| **value == 0.0).count() >= 32, "{what:?}");
            clean.iter_mut().zip(&g).for_each(|(sum, value)| *sum += value);
            sent.iter_mut().zip(&what).for_each(|(sum, value)| *sum += value);
        }
        // What is missing in the sum is what is kept back still: one more update of zeros, sent whole, brings it.
        let whole = self::step("kind = \"sparsify\", share = 0.001, feedback = true", &sizes);
        let rest = residue.through(0, &*whole, parameters(&sizes, &[0.0; 43]), |g| g);
        for ((clean, sent), rest) in clean.iter().zip(&sent).zip(flat(&rest)) {
            assert!((clean - sent - rest).abs() < 1e-12, "{clean} {sent} {rest}");
        }
        // A step without feedback keeps nothing.
        let without = self::step(&written(false), &sizes);
        let mut residue = Residue::default();
        let g = parameters(&sizes, &seed_normal("g", 43));
        residue.through(0, &*without, g.clone(), |g| applied(&without, g, &mut generator));
        let again = residue.through(0, &*without, g.clone(), |g| g);
        assert_eq!(flat(&again), flat(&g));
    }
}
