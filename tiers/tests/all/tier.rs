//! A tier as its users see it: what runs, what is cached, what is skipped, and why.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::common::{FixedGauge, JumpClock, Options, Repository, step};
use insta::assert_snapshot;
use tollgate_process::ProcessId;
use tollgate_report::render::Paint;
use tollgate_report::{Clock, ManualClock, Outcome, SystemClock};
use tollgate_tiers::record::How;
use tollgate_tiers::render::{Detail, render_text};
use tollgate_tiers::{Event, Mode, OverTime, TierReport, verdict};

const TWO_STEPS: &str = r#"
[[tier0.steps]]
name = "build"
command = ["sh", "-c", "mkdir -p state && echo x >> state/build && cp src/a.txt out.txt"]
inputs = ["src/**"]
outputs = ["out.txt"]
[[tier0.steps]]
name = "test"
command = ["sh", "-c", "mkdir -p state && echo x >> state/test && grep -q good src/a.txt || { echo 'error: a.txt is bad'; exit 1; }"]
inputs = ["src/**"]
needs = ["build"]
"#;

fn text(report: &TierReport, explain: bool) -> String {
    let mut out = Vec::new();
    let paint = Paint::Plain;
    render_text(&mut out, report, Detail { paint, explain }).unwrap();
    String::from_utf8(out).unwrap()
}

