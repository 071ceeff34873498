//! Every architecture: the gradient through the gradient against finite differences, published parameter
//! counts, and options.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::backend::{self, Compute, Precision};
use crate::config::{ActivationKind, BatchNormMode, InitialisationKind, NormKind};
use crate::seed::{Seed, normal};

/// A small input and width at which an architecture is quick.
pub(crate) fn small_input(name: &str) -> ([usize; 3], f64) {
    match name {
        "mlp" => ([1, 4, 4], 0.01),
        "lenet" => ([3, 8, 8], 0.5),
        "lenet5" => ([1, 28, 28], 0.5),
        "digit-cnn" => ([1, 8, 8], 0.1),
        "convnet64" => ([3, 9, 9], 0.05),
        "wrn28-10" => ([3, 8, 8], 0.02),
        "densenet-small" => ([3, 8, 8], 0.25),
        "mobilenet-v2" => ([3, 16, 16], 0.1),
        "efficientnet-lite0" => ([3, 17, 17], 0.1),
        "mini-xception" => ([1, 18, 18], 0.5),
        "vit" | "vit-april" => ([3, 8, 8], 0.05),
        name if name.starts_with("resnet") && !name.ends_with("imagenet") => ([3, 8, 8], 0.0625),
        name if name.starts_with("wrn") => ([3, 8, 8], 0.125),
        _ => ([3, 32, 32], 0.0625),
    }
}

/// A small input and options under which an architecture is quick.
fn small(name: &str) -> ([usize; 3], ModelOptions) {
    let (input, width) = small_input(name);
    let depth = name.starts_with("vit").then_some(2);
    // Drawn so that signals neither fade nor grow; smooth, so that differences cross no kink.
    let initialisation = Some(InitialisationKind::He);
    let activation = Some(ActivationKind::Gelu);
    (input, ModelOptions { activation, width: Some(width), depth, initialisation, ..ModelOptions::default() })
}

/// The derivative of `<g(x), v>` along a direction of inputs, by the pass and by differences.
fn agrees(what: &str, net: Net, mode: BatchNormMode) {
    const STEP: f64 = 1e-5;
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let [channels, height, width] = net.input();
    let shape = [3, channels, height, width];
    let draw = |stream: &str, count| normal(&mut Seed(11).stream(stream, &[]), count);
    let (pixels, along) = (draw("x", shape.iter().product()), draw("p", shape.iter().product()));
    let mut generator = Seed(11).stream("v", &[]);
    let v = Parameters::from_values(&compute, net.parameter_specs().clone(), |spec| {
        normal(&mut generator, spec.count())
    });
    let targets = Targets::hard(&compute, &[0, 1, 2], net.classes());
    let (parameters, buffers) = (net.initial_parameters(&compute, Seed(1)), net.initial_buffers(&compute));
    let model = Model { net, parameters, buffers };
    let through = model.directional(mode, &compute.tensor(&pixels, shape), &targets, &v, false);
    let slope: f64 = backend::values(&through.to_input).iter().zip(&along).map(|(g, p)| g * p).sum();
    let product = |step: f64| -> f64 {
        let moved: Vec<f64> = pixels.iter().zip(&along).map(|(x, p)| x + step * p).collect();
        model.gradient(mode, &compute.tensor(&moved, shape), &targets).1.dot(&v)
    };
    let expected = (product(STEP) - product(-STEP)) / (2.0 * STEP);
    // Differences carry the rounding of the product itself.
    let noise = 3e-11 * product(0.0).abs();
    let error = (slope - expected).abs();
    assert!(error <= 1e-5 * expected.abs() + noise, "{what} {mode:?}: {slope:e} against {expected:e}");
    assert!(slope.abs() > 10.0 * noise, "{what} {mode:?}: {slope:e} tells nothing beside {noise:e}");
}

#[test]
fn the_gradient_through_the_gradient_agrees_with_finite_differences() {
    for architecture in ARCHITECTURES {
        let (input, options) = small(architecture.name);
        let net = architecture.net(&options, input, 4).unwrap();
        agrees(architecture.name, net, BatchNormMode::Eval);
    }
}

#[test]
fn in_train_mode_too() {
    for name in ["convnet64", "vgg11-bn", "resnet20-a", "wrn16-4", "densenet-small", "mini-xception"] {
        let (input, options) = small(name);
        let net = architecture(name).unwrap().net(&options, input, 4).unwrap();
        agrees(name, net, BatchNormMode::Train);
    }
}

