//! Load, lint, diff and codegen of one contract.
#![expect(clippy::unwrap_used, reason = "a benchmark that can't run stops")]

use std::collections::BTreeSet;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tollgate_benches::{CONTRACT, contract, text_or};
use tollgate_codegen::{Emit, Language, Request, generate};
use tollgate_contracts_diff::diff;
use tollgate_contracts_lint::{LintSettings, lint};
use tollgate_contracts_model::parse_contract;

fn contracts(criterion: &mut Criterion) {
    let text = text_or(CONTRACT, || contract(200));
    // Each limit that is doubled is a change.
    let changed = text.replace("maximum: 1", "maximum: 2");
    let old = parse_contract("old.yaml", &text).unwrap();
    let new = parse_contract("new.yaml", &changed).unwrap();
    let settings = LintSettings::default();

    let mut group = criterion.benchmark_group("contract");
    group.sample_size(20);
    group.bench_function("load", |bencher| {
        bencher.iter(|| parse_contract("old.yaml", black_box(&text)).unwrap());
    });
    group.bench_function("lint", |bencher| {
        bencher.iter(|| lint(black_box(&old), &settings));
    });
    group.bench_function("diff", |bencher| {
        bencher.iter(|| diff(black_box(&old), black_box(&new)));
    });
    for (name, language) in [
        ("codegen-rust", Language::RUST),
        ("codegen-swift", Language::SWIFT),
        ("codegen-typescript", Language::TYPESCRIPT),
    ] {
        let request = Request {
            language,
            emit: BTreeSet::from([Emit::Models]),
            package: "models".to_owned(),
            has_manifest: true,
        };
        group.bench_function(name, |bencher| {
            bencher.iter(|| generate(std::slice::from_ref(black_box(&old)), &request).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, contracts);
criterion_main!(benches);