/// Times differ from run to run; each becomes `T`, and columns shrink to one blank.
fn redacted(text: &str) -> String {
    let is_time = |word: &str| {
        let word = word.trim_end_matches([',', ';']);
        word.parse::<tollgate_report::quantity::Span>().is_ok() && word != "45s" && word != "1m30s"
    };
    let redact = |line: &str| {
        let words = line.split_whitespace();
        let words: Vec<&str> = words
            .map(|word| if is_time(word) { "T" } else { word })
            .collect();
        words.join(" ")
    };
    text.lines().map(redact).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_second_run_is_cached_and_a_change_runs_again_and_says_why() {
    let repository = Repository::new(&[("src/a.txt", "good"), ("notes.md", "")], TWO_STEPS);
    let report = repository.run();
    assert_eq!(report.verdict.outcome, Outcome::Pass, "{report:#?}");
    assert_eq!(step(&report, "build").explanation, "no earlier run");
    let report = repository.run();
    assert_eq!(step(&report, "test").how, How::Cached);
    repository.write("notes.md", "not an input");
    assert_eq!(step(&repository.run(), "build").how, How::Cached);
    repository.write("src/a.txt", "good too");
    let report = repository.run();
    assert_eq!(step(&report, "build").explanation, "`src/a.txt` changed");
    assert_eq!(
        (repository.n_ran("build"), repository.n_ran("test")),
        (2, 2)
    );
    assert_snapshot!(redacted(&text(&report, true)), @r"
    step outcome how time why
    build pass ran T `src/a.txt` changed
    test pass ran T `out.txt` changed and 1 more

    tier0 pass: 2 steps: 2 pass, 0 fail, 0 unmeasured; 0 from the cache, in T of 45s
    ");
}

#[test]
fn a_lost_output_is_put_back_from_the_cache() {
    let repository = Repository::new(&[("src/a.txt", "good")], TWO_STEPS);
    repository.run();
    fs::remove_file(repository.root().join("out.txt")).unwrap();
    assert_eq!(step(&repository.run(), "build").how, How::Cached);
    let restored = fs::read_to_string(repository.root().join("out.txt")).unwrap();
    assert_eq!(restored, "good");
    assert_eq!(repository.n_ran("build"), 1);
}

#[test]
fn a_failure_is_never_cached_and_shows_its_cause() {
    let repository = Repository::new(&[("src/a.txt", "bad")], TWO_STEPS);
    let first = repository.run();
    assert_snapshot!(redacted(&text(&first, false)), @r"
    step outcome how time
    build pass ran T
    test fail ran T

    fail: step `test`: its command ended with exit code 1
    | error: a.txt is bad
    log: .tollgate/runs/run0/test.log
    hint: sh -c mkdir -p state && echo x >> state/test && grep -q good src/a.txt || { echo 'error: a.txt is bad'; exit 1; }

    tier0 fail: step `test` failed: its command ended with exit code 1
    ");
    let again = repository.run();
    assert_eq!(
        step(&again, "test").explanation,
        "it failed with these inputs"
    );
    assert_eq!(again.verdict.outcome, Outcome::Fail);
    assert_eq!(repository.n_ran("test"), 2);
    assert_eq!(
        verdict(&again.record),
        again.verdict,
        "a replay gives the same"
    );
}

#[test]
fn a_step_whose_need_failed_is_skipped_and_says_so() {
    let settings = "
[[tier0.steps]]
name = 'a'
command = ['false']
[[tier0.steps]]
name = 'b'
command = ['true']
needs = ['a']
[[tier0.steps]]
name = 'c'
command = ['true']
needs = ['b']
";
    let report = Repository::new(&[], settings).run();
    assert_eq!(step(&report, "b").explanation, "skipped because `a` failed");
    assert_eq!(
        step(&report, "c").explanation,
        "skipped because `b` was not checked"
    );
    assert_eq!(report.verdict.outcome, Outcome::Fail);
}

#[test]
fn a_deleted_cache_only_costs_time() {
    let repository = Repository::new(&[("src/a.txt", "good")], TWO_STEPS);
    repository.run();
    fs::remove_dir_all(repository.root().join(".tollgate/cache")).unwrap();
    assert_eq!(step(&repository.run(), "test").how, How::Ran);
    assert_eq!(step(&repository.run(), "test").how, How::Cached);
}

#[test]
fn an_input_that_is_edited_while_the_step_runs_is_not_kept() {
    let settings = "
[[tier0.steps]]
name = 'a'
command = ['sh', '-c', 'echo more >> src/a.txt']
inputs = ['src/**']
";
    let repository = Repository::new(&[("src/a.txt", "good")], settings);
    let report = repository.run();
    let want = "no earlier run; not kept: `src/a.txt` changed while it ran";
    assert_eq!(step(&report, "a").explanation, want);
    repository.write("src/a.txt", "good");
    assert_eq!(step(&repository.run(), "a").how, How::Ran);
}

#[test]
fn two_runs_at_once_share_one_cache() {
    let settings = "
[[tier0.steps]]
name = 'test'
command = ['grep', '-q', 'good', 'src/a.txt']
inputs = ['src/**']
";
    let repository = Repository::new(&[("src/a.txt", "good")], settings);
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| repository.run().verdict.outcome))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(outcomes, [Outcome::Pass; 4]);
    assert_eq!(step(&repository.run(), "test").how, How::Cached);
}

#[test]
fn a_missing_tool_is_not_checked_and_fails_in_ci_unless_allowed() {
    let settings = "
[[tier0.steps]]
name = 'lint'
command = ['no-such-linter', '.']
";
    let mut repository = Repository::new(&[], settings);
    let report = repository.run();
    assert_eq!(report.verdict.outcome, Outcome::NotChecked);
    assert_eq!(
        step(&report, "lint").explanation,
        "`no-such-linter` is missing"
    );
    let run_in_ci = |repository: &Repository| {
        repository.run_with(&Options {
            mode: Mode::Affected,
            is_ci: true,
            clock: &SystemClock::new(),
            gauge: &FixedGauge::default(),
            over_time: OverTime::Fails,
            interrupt: &AtomicBool::new(false),
            on_event: &|_| {},
        })
    };
    assert_eq!(run_in_ci(&repository).verdict.outcome, Outcome::Fail);
    repository.settings = format!("may_be_missing = ['no-such-linter']\n{settings}");
    assert_snapshot!(redacted(&text(&run_in_ci(&repository), false)), @r"
    not checked: lint: `no-such-linter` is missing, which the settings allow
    step outcome how time
    lint not checked skipped -

    not checked:
    lint: `no-such-linter` is missing

    tier0 not checked: 1 steps: 0 pass, 0 fail, 1 unmeasured; 0 from the cache, in T of 45s; not checked: 1, as the settings allow
    ");
}

#[test]
fn what_a_test_says_it_could_not_check_is_listed_also_from_the_cache() {
    let settings = r#"
[[tier0.steps]]
name = "test"
command = ["sh", "-c", "echo 'not checked: alerts: `promtool` is missing' >> $TOLLGATE_NOT_CHECKED"]
"#;
    let repository = Repository::new(&[], settings);
    for how in [How::Ran, How::Cached] {
        let report = repository.run();
        assert_eq!(step(&report, "test").how, how);
        assert_eq!(
            report.record.not_checked(),
            ["test: alerts: `promtool` is missing"]
        );
        assert_eq!(report.verdict.outcome, Outcome::NotChecked);
    }
}

#[test]
fn optional_work_does_not_start_after_the_target() {
    let settings = "
[[tier0.steps]]
name = 'first'
command = ['true']
[[tier0.steps]]
name = 'extra'
command = ['true']
needs = ['first']
optional = true
";
    let repository = Repository::new(&[], settings);
    let clock = JumpClock::new(&[("first", 60)]);
    let report = repository.run_with(&Options {
        mode: Mode::Affected,
        is_ci: false,
        clock: clock.clock(),
        gauge: &FixedGauge::default(),
        over_time: OverTime::Fails,
        interrupt: &AtomicBool::new(false),
        on_event: &|event| clock.on_event(event),
    });
    assert_eq!(step(&report, "extra").outcome, Outcome::NotChecked);
    assert_eq!(report.verdict.outcome, Outcome::NotChecked);
    assert_eq!(
        report.verdict.findings[0].message,
        "`tier0` took 1m, target is 45s; not checked: extra"
    );
}

/// A step that leaves a grandchild in a group of its own, as nextest does with each test.
const STUBBORN: &str = r#"
[[tier0.steps]]
name = "slow"
command = ["sh", "-c", "set -m; mkdir -p state; (echo $$ >> state/pids; sh -c 'echo $$ >> state/pids; exec sleep 1000') & wait"]
[[tier0.steps]]
name = "after"
command = ["true"]
needs = ["slow"]
"#;

fn wait_for_pids(repository: &Repository) -> Vec<String> {
    let path = repository.root().join("state/pids");
    let asked = Instant::now();
    loop {
        let text = fs::read_to_string(&path).unwrap_or_default();
        if text.lines().count() >= 2 {
            return text.lines().map(str::to_owned).collect();
        }
        assert!(
            asked.elapsed() < Duration::from_secs(30),
            "the step did not start"
        );
        std::thread::yield_now();
    }
}

/// Whether a process runs. One that is dead but not yet reaped by its new parent does not.
fn is_running(pid: &str) -> bool {
    ProcessId::of(pid.parse().unwrap()).is_running()
}

/// SIGKILL is on its way when a run ends; the system may need a moment to carry it out.
#[track_caller]
fn assert_gone(pids: &[String]) {
    let asked = Instant::now();
    for pid in pids {
        while is_running(pid) {
            assert!(
                asked.elapsed() < Duration::from_secs(10),
                "process {pid} is still there"
            );
        }
    }
}

#[test]
fn at_the_critical_time_everything_is_killed_and_what_was_not_checked_is_named() {
    let repository = Repository::new(&[], STUBBORN);
    let manual = ManualClock::new(SystemClock::new().now());
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_for_pids(&repository);
            manual.advance(Duration::from_secs(100));
        });
        repository.run_with(&Options {
            mode: Mode::Affected,
            is_ci: false,
            clock: &manual,
            gauge: &FixedGauge::default(),
            over_time: OverTime::Fails,
            interrupt: &AtomicBool::new(false),
            on_event: &|_| {},
        })
    });
    assert_gone(&wait_for_pids(&repository));
    assert_eq!(report.verdict.outcome, Outcome::Fail);
    let messages: Vec<&str> = report
        .verdict
        .findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "`tier0` took 1m40s, critical is 1m30s; not checked: slow, after",
            "step `slow` did not finish: it was stopped after 1m40s by the tier's critical time of 1m30s",
        ]
    );
}

