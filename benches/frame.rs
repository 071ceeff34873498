//! Time of one frame: 10,000 points a curve with four pictures, and a thousand runs listed.

use criterion::{Criterion, criterion_group, criterion_main};
use gialab::tui::fixture::Drawing;

fn frames(criterion: &mut Criterion) {
    let mut run = Drawing::of_run(10_000, 120, 40);
    criterion.bench_function("frame of a run, 10,000 points, four pictures, 120x40", |bench| {
        bench.iter(|| run.frame());
    });
    let mut runs = Drawing::of_runs(1_000, 120, 40);
    criterion.bench_function("frame of 1,000 runs, 120x40", |bench| bench.iter(|| runs.frame()));
}

criterion_group!(benches, frames);
criterion_main!(benches);
