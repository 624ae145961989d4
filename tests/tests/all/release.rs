//! A release outlives the command that made it, and each of its processes.

use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tollgate_tests::http;
use tollgate_tests::process::{self, expect_gone, is_alive, kill};
use tollgate_tests::ship::Shipyard;
use tollgate_tests::tool::command;
use tollgate_tests::wait::until;

/// How long a killed process may be missed. The supervisor checks every 100 ms, and the proxy checks
/// for the supervisor every second; the rest is the start of a process on a busy machine.
const BACK_WITHIN: Duration = Duration::from_secs(20);

const PLAN: &str = r#"
[canary]
steps = [{ weight = "50%", bake = "1s" }]
margin = "10%"
warmup = "1s"
warmup_requests_min = 20
slow_grace = "1s"
latency_for = "1m"
error_rate_for = "1m"
memory_window = "1m"
decide_within = "20s"
drain_within = "5s"
stop_within = "5s"
lease = "3s"
on_inconclusive = "roll_back"
"#;

fn yard(watch: &str) -> Shipyard {
    let yard = Shipyard::new();
    let settings = yard.repository.read("tollgate.toml");
    // The first probe is enough here, and it is made often.
    let settings = settings.replacen(
        "name = \"health-complete\"",
        "name = \"health-complete\"\nevery = \"1s\"",
        1,
    );
    let text = format!("{settings}{PLAN}watch = \"{watch}\"\n");
    yard.repository.write("tollgate.toml", &text);
    yard
}

