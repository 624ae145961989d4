//! Reading a coverage report.
#![expect(clippy::unwrap_used, reason = "a benchmark that can't run stops")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tollgate_benches::{LCOV, lcov, text_or};
use tollgate_ratchet::{ReportKind, read};

fn reports(criterion: &mut Criterion) {
    let text = text_or(LCOV, || lcov(250));
    let mut group = criterion.benchmark_group("report");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("lcov", |bencher| {
        bencher.iter(|| read(ReportKind::Lcov, black_box(text.as_bytes()), "lcov.info").unwrap());
    });
    group.finish();
}

criterion_group!(benches, reports);
criterion_main!(benches);