/// A runner that is in the middle of its tests, and reports those that die with it as failed.
const TESTS: &str = r#"
[[tier0.steps]]
name = "test"
command = ["sh", "-c", """
trap 'echo "     SIGTERM [  88.0s] (3/5) a::all compiles"; echo "     Summary [ 90.0s] 3/5 tests run: 2 passed, 1 failed"; exit 100' TERM
echo '    Starting 5 tests across 2 binaries'
echo '        PASS [   0.0s] (1/5) a::all one'
echo '        PASS [   0.0s] (2/5) a::all two'
mkdir -p state; echo $$ > state/pids; echo $$ >> state/pids
sleep 1000 & wait"""]
"#;

fn run_past_the_deadline(repository: &Repository, gauge: &FixedGauge, seconds: u64) -> TierReport {
    let manual = ManualClock::new(SystemClock::new().now());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_for_pids(repository);
            manual.advance(Duration::from_secs(seconds));
        });
        repository.run_with(&Options {
            mode: Mode::Affected,
            is_ci: false,
            clock: &manual,
            gauge,
            over_time: OverTime::Fails,
            interrupt: &AtomicBool::new(false),
            on_event: &|_| {},
        })
    })
}

#[test]
fn tests_that_the_deadline_stopped_are_not_shown_as_failed() {
    let repository = Repository::new(&[], TESTS);
    let report = run_past_the_deadline(&repository, &FixedGauge::default(), 100);
    let counts = step(&report, "test").counts.unwrap();
    assert_eq!((counts.passed, counts.failed), (2, 0));
    assert_eq!(step(&report, "test").outcome, Outcome::Inconclusive);
    let text = text(&report, false);
    for line in [
        "inconclusive: step `test`: it was stopped after 1m40s by the tier's critical time of 1m30s; 2 tests had passed, 3 were not finished or not reached",
        "  was running: a::all compiles",
        "  ended last: a::all two",
        "tier0 fail: `tier0` took 1m40s, critical is 1m30s; not checked: test",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    assert_eq!(verdict(&report.record), report.verdict);
}

#[test]
fn a_machine_at_a_third_of_the_speed_has_three_times_as_long() {
    let gauge = FixedGauge { times: 3, load: 1 };
    let repository = Repository::new(&[], "[[tier0.steps]]\nname = 'a'\ncommand = ['true']\n");
    let clock = JumpClock::new(&[("a", 120)]);
    let report = repository.run_with(&Options {
        mode: Mode::Affected,
        is_ci: false,
        clock: clock.clock(),
        gauge: &gauge,
        over_time: OverTime::Fails,
        interrupt: &AtomicBool::new(false),
        on_event: &|event| clock.on_event(event),
    });
    assert_eq!(report.verdict.outcome, Outcome::Pass);
    assert_eq!(
        report.verdict.reason,
        "1 steps: 1 pass, 0 fail, 0 unmeasured; 0 from the cache, in 40s (2m on this machine: this machine needs 3.0 times as long as the reference machine), target 45s"
    );
    let repository = Repository::new(&[], TESTS);
    let report = run_past_the_deadline(&repository, &gauge, 300);
    let finding = &report.verdict.findings[0];
    assert_eq!(
        finding.code, "tier-over-critical",
        "a real slow-down is not hidden"
    );
}

#[test]
fn a_step_that_was_stopped_on_a_busy_machine_is_inconclusive() {
    let repository = Repository::new(&[], TESTS);
    let busy = FixedGauge { times: 1, load: 3 };
    let report = run_past_the_deadline(&repository, &busy, 100);
    assert_eq!(report.verdict.outcome, Outcome::Inconclusive);
    let finding = &report.verdict.findings[0];
    assert_eq!(finding.code, "step-stopped");
}

#[test]
fn over_time_that_is_only_reported_warns_and_stops_nothing() {
    let settings = "
[[tier0.steps]]
name = 'first'
command = ['true']
[[tier0.steps]]
name = 'second'
command = ['true']
needs = ['first']
";
    let clock = JumpClock::new(&[("first", 200)]);
    let report = Repository::new(&[], settings).run_with(&Options {
        mode: Mode::Affected,
        is_ci: false,
        clock: clock.clock(),
        gauge: &FixedGauge::default(),
        over_time: OverTime::Reported,
        interrupt: &AtomicBool::new(false),
        on_event: &|event| clock.on_event(event),
    });
    assert_eq!(report.verdict.outcome, Outcome::Warn);
    let finding = &report.verdict.findings[0];
    assert_eq!(finding.code, "tier-over-critical");
    assert_eq!(step(&report, "second").outcome, Outcome::Pass);
}

#[test]
fn an_interrupt_kills_all_children_and_is_inconclusive() {
    let repository = Repository::new(&[], STUBBORN);
    let interrupt = AtomicBool::new(false);
    let report = std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_for_pids(&repository);
            interrupt.store(true, Ordering::Relaxed);
        });
        repository.run_with(&Options {
            mode: Mode::Affected,
            is_ci: false,
            clock: &SystemClock::new(),
            gauge: &FixedGauge::default(),
            over_time: OverTime::Fails,
            interrupt: &interrupt,
            on_event: &|_| {},
        })
    });
    assert_gone(&wait_for_pids(&repository));
    assert_eq!(report.verdict.outcome, Outcome::Inconclusive);
    assert_eq!(report.verdict.reason, "the run was interrupted");
}