fn release(yard: &Shipyard) -> Option<Value> {
    let path = yard
        .repository
        .path()
        .join(".tollgate/release/hub/release.json");
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

fn pid(value: &Value) -> u32 {
    let pid = value["process"]["pid"].as_u64();
    u32::try_from(pid.expect("a process")).expect("a process id")
}

fn address(yard: &Shipyard) -> SocketAddr {
    let release = release(yard).expect("a release");
    let addr = release["proxy"]["addr"].as_str().expect("an address");
    addr.parse().expect("an address")
}

fn expect_served(addr: SocketAddr) {
    until("an answer of the service", BACK_WITHIN, || {
        http::get(addr, "/ready", None)
            .is_ok_and(|(status, _)| status == 200)
            .then_some(())
    });
}

fn supervisor(yard: &Shipyard) -> Option<u32> {
    let release = release(yard)?;
    let mut known = vec![pid(&release["proxy"]), pid(&release["current"]["placed"])];
    if release["previous"].is_object() {
        known.push(pid(&release["previous"]["placed"]));
    }
    let left = yard.processes();
    left.into_iter().find(|pid| !known.contains(pid))
}

fn stop(yard: &Shipyard) {
    yard.repository
        .run(&["release", "stop", "--forget"])
        .expect_code(0)
        .expect_says(&["is stopped, nothing of it runs"]);
    expect_gone(&yard.processes());
}

#[test]
fn a_promoted_version_serves_on_and_survives_the_death_of_each_process() {
    let yard = yard("1s");
    let run = yard.repository.run(&["canary", "run"]);
    run.expect_code(0)
        .expect_says(&["serves on at http://", "tollgate release stop"]);
    let addr = address(&yard);
    expect_served(addr);
    until("the end of the watch", BACK_WITHIN, || {
        let previous = release(&yard)?["previous"]["placed"].clone();
        (!is_alive(pid(&previous))).then_some(())
    });
    for part in ["proxy", "current", "supervisor"] {
        let before = release(&yard).expect("a release");
        let killed = match part {
            "proxy" => pid(&before["proxy"]),
            "current" => pid(&before["current"]["placed"]),
            _ => supervisor(&yard).expect("a supervisor"),
        };
        kill(killed);
        until(&format!("another {part}"), BACK_WITHIN, || {
            let now = release(&yard)?;
            let pid = match part {
                "proxy" => pid(&now["proxy"]),
                "current" => pid(&now["current"]["placed"]),
                _ => supervisor(&yard)?,
            };
            (pid != killed && is_alive(pid)).then_some(())
        });
        expect_served(addr);
    }
    let status = yard.repository.run(&["release", "status"]);
    status
        .expect_code(0)
        .expect_says(&["serves at http://", "restarted 1 times", "evidence"]);
    yard.repository
        .run(&["canary", "run", "--port", "1"])
        .expect_code(2)
        .expect_says(&["cannot use `--port 1`", "release stop --forget"]);
    // The next release is compared with the version that serves, at the same address.
    let run = yard.repository.run(&["canary", "run"]);
    run.expect_code(0).expect_says(&["is compared with hub@"]);
    assert_eq!(address(&yard), addr);
    stop(&yard);
}

#[test]
fn a_promoted_version_that_ends_while_it_is_watched_is_replaced_by_the_one_before() {
    let yard = yard("10m");
    yard.repository.run(&["canary", "run"]).expect_code(0);
    let addr = address(&yard);
    let before = release(&yard).expect("a release");
    kill(pid(&before["current"]["placed"]));
    until("the version before", BACK_WITHIN, || {
        let now = release(&yard)?;
        let is_back = now["current"]["placed"]["addr"] == before["previous"]["placed"]["addr"];
        is_back.then_some(())
    });
    expect_served(addr);
    yard.repository
        .run(&["release", "status"])
        .expect_code(0)
        .expect_says(&["was taken back", "by the watch after the promotion"]);
    // A person may swap the two again.
    yard.repository
        .run(&["release", "rollback", "--by", "ada", "--reason", "a drill"])
        .expect_code(0)
        .expect_says(&["serves again"]);
    expect_served(addr);
    yard.repository
        .run(&["release", "status"])
        .expect_code(0)
        .expect_says(&["by ada: a drill"]);
    stop(&yard);
    yard.repository
        .run(&["release", "status"])
        .expect_code(2)
        .expect_says(&["nothing of the service `hub` was promoted yet"]);
}

#[test]
fn a_canary_at_a_manual_gate_says_that_it_waits_and_is_promoted_by_an_approval() {
    let yard = yard("1s");
    let text = yard.repository.read("tollgate.toml");
    yard.repository
        .write("tollgate.toml", &format!("{text}manual_gate = true\n"));
    let mut command = command(yard.repository.path(), &["canary", "run"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut controller = process::start(yard.repository.path(), command);
    let status = until("a wait for approval", Duration::from_secs(60), || {
        yard.stage()?;
        let run = yard.repository.run(&["canary", "status"]);
        run.all().contains("waiting for approval").then_some(run)
    });
    status.expect_says(&["tollgate canary approve", "--reason TEXT"]);
    yard.repository
        .run(&["canary", "approve", "--by", "ada", "--reason", "a good day"])
        .expect_code(0)
        .expect_says(&["approved by `ada`: a good day"]);
    let end = controller.wait().expect("it was our child");
    assert!(end.success(), "{end}");
    yard.repository
        .run(&["canary", "approve", "--reason", "twice"])
        .expect_code(2)
        .expect_says(&["does not wait for approval", "Succeeded"]);
    stop(&yard);
}

#[test]
fn of_two_controllers_one_wins_and_the_other_leaves_nothing() {
    let yard = yard("1s");
    yard.repository.run(&["canary", "run"]).expect_code(0);
    let addr = address(&yard);
    let start = || {
        let mut command = command(yard.repository.path(), &["canary", "run"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        process::start(yard.repository.path(), command)
    };
    let (mut first, mut second) = (start(), start());
    let ends = [&mut first, &mut second].map(|controller| {
        let end = controller.wait().expect("it was our child");
        end.code().expect("it ended by itself")
    });
    assert!(ends == [0, 6] || ends == [6, 0], "{ends:?}");
    expect_served(addr);
    stop(&yard);
}

#[test]
fn a_controller_killed_in_any_phase_leaves_one_version_that_serves_after_resume() {
    for phase in ["Pending", "Progressing", "Promoting", "Succeeded"] {
        let yard = yard("10m");
        let mut command = command(yard.repository.path(), &["canary", "run"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut controller = process::start(yard.repository.path(), command);
        until(phase, Duration::from_secs(60), || {
            let run = yard.stage()?.run;
            let path = format!(".tollgate/canary/{run}/state.json");
            let text = fs::read_to_string(yard.repository.path().join(path)).ok()?;
            text.contains(&format!("\"phase\":\"{phase}\""))
                .then_some(())
        });
        kill(controller.pid());
        controller.wait().expect("it was our child");
        yard.repository.run(&["canary", "resume"]).expect_code(0);
        let release = release(&yard).expect("a release after the promotion");
        assert!(is_alive(pid(&release["current"]["placed"])), "{phase}");
        expect_served(address(&yard));
        stop(&yard);
    }
}

#[test]
fn a_release_is_neither_stopped_nor_taken_back_under_an_unfinished_canary() {
    let yard = yard("1s");
    yard.repository.run(&["canary", "run"]).expect_code(0);
    let first = yard.stage().expect("a run").run;
    let mut command = command(yard.repository.path(), &["canary", "run"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut controller = process::start(yard.repository.path(), command);
    until("a second canary", Duration::from_secs(60), || {
        let run = yard.stage().filter(|stage| stage.run != first)?.run;
        let path = format!(".tollgate/canary/{run}/state.json");
        let text = fs::read_to_string(yard.repository.path().join(path)).ok()?;
        text.contains("\"phase\":\"Progressing\"").then_some(())
    });
    kill(controller.pid());
    controller.wait().expect("it was our child");
    for arguments in [&["release", "stop"][..], &["release", "rollback"]] {
        yard.repository
            .run(arguments)
            .expect_code(6)
            .expect_says(&["is unfinished", "canary abort"]);
    }
    yard.repository.run(&["canary", "abort"]).expect_code(0);
    expect_served(address(&yard));
    stop(&yard);
}
