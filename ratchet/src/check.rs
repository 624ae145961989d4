//! Floors against measurements: a pure function that judges every floor.

use serde::{Deserialize, Serialize};
use tollgate_report::{Finding, Outcome, Severity, Timestamp, Verdict};

use crate::catalogue::Catalogue;
use crate::floors::{Floor, Floors};
use crate::gap::ReportGap;
use crate::history::History;
use crate::measurement::Measurement;
use crate::metric::{Direction, shown};
use crate::noise::{self, Shown};
use crate::settings::RatchetSettings;
use crate::tighten::{Change, TightenInput, tighten};
use crate::waiver::{Waiver, WaiverRules, check_waivers};

/// The metric of failed tests; it fails without a floor too.
const FAILED_TESTS: &str = "failed_test_count_max";
/// A floor that is further behind its value than this share is shown.
const GAP_SHOWN: f64 = 0.01;

/// The result for one floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The value is at the floor or better.
    Pass,
    /// A noisy value is worse, but noise may explain it.
    Warn,
    /// Nothing measured it, or too few runs are recorded to judge it; never a pass.
    NotChecked,
    /// It is worse, and a live waiver allows that for a while.
    Waived,
    /// It is worse.
    Fail,
}

impl Status {
    /// The word shown to people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::NotChecked => "unmeasured",
            Self::Waived => "waived",
            Self::Fail => "fail",
        }
    }

    /// The outcome that a gate has with this status.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Pass => Outcome::Pass,
            Self::Warn | Self::Waived => Outcome::Warn,
            Self::NotChecked => Outcome::NotChecked,
            Self::Fail => Outcome::Fail,
        }
    }
}

/// One floor with its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Id of the metric.
    pub metric: String,
    /// The floor.
    pub floor: Floor,
    /// The measured value; absent when nothing measured it.
    pub now: Option<f64>,
    /// Its result.
    pub status: Status,
    /// Why, with the numbers and the rule.
    pub reason: String,
}

/// The input of a check.
#[derive(Debug, Clone, Copy)]
pub struct CheckInput<'a> {
    /// The committed floors.
    pub floors: &'a Floors,
    /// The floors of the base, which a waiver may also be about.
    pub base: Option<&'a Floors>,
    /// What was measured now.
    pub measurements: &'a [Measurement],
    /// Metrics that a report is about and does not measure, with the reason.
    pub unmeasured: &'a [(String, String)],
    /// Reports of the settings that are missing.
    pub gaps: &'a [ReportGap],
    /// Values of past runs, without those of now.
    pub history: &'a History,
    /// All waivers, live or not.
    pub waivers: &'a [Waiver],
    /// The time of the check, for waivers.
    pub now: Timestamp,
    /// Whether what is unmeasured fails.
    pub is_strict: bool,
    /// Settings of the ratchet.
    pub settings: &'a RatchetSettings,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// Every floor, sorted by metric.
    pub judgements: Vec<Judgement>,
    /// Waivers that hold now; every report lists them.
    pub live_waivers: Vec<Waiver>,
    /// Floors that tightening would change.
    pub behind: Vec<Change>,
    /// The verdict of the gate with its findings.
    pub verdict: Verdict,
}

