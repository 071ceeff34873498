//! A device against the CPU: every architecture of the golden list in both passes and both widths, local steps, sums of
//! clients. On CUDA where there is one. On ndarray, which goes through the same tape, everywhere: that holds the comparison.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::architectures::{Case, INPUT, cases, filled, scatter};
use crate::backend::{self, Compute, Precision};
use crate::config::{BatchNormMode, ModelOptions};
use crate::fl::{At, Client, Protocol};
use crate::model::{Descent, Model, Parameters, Step, Targets, architecture};

/// How far a device may be from the CPU, in the gradient and in the gradient through it: the l2 norm of the difference next
/// to that of the CPU's.
#[derive(Clone, Copy)]
struct Tolerance {
    precision: Precision,
    gradient: f64,
    through: f64,
}

/// A device may round factors to TF32, 10 bits, which also turns some ReLUs: a wrong kernel is off by about all of it.
const NARROW: Tolerance = Tolerance { precision: Precision::F32, gradient: 5e-2, through: 2e-1 };

/// There it has no such excuse. What PyTorch's vectors allow.
const WIDE: Tolerance = Tolerance { precision: Precision::F64, gradient: 5e-9, through: 5e-8 };

/// Cases that also make local steps and are summed: no norm, group and layer norm, batch statistics, depthwise convolutions,
/// attention.
const STEPPED: [&str; 6] =
    ["lenet", "resnet20_group", "resnet20_layer", "resnet20-a_train", "mobilenet-v2", "vit"];

/// A network and its batch.
struct Subject {
    name: String,
    model: String,
    options: ModelOptions,
    input: [usize; 3],
    classes: usize,
    batch: usize,
    mode: BatchNormMode,
}

/// The cases of the golden list: every architecture, narrow, on few pixels.
fn golden() -> Vec<Subject> {
    let subject = |(name, case): (String, Case)| Subject {
        name,
        mode: if case.train { BatchNormMode::Train } else { BatchNormMode::Eval },
        model: case.model,
        options: case.options,
        input: case.input,
        classes: case.classes,
        batch: case.batch,
    };
    cases().into_iter().map(subject).collect()
}

/// Networks as presets have them: what is tuned chooses other kernels for wide layers than for narrow ones. One sample makes
/// products of a vector and a matrix, which have kernels of their own.
fn full_width() -> Vec<Subject> {
    let networks = [
        ("mlp", 100, 1),
        ("lenet", 100, 1),
        ("lenet", 64, 8),
        ("resnet20", 10, 4),
        ("convnet64", 10, 1),
        ("resnet18", 10, 1),
        ("mobilenet-v2", 10, 1),
        ("vit", 10, 2),
    ];
    let subject = |(model, classes, batch): (&str, usize, usize)| Subject {
        name: format!("{model} of full width, {classes} classes, B={batch}"),
        model: model.to_owned(),
        options: ModelOptions::default(),
        input: [3, 32, 32],
        classes,
        batch,
        mode: BatchNormMode::Eval,
    };
    networks.map(subject).into()
}

fn stepped() -> Vec<Subject> {
    golden().into_iter().filter(|subject| STEPPED.contains(&subject.name.as_str())).collect()
}

/// What clients do with a batch: one gradient; two local steps (FedAvg); the same of two clients under secure aggregation.
#[derive(Clone, Copy, Debug)]
enum Work {
    Gradient,
    Steps,
    Sum,
}

impl Work {
    fn protocol(self, batch: usize) -> Protocol {
        let client = |samples: Vec<usize>| {
            let steps = vec![Step::of(samples.clone()); 2];
            Client::new(samples, Some(Descent::sgd(1e-2, steps)))
        };
        match self {
            Work::Gradient => Protocol::fed_sgd(batch),
            Work::Steps => Protocol::of(vec![client((0..batch).collect())]),
            // Of three samples both have the one in the middle: batch statistics of a single one make much of rounding.
            Work::Sum => {
                let halves = [0..batch.div_ceil(2), batch / 2..batch];
                Protocol::of(halves.map(|half| client(half.collect())).into())
            }
        }
    }
}