#[test]
fn steps_with_one_lock_do_not_run_at_the_same_time() {
    let one = |name: &str| {
        format!(
            "[[tier0.steps]]\nname = '{name}'\nlock = 'cargo'\ncommand = ['sh', '-c', 'mkdir -p state; mkdir state/held && sleep 0.05 && rmdir state/held']\n"
        )
    };
    let settings = [one("a"), one("b"), one("c")].concat();
    let report = Repository::new(&[], &settings).run();
    assert_eq!(report.verdict.outcome, Outcome::Pass, "{report:#?}");
}

#[test]
fn hooks_variables_do_not_reach_a_step_and_only_allowed_ones_enter_the_key() {
    let settings = "
[[tier0.steps]]
name = 'env'
command = ['sh', '-c', 'test -z \"$CARGO_PKG_NAME\" && test -n \"$PATH\"']
";
    let report = Repository::new(&[], settings).run();
    assert_eq!(report.verdict.outcome, Outcome::Pass, "{report:#?}");
}

#[test]
fn events_tell_of_each_step() {
    let repository = Repository::new(&[("src/a.txt", "good")], TWO_STEPS);
    let seen = std::sync::Mutex::new(Vec::new());
    repository.run_with(&Options {
        mode: Mode::Affected,
        is_ci: false,
        clock: &SystemClock::new(),
        gauge: &FixedGauge::default(),
        over_time: OverTime::Fails,
        interrupt: &AtomicBool::new(false),
        on_event: &|event| {
            seen.lock().unwrap().push(match event {
                Event::Planned { n_steps } => format!("planned {n_steps}"),
                Event::Started { step, .. } => format!("started {step}"),
                Event::Finished(report) => format!("finished {}", report.name),
            });
        },
    });
    assert_eq!(
        seen.into_inner().unwrap(),
        [
            "planned 2",
            "started build",
            "finished build",
            "started test",
            "finished test"
        ]
    );
}

