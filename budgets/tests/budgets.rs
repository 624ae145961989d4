//! Budgets: the file, the verdicts and the enough-data rule, by data and by law.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use tollgate_budgets::measurement::Data;
use tollgate_budgets::{
    Bound, BudgetFile, BudgetSettings, CheckInput, LatencyHistogram, Limit, Measurement, SloError,
    SloSettings, Standing, Statistic, Unit, WindowCount, burn_rate, check, check_operations,
    evaluate, parse_measurements, show,
};
use tollgate_report::quantity::{Percent, Span};
use tollgate_report::render::Paint;
use tollgate_report::{Outcome, Timestamp};

fn reference() -> (String, BudgetFile) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("performance_sla.json");
    let text = fs::read_to_string(&path).expect("the file is committed");
    let budgets = BudgetFile::load(&path).expect("the file is valid");
    (text, budgets)
}

fn limit(id: &str) -> Limit {
    reference().1.limits[id].clone()
}

fn latencies(ms: impl IntoIterator<Item = u64>) -> Measurement {
    let mut histogram = LatencyHistogram::new();
    for ms in ms {
        histogram.record(Duration::from_millis(ms));
    }
    Measurement {
        id: "api.latency".to_owned(),
        unit: Unit::Micros,
        data: Data::Histogram(histogram),
    }
}

fn samples(values: &[f64]) -> Measurement {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    Measurement {
        id: "api.latency".to_owned(),
        unit: Unit::Millis,
        data: Data::Samples(values),
    }
}

fn events(events: u64, total: u64) -> Measurement {
    Measurement {
        id: "x".to_owned(),
        unit: Unit::Percent,
        data: Data::Events { events, total },
    }
}

#[track_caller]
fn judged(limit: &Limit, measurement: &Measurement, want: Standing) -> String {
    let got = evaluate(limit, measurement, 0.95);
    assert_eq!(got.standing, want, "{}", got.reason);
    got.reason
}

#[test]
fn the_reference_numbers_are_there_with_target_and_critical() {
    let (_, budgets) = reference();
    let mut text = String::new();
    for (id, limit) in &budgets.limits {
        let sign = limit.bound.sign();
        text.push_str(&format!(
            "{id}: {} {sign} {} / {} {}\n",
            limit.statistic, limit.target, limit.critical, limit.unit
        ));
    }
    for (class, limit) in &budgets.classes {
        text.push_str(&format!(
            "class {class}: {} ≤ {} / {} {}\n",
            limit.statistic, limit.target, limit.critical, limit.unit
        ));
    }
    insta::assert_snapshot!("reference", text);
}

#[test]
fn a_bad_file_names_the_line_the_column_and_what_to_do() {
    let (good, _) = reference();
    let mut text = String::new();
    for (from, to) in [
        ("\"version\": 1", "\"version\": 9"),
        ("\"p50\"", "\"p500\""),
        ("\"tokens/s\"", "\"parsecs\""),
        (
            "\"target\": 400, \"critical\": 800",
            "\"target\": 400, \"critical\": 300",
        ),
        ("\"api.latency.p95\":", "\"api.latency.p50\":"),
        ("\"target\": 0.1", "\"target\": 0"),
        ("\"measurement\": \"api.errors\",", ""),
        ("\"class", "\"clas"),
        (
            "\"health\": { \"statistic\": \"p95\"",
            "\"health\": { \"statistic\": \"value\"",
        ),
        (
            "\"api.errors\", \"statistic\": \"rate\"",
            "\"api.errors\", \"statistic\": \"p95\"",
        ),
        ("}\n}\n", ""),
    ] {
        let broken = good.replacen(from, to, 1);
        assert_ne!(broken, good, "{from}");
        text.push_str(&format!(
            "{}\n\n",
            BudgetFile::parse(&broken, "sla.json").unwrap_err()
        ));
    }
    insta::assert_snapshot!("broken_budgets", text);
}

#[test]
fn a_p99_from_thirty_samples_is_never_a_pass() {
    let p99 = limit("api.latency.p99");
    let reason = judged(
        &p99,
        &latencies((0..30).map(|_| 10)),
        Standing::NotEnoughData,
    );
    assert_eq!(
        reason,
        "p99 10.007 ms [10.007 … ?] of 30 samples; 30 of 299 samples that p99 requires"
    );
    judged(
        &p99,
        &latencies((0..298).map(|_| 10)),
        Standing::NotEnoughData,
    );
    judged(&p99, &latencies((0..299).map(|_| 10)), Standing::Within);
    // Even thirty samples can prove that a promise is broken.
    judged(
        &p99,
        &latencies((0..30).map(|_| 10_000)),
        Standing::OverCritical,
    );
    judged(
        &p99,
        &latencies((0..30).map(|_| 1_000)),
        Standing::OverTarget,
    );
    judged(&p99, &latencies([]), Standing::NotEnoughData);
}

