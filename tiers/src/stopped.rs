//! A step that a deadline stopped: how far it had come. Read from the runner's output, so that
//! tests which died with the runner are not counted as failed. Pure text in, values out.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tollgate_report::quantity::Span;

use crate::counts::Counts;

/// Most names that are kept.
const N_NAMES_MAX: usize = 10;

/// Which deadline was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deadline {
    /// The tier's critical time.
    Critical,
    /// The step's own timeout.
    Timeout,
}

/// A step that was stopped before it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stopped {
    /// Which deadline.
    pub deadline: Deadline,
    /// Its length.
    pub limit: Span,
    /// Time of the step until it was stopped, cold time apart, in ms.
    pub warm_ms: u64,
    /// The part of it in which the step waited for other work, in ms.
    pub waited_ms: u64,
    /// What had run by then.
    pub progress: Progress,
}

/// How far a test runner had come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Tests that had ended by themselves; absent when the step did not run tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// The tests that ended last, at most 10.
    pub last: Vec<String>,
    /// The tests that were stopped while they ran, at most 10.
    pub running: Vec<String>,
    /// Tests that had not ended, the running ones included; absent when the runner did not name a total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_unfinished: Option<u64>,
}

impl Stopped {
    /// One sentence part: the deadline, what had passed and what was not reached.
    #[must_use]
    pub fn describe(&self) -> String {
        let deadline = match self.deadline {
            Deadline::Critical => "the tier's critical time",
            Deadline::Timeout => "its timeout",
        };
        let after = Span(Duration::from_secs(self.warm_ms / 1_000));
        let mut text = format!(
            "it was stopped after {after} by {deadline} of {}",
            self.limit
        );
        let progress = &self.progress;
        let Some(counts) = progress.counts else {
            return text;
        };
        text.push_str(&format!("; {} tests had passed", counts.passed));
        if counts.failed > 0 {
            text.push_str(&format!(", {} had failed", counts.failed));
        }
        match progress.n_unfinished {
            Some(1) => text.push_str(", 1 was not finished or not reached"),
            Some(n) => text.push_str(&format!(", {n} were not finished or not reached")),
            None => text.push_str(", the rest was not reached"),
        }
        text
    }
}

/// How far a runner had come when it was stopped: `before` is its output until then, `after` what
/// it wrote when it was told to stop.
#[must_use]
pub fn progress(before: &[&str], after: &[&str]) -> Progress {
    let mut total = None;
    let mut counts = None;
    let mut last = Vec::new();
    for line in before {
        if let Some(n) = announced(line) {
            total = Some(total.unwrap_or(0) + n);
            counts.get_or_insert_with(Counts::default);
        } else if let Some(ended) = ended(line) {
            let counts = counts.get_or_insert_with(Counts::default);
            counts.run += 1;
            counts.passed += u64::from(!ended.is_fail);
            counts.failed += u64::from(ended.is_fail);
            counts.flaky += u64::from(ended.is_flaky);
            last.push(ended.name.to_owned());
        }
    }
    last.drain(..last.len().saturating_sub(N_NAMES_MAX));
    let mut running: Vec<String> = Vec::new();
    for line in after.iter().take_while(|line| !is_summary(line)) {
        if let Some(name) = ended_or_killed(line)
            && running.len() < N_NAMES_MAX
            && !running.iter().any(|known| known == name)
        {
            running.push(name.to_owned());
        }
    }
    let n_run = counts.map_or(0, |counts: Counts| counts.run);
    Progress {
        counts,
        last,
        running,
        n_unfinished: total.map(|total: u64| total.saturating_sub(n_run)),
    }
}

fn is_summary(line: &str) -> bool {
    line.trim_start().starts_with("Summary [")
}

/// `    Starting 145 tests across 12 binaries` of nextest, `running 12 tests` of libtest.
fn announced(line: &str) -> Option<u64> {
    let line = line.trim();
    let rest = line
        .strip_prefix("Starting ")
        .filter(|rest| rest.contains(" across "))
        .or_else(|| line.strip_prefix("running "))?;
    let (number, rest) = rest.split_once(' ')?;
    rest.starts_with("test").then(|| number.parse().ok())?
}

struct Ended<'a> {
    name: &'a str,
    is_fail: bool,
    is_flaky: bool,
}