/// Compares every floor with what was measured.
#[must_use]
pub fn check(input: &CheckInput<'_>) -> Checked {
    let catalogue = Catalogue::new(input.settings);
    let judgements: Vec<Judgement> = input
        .floors
        .0
        .iter()
        .map(|(metric, floor)| judge(input, &catalogue, metric, floor))
        .collect();
    let has_floor = |metric: &str| {
        let mut floors = [Some(input.floors), input.base].into_iter().flatten();
        floors.any(|floors| floors.0.contains_key(metric))
    };
    let live_waivers: Vec<Waiver> = input
        .waivers
        .iter()
        .filter(|waiver| is_in_force(input, waiver) && has_floor(&waiver.metric))
        .cloned()
        .collect();
    let behind = behind(input);
    let rules = WaiverRules {
        floors: input.floors,
        base: input.base,
        now: input.now,
        days_max: input.settings.waiver_days_max,
    };
    let mut findings = check_waivers(input.waivers, &rules);
    findings.extend(
        judgements
            .iter()
            .filter_map(|judgement| finding(input, judgement)),
    );
    findings.extend(input.gaps.iter().map(|gap| gap_finding(input, gap)));
    findings.extend(without_floor(input, &catalogue));
    findings.extend(behind.iter().map(|change| behind_finding(input, change)));
    findings.extend(unknown_allowances(input));
    findings.extend(live_waivers.iter().map(live_waiver_finding));
    findings.sort();
    let verdict = verdict(input, &judgements, findings);
    Checked {
        judgements,
        live_waivers,
        behind,
        verdict,
    }
}

fn is_in_force(input: &CheckInput<'_>, waiver: &Waiver) -> bool {
    waiver.is_live(input.now) && !waiver.is_too_long(input.now, input.settings.waiver_days_max)
}

fn judge(input: &CheckInput<'_>, catalogue: &Catalogue, metric: &str, floor: &Floor) -> Judgement {
    let judgement = |now, status, reason: String| Judgement {
        metric: metric.to_owned(),
        floor: floor.clone(),
        now,
        status,
        reason,
    };
    let measured = input
        .measurements
        .iter()
        .filter(|measurement| measurement.metric == metric);
    // Of several measurements of one metric, the worst counts.
    let worst = measured.reduce(|one, other| {
        if floor.direction.is_worse(other.value, one.value) {
            other
        } else {
            one
        }
    });
    let Some(measurement) = worst else {
        let known = input.unmeasured.iter().find(|(id, _)| id == metric);
        let reason = known.map_or("no report contains it", |(_, why)| why);
        return judgement(None, Status::NotChecked, reason.to_owned());
    };
    let value = measurement.value;
    if measurement.unit != floor.unit {
        let reason = format!(
            "it was measured in `{}`, and its floor is in `{}`",
            measurement.unit, floor.unit
        );
        return judgement(None, Status::Fail, reason);
    }
    if !value.is_finite() {
        let reason = format!("the measured value `{value}` is not a number");
        return judgement(None, Status::Fail, reason);
    }
    let tolerated = Tolerated::of(input.settings, metric, floor);
    let (status, reason) = if !floor.direction.is_worse(value, floor.floor) {
        (Status::Pass, measurement.detail.clone())
    } else if !floor.direction.is_worse(value, tolerated.limit) {
        let worse = tolerated.worse(value);
        let percent = shown(tolerated.percent);
        (
            Status::Pass,
            format!("{worse}, within the tolerance of {percent}%"),
        )
    } else if catalogue.is_noisy(metric) {
        let past = input.history.values(metric, &floor.unit);
        judge_noisy(&tolerated, value, &past, input.settings)
    } else {
        let reason = format!(
            "{} is worse than {} ({})",
            shown(value),
            shown(floor.floor),
            measurement.detail
        );
        (Status::Fail, reason)
    };
    if status != Status::Fail {
        return judgement(Some(value), status, reason);
    }
    let mut waivers = input.waivers.iter();
    let waiver = waivers.find(|waiver| waiver.metric == metric && is_in_force(input, waiver));
    let (status, reason) = waiver.map_or((status, reason.clone()), |waiver| {
        waived(&tolerated, value, &reason, waiver)
    });
    judgement(Some(value), status, reason)
}

/// A broken floor with a live waiver: it holds down to the waiver's limit.
fn waived(
    tolerated: &Tolerated<'_>,
    value: f64,
    reason: &str,
    waiver: &Waiver,
) -> (Status, String) {
    let direction = tolerated.floor.direction;
    let is_beyond = |limit: f64| direction.is_worse(value, tolerated.beyond(limit));
    if let Some(limit) = waiver.limit.filter(|limit| is_beyond(*limit)) {
        let reason = format!(
            "{reason}; the waiver in `{}` allows no worse than {}",
            waiver.file,
            shown(limit)
        );
        return (Status::Fail, reason);
    }
    let until = waiver.expires.as_deref().unwrap_or_default();
    let reason = format!(
        "{reason}; waived until {until} by `{}`: {}",
        waiver.owner, waiver.reason
    );
    (Status::Waived, reason)
}

