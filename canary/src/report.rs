//! A run as people and machines read it: what was decided, why, since when, with the numbers.
//! Pure; made from the state alone.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use tollgate_report::render::render_table;
use tollgate_report::{Digest, Finding, Outcome, Severity, Timestamp, Verdict};

use crate::Weight;
use crate::analysis::{ArmTotals, Cause, Metric, MetricReading, e_text};
use crate::controller::{Phase, Record, State};
use crate::numbers::real;

/// One arm's numbers since the canary got traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmReport {
    /// Finished requests.
    pub n: u64,
    /// Bad answers among them.
    pub n_bad: u64,
    /// Timeouts among the bad ones.
    pub n_timeout: u64,
    /// Slow answers.
    pub n_slow: u64,
    /// p95 in milliseconds, 0 without answers.
    pub p95_ms: f64,
}

/// One e-process against its limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingReport {
    /// Such as `errors` or `slow answers`.
    pub metric: String,
    /// The canary's share of the bad events.
    pub n_canary: u64,
    /// Stable's share.
    pub n_stable: u64,
    /// The natural logarithm of the e-value.
    pub log_e_value: f64,
    /// Roll back from this e-value on.
    pub limit: f64,
    /// The chance that this metric rolls back a version as good as the stable one.
    pub alpha: f64,
}

/// The whole of a run, final or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryReport {
    /// Form of this report.
    pub version: u32,
    /// The run.
    pub run: String,
    /// Its progress.
    pub phase: Phase,
    /// Pass when promoted, fail when rolled back or aborted, else inconclusive.
    pub verdict: Verdict,
    /// Which rule decided.
    pub cause: Option<Cause>,
    /// When the trouble began.
    pub since: Option<Timestamp>,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// When the canary gave its first bad answer.
    pub first_bad_at: Option<Timestamp>,
    /// When weight 0 was seen at the data plane after the decision.
    pub weight_zero_at: Option<Timestamp>,
    /// Milliseconds from the first bad answer to weight 0 seen.
    pub rollback_ms: Option<u64>,
    /// What a person who is waited for can do; absent when nobody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
    /// Since when the manual gate waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// The intended weight.
    pub weight: Weight,
    /// The weight seen last at the data plane.
    pub observed_weight: Option<Weight>,
    /// The plan's digest.
    pub plan_digest: Digest,
    /// The stable arm.
    pub stable: ArmReport,
    /// The canary arm.
    pub canary: ArmReport,
    /// The e-processes.
    pub readings: Vec<ReadingReport>,
    /// Upper bound on the canary's excess error rate, 0 to 1.
    pub excess_upper: f64,
    /// Good canary requests that would still be needed to promote.
    pub n_more: Option<u64>,
    /// Memory of the candidate in bytes.
    pub memory_bytes: Option<u64>,
    /// Passed and failed probes.
    pub probes: (u32, u32),
    /// Phases and steps, oldest first.
    pub timeline: Vec<Record>,
}

/// The report of a state.
#[must_use]
pub fn report(state: &State) -> CanaryReport {
    let evidence = &state.evidence;
    let promotion = evidence.promotion(&state.plan);
    let decision = state.decision.as_ref();
    let zero_at = state.weight_zero_at;
    CanaryReport {
        version: 1,
        run: state.run.clone(),
        phase: state.phase,
        verdict: verdict(state),
        cause: decision.and_then(|decision| decision.cause),
        since: decision.map(|decision| decision.since),
        decided_at: decision.map(|decision| decision.at),
        first_bad_at: evidence.first_bad_at,
        weight_zero_at: zero_at,
        rollback_ms: zero_at
            .zip(evidence.first_bad_at)
            .map(|(zero, bad)| crate::numbers::ms(zero.since(bad))),
        waiting: state.waiting_text(),
        waiting_since: state.waiting_since.filter(|_| state.is_waiting()),
        weight: state.intended_weight,
        observed_weight: state.observed_weight,
        plan_digest: state.plan_digest.clone(),
        stable: arm(evidence.stable),
        canary: arm(evidence.canary),
        readings: evidence
            .readings(&state.plan)
            .into_iter()
            .filter(is_shown)
            .map(|reading| ReadingReport {
                metric: reading.metric.title().to_owned(),
                n_canary: reading.n_canary,
                n_stable: reading.n_stable,
                log_e_value: reading.e_value.ln().clamp(-1e6, 1e6),
                limit: reading.limit,
                alpha: reading.alpha,
            })
            .collect(),
        excess_upper: promotion.excess_upper,
        n_more: promotion.n_more,
        memory_bytes: evidence.memory_bytes(),
        probes: (evidence.n_probe_passes, evidence.n_probe_failures),
        timeline: state.records.clone(),
    }
}

/// The three metrics that every service has, and others with an event.
fn is_shown(reading: &MetricReading) -> bool {
    let is_common = matches!(
        reading.metric,
        Metric::Errors | Metric::Timeouts | Metric::Slow
    );
    is_common || reading.n_canary + reading.n_stable > 0
}

