//! Results as text, seen whole.

use super::*;
use crate::result::{Attempt, Cause, RESULT_VERSION};
use crate::settings::Kind;
use tollgate_report::Timestamp;

fn result(name: &str, state: State, failure: Option<Cause>) -> ProbeResult {
    let attempt = Attempt {
        state,
        duration_us: 1_500,
        failure: failure.clone(),
    };
    ProbeResult {
        version: RESULT_VERSION,
        name: name.to_owned(),
        kind: Kind::Http,
        state,
        at: Timestamp::EPOCH,
        duration_us: 1_500,
        phases_us: BTreeMap::from([("connect".to_owned(), 250)]),
        measurements: BTreeMap::from([("status".to_owned(), 200.0)]),
        steps: Vec::new(),
        load: None,
        failure,
        attempts: vec![attempt],
    }
}

fn results() -> Vec<ProbeResult> {
    vec![
        result("health", State::Pass, None),
        result(
            "list <all>",
            State::Fail,
            Some(Cause::target(
                "status",
                "status of `GET /`",
                "200",
                "500\u{1b}[2J",
            )),
        ),
        result(
            "away",
            State::Error,
            Some(Cause::prober("dns", "address", "one", "none")),
        ),
    ]
}

#[track_caller]
fn check(render: impl Fn(&mut dyn Write, &[ProbeResult]) -> io::Result<()>, want: &str) {
    let mut out = Vec::new();
    render(&mut out, &results()).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), want);
}

#[test]
fn a_table_has_a_line_for_each_probe_and_cannot_move_the_cursor() {
    check(
        |out, results| table(out, results, Paint::Plain),
        "probe       kind  state  time   phases         cause\n\
         health      http  pass   1.5ms  connect 0.2ms\n\
         list <all>  http  fail   1.5ms  connect 0.2ms  status of `GET /`: expected 200, got 500\\u{1b}[2J\n\
         away        http  error  1.5ms  connect 0.2ms  address: expected one, got none\n",
    );
}

#[test]
fn junit_tells_a_fail_from_an_error() {
    check(
        junit,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuite name=\"probes\" tests=\"3\" failures=\"1\" errors=\"1\" time=\"0.004500\">\n  \
         <testcase classname=\"probes.http\" name=\"health\" time=\"0.001500\"/>\n  \
         <testcase classname=\"probes.http\" name=\"list &lt;all&gt;\" time=\"0.001500\">\n    \
         <failure type=\"status\" message=\"status of `GET /`: expected 200, got 500?[2J\"/>\n  \
         </testcase>\n  \
         <testcase classname=\"probes.http\" name=\"away\" time=\"0.001500\">\n    \
         <error type=\"dns\" message=\"address: expected one, got none\"/>\n  \
         </testcase>\n\
         </testsuite>\n",
    );
}

#[test]
fn prometheus_says_nothing_about_the_success_of_a_probe_that_could_not_look() {
    let mut out = Vec::new();
    prometheus(&mut out, &results()).unwrap();
    let text = String::from_utf8(out).unwrap();
    let parsed = crate::metrics::text::parse(&text).unwrap();
    let successes: Vec<(&str, f64)> = parsed
        .samples
        .iter()
        .filter(|sample| sample.name == "tollgate_probe_success")
        .map(|sample| (sample.labels["probe"].as_str(), sample.value))
        .collect();
    assert_eq!(successes, [("health", 1.0), ("list <all>", 0.0)]);
    assert!(text.starts_with("# HELP tollgate_probe_success"));
}

#[test]
fn json_reads_back_as_the_same_results() {
    let mut out = Vec::new();
    json(&mut out, &results()).unwrap();
    assert_eq!(
        serde_json::from_slice::<Vec<ProbeResult>>(&out).unwrap(),
        results()
    );
}

#[test]
fn a_verdict_fails_on_a_fail_and_does_not_pass_on_nothing() {
    let failed = verdict(&results());
    assert_eq!(failed.outcome, Outcome::Fail);
    assert_eq!(
        failed.reason,
        "1 of 3 probes pass, 1 failed, 1 could not measure"
    );
    assert_eq!(verdict(&results()[2..]).outcome, Outcome::NotChecked);
    assert_eq!(verdict(&[]).outcome, Outcome::NotChecked);
}
