//! Operations on duals, with and without tangents, and both passes of gradient matching.

use std::hint::black_box;

use burn::tensor::Tensor;
use criterion::{Criterion, criterion_group, criterion_main};
use gialab::backend::{Compute, Precision, Tape};
use gialab::bench::workloads;
use gialab::dual::{Activation, ConvShape, Dual, Statistics, batch_norm, conv2d};
use gialab::seed::{Seed, normal};

fn constant<const D: usize>(compute: &Compute, name: &str, shape: [usize; D]) -> Tensor<Tape, D> {
    let count = shape.iter().product();
    Tensor::from_inner(compute.tensor(&normal(&mut Seed(0).stream(name, &[]), count), shape))
}

fn operations(criterion: &mut Criterion) {
    let Ok(compute) = Compute::select("flex", Precision::F32) else { return };
    let maps = [1, 64, 32, 32];
    let x = constant(&compute, "x", maps);
    let dx = constant(&compute, "dx", maps);
    let w = constant(&compute, "w", [64, 64, 3, 3]);
    let dw = constant(&compute, "dw", [64, 64, 3, 3]);
    let vector = |name| constant(&compute, name, [64]);
    let (gamma, beta) = (vector("gamma"), vector("beta"));
    let shape = ConvShape::new(1, 1);
    let mut group = criterion.benchmark_group("64 maps of 32x32");
    group.sample_size(20);
    group.bench_function("convolution, value", |b| {
        b.iter(|| black_box(conv2d(Dual::constant(x.clone()), Dual::constant(w.clone()), None, shape)));
    });
    group.bench_function("convolution, value and tangent", |b| {
        b.iter(|| {
            let (x, w) = (Dual::new(x.clone(), dx.clone()), Dual::new(w.clone(), dw.clone()));
            black_box(conv2d(x, w, None, shape))
        });
    });
    group.bench_function("batch norm, value and tangent", |b| {
        b.iter(|| {
            let (gamma, beta) = (Dual::constant(gamma.clone()), Dual::constant(beta.clone()));
            black_box(batch_norm(Dual::new(x.clone(), dx.clone()), gamma, beta, Statistics::Batch, 1e-5))
        });
    });
    group.bench_function("relu, value and tangent", |b| {
        b.iter(|| black_box(Activation::Relu.apply(Dual::new(x.clone(), dx.clone()))));
    });
    group.finish();

    let mut group = criterion.benchmark_group("ten evaluations");
    group.sample_size(10);
    for workload in &workloads()[..4] {
        group.bench_function(&workload.name, |b| b.iter(|| black_box(workload.measure(&compute, 10))));
    }
    group.finish();
}

criterion_group!(benches, operations);
criterion_main!(benches);