fn arm(totals: ArmTotals) -> ArmReport {
    ArmReport {
        n: totals.total.n,
        n_bad: totals.total.n_bad,
        n_timeout: totals.total.n_timeout,
        n_slow: totals.total.n_slow,
        p95_ms: real(totals.p95_us) / 1000.0,
    }
}

/// What the run decided, as a gate's verdict.
#[must_use]
pub fn verdict(state: &State) -> Verdict {
    let Some(decision) = &state.decision else {
        return Verdict::new(Outcome::Inconclusive, "nothing is decided yet");
    };
    let outcome = match decision.ends {
        Phase::Succeeded => Outcome::Pass,
        Phase::RolledBack | Phase::Aborted => Outcome::Fail,
        _ => Outcome::Inconclusive,
    };
    let mut verdict = Verdict::new(outcome, decision.reason.clone());
    if let Some(cause) = decision.cause {
        let severity = if outcome == Outcome::Fail {
            Severity::Error
        } else {
            Severity::Warning
        };
        let finding = Finding::new(severity, format!("canary-{cause}"), &decision.reason)
            .because(format!("since {}; decided {}", decision.since, decision.at))
            .fix_command(
                "read the candidate's logs, and compute the verdict again from its evidence",
                format!(
                    "{{tollgate}} canary replay .tollgate/canary/{}/events.ndjson",
                    state.run
                ),
            );
        verdict.findings.push(finding);
    }
    verdict
}

/// Writes the report for people: the first line states what happened, how bad it is and since when.
pub fn render_text(out: &mut dyn Write, report: &CanaryReport) -> io::Result<()> {
    let since = report
        .since
        .filter(|_| report.cause.is_some())
        .map(|since| format!(", since {since}"))
        .unwrap_or_default();
    writeln!(
        out,
        "canary {}: {}: {}{since}",
        report.run, report.phase, report.verdict.reason
    )?;
    let seen = report
        .observed_weight
        .map_or("not seen yet".to_owned(), |weight| {
            format!("{weight} seen at the data plane")
        });
    writeln!(out, "weight {} intended, {seen}", report.weight)?;
    if let Some(waiting) = &report.waiting {
        let since = report
            .waiting_since
            .map(|since| format!(" since {since}"))
            .unwrap_or_default();
        writeln!(out, "waiting for approval{since}: {waiting}")?;
    }
    if let Some(ms) = report.rollback_ms {
        writeln!(
            out,
            "first bad answer to weight 0 seen: {}",
            crate::analysis::seconds(ms)
        )?;
    }
    let row = |name: &str, arm: &ArmReport| {
        let rate = if arm.n == 0 {
            0.0
        } else {
            100.0 * real(arm.n_bad) / real(arm.n)
        };
        vec![
            name.to_owned(),
            arm.n.to_string(),
            arm.n_bad.to_string(),
            format!("{rate:.2}%"),
            arm.n_slow.to_string(),
            format!("{:.1} ms", arm.p95_ms),
        ]
    };
    let rows = [row("stable", &report.stable), row("canary", &report.canary)];
    render_table(
        out,
        &["version", "requests", "bad", "rate", "slow", "p95"],
        &rows,
    )?;
    for reading in &report.readings {
        writeln!(
            out,
            "{}: e-value {} of {:.0} ({} canary, {} stable; alpha {:.4}%)",
            reading.metric,
            e_text(reading.log_e_value.exp()),
            reading.limit,
            reading.n_canary,
            reading.n_stable,
            reading.alpha * 100.0
        )?;
    }
    for record in &report.timeline {
        writeln!(
            out,
            "{} {} {}: {}",
            record.at, record.phase, record.weight, record.reason
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::Identity;
    use crate::{Event, Moment, Settings, step};

    #[test]
    fn the_first_line_says_what_how_badly_and_since_when() {
        let identity = |label: &str| Identity {
            label: label.to_owned(),
            digest: Digest::of(label),
        };
        let versions = (identity("old"), identity("new"));
        let mut state = State::new(
            "run-1",
            Settings::short().plan(),
            versions,
            1,
            Timestamp::EPOCH,
        );
        let events = [
            Event::Start,
            Event::CandidateFailed {
                detail: "no such file".to_owned(),
            },
            Event::WeightObserved {
                weight: Weight::NONE,
                n_checked: 10,
                n_canary: 0,
            },
            Event::Drained { n_in_flight: 0 },
            Event::Stopped,
        ];
        for (second, event) in (0..).zip(&events) {
            let now = Moment {
                at: Timestamp::from_micros(second * 1_000_000),
                mono_ms: u64::try_from(second * 1_000).unwrap(),
            };
            state = step(state, event, now).0;
        }
        let mut out = Vec::new();
        render_text(&mut out, &report(&state)).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
