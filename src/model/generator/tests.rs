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

/// Two kinds of picture through a small network's own front and back: what is made of them is what they were.
#[test]
fn a_trained_autoencoder_makes_pictures_of_its_features() {
    let compute = compute();
    let layers = vec![
        Layer::conv("conv", 1, 2, 3, 2, 1),
        Layer::Activation(crate::dual::Activation::Relu),
        Layer::Flatten,
        Layer::linear("fc", 32, 4),
    ];
    let net = crate::model::Net::new(layers, [1, 8, 8], Initialisation::PyTorch).unwrap();
    let (front, features) = front(&net).unwrap();
    assert_eq!((front.len(), features), (3, 32));
    let picture =
        |left: bool| -> Vec<f64> { (0..64).map(|i| f64::from(u8::from((i % 8 < 4) == left))).collect() };
    let mut pictures = |chosen: &[usize]| {
        let pixels: Vec<f64> = chosen.iter().flat_map(|at| picture(at % 2 == 0)).collect();
        Ok::<_, ()>((pixels.iter().map(|pixel| 2.0 * pixel - 1.0).collect(), pixels))
    };
    let (mut errors, schedule) = (Vec::new(), Schedule { epochs: 40, batch: 8, learning_rate: 0.01 });
    let mut report = |_, error| errors.push(error);
    let decoder = upsampling(features, 0, net.input(), 8).unwrap();
    let seed = Seed(1);
    let made = train_autoencoder(
        (net.input(), front),
        decoder,
        32,
        &mut pictures,
        schedule,
        &compute,
        seed,
        &mut report,
    );
    let made = made.unwrap();
    assert!(errors.last().unwrap() < &(0.1 * errors[0]), "{errors:?}");
    // Its weights are the network's own, by name; what was measured is of features that a ReLU leaves.
    assert_eq!(made.encoder.specs()[..], net.parameter_specs()[..2]);
    let [mean, deviation] = [0, 1].map(|at| backend::values(&made.measured.tensors()[at])[0]);
    assert!(mean > 0.0 && (0.0..mean).contains(&deviation), "{mean} {deviation}");
    let fresh = net.initial_parameters(&compute, seed);
    let values = made.encoder.tensors().iter().chain(&fresh.tensors()[2..]).cloned().collect();
    let parameters = Parameters::new(net.parameter_specs().clone(), values);
    let buffers = net.initial_buffers(&compute);
    let model = crate::model::Model { net, parameters, buffers };
    let x = compute.tensor(&picture(true).iter().map(|p| 2.0 * p - 1.0).collect::<Vec<_>>(), [1, 1, 8, 8]);
    let seen = backend::values(&model.last_features(BatchNormMode::Eval, &x).unwrap());
    assert!((seen.iter().sum::<f64>() / 32.0 - mean).abs() < 3.0 * deviation);
    let again = made.decoder.through(&compute, made.decoder.net.whole(), 1, &seen);
    let wrong = again.iter().zip(picture(true)).filter(|(a, b)| (*a - b).abs() > 0.5).count();
    assert_eq!(wrong, 0);
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
    let training = Schedule { epochs: 80, batch: 8, learning_rate: 0.01 };
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
