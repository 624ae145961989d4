//! What a run found, as data, and the verdict that follows from it. Pure: a replay computes the
//! same verdict from the same record.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tollgate_report::quantity::Span;
use tollgate_report::{Finding, Outcome, Timestamp, Verdict};

use crate::counts::Counts;
use crate::pace::Pace;
use crate::settings::Tier;
use crate::stopped::{Deadline, Stopped};

/// Version of the report's form.
pub const REPORT_VERSION: u32 = 1;

/// The report of one run of a tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierReport {
    /// Form of this report.
    pub version: u32,
    /// The run's id.
    pub run: String,
    /// When it began.
    pub at: Timestamp,
    /// What the verdict depends on.
    pub record: TierRecord,
    /// What follows from the record; always equal to [`verdict`] of it.
    pub verdict: Verdict,
    /// What the plan decided by itself, for people.
    pub notes: Vec<String>,
}

/// All that a tier's verdict depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierRecord {
    /// Which tier.
    pub tier: Tier,
    /// Time after which the tier warns.
    pub target: Span,
    /// Time at which the tier fails.
    pub critical: Span,
    /// Wall time of the run in ms.
    pub duration_ms: u64,
    /// The part of it that was cold, in ms; not judged.
    pub cold_ms: u64,
    /// Whether what was not measured fails: in CI, and with `--strict`.
    pub is_ci: bool,
    /// Names of tools or steps that may be missing in CI.
    pub may_be_missing: BTreeSet<String>,
    /// Steps, or this tier, that may be unmeasured in CI on the day of the run.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub may_be_unmeasured: BTreeSet<String>,
    /// Whether somebody stopped the run.
    pub is_interrupted: bool,
    /// How fast the machine was; absent when no step ran, and in records of before it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// What a run over its critical time leads to.
    #[serde(default, skip_serializing_if = "OverTime::is_default")]
    pub over_time: OverTime,
    /// What the change loosens compared with its base, and the waivers that allow it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loosened: Vec<Finding>,
    /// Every step of the tier in the plan's order.
    pub steps: Vec<StepReport>,
}

/// What a run over its critical time leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverTime {
    /// The tier fails, and steps that still run are stopped.
    #[default]
    Fails,
    /// The report shows it as a warning; a step is stopped only at ten times its deadline.
    Reported,
}

impl OverTime {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How a step came to its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Its command ran.
    Ran,
    /// Its result was in the cache.
    Cached,
    /// It was left out for the reason in the explanation.
    Skipped,
}

impl How {
    /// The word shown to people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Cached => "cached",
            Self::Skipped => "skipped",
        }
    }
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepReport {
    /// The step.
    pub name: String,
    /// How it ended. A step that was left out because nothing it reads was touched passes.
    pub outcome: Outcome,
    /// Whether it ran.
    pub how: How,
    /// Why it ran, was cached or was skipped.
    pub explanation: String,
    /// Why it did not pass; absent when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The tool whose absence kept the step from being checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// The deadline that stopped it, and how far it had come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// What to do about the cause, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The exact command, to run it alone.
    pub command: Vec<String>,
    /// Wall time in ms, cold time included.
    pub duration_ms: u64,
    /// Cold time in ms.
    pub cold_ms: u64,
    /// Whether the step may be left out after the target time.
    pub optional: bool,
    /// What the step could not check, one line each.
    pub not_checked: Vec<String>,
    /// Processes that the step started and that still ran after it, such as "pid 12: `sleep 600`".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// Where its whole output lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// Where its JUnit file lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub junit: Option<String>,
    /// The lines that tell the cause of a failure.
    pub excerpt: Vec<String>,
    /// Tests counted; for crates from the cache those of the run that passed are included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// The runner's closing lines.
    pub closing_lines: Vec<String>,
    /// Crates that ran; empty for a step that is cached whole.
    pub crates_run: Vec<String>,
    /// Crates whose result came from the cache.
    pub crates_cached: Vec<String>,
}

