//! The whole story: a change is shipped, and a candidate that misbehaves is caught, taken back and
//! reported. Real processes, real requests, real receivers.

use std::process::Command;

use serde_json::Value;
use tollgate_tests::process::expect_gone;
use tollgate_tests::ship::Shipyard;
use tollgate_tests::tool::{Run, built};

fn ship(yard: &Shipyard, more: &[&str]) -> Run {
    let args = [&["ship", "--format", "json"], more].concat();
    let run = yard.repository.run(&args);
    expect_gone(&yard.processes());
    run
}

fn gate<'a>(summary: &'a Value, name: &str) -> &'a Value {
    let gates = summary["gates"].as_array().expect("gates");
    gates
        .iter()
        .find(|gate| gate["gate"] == name)
        .unwrap_or_else(|| panic!("no gate `{name}` in {summary:#}"))
}

/// Each receiver and how many messages it got.
fn received(summary: &Value) -> Vec<(&str, u64)> {
    let rows = summary["received"].as_array().expect("receivers");
    rows.iter()
        .map(|row| {
            let name = row["receiver"].as_str().expect("a name");
            (name, row["count"].as_u64().expect("a count"))
        })
        .collect()
}

/// Ships with a fault and checks all that holds for each: code, weight, cause, receivers.
#[track_caller]
fn is_caught(yard: &Shipyard, fault: &str, cause: &str) -> Value {
    let run = ship(yard, &["--fault", fault]);
    let summary = run.expect_code(3).json();
    let canary = &summary["canary"];
    assert_eq!(canary["phase"], "RolledBack", "{canary:#}");
    assert_eq!(canary["weight_observed"], 0.0, "{canary:#}");
    let reason = canary["reason"].as_str().expect("a reason");
    assert!(reason.contains(cause), "`{cause}` is not in `{reason}`");
    let once = ["console", "webhook", "slack", "email"].map(|name| (name, 1));
    assert_eq!(received(&summary), once);
    // Standard output is data, so the console's alert is on standard error.
    for part in [
        "CRITICAL",
        cause,
        "how badly:",
        "since:",
        "done automatically",
        "what to do",
    ] {
        assert!(
            run.stderr.contains(part),
            "`{part}` is not in:\n{}",
            run.stderr
        );
    }
    assert_eq!(summary["traffic"]["lost"], 0, "{:#}", summary["traffic"]);
    for name in ["canary", "traffic", "alert"] {
        let id = gate(&summary, name)["evidence"].as_str().expect("an id");
        yard.repository
            .run(&["replay", id])
            .expect_code(0)
            .expect_says(&["byte for byte"]);
    }
    summary
}

#[test]
fn a_change_is_promoted_without_a_lost_request_and_the_next_one_that_crashes_is_taken_back() {
    let yard = Shipyard::with_drill();
    let run = ship(&yard, &[]);
    let summary = run.expect_code(0).json();
    assert_eq!(summary["canary"]["phase"], "Succeeded", "{summary:#}");
    let traffic = &summary["traffic"];
    assert_eq!(
        (&traffic["lost"], &traffic["errors"]),
        (&0.into(), &0.into())
    );
    assert!(traffic["sent"].as_u64() > Some(300), "{traffic:#}");
    assert_eq!(traffic["sent"], traffic["ok"]);
    assert!(received(&summary).iter().all(|(_, count)| *count == 0));
    assert_eq!(summary["steps"][0]["how"], "ran");
    let report = std::fs::read_to_string(summary["report"].as_str().unwrap()).unwrap();
    for name in [
        "contract", "tier0", "ratchet", "build", "canary", "traffic", "alert",
    ] {
        let id = gate(&summary, name)["evidence"].as_str().unwrap();
        assert!(report.contains(id), "the report lacks `{name}` {id}");
        yard.repository.run(&["explain", id]).expect_code(0);
        yard.repository
            .run(&["replay", id])
            .expect_code(0)
            .expect_says(&["byte for byte"]);
    }
    let events = format!(
        ".tollgate/canary/{}/events.ndjson",
        summary["run"].as_str().unwrap()
    );
    yard.repository
        .run(&["canary", "replay", &events])
        .expect_code(0)
        .expect_says(&["byte for byte"]);
    let next = is_caught(&yard, "crash", "the candidate process ended by itself");
    assert_eq!(next["steps"][0]["how"], "cached", "the step did not change");
}

#[test]
fn errors_are_taken_back_within_ten_seconds_of_the_first_bad_answer() {
    let summary = is_caught(&Shipyard::with_drill(), "errors", "errors: ");
    let ms = summary["canary"]["first_bad_to_rollback_ms"].as_u64();
    assert!(ms.is_some_and(|ms| ms <= 10_000), "{ms:?} ms");
}

#[test]
fn slow_answers_are_taken_back() {
    is_caught(&Shipyard::with_drill(), "latency", "slow answers: ");
}

#[test]
fn memory_that_grows_is_taken_back() {
    is_caught(&Shipyard::with_drill(), "memory", "memory grew by ");
}

#[test]
fn answers_that_break_the_contract_are_seen_by_probes_and_taken_back() {
    is_caught(
        &Shipyard::with_drill(),
        "probe",
        "failed 3 times in a row: ",
    );
}

#[test]
fn a_hub_that_was_not_built_for_drills_can_not_misbehave() {
    let output = Command::new(built().join("tollgate-hub"))
        .args(["--fault", "errors"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--fault"));
}

#[test]
fn a_gate_that_fails_stops_the_ship_before_anything_is_started() {
    let yard = Shipyard::new();
    yard.repository.write("words.txt", "bad\n");
    let run = ship(&yard, &[]);
    let summary = run.expect_code(3).json();
    assert_eq!(gate(&summary, "tier0")["verdict"]["outcome"], "fail");
    assert_eq!(summary["canary"], Value::Null);
    assert!(yard.stage().is_none());
}