/// A floor with the tolerance that counts: that of the settings, else that of the floors file.
struct Tolerated<'a> {
    floor: &'a Floor,
    percent: f64,
    /// The worst value within the tolerance.
    limit: f64,
}

impl<'a> Tolerated<'a> {
    fn of(settings: &RatchetSettings, metric: &str, floor: &'a Floor) -> Self {
        let own = settings.metrics.get(metric).and_then(|own| own.tolerance);
        let percent = own
            .map(|own| own.0 * 100.0)
            .or(floor.tolerance_percent)
            .unwrap_or(0.0);
        let mut tolerated = Self {
            floor,
            percent,
            limit: floor.floor,
        };
        tolerated.limit = tolerated.beyond(floor.floor);
        tolerated
    }

    /// The worst value that is within the tolerance of `value`.
    fn beyond(&self, value: f64) -> f64 {
        let allowed = value.abs() * self.percent / 100.0;
        match self.floor.direction {
            Direction::Up => value - allowed,
            Direction::Down => value + allowed,
            Direction::Zero => value,
        }
    }

    fn worse(&self, value: f64) -> String {
        let by = (value - self.floor.floor).abs();
        format!("{} {} worse than the floor", shown(by), self.floor.unit)
    }
}

/// A noisy value beyond the tolerance: it fails when the recorded runs show a change, and not by a
/// single run.
fn judge_noisy(
    tolerated: &Tolerated<'_>,
    value: f64,
    past: &[f64],
    settings: &RatchetSettings,
) -> (Status, String) {
    let is_worse = |value: &f64| tolerated.floor.direction.is_worse(*value, tolerated.limit);
    let past: Vec<bool> = past.iter().map(is_worse).collect();
    let beyond = match tolerated.percent {
        0.0 => tolerated.worse(value),
        percent => format!(
            "{}, beyond the tolerance of {}%",
            tolerated.worse(value),
            shown(percent)
        ),
    };
    match noise::judge(&past, &settings.noise) {
        Shown::Change {
            n_worse,
            n_before,
            p,
        } => {
            let reason = format!(
                "{beyond}, in {n_worse} runs in a row after {n_before} others; the probability of that by noise is \
                 {p:.1e}, at most {} is allowed",
                settings.noise.p_max / 2.0
            );
            (Status::Fail, reason)
        }
        Shown::Undecided {
            n_worse,
            n_before,
            n_missing,
        } if n_before >= settings.noise.runs_min => {
            let reason = format!(
                "{beyond}, in {n_worse} of {} runs; {n_missing} more runs like this are needed to tell a change from \
                 noise",
                n_before + n_worse
            );
            (Status::Warn, reason)
        }
        Shown::Undecided {
            n_worse,
            n_before,
            n_missing,
        } => {
            let n_quiet = settings.noise.runs_min.saturating_sub(n_before);
            let reason = format!(
                "{beyond}; noise and change cannot be told apart with {} recorded runs: {n_missing} more like this, or \
                 {n_quiet} within the tolerance, are needed",
                n_before + n_worse - 1
            );
            (Status::NotChecked, reason)
        }
    }
}

/// Floors that tightening would change, unless a report is missing.
fn behind(input: &CheckInput<'_>) -> Vec<Change> {
    if !input.gaps.is_empty() {
        return Vec::new();
    }
    let tightened = tighten(&TightenInput {
        floors: input.floors,
        measurements: input.measurements,
        history: input.history,
        settings: input.settings,
    });
    let mut changes = tightened.changes;
    changes.retain(|change| gap(change) > GAP_SHOWN);
    changes
}

