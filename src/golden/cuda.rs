//! CUDA against the CPU.

use crate::backend::{self, Compute, Precision};
use crate::config::{BatchNormMode, ModelOptions};
use crate::model::{self, Model, Targets};
use crate::seed::{Seed, normal};

/// In 32 bit a device may round factors to TF32, 10 bits, which also turns some ReLUs: agreement to a few percent of the
/// largest entry, where a wrong kernel is off by all of it. In 64 bit it has no such excuse.
#[test]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn cuda_agrees_with_the_cpu() {
    if let Err(reason) = Compute::select("cuda", Precision::F32) {
        println!("skipped: {reason}");
        return;
    }
    let precisions = [(Precision::F32, 3e-2), (Precision::F64, 1e-9)];
    // One sample makes products of a vector and a matrix, which have kernels of their own.
    let cases =
        [("mlp", 100, 1), ("lenet", 100, 1), ("resnet20", 10, 4), ("convnet64", 10, 1), ("vit", 10, 2)];
    for (case, (precision, tolerance)) in cases.iter().flat_map(|case| precisions.map(|p| (case, p))) {
        let &(name, classes, batch) = case;
        let options = ModelOptions::default();
        let net = model::architecture(name).unwrap().net(&options, [3, 32, 32], classes).unwrap();
        let both = |compute: &Compute| {
            let draw = |stream: &str, count| normal(&mut Seed(2).stream(stream, &[]), count);
            let model = Model {
                parameters: net.initial_parameters(compute, Seed(1)),
                buffers: net.initial_buffers(compute),
                net: net.clone(),
            };
            let x = compute.tensor(&draw("x", batch * 3 * 32 * 32), [batch, 3, 32, 32]);
            let labels: Vec<usize> = (0..batch).collect();
            let targets = Targets::hard(compute, &labels, classes);
            let first = model.first_pass(BatchNormMode::Eval, &x, &targets);
            let g: Vec<f64> = first.gradient.tensors().iter().flat_map(backend::values).collect();
            let v = first.gradient.clone();
            let through = model.second_pass(&first.kept, BatchNormMode::Eval, &x, &targets, &v);
            let norm = first.gradient.norm();
            [("g", g), ("its norm", vec![norm]), ("gradient to x", backend::values(&through.to_input))]
        };
        let (device, cpu) = {
            let on = |backend| both(&Compute::select(backend, precision).unwrap());
            (on("cuda"), on("flex"))
        };
        for ((what, a), (_, b)) in device.iter().zip(&cpu) {
            let scale = b.iter().fold(0.0, |max: f64, value| max.max(value.abs()));
            let worst = a.iter().zip(b).fold(0.0, |max: f64, (a, b)| max.max((a - b).abs()));
            assert!(worst <= tolerance * scale, "{name}: {what} differs by {worst:e} of {scale:e}");
        }
    }
}
