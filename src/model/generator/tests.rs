#![allow(clippy::unwrap_used)]

use super::*;
use crate::backend::Precision;
use crate::seed::normal;

fn compute() -> Compute {
    Compute::select("flex", Precision::F64).unwrap()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Ours with a label, and a DCGAN of 16x16.
fn generators() -> Vec<Generator> {
    let shapes: [(&str, &[usize]); 3] = [
        ("main.0.weight", &[5, 4, 4, 4]),
        ("main.3.weight", &[4, 3, 4, 4]),
        ("main.6.weight", &[3, 2, 4, 4]),
    ];
    let nets = [upsampling(3, 2, [1, 8, 8], 4).unwrap(), dcgan(&shapes).unwrap()];
    nets.into_iter().map(|net| net.untrained(&compute(), Seed(1))).collect()
}

#[test]
fn pictures_are_in_range_and_what_is_pulled_is_the_slope() {
    for generator in generators() {
        let (net, compute) = (&generator.net, compute());
        let mut draw = Seed(2).stream("codes", &[]);
        for at in [0].into_iter().chain(net.cuts()) {
            let stretch = at..net.whole().end;
            let values = normal(&mut draw, 2 * net.count_at(at));
            let pictures = generator.through(&compute, stretch.clone(), 2, &values);
            assert!(pictures.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
            let w = normal(&mut draw, pictures.len());
            let pulled = generator.pull(&compute, stretch.clone(), &values, &w, true);
            let along = normal(&mut draw, values.len());
            let value = |step: f64| {
                let moved: Vec<f64> = values.iter().zip(&along).map(|(v, a)| v + step * a).collect();
                dot(&generator.through(&compute, stretch.clone(), 2, &moved), &w)
            };
            let slope = (value(1e-8) - value(-1e-8)) / 2e-8;
            assert!((dot(&pulled.to_values, &along) - slope).abs() < 1e-5 * (1.0 + slope.abs()), "{at}");

            // Fresh biases are 0: where all that a ReLU sees is 0, moving them has no slope.
            if net.classes() == 0 {
                continue;
            }
            let (weights, along) = (generator.weights(), normal(&mut draw, net.parameter_count()));
            let value = |step: f64| {
                let moved: Vec<f64> = weights.iter().zip(&along).map(|(v, a)| v + step * a).collect();
                let moved = generator.with_weights(&compute, &moved);
                dot(&moved.through(&compute, stretch.clone(), 2, &values), &w)
            };
            let slope = (value(1e-8) - value(-1e-8)) / 2e-8;
            assert!((dot(&pulled.to_weights, &along) - slope).abs() < 1e-5 * (1.0 + slope.abs()), "{at}");
        }
    }
}

#[test]
fn features_between_two_layers_give_the_same_picture() {
    for generator in generators() {
        let compute = compute();
        let code = normal(&mut Seed(3).stream("code", &[]), generator.net.count_at(0));
        let whole = generator.through(&compute, generator.net.whole(), 1, &code);
        for cut in generator.net.cuts() {
            let features = generator.through(&compute, 0..cut, 1, &code);
            assert_eq!(generator.through(&compute, cut..generator.net.whole().end, 1, &features), whole);
        }
    }
}

#[test]
fn an_architecture_is_told_from_its_shapes() {
    let net = upsampling(3, 2, [1, 8, 8], 4).unwrap();
    let of = |name: &str| net.parameter_specs().iter().find(|spec| spec.name == name).unwrap().shape.clone();
    let again = upsampling_of(&of("code.weight"), &of("up1.weight"), &of("picture.weight"), 2).unwrap();
    assert_eq!((again.latent(), again.shape()), (3, [1, 8, 8]));
    assert_eq!(again.parameter_specs(), net.parameter_specs());
    assert!(upsampling(3, 0, [1, 10, 10], 4).unwrap_err().contains("multiple of 4"));
    assert!(dcgan(&[("main.0.weight", &[5, 4, 3, 3])]).is_err());
}

/// Two kinds of picture with labels: what is made of each label is of its kind.
#[test]
fn a_trained_generator_makes_pictures_of_the_kind_asked_for() {
    let (compute, net) = (compute(), upsampling(2, 2, [1, 8, 8], 8).unwrap());
    let half =
        |left: bool| -> Vec<f64> { (0..64).map(|i| f64::from(u8::from((i % 8 < 4) == left))).collect() };
    let mut pictures = |chosen: &[usize]| {
        let labels: Vec<usize> = chosen.iter().map(|i| i % 2).collect();
        Ok::<_, ()>((labels.iter().flat_map(|label| half(*label == 0)).collect(), labels))
    };
    let training = VaeTraining { epochs: 40, batch: 8, learning_rate: 0.01, hidden: 16 };
    let mut losses = Vec::new();
    let mut report = |_, standing: Standing| losses.push(standing.pixels);
    let made = train(net, 32, &mut pictures, training, &compute, Seed(1), &mut report).unwrap();
    assert!(losses.last().unwrap() < &(0.1 * losses[0]), "{losses:?}");
    for label in [0, 1] {
        let code = made.labelled(&[0.3, -0.4], &[label]);
        let picture = made.through(&compute, made.net.whole(), 1, &code);
        let wrong = picture.iter().zip(half(label == 0)).filter(|(a, b)| (*a - b).abs() > 0.5).count();
        assert!(wrong == 0, "{label}: {wrong}");
    }
}