#[test]
fn chance_alone_does_not_fail_a_gate() {
    let p95 = limit("api.latency.p95");
    let mostly =
        |n_slow: u64| latencies((0..100).map(move |idx| if idx < n_slow { 900 } else { 100 }));
    judged(&p95, &mostly(3), Standing::Within);
    // Six of a hundred are slow: p95 is beyond critical, but five would be allowed.
    let reason = judged(&p95, &mostly(6), Standing::OverTarget);
    assert!(reason.ends_with("chance is not ruled out"), "{reason}");
    judged(&p95, &mostly(12), Standing::OverCritical);
}

#[test]
fn rates_and_plain_numbers_are_judged_on_their_good_side() {
    let errors = limit("api.error_rate");
    judged(&errors, &events(0, 100), Standing::NotEnoughData);
    judged(&errors, &events(0, 3000), Standing::Within);
    judged(&errors, &events(30, 3000), Standing::OverTarget);
    judged(&errors, &events(300, 3000), Standing::OverCritical);
    judged(&errors, &events(20, 30), Standing::OverCritical);
    judged(&errors, &events(0, 0), Standing::NotEnoughData);
    let connections = limit("websocket.connection_success");
    judged(&connections, &events(600, 600), Standing::Within);
    judged(&connections, &events(100, 100), Standing::NotEnoughData);
    judged(&connections, &events(500, 600), Standing::OverCritical);
    let throughput = limit("api.throughput");
    let value = |value| Measurement {
        id: "api.throughput".to_owned(),
        unit: Unit::RequestsPerSecond,
        data: Data::Value(value),
    };
    judged(&throughput, &value(120.0), Standing::Within);
    judged(&throughput, &value(80.0), Standing::OverTarget);
    judged(&throughput, &value(20.0), Standing::OverCritical);
    judged(&throughput, &value(f64::NAN), Standing::NotEnoughData);
    judged(
        &limit("api.latency.p95"),
        &value(1.0),
        Standing::NotEnoughData,
    );
}

#[test]
fn units_of_one_dimension_convert() {
    let tier1 = limit("tests.tier1");
    let seconds = Measurement {
        id: "tests.tier1".to_owned(),
        unit: Unit::Seconds,
        data: Data::Value(240.0),
    };
    let reason = judged(&tier1, &seconds, Standing::OverTarget);
    assert_eq!(reason, "value 4 min; target ≤ 3 min");
}

const MEASURED: &str = r#"{"version": 1, "measurements": [
  {"id": "api.latency", "unit": "ms", "percentiles": {"p50": 120, "p95": 380, "p99": 900}, "count": 12000},
  {"id": "api.errors", "events": 3, "total": 12000},
  {"id": "api.throughput", "unit": "req/s", "value": 85},
  {"id": "websocket.handshake", "unit": "ms", "samples": [12, 15, 11]},
  {"id": "resources.heap", "unit": "MB", "value": 620},
  {"id": "operation.listRuns", "unit": "ms", "percentiles": {"p95": 60}, "count": 500}
]}"#;

#[test]
fn a_check_shows_every_limit_and_fails_for_the_broken_ones() {
    let (_, budgets) = reference();
    let measurements = parse_measurements(MEASURED, "m.json").unwrap();
    let settings = BudgetSettings::default();
    let classes = BTreeMap::from([
        ("listRuns".to_owned(), "core".to_owned()),
        ("getHealth".to_owned(), "health".to_owned()),
    ]);
    let operations = check_operations(&budgets, &classes, "budgets/performance_sla.json");
    assert_eq!(operations.findings, []);
    let checked = check(&CheckInput {
        budgets: &budgets,
        operations: Some(&operations),
        measurements: &measurements,
        settings: &settings,
        is_strict: false,
        now: Timestamp::EPOCH,
    });
    assert_eq!(checked.verdict.outcome, Outcome::Fail);
    let mut out = Vec::new();
    show(&mut out, &checked, Paint::Plain).unwrap();
    let text = format!(
        "{}\n{}",
        String::from_utf8(out).unwrap(),
        checked.verdict.reason
    );
    insta::assert_snapshot!("check", text);
}