/// `PASS [ 0.01s] (1/9) package::binary test` of nextest, `test name ... ok` of libtest.
fn ended(line: &str) -> Option<Ended<'_>> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("test ") {
        let (name, result) = rest.rsplit_once(" ... ")?;
        let is_fail = match result.split(' ').next()? {
            "ok" => false,
            "FAILED" => true,
            _ => return None,
        };
        return Some(Ended {
            name,
            is_fail,
            is_flaky: false,
        });
    }
    let (status, name) = status_line(line)?;
    let is_flaky =
        status.starts_with("FLAKY") || status.starts_with("TRY") && status.ends_with("PASS");
    let is_fail = matches!(status, "FAIL" | "TIMEOUT" | "LEAK-FAIL" | "ABORT")
        || status.starts_with("SIG") && !matches!(status, "SIGTERM" | "SIGKILL" | "SIGINT");
    let is_pass = is_flaky || matches!(status, "PASS" | "LEAK");
    (is_fail || is_pass).then_some(Ended {
        name,
        is_fail,
        is_flaky,
    })
}

/// A test that ended after the runner was told to stop: it did not end by itself.
fn ended_or_killed(line: &str) -> Option<&str> {
    let line = line.trim();
    let (status, name) = status_line(line)?;
    let is_end = status.starts_with("SIG") || matches!(status, "FAIL" | "TIMEOUT" | "ABORT");
    is_end.then_some(name)
}

fn status_line(line: &str) -> Option<(&str, &str)> {
    let (status, rest) = line.split_once(" [")?;
    let is_status = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || " -".contains(c);
    if status.is_empty() || !status.chars().all(is_status) {
        return None;
    }
    let mut name = rest.split_once(']')?.1.trim();
    if let Some(rest) = name.strip_prefix('(') {
        name = rest.split_once(')')?.1.trim();
    }
    (!name.is_empty()).then_some((status, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXTEST: [&str; 6] = [
        "    Starting 145 tests across 12 binaries (3 tests skipped)",
        "        PASS [   0.004s] (  1/145) tollgate-report finding::tests::a",
        "        SLOW [> 60.000s] (─────────) tollgate-codegen::compile it_compiles",
        "        FAIL [   0.104s] (  2/145) tollgate-report finding::tests::b",
        "   TRY 2 PASS [   0.004s] (  3/145) tollgate-tiers::all c",
        "        LEAK [   0.104s] (  4/145) tollgate-canary::all d",
    ];

    #[test]
    fn tests_that_died_with_the_runner_are_unfinished_and_not_failed() {
        let after = [
            "  Cancelling due to signal: 2 tests still running",
            "     SIGTERM [  60.004s] (  5/145) tollgate-codegen::compile it_compiles",
            "        FAIL [   9.004s] (  6/145) tollgate-codegen::compile it_wires",
            "     Summary [  90.021s] 6/145 tests run: 3 passed (1 flaky), 1 failed, 2 failed",
            "        FAIL [   0.104s] (  2/145) tollgate-report finding::tests::b",
        ];
        let progress = progress(&NEXTEST, &after);
        let counts = progress.counts.unwrap();
        assert_eq!((counts.passed, counts.failed, counts.flaky), (3, 1, 1));
        assert_eq!(progress.n_unfinished, Some(141));
        assert_eq!(
            progress.running,
            [
                "tollgate-codegen::compile it_compiles",
                "tollgate-codegen::compile it_wires"
            ]
        );
        assert_eq!(progress.last.last().unwrap(), "tollgate-canary::all d");
    }

    #[test]
    fn a_stopped_libtest_run_counts_what_had_ended() {
        let before = [
            "running 3 tests",
            "test a::b ... ok",
            "test a::c ... FAILED",
            "test a::d ... ignored",
        ];
        let progress = progress(&before, &[]);
        let counts = progress.counts.unwrap();
        assert_eq!((counts.run, counts.failed), (2, 1));
        assert_eq!(progress.n_unfinished, Some(1));
    }

    #[test]
    fn a_stopped_step_names_its_deadline_what_had_passed_and_what_was_not_reached() {
        let mut stopped = Stopped {
            deadline: Deadline::Critical,
            limit: Span(Duration::from_secs(90)),
            warm_ms: 72_300,
            waited_ms: 0,
            progress: progress(&NEXTEST, &[]),
        };
        assert_eq!(
            stopped.describe(),
            "it was stopped after 1m12s by the tier's critical time of 1m30s; 3 tests had passed, 1 had failed, 141 were not finished or not reached"
        );
        stopped.deadline = Deadline::Timeout;
        stopped.progress = progress(&["   Compiling x v0.1.0 (/x)"], &[]);
        assert_eq!(
            stopped.describe(),
            "it was stopped after 1m12s by its timeout of 1m30s"
        );
    }
}
