//! A canary's state in the words of the hub's contract, and as one line for the terminal.

use tollgate_canary::report::{ArmReport, CanaryReport};
use tollgate_models as models;
use tollgate_probes::{ProbeResult, State};
use tollgate_ratchet::{Checked, Direction};
use tollgate_report::{Outcome, Timestamp};
use tollgate_tiers::TierReport;
use tollgate_tiers::record::How;

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// At most `max` characters, as the contract bounds its texts.
fn bounded(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max - 1).chain(['…']).collect()
}

/// One line while the canary runs.
pub fn status_line(report: &CanaryReport) -> String {
    let weight = report
        .observed_weight
        .map_or_else(|| "not seen yet".to_owned(), |weight| weight.to_string());
    let worst = report
        .readings
        .iter()
        .max_by(|left, right| left.log_e_value.total_cmp(&right.log_e_value));
    let evidence = worst.map(|reading| {
        format!(
            " · {} e-value {:.3} of {:.0}",
            reading.metric,
            reading.log_e_value.exp(),
            reading.limit
        )
    });
    let waiting = if report.waiting.is_some() {
        " · waiting for approval"
    } else {
        ""
    };
    format!(
        "{}{waiting} · weight {weight} · canary {} requests, {} bad, p95 {:.1} ms · stable {} requests, {} bad, p95 {:.1} ms{}",
        report.phase,
        report.canary.n,
        report.canary.n_bad,
        report.canary.p95_ms,
        report.stable.n,
        report.stable.n_bad,
        report.stable.p95_ms,
        evidence.unwrap_or_default()
    )
}

fn arm(arm: &ArmReport, memory_bytes: Option<u64>) -> models::Arm {
    models::Arm {
        requests: whole(arm.n),
        errors: whole(arm.n_bad),
        latency_p95_ms: (arm.n > 0).then_some(arm.p95_ms),
        memory_bytes: memory_bytes.map(whole),
    }
}

/// The state of a deployment.
pub fn deployment_state(report: &CanaryReport, n_states: i64) -> models::UpdateDeploymentRequest {
    let share = report.observed_weight.unwrap_or(report.weight).share();
    let verdict = match report.verdict.outcome {
        Outcome::Pass => Some("promote"),
        Outcome::Fail => Some("rollback"),
        _ if report.decided_at.is_some() => Some("inconclusive"),
        _ => None,
    };
    models::UpdateDeploymentRequest {
        revision: Some(n_states),
        phase: models::Phase::from(report.phase.to_string().as_str()),
        weights: models::Weights {
            baseline: 100.0 * (1.0 - share),
            canary: 100.0 * share,
        },
        arms: models::Arms {
            baseline: arm(&report.stable, None),
            canary: arm(&report.canary, report.memory_bytes),
        },
        evidence: report
            .readings
            .iter()
            .map(|reading| models::DeploymentEvidence {
                metric: reading.metric.clone(),
                // The contract wants a number; beyond this it is far over any limit.
                value: reading.log_e_value.min(690.0).exp(),
                limit: reading.limit,
            })
            .collect(),
        verdict: verdict.map(models::DeploymentVerdict::from),
        reason: bounded(&report.verdict.reason, 2_000),
        timeline: report
            .timeline
            .iter()
            .map(|record| models::TimelineEntry {
                at: record.at.to_string().into(),
                phase: models::Phase::from(record.phase.to_string().as_str()),
                message: bounded(&record.reason, 2_000),
            })
            .collect(),
    }
}

/// A probe's result.
pub fn probe_report(result: &ProbeResult) -> models::ReportProbesRequest {
    let state = match result.state {
        State::Pass => models::ProbeState::Pass,
        State::Degraded => models::ProbeState::Degraded,
        State::Fail => models::ProbeState::Fail,
        State::Error => models::ProbeState::Error,
    };
    let cause = result.failure.as_ref().map(|cause| {
        format!(
            "{}: expected {}, got {}",
            cause.what, cause.expected, cause.got
        )
    });
    let sample = models::ProbeReport {
        probe_id: result.name.clone(),
        kind: result.kind.to_string(),
        target: "candidate".to_owned(),
        state,
        latency_ms: Some(result.duration_us as f64 / 1_000.0),
        message: cause.map(|cause| bounded(&cause, 2_000)),
        at: result.at.to_string().into(),
    };
    models::ReportProbesRequest {
        samples: vec![sample],
    }
}