#[test]
fn a_measurement_without_a_limit_is_named() {
    let (_, budgets) = reference();
    let text = r#"{"version":1,"measurements":[{"id":"api.latencyy","unit":"ms","value":1}]}"#;
    let measurements = parse_measurements(text, "m").unwrap();
    let checked = check(&CheckInput {
        budgets: &budgets,
        operations: None,
        measurements: &measurements,
        settings: &BudgetSettings::default(),
        is_strict: false,
        now: Timestamp::EPOCH,
    });
    let finding = &checked.verdict.findings[0];
    assert_eq!(finding.code, "measurement-without-limit");
    assert_eq!(
        finding.fix.as_ref().unwrap().description,
        "did you mean `api.latency`?"
    );
}

#[test]
fn an_operation_has_its_own_budget_or_that_of_its_class() {
    let (text, _) = reference();
    let own = r#""operations": {"listRuns": {"statistic": "p99", "unit": "ms", "target": 10, "critical": 20}}"#;
    let budgets = BudgetFile::parse(&text.replace("\"operations\": {}", own), "f").unwrap();
    let contract = |ids: &[(&str, &str)]| -> BTreeMap<String, String> {
        ids.iter()
            .map(|(id, class)| ((*id).to_owned(), (*class).to_owned()))
            .collect()
    };
    let got = check_operations(
        &budgets,
        &contract(&[("listRuns", "core"), ("getRun", "core")]),
        "f",
    );
    assert_eq!(
        (got.limits["listRuns"].target, got.limits["getRun"].target),
        (10.0, 100.0)
    );
    assert_eq!(got.findings, []);
    let bad = check_operations(&budgets, &contract(&[("listRun", "cores")]), "f");
    let texts: Vec<String> = bad
        .findings
        .iter()
        .map(|finding| {
            format!(
                "{}: {}; {}",
                finding.code,
                finding.message,
                finding.fix.as_ref().unwrap().description
            )
        })
        .collect();
    assert_eq!(
        texts,
        [
            "budget-class-unknown: the operation `listRun` has the class `cores`, which has no budget; did you mean `core`?",
            "budget-operation-unknown: there is a budget for `listRuns`, but the contract has no such operation; did you mean `listRun`?",
        ]
    );
}

#[test]
fn a_bad_measurement_names_its_line() {
    let mut text = String::new();
    for broken in [
        r#"{"version": 2, "measurements": []}"#,
        r#"{"version": 1, "measurements": [{"id": "a", "unit": "ms"}]}"#,
        r#"{"version": 1, "measurements": [{"id": "a", "value": 1}]}"#,
        "{\"version\": 1, \"measurements\": [\n{\"id\": \"a\", \"unit\": \"ms\", \"value\": 1, \"samples\": [1]}]}",
        r#"{"version": 1, "measurements": [{"id": "a", "unit": "ms", "percentiles": {"p95": 1}}]}"#,
        r#"{"version": 1, "measurements": [{"id": "a", "unit": "ms", "percentiles": {"max": 1}, "count": 1}]}"#,
        r#"{"version": 1, "measurements": [{"id": "a", "events": 2, "total": 1}]}"#,
        r#"{"version": 1, "measurements": [{"id": "a", "unit": "ms", "histogram": "!"}]}"#,
        r#"{"version": 1, "measurements": [{"id": "a", "unit": "ms", "histogram": "AAAA"}]}"#,
        r#"{"version": 1, "measurements": [{"id": "a", "unit": "ms", "value": 1}, {"id": "a", "unit": "ms", "value": 1}]}"#,
        r#"{"version": 1, "measurements": [{"id": "a", "unit": "ms", "valu": 1}]}"#,
        r#"{"version": 1, "measurements": ["#,
    ] {
        text.push_str(&format!(
            "{}\n",
            parse_measurements(broken, "m.json").unwrap_err()
        ));
    }
    insta::assert_snapshot!("broken_measurements", text);
}

#[test]
fn histograms_of_workers_add_up_also_through_base64() {
    let Data::Histogram(one) = latencies(0..200).data else {
        panic!()
    };
    let Data::Histogram(other) = latencies(200..400).data else {
        panic!()
    };
    let entry = |histogram: &LatencyHistogram| {
        format!(
            r#"{{"id": "api.latency", "histogram": "{}"}}"#,
            histogram.to_base64().unwrap()
        )
    };
    let text = format!(
        r#"{{"version": 1, "measurements": [{}, {}]}}"#,
        entry(&one),
        entry(&other)
    );
    let measurements = parse_measurements(&text, "m").unwrap();
    let Data::Histogram(both) = &measurements[0].data else {
        panic!()
    };
    assert_eq!(both.n(), 400);
    assert!((398_000..=400_000).contains(&both.at_rank(400).unwrap()));
    judged(
        &limit("api.latency.p95"),
        &measurements[0],
        Standing::Within,
    );
}