#[test]
fn with_every_option_too() {
    let (input, small) = small("resnet20");
    let turned = [
        ModelOptions { activation: Some(ActivationKind::Tanh), ..small },
        ModelOptions { norm: Some(NormKind::Group), ..small },
        ModelOptions { norm: Some(NormKind::Layer), ..small },
        ModelOptions { norm: Some(NormKind::None), bias: Some(true), ..small },
        ModelOptions { depth: Some(1), skip: Some(false), ..small },
        ModelOptions {
            initialisation: Some(InitialisationKind::Uniform),
            norm: Some(NormKind::Layer),
            ..small
        },
    ];
    for options in turned {
        for name in ["resnet20", "resnet20-a", "resnet50", "wrn16-4"] {
            let net = architecture(name).unwrap().net(&options, input, 4).unwrap();
            agrees(&format!("{name} {options:?}"), net, BatchNormMode::Eval);
        }
    }
}

#[test]
fn published_networks_have_their_published_size() {
    for (name, input, classes, count) in [
        ("lenet", [3, 32, 32], 10, 15_826),
        ("lenet5", [1, 32, 32], 10, 61_706),
        ("digit-cnn", [1, 28, 28], 10, 390_410),
        ("alexnet", [3, 32, 32], 10, 2_472_266),
        ("vgg11", [3, 32, 32], 10, 9_225_610),
        ("vgg11-bn", [3, 32, 32], 10, 9_231_114),
        ("vgg16", [3, 32, 32], 10, 14_719_818),
        ("vgg16-bn", [3, 32, 32], 10, 14_728_266),
        ("resnet20-a", [3, 32, 32], 10, 269_722),
        ("resnet32-a", [3, 32, 32], 10, 464_154),
        ("resnet44-a", [3, 32, 32], 10, 658_586),
        ("resnet56-a", [3, 32, 32], 10, 853_018),
        ("resnet18", [3, 32, 32], 10, 11_173_962),
        ("resnet18-imagenet", [3, 224, 224], 1000, 11_689_512),
        ("resnet34-imagenet", [3, 224, 224], 1000, 21_797_672),
        ("resnet50-imagenet", [3, 224, 224], 1000, 25_557_032),
        ("wrn16-4", [3, 32, 32], 10, 2_748_890),
        ("wrn28-10", [3, 32, 32], 10, 36_479_194),
        ("densenet121", [3, 224, 224], 1000, 7_978_856),
        ("mobilenet-v2", [3, 224, 224], 1000, 3_504_872),
        ("efficientnet-lite0", [3, 224, 224], 1000, 4_652_008),
        ("mini-xception", [1, 64, 64], 7, 56_951),
        ("vit", [3, 224, 224], 1000, 5_717_416),
    ] {
        let net = architecture(name).unwrap().net(&ModelOptions::default(), input, classes).unwrap();
        assert_eq!(net.parameter_count(), count, "{name}");
    }
}

#[test]
fn options_that_do_not_fit_are_refused_by_name() {
    let options = ModelOptions { skip: Some(true), ..ModelOptions::default() };
    let error = architecture("lenet").unwrap().net(&options, [3, 32, 32], 10).unwrap_err();
    assert!(error.contains("skip"), "{error}");
}

#[test]
fn without_skips_the_projections_are_gone() {
    let net = |skip| {
        let options = ModelOptions { skip: Some(skip), ..ModelOptions::default() };
        architecture("resnet20").unwrap().net(&options, [3, 32, 32], 10).unwrap()
    };
    let projections =
        |net: &Net| net.parameter_specs().iter().filter(|s| s.name.contains("downsample")).count();
    assert_eq!((projections(&net(true)), projections(&net(false))), (6, 0));
}

#[test]
fn fresh_weights_are_drawn_as_the_option_says() {
    use InitialisationKind::{He, Pytorch, Uniform};
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let spread = |kind, name: &str| {
        let options = ModelOptions { initialisation: Some(kind), ..ModelOptions::default() };
        let net = architecture("resnet20").unwrap().net(&options, [3, 32, 32], 10).unwrap();
        let values = net.initial_parameters(&compute, Seed(2)).values(name).unwrap();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let square = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
        (mean, square - mean * mean)
    };
    let close = |(_, variance): (f64, f64), expected: f64| (variance / expected - 1.0).abs() < 0.05;
    let conv = "layer3.1.conv1.weight";
    assert!(close(spread(Pytorch, conv), 1.0 / (3.0 * 576.0)));
    assert!(close(spread(He, conv), 2.0 / 576.0));
    assert!(close(spread(Uniform, conv), 0.25 / 3.0));
    assert_eq!(spread(Pytorch, "bn1.weight"), (1.0, 0.0));
    assert_eq!(spread(He, "fc.bias"), (0.0, 0.0));
}
