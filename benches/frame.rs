//! Time of one frame: 10,000 points a curve with four pictures, thousands of runs listed, eight runs compared.

use criterion::{Criterion, criterion_group, criterion_main};
use gialab::tui::fixture::Drawing;

fn frames(criterion: &mut Criterion) {
    let mut run = Drawing::of_run(10_000, 120, 40);
    criterion.bench_function("frame of a run, 10,000 points, four pictures, 120x40", |bench| {
        bench.iter(|| run.frame());
    });
    let mut runs = Drawing::of_runs(1_000, 120, 40);
    criterion.bench_function("frame of 1,000 runs, 120x40", |bench| bench.iter(|| runs.frame()));
    let mut many = Drawing::of_runs(5_000, 120, 40);
    criterion.bench_function("frame of 5,000 runs, 120x40", |bench| bench.iter(|| many.frame()));
    let mut compared = Drawing::of_comparison(8, 10_000, 160, 50);
    criterion.bench_function("frame of eight runs compared, 10,000 points each, 160x50", |bench| {
        bench.iter(|| compared.frame());
    });
}

criterion_group!(benches, frames);
criterion_main!(benches);
