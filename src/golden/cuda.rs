//! CUDA against the CPU.

use crate::attack::one_hot;
use crate::backend::{self, Compute, Precision};
use crate::config::{BatchNormMode, ModelOptions};
use crate::model::{self, Model, Targets};
use crate::seed::{Seed, normal};

/// In 32 bit, a device sums in another order and may round factors to TF32: agreement to a few parts in a thousand of
/// the largest entry. In 64 bit it has no such excuse.
#[test]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn cuda_agrees_with_the_cpu() {
    if let Err(reason) = Compute::select("cuda", Precision::F32) {
        println!("skipped: {reason}");
        return;
    }
    let precisions = [(Precision::F32, 3e-3), (Precision::F64, 1e-9)];
    let models = ["lenet", "resnet20", "convnet64"];
    for (name, (precision, tolerance)) in models.iter().flat_map(|name| precisions.map(|p| (name, p))) {
        let net = model::architecture(name).unwrap().net(&ModelOptions::default(), [3, 32, 32], 10).unwrap();
        let both = |compute: &Compute| {
            let draw = |stream: &str, count| normal(&mut Seed(2).stream(stream, &[]), count);
            let model = Model {
                parameters: net.initial_parameters(compute, Seed(1)),
                buffers: net.initial_buffers(compute),
                net: net.clone(),
            };
            let x = compute.tensor(&draw("x", 4 * 3 * 32 * 32), [4, 3, 32, 32]);
            let targets = Targets::Hard(one_hot(compute, &[0, 1, 2, 3], 10));
            let first = model.first_pass(BatchNormMode::Eval, &x, &targets);
            let g: Vec<f64> = first.gradient.tensors().iter().flat_map(backend::values).collect();
            let v = first.gradient.clone();
            let through = model.second_pass(&first.kept, BatchNormMode::Eval, &x, &targets, &v, |_| None);
            (g, backend::values(&through.to_input))
        };
        let (device, cpu) = {
            let on = |backend| both(&Compute::select(backend, precision).unwrap());
            (on("cuda"), on("flex"))
        };
        for (what, a, b) in [("g", &device.0, &cpu.0), ("gradient to x", &device.1, &cpu.1)] {
            let scale = b.iter().fold(0.0, |max: f64, value| max.max(value.abs()));
            let worst = a.iter().zip(b).fold(0.0, |max: f64, (a, b)| max.max((a - b).abs()));
            assert!(worst <= tolerance * scale, "{name}: {what} differs by {worst:e} of {scale:e}");
        }
    }
}