fn outcome(outcome: Outcome) -> models::Outcome {
    match outcome {
        Outcome::Pass => models::Outcome::Pass,
        Outcome::Warn => models::Outcome::Warn,
        Outcome::NotChecked => models::Outcome::NotChecked,
        Outcome::Inconclusive => models::Outcome::Inconclusive,
        Outcome::Fail => models::Outcome::Fail,
    }
}

/// A tier's run.
pub fn run_upload(report: &TierReport, revision: &str, evidence: &str) -> models::UploadRunRequest {
    let record = &report.record;
    let ms = |span: tollgate_report::quantity::Span| {
        i64::try_from(span.0.as_millis()).unwrap_or(i64::MAX)
    };
    models::UploadRunRequest {
        tier: models::Tier::from(record.tier.word()),
        revision: revision.to_owned(),
        branch: None,
        outcome: outcome(report.verdict.outcome),
        reason: bounded(&report.verdict.reason, 2_000),
        started_at: report.at.to_string().into(),
        duration_ms: whole(record.duration_ms),
        target_ms: ms(record.target),
        critical_ms: Some(ms(record.critical)),
        cold: Some(record.cold_ms > 0),
        evidence_id: Some(evidence.to_owned()),
        steps: record
            .steps
            .iter()
            .map(|step| models::RunStep {
                name: bounded(&step.name, 100),
                outcome: outcome(step.outcome),
                duration_ms: whole(step.duration_ms),
                cached: step.how == How::Cached,
                cause: Some(bounded(
                    step.cause.as_ref().unwrap_or(&step.explanation),
                    2_000,
                )),
                findings: None,
            })
            .collect(),
    }
}

/// The ratchet's measurements with their floors.
pub fn metrics_report(
    checked: &Checked,
    at: Timestamp,
    revision: &str,
) -> Option<models::ReportMetricsRequest> {
    let metrics: Vec<models::MetricReport> = checked
        .judgements
        .iter()
        .filter_map(|judgement| {
            Some(models::MetricReport {
                metric: judgement.metric.clone(),
                value: judgement.now?,
                unit: judgement.floor.unit.to_string(),
                floor: Some(judgement.floor.floor),
                direction: match judgement.floor.direction {
                    Direction::Up => models::Direction::Up,
                    Direction::Down => models::Direction::Down,
                    Direction::Zero => models::Direction::Fixed,
                },
                at: at.to_string().into(),
                revision: Some(revision.to_owned()),
            })
        })
        .collect();
    (!metrics.is_empty()).then_some(models::ReportMetricsRequest { metrics })
}

/// Numbers against limits, for the end of a run.
pub fn numbers(report: &CanaryReport) -> Vec<String> {
    let rate = |arm: &ArmReport| {
        if arm.n == 0 {
            0.0
        } else {
            100.0 * arm.n_bad as f64 / arm.n as f64
        }
    };
    let line = |name: &str, arm: &ArmReport| {
        format!(
            "{name}: {} requests, {} bad ({:.1}%), {} slow, p95 {:.1} ms",
            arm.n,
            arm.n_bad,
            rate(arm),
            arm.n_slow,
            arm.p95_ms
        )
    };
    let mut numbers = vec![
        line("stable", &report.stable),
        line("canary", &report.canary),
    ];
    numbers.extend(report.readings.iter().map(|reading| {
        format!(
            "{}: e-value {:.3} of {:.0} ({} at the canary, {} at stable)",
            reading.metric,
            reading.log_e_value.min(690.0).exp(),
            reading.limit,
            reading.n_canary,
            reading.n_stable
        )
    }));
    numbers.push(format!(
        "probes of the candidate: {} passed, {} failed",
        report.probes.0, report.probes.1
    ));
    numbers.push(format!(
        "the canary's excess error rate is below {:.1}% at the declared confidence",
        report.excess_upper * 100.0
    ));
    if let Some(bytes) = report.memory_bytes {
        numbers.push(format!(
            "memory of the candidate: {} MiB",
            bytes / (1 << 20)
        ));
    }
    numbers
}
