//! What each loop over the pixels of a small picture takes: `cargo bench -p video_analysis --features kernels`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use video_analysis::kernels::{ALL, Pictures, whole};

/// Pictures of which all is computed in a row: what one extractor costs to make is not theirs.
const IN_A_ROW: u32 = 100;

fn kernels(criterion: &mut Criterion) {
    let pictures = Pictures::new();
    let mut group = criterion.benchmark_group("kernels");
    for (name, kernel) in ALL {
        group.bench_function(name, |bencher| bencher.iter(|| kernel(black_box(&pictures))));
    }
    group.throughput(Throughput::Elements(IN_A_ROW.into()));
    group.bench_function("whole_x100", |bencher| bencher.iter(|| whole(black_box(&pictures), IN_A_ROW)));
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