impl StepReport {
    /// A report without times, output or counts.
    #[must_use]
    pub fn new(name: &str, how: How, outcome: Outcome, explanation: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            outcome,
            how,
            explanation: explanation.into(),
            cause: None,
            missing: None,
            stopped: None,
            hint: None,
            command: Vec::new(),
            duration_ms: 0,
            cold_ms: 0,
            optional: false,
            not_checked: Vec::new(),
            left_behind: Vec::new(),
            log: None,
            junit: None,
            excerpt: Vec::new(),
            counts: None,
            closing_lines: Vec::new(),
            crates_run: Vec::new(),
            crates_cached: Vec::new(),
        }
    }
}

impl TierRecord {
    /// Wall time without cold time.
    #[must_use]
    pub fn warm(&self) -> Span {
        Span(Duration::from_millis(
            self.duration_ms.saturating_sub(self.cold_ms),
        ))
    }

    /// The time that the budget is judged on: what the reference machine would have needed,
    /// without cold time and without waiting for other work.
    #[must_use]
    pub fn judged(&self) -> Span {
        let warm = self.warm();
        self.pace.map_or(warm, |pace| {
            Span(pace.scaled(warm.0, Duration::from_millis(pace.waited_ms)))
        })
    }

    /// The judged time, with the measured one where it differs: `43s (2m10s on this machine: …)`.
    #[must_use]
    pub fn time_words(&self) -> String {
        let (judged, warm) = (self.judged(), self.warm());
        match self.pace.and_then(|pace| pace.describe()) {
            Some(why) if judged != warm => {
                format!("{judged} ({warm} on this machine: {why})")
            }
            _ => judged.to_string(),
        }
    }

    /// Whether this step's missing tool is allowed to be missing in CI.
    #[must_use]
    pub fn may_miss(&self, step: &StepReport) -> bool {
        let tool = step.missing.as_deref().unwrap_or_default();
        if self.may_be_unmeasured.contains(&step.name) {
            return true;
        }
        self.may_be_missing.contains(tool) || self.may_be_missing.contains(&step.name)
    }

    /// Whether a line of [`Self::not_checked`] names a tool that the settings allow to be missing:
    /// it is listed, and does not lower the verdict.
    #[must_use]
    pub fn is_allowed(&self, line: &str) -> bool {
        let mut tools = self.may_be_missing.iter();
        let mut steps = self.may_be_unmeasured.iter();
        tools.any(|tool| line.contains(&format!("`{tool}` is missing")))
            || steps.any(|step| line.starts_with(&format!("{step}: ")))
    }

    /// Everything that was not checked, one line each, in the order of the steps.
    #[must_use]
    pub fn not_checked(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for step in &self.steps {
            if step.outcome == Outcome::NotChecked {
                let why = step.cause.as_deref().unwrap_or(&step.explanation);
                lines.push(format!("{}: {why}", step.name));
            }
            for line in &step.not_checked {
                lines.push(format!("{}: {line}", step.name));
            }
        }
        lines
    }
}

/// The verdict of a tier from what was recorded.
#[must_use]
pub fn verdict(record: &TierRecord) -> Verdict {
    let mut findings: Vec<Finding> = record
        .steps
        .iter()
        .filter_map(|step| step_finding(record, step))
        .collect();
    findings.extend(time_finding(record));
    findings.extend(record.loosened.iter().cloned());
    findings.extend(unmeasured_findings(record));
    findings.sort();
    let worst_step = record.steps.iter().map(|step| step.outcome).max();
    let has_not_checked = !record
        .not_checked()
        .iter()
        .all(|line| record.is_allowed(line));
    let mut outcome = worst_step.unwrap_or(Outcome::NotChecked);
    if has_not_checked {
        outcome = outcome.worst(Outcome::NotChecked);
    }
    if record.is_interrupted {
        outcome = outcome.worst(Outcome::Inconclusive);
    }
    let of_findings = Verdict::from_findings(findings, "");
    outcome = outcome.worst(of_findings.outcome);
    Verdict {
        outcome,
        reason: reason(record, outcome, &of_findings),
        findings: of_findings.findings,
    }
}