/// How far a value is better than its floor, as a share of the floor.
fn gap(change: &Change) -> f64 {
    let before = change.before.unwrap_or(change.after);
    let difference = (change.after - before).abs();
    if before == 0.0 {
        if difference == 0.0 {
            0.0
        } else {
            f64::INFINITY
        }
    } else {
        difference / before.abs()
    }
}

fn behind_finding(input: &CheckInput<'_>, change: &Change) -> Finding {
    let message = format!(
        "the floor of `{}` is {}, and the value is {}",
        change.metric,
        change.before.map_or_else(|| "none".to_owned(), shown),
        shown(change.after)
    );
    let gap_max = input.settings.floor_gap_max;
    let is_too_far = gap_max.is_some_and(|gap_max| gap(change) > gap_max.0);
    let finding = if is_too_far {
        Finding::error("floor-behind", message)
    } else {
        Finding::info("floor-behind", message)
    };
    finding
        .because("quality can fall back to the floor without a finding")
        .fix_command("raise the floor", "{tollgate} ratchet tighten")
}

/// How serious something unmeasured is: an error under `--strict` and in CI, unless the settings
/// name it and the day is not over.
fn unmeasured(input: &CheckInput<'_>, names: &[&str]) -> (Severity, Option<String>) {
    let allowances = &input.settings.unmeasured;
    let named = names.iter().find_map(|name| allowances.get(*name));
    let severity = if input.is_strict {
        Severity::Error
    } else {
        Severity::Warning
    };
    match named {
        Some(until) if !until.is_over(input.now) => (
            Severity::Info,
            Some(format!("tollgate.toml allows that until {until}")),
        ),
        Some(until) => (
            severity,
            Some(format!(
                "tollgate.toml allowed that until {until}, which is over"
            )),
        ),
        None => (severity, None),
    }
}

fn with_note(finding: Finding, why: &str, note: Option<String>) -> Finding {
    match note {
        Some(note) => finding.because(format!("{why}; {note}")),
        None => finding.because(why),
    }
}

fn gap_finding(input: &CheckInput<'_>, gap: &ReportGap) -> Finding {
    let (severity, note) = unmeasured(input, &[&gap.report]);
    let finding = gap.finding(match severity {
        Severity::Error => Finding::error,
        Severity::Warning => Finding::warning,
        Severity::Info => Finding::info,
    });
    let why = finding.why.clone().unwrap_or_default();
    with_note(finding, &why, note)
}

/// Entries of `unmeasured` that name nothing.
fn unknown_allowances(input: &CheckInput<'_>) -> Vec<Finding> {
    let settings = input.settings;
    let is_known = |name: &String| {
        input.floors.0.contains_key(name)
            || settings.reports.contains(name)
            || settings.metrics.contains_key(name)
    };
    let unknown = settings.unmeasured.keys().filter(|name| !is_known(name));
    unknown
        .map(|name| {
            let message = format!(
                "`unmeasured` in the section [ratchet] of tollgate.toml names `{name}`, which is neither a metric with a floor nor an entry of `reports`"
            );
            Finding::warning("unmeasured-unknown", message).fix("correct the name, or delete the line")
        })
        .collect()
}

fn finding(input: &CheckInput<'_>, judgement: &Judgement) -> Option<Finding> {
    let metric = &judgement.metric;
    let floor = &judgement.floor;
    let show = format!("{} {}", shown(floor.floor), floor.unit);
    let finding = match (judgement.status, judgement.now) {
        (Status::Pass, _) => return None,
        (Status::NotChecked, now) => return Some(unmeasured_finding(input, judgement, now)),
        (Status::Fail, Some(now)) => {
            let message = format!(
                "`{metric}` is {} {}, its floor is {show}",
                shown(now),
                floor.unit
            );
            Finding::error("floor-broken", message).fix_command(
                "compare with past values, and fix the cause or write a waiver",
                "{tollgate} ratchet show",
            )
        }
        (Status::Fail, None) => Finding::error(
            "measurement-invalid",
            format!("`{metric}` cannot be compared with its floor"),
        )
        .fix("measure it in the unit of its floor"),
        (Status::Warn, _) => Finding::warning(
            "floor-noise",
            format!("`{metric}` is worse than its floor of {show}"),
        ),
        (Status::Waived, _) => Finding::info(
            "floor-waived",
            format!("`{metric}` is worse than its floor of {show}"),
        ),
    };
    Some(finding.because(&judgement.reason))
}

