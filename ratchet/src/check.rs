//! Floors against measurements: a pure function that judges every floor.

use serde::{Deserialize, Serialize};
use tollgate_report::{Finding, Outcome, Timestamp, Verdict};
use tollgate_stats::order::spread;

use crate::catalogue::Catalogue;
use crate::floors::{Floor, Floors};
use crate::history::History;
use crate::measurement::Measurement;
use crate::metric::shown;
use crate::settings::{NoiseSettings, RatchetSettings};
use crate::waiver::{Waiver, check_waivers};

/// The result for one floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The value is at the floor or better.
    Pass,
    /// A noisy value is worse, but noise may explain it.
    Warn,
    /// Nothing measured it; never a pass.
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
            Self::NotChecked => "not checked",
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
    /// What was measured now.
    pub measurements: &'a [Measurement],
    /// Values of past runs, without those of now.
    pub history: &'a History,
    /// All waivers, live or not.
    pub waivers: &'a [Waiver],
    /// The time of the check, for waivers.
    pub now: Timestamp,
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
    /// The verdict of the gate with its findings.
    pub verdict: Verdict,
}

/// Compares every floor with what was measured.
#[must_use]
pub fn check(input: &CheckInput<'_>) -> Checked {
    let judgements: Vec<Judgement> = input
        .floors
        .0
        .iter()
        .map(|(metric, floor)| judge(input, metric, floor))
        .collect();
    let live_waivers: Vec<Waiver> = input
        .waivers
        .iter()
        .filter(|waiver| waiver.is_live(input.now) && input.floors.0.contains_key(&waiver.metric))
        .cloned()
        .collect();
    let mut findings = check_waivers(input.waivers, input.floors, input.now);
    findings.extend(judgements.iter().filter_map(finding));
    findings.extend(without_floor(input));
    findings.extend(live_waivers.iter().map(live_waiver_finding));
    findings.sort();
    let verdict = verdict(&judgements, findings);
    Checked {
        judgements,
        live_waivers,
        verdict,
    }
}

fn judge(input: &CheckInput<'_>, metric: &str, floor: &Floor) -> Judgement {
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
        return judgement(None, Status::NotChecked, "no report contains it".to_owned());
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
    let (status, reason) = if !floor.direction.is_worse(value, floor.floor) {
        (Status::Pass, measurement.detail.clone())
    } else if floor.tolerance_percent.is_some() {
        let past = input.history.values(metric, &floor.unit);
        judge_noisy(floor, value, &past, &input.settings.noise)
    } else {
        let reason = format!(
            "{} is worse than {} ({})",
            shown(value),
            shown(floor.floor),
            measurement.detail
        );
        (Status::Fail, reason)
    };
    let waiver = input
        .waivers
        .iter()
        .find(|waiver| waiver.metric == metric && waiver.is_live(input.now));
    match (status, waiver) {
        (Status::Fail, Some(waiver)) => {
            let until = waiver.expires.as_deref().unwrap_or_default();
            let reason = format!(
                "{reason}; waived until {until} by `{}`: {}",
                waiver.owner, waiver.reason
            );
            judgement(Some(value), Status::Waived, reason)
        }
        _ => judgement(Some(value), status, reason),
    }
}

/// A noisy value that is worse than its floor: it fails only above the tolerance *and* by more
/// than 4 spreads (1.4826 · MAD) of the recorded runs, and only with enough of those.
fn judge_noisy(floor: &Floor, value: f64, past: &[f64], noise: &NoiseSettings) -> (Status, String) {
    let tolerance_percent = floor.tolerance_percent.unwrap_or(0.0);
    let worse_by = (value - floor.floor).abs();
    let allowed = floor.floor.abs() * tolerance_percent / 100.0;
    let unit = &floor.unit;
    let worse = format!("{} {unit} worse than the floor", shown(worse_by));
    let tolerance = shown(tolerance_percent);
    if worse_by <= allowed {
        return (
            Status::Pass,
            format!("{worse}, within the tolerance of {tolerance}%"),
        );
    }
    let recent = &past[past.len().saturating_sub(noise.window)..];
    let n_missing = noise.runs_min.saturating_sub(recent.len());
    let spread = match spread(recent) {
        Some(spread) if n_missing == 0 => spread,
        _ => {
            let reason = format!(
                "{worse}, above the tolerance of {tolerance}%; noise and change cannot be distinguished before \
                 {} runs are recorded: {n_missing} more needed",
                noise.runs_min
            );
            return (Status::Warn, reason);
        }
    };
    let noise_max = noise.spreads * spread;
    let rule = format!(
        "{} · 1.4826 · MAD of the last {} runs = {} {unit}",
        shown(noise.spreads),
        recent.len(),
        shown(noise_max)
    );
    if worse_by > noise_max {
        (
            Status::Fail,
            format!("{worse}, above the tolerance of {tolerance}% and above {rule}"),
        )
    } else {
        let reason =
            format!("{worse}, above the tolerance of {tolerance}%, but within noise: {rule}");
        (Status::Warn, reason)
    }
}

fn finding(judgement: &Judgement) -> Option<Finding> {
    let metric = &judgement.metric;
    let floor = &judgement.floor;
    let show = format!("{} {}", shown(floor.floor), floor.unit);
    let finding = match (judgement.status, judgement.now) {
        (Status::Pass, _) => return None,
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
        (Status::NotChecked, _) => {
            Finding::warning("floor-not-checked", format!("`{metric}` was not measured"))
                .fix("add the report that contains it to `reports` in the section [ratchet] of tollgate.toml")
        }
        (Status::Waived, _) => Finding::info(
            "floor-waived",
            format!("`{metric}` is worse than its floor of {show}"),
        ),
    };
    Some(finding.because(&judgement.reason))
}

fn without_floor(input: &CheckInput<'_>) -> Vec<Finding> {
    let catalogue = Catalogue::new(input.settings);
    let mut findings = Vec::new();
    for measurement in input.measurements {
        let id = &measurement.metric;
        if input.floors.0.contains_key(id) {
            continue;
        }
        findings.push(if catalogue.get(id).is_some() {
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

fn verdict(judgements: &[Judgement], findings: Vec<Finding>) -> Verdict {
    let statuses: Vec<Status> = judgements.iter().map(|judged| judged.status).collect();
    let others = [
        Status::Fail,
        Status::Waived,
        Status::Warn,
        Status::NotChecked,
    ];
    Verdict::of_rows(
        &statuses,
        (Status::Pass, "floors hold"),
        &others,
        |status| (status.word(), status.outcome()),
        findings,
    )
}