fn reason(record: &TierRecord, outcome: Outcome, of_findings: &Verdict) -> String {
    if of_findings.outcome == Outcome::Fail {
        return of_findings.reason.clone();
    }
    if record.is_interrupted {
        return "the run was interrupted".to_owned();
    }
    if record.steps.is_empty() {
        return "the tier has no steps, so nothing was checked".to_owned();
    }
    let n_steps = record.steps.len();
    let count = |is: fn(&StepReport) -> bool| record.steps.iter().filter(|step| is(step)).count();
    let n_cached = count(|step| step.how == How::Cached);
    let n_pass = count(|step| matches!(step.outcome, Outcome::Pass | Outcome::Warn));
    let n_fail = count(|step| step.outcome == Outcome::Fail);
    let n_unmeasured = n_steps - n_pass - n_fail;
    let time = if record.judged() == record.warm() {
        format!("{} of {}", record.judged(), record.target)
    } else {
        format!("{}, target {}", record.time_words(), record.target)
    };
    let mut text = format!(
        "{n_steps} steps: {n_pass} pass, {n_fail} fail, {n_unmeasured} unmeasured; {n_cached} from the cache, in {time}"
    );
    let n_not_checked = record.not_checked().len();
    if n_not_checked > 0 {
        text.push_str(&format!("; not checked: {n_not_checked}"));
        if record
            .not_checked()
            .iter()
            .all(|line| record.is_allowed(line))
        {
            text.push_str(", as the settings allow");
        }
    }
    if outcome == Outcome::Warn
        && let Some(first) = of_findings.findings.first()
    {
        text.push_str(&format!("; {}", first.message));
    }
    text
}

fn step_finding(record: &TierRecord, step: &StepReport) -> Option<Finding> {
    let name = &step.name;
    let cause = step.cause.as_deref().unwrap_or(&step.explanation);
    let finding = match step.outcome {
        Outcome::Fail => Finding::error("step-failed", format!("step `{name}` failed: {cause}")),
        Outcome::NotChecked if step.missing.is_some() => {
            let message = format!("step `{name}` was not checked: {cause}");
            if record.is_ci && !record.may_miss(step) {
                Finding::error("step-not-checked", message)
                    .because("under CI=true a missing tool fails, unless `may_be_missing` of `tollgate.toml` names it")
            } else {
                Finding::warning("step-not-checked", message)
            }
        }
        Outcome::Inconclusive if step.stopped.is_some() => stopped_finding(record, step, cause),
        Outcome::Inconclusive => {
            Finding::warning("step-inconclusive", format!("step `{name}`: {cause}"))
        }
        _ if step.counts.is_some_and(|counts| counts.flaky > 0) => {
            let n_flaky = step.counts.map_or(0, |counts| counts.flaky);
            let message = format!("step `{name}` has flaky tests: {n_flaky}");
            Finding::warning("tests-flaky", message)
        }
        _ => return None,
    };
    let description = step.hint.clone();
    Some(match (description, step.outcome) {
        (Some(hint), _) => finding.fix(hint),
        (None, Outcome::Fail) if !step.command.is_empty() => {
            finding.fix_command("run the step alone", step.command.join(" "))
        }
        _ => finding,
    })
}

/// In CI, what was not measured fails, unless the settings name it until a day. Missing tools and
/// steps that are optional have findings or permission of their own.
fn unmeasured_findings(record: &TierRecord) -> Vec<Finding> {
    let word = record.tier.word();
    let is_allowed = |name: &str| record.may_be_unmeasured.contains(name);
    if !record.is_ci || record.is_interrupted {
        return Vec::new();
    }
    let reason = "under CI=true and `--strict` what was not measured is not a pass";
    if record.steps.is_empty() && !is_allowed(word) {
        let message = format!(
            "`{word}` has no steps, so nothing was checked: the settings name none, and no default fits what the repository holds"
        );
        let finding = Finding::error("tier-unmeasured", message).because(reason);
        let fix = format!(
            "add `[[tiers.{word}.steps]]` to `tollgate.toml`, or `{word}` with a last day to `unmeasured` of `[tiers]`"
        );
        return vec![finding.fix(fix)];
    }
    let mut findings = Vec::new();
    for step in &record.steps {
        for line in &step.not_checked {
            let shown = format!("{}: {line}", step.name);
            if !record.is_allowed(&shown) {
                let message = format!("step `{}` has not checked all: {line}", step.name);
                findings.push(Finding::error("step-unmeasured", message).because(reason));
            }
        }
    }
    findings
}