fn unmeasured_finding(input: &CheckInput<'_>, judgement: &Judgement, now: Option<f64>) -> Finding {
    let metric = &judgement.metric;
    let (severity, note) = unmeasured(input, &[metric]);
    let day = "write `METRIC = \"YYYY-MM-DD\"` under [ratchet.unmeasured] of tollgate.toml";
    let finding = match now {
        None => Finding::new(
            severity,
            "floor-not-checked",
            format!("`{metric}` was not measured"),
        )
        .fix(format!(
            "add the report that contains it to `reports` in the section [ratchet] of tollgate.toml; if it may be unmeasured until a day, {day}"
        )),
        Some(_) => Finding::new(
            severity,
            "floor-undecided",
            format!("too few runs are recorded to judge `{metric}`"),
        )
        .fix_command(
            format!("fetch the runs of other checkouts; if it may be undecided until a day, {day}"),
            "{tollgate} ratchet history fetch",
        ),
    };
    with_note(finding, &judgement.reason, note)
}

fn without_floor(input: &CheckInput<'_>, catalogue: &Catalogue) -> Vec<Finding> {
    let mut findings = Vec::new();
    for measurement in input.measurements {
        let id = &measurement.metric;
        if input.floors.0.contains_key(id) {
            continue;
        }
        findings.push(if id == FAILED_TESTS && measurement.value == 0.0 {
            continue;
        } else if id == FAILED_TESTS {
            let message = format!("{} tests failed", shown(measurement.value));
            Finding::error("tests-failed", message)
                .because(&measurement.detail)
                .fix("fix the tests, or mark them as skipped")
        } else if catalogue.get(id).is_some() {
            Finding::info(
                "metric-without-floor",
                format!("`{id}` is measured and has no floor"),
            )
            .fix_command("adopt its value as the floor", "{tollgate} ratchet tighten")
        } else {
            let hint = match catalogue.did_you_mean(id) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add the section [ratchet.metrics.{id}] to tollgate.toml"),
            };
            Finding::error(
                "metric-unknown",
                format!("the metric `{id}` does not exist"),
            )
            .fix(hint)
        });
    }
    findings
}

fn live_waiver_finding(waiver: &Waiver) -> Finding {
    let until = waiver.expires.as_deref().unwrap_or_default();
    let message = format!(
        "`{}` is waived until {until} by `{}`",
        waiver.metric, waiver.owner
    );
    Finding::info("waiver-live", message)
        .at(tollgate_report::Place::file(&waiver.file))
        .because(&waiver.reason)
}

fn verdict(input: &CheckInput<'_>, judgements: &[Judgement], findings: Vec<Finding>) -> Verdict {
    let statuses: Vec<Status> = judgements.iter().map(|judged| judged.status).collect();
    let others = [
        Status::Fail,
        Status::Waived,
        Status::Warn,
        Status::NotChecked,
    ];
    let mut verdict = Verdict::of_rows(
        &statuses,
        (Status::Pass, "floors hold"),
        &others,
        |status| (status.word(), status.outcome()),
        findings,
    );
    match input.gaps.len() {
        0 => {}
        1 => verdict.reason.push_str("; 1 report is missing"),
        n => verdict
            .reason
            .push_str(&format!("; {n} reports are missing")),
    }
    if !input.gaps.is_empty() {
        verdict.outcome = verdict.outcome.worst(Outcome::NotChecked);
    }
    if judgements.is_empty() && input.is_strict {
        verdict.outcome = Outcome::Fail;
    }
    verdict
}
