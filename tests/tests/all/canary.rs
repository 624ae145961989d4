//! A canary outlives its controller: the traffic goes back to stable, another one goes on.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tollgate_report::Timestamp;
use tollgate_tests::process::{self, Running, expect_gone, is_alive, kill};
use tollgate_tests::ship::{Shipyard, Stage};
use tollgate_tests::tool::{command, finish};
use tollgate_tests::wait::until;

/// The lease of the short plan, and what the proxy may need to notice.
const LEASE: Duration = Duration::from_secs(3);
const NOTICE: Duration = Duration::from_secs(1);
/// The bake of the short plan.
const BAKE: Duration = Duration::from_secs(12);

/// A ship that goes on in the background.
fn start(yard: &Shipyard) -> Running {
    let mut command = command(yard.repository.path(), &["ship"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    process::start(yard.repository.path(), command)
}

/// When the timeline first says this phase.
fn at(canary: &Value, phase: &str) -> Timestamp {
    let rows = canary["timeline"].as_array().expect("a timeline");
    let row = rows.iter().find(|row| row["phase"] == phase);
    let row = row.unwrap_or_else(|| panic!("no `{phase}` in {canary:#}"));
    serde_json::from_value(row["at"].clone()).expect("a time")
}

fn kill_controller(controller: &mut Running, stage: &Stage) -> Instant {
    kill(controller.pid());
    controller.wait().expect("it was our child");
    let killed = Instant::now();
    until("weight 0 at the proxy", LEASE + NOTICE, || {
        (stage.weight()? == 0.0).then_some(())
    });
    assert!(stage.serves(), "stable serves without a controller");
    assert!(stage.pids.iter().all(|pid| is_alive(*pid)));
    killed
}

#[test]
fn a_dead_controller_loses_the_canary_s_traffic_and_another_one_finishes_the_bake() {
    let yard = Shipyard::new();
    let mut controller = start(&yard);
    let stage = yard.with_traffic();
    let killed = kill_controller(&mut controller, &stage);
    yard.repository.run(&["ship"]).expect_code(6).expect_says(&[
        &stage.run,
        "is unfinished",
        "tollgate canary resume",
    ]);
    yard.repository
        .run(&["canary", "status"])
        .expect_code(0)
        .expect_says(&[&stage.run, "its controller has stopped"]);
    let down = killed.elapsed();
    let run = yard
        .repository
        .run(&["canary", "resume", "--format", "json"]);
    let summary = run.expect_code(0).json();
    let canary = &summary["canary"];
    assert_eq!(canary["phase"], "Succeeded", "{canary:#}");
    assert_eq!(summary["traffic"]["lost"], 0, "{:#}", summary["traffic"]);
    let took = at(canary, "Promoting").since(at(canary, "Progressing"));
    assert!(
        took >= BAKE + down,
        "{took:?} from the first weight to the promotion, {down:?} of it without a controller"
    );
    expect_gone(&yard.processes());
    expect_gone(&stage.pids);
    yard.repository
        .run(&["canary", "resume"])
        .expect_code(0)
        .expect_says(&["has already ended"]);
}

#[test]
fn a_canary_without_a_controller_is_aborted_manually() {
    let yard = Shipyard::new();
    let mut controller = start(&yard);
    let stage = yard.with_traffic();
    kill_controller(&mut controller, &stage);
    yard.repository
        .run(&["canary", "abort"])
        .expect_code(0)
        .expect_says(&["the controller", "has stopped", "Aborted"]);
    expect_gone(&yard.processes());
    expect_gone(&stage.pids);
}

#[test]
fn an_abort_reaches_the_controller_at_work() {
    let yard = Shipyard::new();
    let mut command = command(yard.repository.path(), &["ship", "--format", "json"]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.unwrap();
    let stage = yard.with_traffic();
    yard.repository
        .run(&["canary", "abort", &stage.run])
        .expect_code(0)
        .expect_says(&["Aborted", "weight 0% observed"]);
    let run = finish(&child.wait_with_output().unwrap());
    let summary = run.expect_code(3).json();
    assert_eq!(summary["canary"]["phase"], "Aborted");
    assert_eq!(summary["canary"]["weight_observed"], 0.0);
    assert_eq!(summary["traffic"]["lost"], 0);
    expect_gone(&yard.processes());
}
