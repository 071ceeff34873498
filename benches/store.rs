//! Time to list and to search a directory of 5,000 runs.

use criterion::{Criterion, criterion_group, criterion_main};
use gialab::run::{Listing, Store};
use gialab::tui::fixture;

fn lists(criterion: &mut Criterion) {
    let data = tempfile::tempdir().expect("no temporary directory");
    let store = Store::in_data_dir(data.path());
    fixture::write_many(&store, 5_000);
    let mut group = criterion.benchmark_group("5,000 runs");
    group.sample_size(10);
    group.bench_function("first listing, files in the system's cache", |bench| bench.iter(|| store.list()));
    let mut listing = Listing::default();
    let _ = listing.scan(&store);
    group.bench_function("listing at rest", |bench| bench.iter(|| listing.scan(&store)));
    group.bench_function("rows", |bench| bench.iter(|| listing.rows()));
    group.bench_function("find last", |bench| bench.iter(|| store.find("last")));
    group.bench_function("find a part of a name", |bench| bench.iter(|| store.find("04711")));
    group.finish();
}

criterion_group!(benches, lists);
criterion_main!(benches);