#[test]
fn a_histogram_is_in_the_unit_that_is_written() {
    let Data::Histogram(histogram) = latencies(0..400).data else {
        panic!()
    };
    let encoded = histogram.to_base64().unwrap();
    let text = format!(
        r#"{{"version": 1, "measurements": [{{"id": "api.latency", "unit": "ms", "histogram": "{encoded}"}}]}}"#
    );
    let measurements = parse_measurements(&text, "m").unwrap();
    judged(
        &limit("api.latency.p95"),
        &measurements[0],
        Standing::OverCritical,
    );
}

#[test]
fn a_histogram_of_another_implementation_is_read() {
    use base64::Engine;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/hdr");
    if !folder.exists() {
        tollgate_report::not_checked("../shared", "histogram files", "../shared was not found");
        return;
    }
    for name in ["seq-nums.hist", "seq-nums.histz"] {
        let bytes = fs::read(folder.join(name)).unwrap();
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        assert!(
            LatencyHistogram::from_base64(&text).unwrap().n() > 0,
            "{name}"
        );
    }
}

#[test]
fn the_schema_describes_the_committed_file() {
    let schema = serde_json::to_value(BudgetFile::schema()).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    for key in ["version", "limits", "classes", "operations"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
}

#[test]
fn burn_rules_fire_on_both_windows_only() {
    let slo = SloSettings::default();
    let span = |text: &str| text.parse::<Span>().unwrap();
    let count = |bad| WindowCount { bad, total: 10_000 };
    let mut windows = BTreeMap::from([(span("1h"), count(200)), (span("5m"), count(50))]);
    assert!(!slo.evaluate(&windows).unwrap()[0].is_firing, "it is over");
    windows.insert(span("5m"), count(300));
    let verdicts = slo.evaluate(&windows).unwrap();
    assert!(
        verdicts[0].is_firing && !verdicts[1].is_firing,
        "a missing window never fires"
    );
    assert_eq!(verdicts[0].exhausted_in.unwrap().to_string(), "1d12h");
    assert!((slo.budget_left(count(5)).unwrap() - 0.5).abs() < 1e-9);
    assert_eq!(
        burn_rate(WindowCount { bad: 0, total: 0 }, slo.objective),
        None
    );
}

#[test]
fn a_rule_that_can_never_fire_is_rejected() {
    let mut slo = SloSettings {
        objective: Percent(0.9),
        ..SloSettings::default()
    };
    let error = slo.validate().unwrap_err();
    assert!(matches!(error, SloError::NeverFires { .. }));
    insta::assert_snapshot!(error, @"
    the burn rule with `factor = 14.4` can never fire with the objective `90%`, because 14.4 · (1 − objective) ≥ 1

    hint: use a factor below 10.0, or a higher objective
    ");
    slo.objective = Percent(0.999);
    assert_eq!(slo.validate(), Ok(()));
    slo.objective = Percent(1.0);
    assert!(matches!(slo.validate(), Err(SloError::Objective { .. })));
    slo = SloSettings::default();
    slo.rules[0].short = slo.rules[0].long;
    assert!(matches!(slo.validate(), Err(SloError::Rule { .. })));
}

proptest! {
    #[test]
    fn no_text_makes_the_loaders_panic(text in ".{0,200}") {
        let _ = BudgetFile::parse(&text, "f");
        let _ = parse_measurements(&text, "m");
        let _ = LatencyHistogram::from_base64(&text);
    }

    #[test]
    fn no_bytes_make_the_histogram_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..400) {
        use base64::Engine;
        let engine = base64::engine::general_purpose::STANDARD;
        let _ = LatencyHistogram::from_base64(&engine.encode(&bytes));
        let Data::Histogram(good) = latencies(1..50).data else { unreachable!() };
        let mut torn = engine.decode(good.to_base64().unwrap()).unwrap();
        torn.truncate(cut);
        for (at, byte) in bytes.iter().enumerate().take(3) {
            let place = (*byte as usize + at) % torn.len().max(1);
            if let Some(found) = torn.get_mut(place) { *found ^= byte; }
        }
        let _ = LatencyHistogram::from_base64(&engine.encode(&torn));
    }

    #[test]
    fn merging_histograms_is_recording_into_one(left in prop::collection::vec(1u64..100_000, 0..50), right in prop::collection::vec(1u64..100_000, 0..50)) {
        let Data::Histogram(mut one) = latencies(left.iter().copied()).data else { unreachable!() };
        let Data::Histogram(other) = latencies(right.iter().copied()).data else { unreachable!() };
        let Data::Histogram(whole) = latencies(left.into_iter().chain(right)).data else { unreachable!() };
        one.merge(&other).unwrap();
        for rank in [1, whole.n() / 2, whole.n()] {
            prop_assert_eq!(one.at_rank(rank), whole.at_rank(rank));
        }
    }

    #[test]
    fn too_few_samples_are_never_within(n in 0usize..299, value in 0.0f64..10_000.0) {
        let got = evaluate(&limit("api.latency.p99"), &samples(&vec![value; n]), 0.95);
        prop_assert_ne!(got.standing, Standing::Within);
    }

    #[test]
    fn a_worse_measurement_never_stands_better(values in prop::collection::vec(0.0f64..2000.0, 59..200), more in 0.0f64..1000.0) {
        let p95 = limit("api.latency.p95");
        let worse: Vec<f64> = values.iter().map(|value| value + more).collect();
        let (before, after) = (evaluate(&p95, &samples(&values), 0.95), evaluate(&p95, &samples(&worse), 0.95));
        prop_assert!(before.standing <= after.standing);
    }

    #[test]
    fn a_statistic_reads_back(percentile in 0.001f64..99.999) {
        let statistic = Statistic::Percentile(percentile);
        prop_assert_eq!(Statistic::try_from(statistic.to_string()).unwrap(), statistic);
        prop_assert_eq!(Bound::default(), Bound::Max);
    }
}

/// The findings of a check of the reference limits with these measurements and settings.
fn strict(measured: &str, settings: &str, now: &str) -> (Outcome, Vec<String>) {
    let (_, budgets) = reference();
    let text = format!("{{\"version\": 1, \"measurements\": [{measured}]}}");
    let measurements = parse_measurements(&text, "m.json").expect("the text is well formed");
    let checked = check(&CheckInput {
        budgets: &budgets,
        operations: None,
        measurements: &measurements,
        settings: &serde_json::from_str(settings).expect("the settings are well formed"),
        is_strict: true,
        now: now.parse().expect("the time is well formed"),
    });
    let findings = checked.verdict.findings.iter();
    let errors = findings.filter(|it| it.severity == tollgate_report::Severity::Error);
    let messages = errors.map(|it| it.message.clone()).collect();
    (checked.verdict.outcome, messages)
}

#[test]
fn a_limit_that_nothing_measured_fails_a_strict_check() {
    let one = r#"{"id": "resources.cpu", "unit": "%", "value": 10}"#;
    let (outcome, errors) = strict(one, "{}", "2026-01-01T00:00:00Z");
    assert_eq!(outcome, Outcome::Fail);
    assert_eq!(errors.len(), reference().1.limits.len() - 1);
    assert!(errors[0].ends_with("was not measured"), "{}", errors[0]);
}

#[test]
fn the_settings_name_what_may_be_unmeasured_until_a_day() {
    let all: Vec<String> = reference()
        .1
        .limits
        .keys()
        .map(|id| format!("\"{id}\": \"2026-12-31\""))
        .collect();
    let settings = format!("{{\"unmeasured\": {{{}}}}}", all.join(", "));
    assert_eq!(
        strict("", &settings, "2026-12-31T23:00:00Z"),
        (Outcome::NotChecked, Vec::new())
    );
    let (outcome, errors) = strict("", &settings, "2027-01-01T00:00:00Z");
    assert_eq!(outcome, Outcome::Fail);
    assert!(
        errors[0].ends_with("the settings allowed that until 2026-12-31"),
        "{}",
        errors[0]
    );
}

#[test]
fn an_objective_is_a_row_of_the_check_like_a_limit() {
    let spent = r#"{"id": "shop.errors", "events": 900, "total": 1000}"#;
    let settings = r#"{"slo": {"shop": {}}}"#;
    let (_, errors) = strict(spent, settings, "2026-01-01T00:00:00Z");
    assert!(
        errors.contains(&"`slo.shop` is over its critical limit".to_owned()),
        "{errors:?}"
    );
    let (_, errors) = strict("", settings, "2026-01-01T00:00:00Z");
    assert!(
        errors.contains(&"`slo.shop` was not measured".to_owned()),
        "{errors:?}"
    );
}