/// What takes seconds; a commit does not wait for it.
#[cfg(target_os = "linux")]
mod slow {
    use super::*;
    use tollgate_process::{Force, signal_process};

    #[test]
    fn a_process_that_a_step_leaves_running_is_reported_and_goes_on() {
        let settings = r#"
[[tier0.steps]]
name = "daemon"
command = ["sh", "-c", "mkdir -p state; setsid sh -c 'touch state/ready; exec sleep 1000' > /dev/null 2>&1 & until [ -e state/ready ]; do :; done"]
"#;
        let mut repository = Repository::new(&[], settings);
        let report = repository.run();
        assert_eq!(report.verdict.outcome, Outcome::Pass, "{report:#?}");
        let left = &step(&report, "daemon").left_behind;
        let pid = left[0].split(' ').nth(1).unwrap().trim_end_matches(':');
        assert_eq!(*left, [format!("pid {pid}: `sleep 1000`")]);
        let shown = text(&report, false);
        assert!(
            shown.contains(&format!("left running by `daemon`: {}", left[0])),
            "{shown}"
        );
        assert!(is_running(pid));
        signal_process(pid.parse().unwrap(), Force::Hard);
        assert_gone(&[pid.to_owned()]);
        // What has passed with it does not answer once it is a failure.
        repository.settings = format!("leaks = \"fail\"\n{settings}");
        let report = repository.run();
        let daemon = step(&report, "daemon");
        assert_eq!(daemon.outcome, Outcome::Fail, "{report:#?}");
        let pid = daemon.left_behind[0].split(' ').nth(1).unwrap();
        let pid = pid.trim_end_matches(':').to_owned();
        let cause = format!("it left a process running (pid {pid}: `sleep 1000`)");
        assert_eq!(daemon.cause.as_ref(), Some(&cause));
        signal_process(pid.parse().unwrap(), Force::Hard);
        assert_gone(&[pid]);
    }
}