/// The update of a case, and the gradient of its product with a fixed direction to the input.
fn passes(of: &Subject, work: Work, compute: &Compute) -> [Vec<f64>; 2] {
    let net = architecture(&of.model).unwrap().net(&of.options, of.input, of.classes).unwrap();
    let v = Parameters::from_values(compute, net.parameter_specs().clone(), {
        let mut tensor = 0;
        move |spec| {
            tensor += 1;
            scatter(tensor, 4, spec.count())
        }
    });
    let model = Model {
        parameters: filled(compute, net.parameter_specs(), 0),
        buffers: filled(compute, net.buffer_specs(), 1000),
        net,
    };
    let [channels, height, width] = of.input;
    let shape = [of.batch, channels, height, width];
    let x = compute.tensor(&scatter(5000, INPUT, shape.iter().product()), shape);
    let labels: Vec<usize> = (0..of.batch).map(|i| i % of.classes).collect();
    let targets = Targets::hard(compute, &labels, of.classes);
    let at = At { model: &model, mode: of.mode, x: &x, targets: &targets };
    let protocol = work.protocol(of.batch);
    let simulated = protocol.simulate(at);
    let update = simulated.gradient.tensors().iter().flat_map(backend::values).collect();
    [update, protocol.back(at, &simulated.trail, &v).to_input]
}

/// The l2 norm of the difference next to that of `b`.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied()).max(1e-30)
}

/// What is wrong with these distances of the update and of the gradient through it.
fn objection([gradient, through]: [f64; 2], tolerance: Tolerance) -> Option<String> {
    // Neither holds of what is no number.
    let holds = gradient <= tolerance.gradient && through <= tolerance.through;
    (!holds).then(|| format!("gradient off by {gradient:.1e}, the one through it by {through:.1e}"))
}

/// Holds a device against flex, case by case, and says of each how far it is off. One that panics is one that differs.
#[expect(clippy::print_stdout, reason = "whoever has a device wants to see how far it is off")]
fn check(device: &str, tolerance: Tolerance, works: &[Work], subjects: &[Subject]) {
    let on = |name: &str| Compute::select(name, tolerance.precision);
    let (device, cpu) = match (on(device), on("flex")) {
        (Ok(device), Ok(cpu)) => (device, cpu),
        (Err(reason), _) | (_, Err(reason)) => return println!("skipped: {reason}"),
    };
    let mut objections = Vec::new();
    for of in subjects {
        for &work in works {
            let what = format!("{}, {work:?}, {:?} on {}", of.name, tolerance.precision, device.name());
            let expected = passes(of, work, &cpu);
            let found = catch_unwind(AssertUnwindSafe(|| passes(of, work, &device)));
            let Ok(found) = found else {
                objections.push(format!("{what}: panicked"));
                continue;
            };
            let distances = [0, 1].map(|pass| distance(&found[pass], &expected[pass]));
            println!("{what}: {:.1e}, {:.1e}", distances[0], distances[1]);
            objections
                .extend(objection(distances, tolerance).map(|objection| format!("{what}: {objection}")));
        }
    }
    assert!(objections.is_empty(), "{} differ:\n{}", objections.len(), objections.join("\n"));
}

#[test]
fn cuda_agrees_with_the_cpu_in_64_bit() {
    check("cuda", WIDE, &[Work::Gradient], &golden());
}

#[test]
fn cuda_agrees_with_the_cpu_in_32_bit() {
    check("cuda", NARROW, &[Work::Gradient], &golden());
}

#[test]
fn cuda_agrees_with_the_cpu_at_full_width() {
    for tolerance in [NARROW, WIDE] {
        check("cuda", tolerance, &[Work::Gradient], &full_width());
    }
}

#[test]
fn cuda_agrees_with_the_cpu_over_local_steps_and_sums() {
    for tolerance in [WIDE, NARROW] {
        check("cuda", tolerance, &[Work::Steps, Work::Sum], &stepped());
    }
}

#[test]
fn the_tape_on_ndarray_agrees_with_the_cpu() {
    assert_eq!(stepped().len(), STEPPED.len());
    for tolerance in [WIDE, NARROW] {
        check("ndarray", tolerance, &[Work::Gradient, Work::Steps, Work::Sum], &stepped());
    }
}

#[test]
fn what_is_off_is_seen() {
    let subjects = stepped();
    let of = subjects.first().unwrap();
    let cpu = Compute::select("flex", Precision::F64).unwrap();
    let [update, to_input] = passes(of, Work::Gradient, &cpu);
    let against = |wrong: &[f64]| distance(wrong, &update);
    let scaled: Vec<f64> = update.iter().map(|value| 1.1 * value).collect();
    let mut broken = update.clone();
    broken[0] = f64::NAN;
    for wrong in [&scaled, &broken, &vec![0.0; update.len()]] {
        assert!(objection([against(wrong), 0.0], NARROW).is_some());
        assert!(objection([0.0, against(wrong)], WIDE).is_some());
    }
    assert!(objection([against(&update), distance(&to_input, &to_input)], WIDE).is_none());
    // Another protocol is another update.
    let [stepped, _] = passes(of, Work::Steps, &cpu);
    assert!(objection([against(&stepped), 0.0], WIDE).is_some());
}