/// A step that a deadline stopped is a failure only when the deadline is over at the reference
/// machine's speed; for the tier's critical time, the tier's own finding has that.
fn stopped_finding(record: &TierRecord, step: &StepReport, cause: &str) -> Finding {
    let message = format!("step `{}` did not finish: {cause}", step.name);
    let is_over = |stopped: &Stopped| {
        let warm = Duration::from_millis(stopped.warm_ms);
        let waited = Duration::from_millis(stopped.waited_ms);
        let judged = record.pace.map_or(warm, |pace| pace.scaled(warm, waited));
        stopped.deadline == Deadline::Timeout && judged >= stopped.limit.0
    };
    let is_failure = record.over_time == OverTime::Fails;
    if is_failure && step.stopped.as_ref().is_some_and(is_over) {
        Finding::error("step-over-timeout", message)
    } else {
        Finding::warning("step-stopped", message)
    }
}

fn time_finding(record: &TierRecord) -> Option<Finding> {
    let judged = record.judged();
    let not_started: Vec<&str> = record
        .steps
        .iter()
        .filter(|step| {
            step.outcome == Outcome::NotChecked && step.missing.is_none() || step.stopped.is_some()
        })
        .map(|step| step.name.as_str())
        .collect();
    let left_out = if not_started.is_empty() {
        String::new()
    } else {
        format!("; not checked: {}", not_started.join(", "))
    };
    let word = record.tier.word();
    let time = record.time_words();
    if judged >= record.critical {
        let message = format!(
            "`{word}` took {time}, critical is {}{left_out}",
            record.critical
        );
        return Some(match record.over_time {
            OverTime::Fails => Finding::error("tier-over-critical", message),
            OverTime::Reported => Finding::warning("tier-over-critical", message),
        });
    }
    (judged > record.target).then(|| {
        let message = format!(
            "`{word}` took {time}, target is {}{left_out}",
            record.target
        );
        Finding::warning("tier-over-target", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(steps: Vec<StepReport>) -> TierRecord {
        let (target, critical) = Tier::Tier0.default_budget();
        TierRecord {
            tier: Tier::Tier0,
            target,
            critical,
            duration_ms: 1_000,
            cold_ms: 0,
            is_ci: false,
            may_be_missing: BTreeSet::new(),
            may_be_unmeasured: BTreeSet::new(),
            is_interrupted: false,
            pace: None,
            over_time: OverTime::Fails,
            loosened: Vec::new(),
            steps,
        }
    }

    fn step(outcome: Outcome) -> StepReport {
        StepReport::new("lint", How::Ran, outcome, "no earlier run")
    }

    fn missing() -> StepReport {
        let mut step = step(Outcome::NotChecked);
        step.missing = Some("swift".to_owned());
        step.cause = Some("`swift` is missing".to_owned());
        step
    }

    #[test]
    fn a_missing_tool_is_never_a_pass_and_fails_in_ci_unless_it_is_named() {
        let mut record = record(vec![step(Outcome::Pass), missing()]);
        assert_eq!(verdict(&record).outcome, Outcome::NotChecked);
        record.is_ci = true;
        assert_eq!(verdict(&record).outcome, Outcome::Fail);
        record.may_be_missing.insert("swift".to_owned());
        assert_eq!(verdict(&record).outcome, Outcome::NotChecked);
    }

    #[test]
    fn what_the_settings_allow_to_be_missing_is_listed_and_does_not_lower_the_verdict() {
        let mut tests = step(Outcome::Pass);
        tests.not_checked = vec!["not checked: wide: `samples` is missing; get them".to_owned()];
        let mut record = record(vec![tests]);
        assert_eq!(verdict(&record).outcome, Outcome::NotChecked);
        record.may_be_missing.insert("samples".to_owned());
        let verdict = verdict(&record);
        assert_eq!(verdict.outcome, Outcome::Pass);
        assert!(
            verdict
                .reason
                .ends_with("not checked: 1, as the settings allow"),
            "{}",
            verdict.reason
        );
        assert_eq!(record.not_checked().len(), 1);
    }

    #[test]
    fn a_cold_run_never_fails_for_being_cold() {
        let mut record = record(vec![step(Outcome::Pass)]);
        record.duration_ms = 600_000;
        assert_eq!(verdict(&record).outcome, Outcome::Fail);
        record.cold_ms = 590_000;
        assert_eq!(verdict(&record).outcome, Outcome::Pass);
        record.cold_ms = 540_000;
        assert_eq!(verdict(&record).outcome, Outcome::Warn);
    }

    #[test]
    fn a_flaky_test_is_never_silently_green() {
        let mut flaky = step(Outcome::Pass);
        flaky.counts = Some(Counts {
            run: 3,
            passed: 3,
            flaky: 1,
            ..Counts::default()
        });
        let verdict = verdict(&record(vec![flaky]));
        assert_eq!(verdict.outcome, Outcome::Warn);
        assert!(
            verdict.reason.ends_with("step `lint` has flaky tests: 1"),
            "{}",
            verdict.reason
        );
    }

    /// A record as it was written before stopped steps and the machine's speed were recorded.
    const OLD_RECORD: &str = r#"{"tier":"tier0","target":"45s","critical":"1m30s","duration_ms":95000,"cold_ms":1000,"is_ci":false,"may_be_missing":[],"is_interrupted":false,"steps":[{"name":"test","outcome":"fail","how":"ran","explanation":"no earlier run","cause":"it was stopped at the tier's critical time","command":["cargo","nextest","run"],"duration_ms":90000,"cold_ms":0,"optional":false,"not_checked":[],"excerpt":[],"closing_lines":[],"crates_run":[],"crates_cached":[]}]}"#;

    #[test]
    fn an_old_record_is_written_again_as_it_was_and_gives_the_same_verdict() {
        let record: TierRecord = serde_json::from_str(OLD_RECORD).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), OLD_RECORD);
        let verdict = verdict(&record);
        assert_eq!(verdict.outcome, Outcome::Fail);
        let messages: Vec<&str> = verdict
            .findings
            .iter()
            .map(|finding| finding.message.as_str())
            .collect();
        assert_eq!(
            messages,
            [
                "step `test` failed: it was stopped at the tier's critical time",
                "`tier0` took 1m34s, critical is 1m30s",
            ]
        );
    }

    #[test]
    fn what_the_change_loosens_fails_the_tier_and_is_named() {
        let mut record = record(vec![step(Outcome::Pass)]);
        record.loosened = vec![Finding::error("settings-step-removed", "`test` is gone")];
        let verdict = verdict(&record);
        assert_eq!(verdict.outcome, Outcome::Fail);
        assert_eq!(verdict.reason, "`test` is gone");
    }

    #[test]
    fn a_tier_without_steps_has_checked_nothing_and_fails_in_ci_unless_it_is_named() {
        let mut record = record(vec![]);
        assert_eq!(verdict(&record).outcome, Outcome::NotChecked);
        record.is_ci = true;
        assert_eq!(verdict(&record).findings[0].code, "tier-unmeasured");
        record.may_be_unmeasured.insert("tier0".to_owned());
        assert_eq!(verdict(&record).outcome, Outcome::NotChecked);
    }

    #[test]
    fn what_a_step_could_not_check_fails_in_ci_unless_it_is_named() {
        let mut tests = step(Outcome::Pass);
        tests.not_checked = vec!["line coverage: `llvm-cov` is missing".to_owned()];
        let mut record = record(vec![tests]);
        record.is_ci = true;
        assert_eq!(verdict(&record).findings[0].code, "step-unmeasured");
        record.may_be_unmeasured.insert("lint".to_owned());
        assert_eq!(verdict(&record).outcome, Outcome::Pass);
    }
}
