//! Reading reports.
#![expect(clippy::unwrap_used, reason = "a benchmark that can't run stops")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tollgate_benches::{LCOV, cobertura, junit, lcov, text_or};
use tollgate_ratchet::{ReportKind, read};

fn reports(criterion: &mut Criterion) {
    let texts = [
        ("lcov", ReportKind::Lcov, text_or(LCOV, || lcov(250))),
        ("cobertura", ReportKind::Cobertura, cobertura(250)),
        ("junit", ReportKind::Junit, junit(250)),
    ];
    for (name, kind, text) in texts {
        let mut group = criterion.benchmark_group("report");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| read(kind, black_box(text.as_bytes()), name).unwrap());
        });
        group.finish();
    }
}

criterion_group!(benches, reports);
criterion_main!(benches);
