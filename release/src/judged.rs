//! What a release is judged by: the canary, the live traffic, the delivery of alerts, the budgets.

use std::time::Duration;

use anyhow::Context as _;
use tollgate_alerts::Dispatcher;
use tollgate_alerts::change::RowStatus;
use tollgate_alerts::loopback::{Loopback, Which};
use tollgate_gates::alert::{Delivered, ReceivedRow};
use tollgate_gates::traffic;
use tollgate_gates::{Decision, Failure, Inputs, Repository, budget, record};
use tollgate_report::{Clock, EvidenceLog, write_atomic};

use crate::alerting::deliver;
use crate::evidence::measurements;
use crate::progress::Ship;
use crate::release::Released;
use crate::show;
use crate::stage::Stage;
use crate::summary::{CanarySummary, TimelineRow};

/// Waits for the delivery of alerts and counts what each receiver got.
pub async fn finish_alerts(
    dispatcher: Dispatcher,
    loopback: Loopback,
    has_alerted: bool,
) -> Result<Delivered, Failure> {
    deliver(&dispatcher).await?;
    let console = dispatcher
        .list()
        .rows
        .values()
        .filter(|row| {
            row.receiver == "console" && matches!(row.status, RowStatus::Delivered { .. })
        })
        .count();
    dispatcher
        .shutdown()
        .await
        .context("cannot finish the delivery of alerts")?;
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let mut received = vec![ReceivedRow {
        receiver: "console".into(),
        count: count(console),
        first_line: if console > 0 {
            "printed above".into()
        } else {
            String::new()
        },
    }];
    for which in [Which::Webhook, Which::Slack, Which::Smtp] {
        let messages = loopback.received_by(which);
        received.push(ReceivedRow {
            receiver: which.name().to_owned(),
            count: count(messages.len()),
            first_line: messages
                .first()
                .map(|message| message.first_line.clone())
                .unwrap_or_default(),
        });
    }
    loopback.stop().await;
    Ok(Delivered {
        has_alerted,
        received,
    })
}

/// The gates over a release: the canary's verdict and the live traffic.
pub fn judge_release(
    repository: &Repository,
    evidence: &EvidenceLog,
    run: &str,
    released: &Released,
    since: Duration,
) -> Result<Vec<Decision>, Failure> {
    let duration = repository.clock.monotonic().saturating_sub(since);
    let events = std::fs::read(&released.events_path)
        .with_context(|| format!("cannot read `{}`", released.events_path.display()))?;
    let inputs = Inputs::default().with("events", events);
    let subject = ("canary", repository.settings.service.name.as_str());
    let verdict = released.report.verdict.clone();
    let mut gates = vec![record(
        repository, evidence, run, subject, inputs, verdict, duration,
    )?];
    if let Some(summary) = &released.summary {
        let verdict = traffic::judge(summary);
        let inputs = Inputs::json("traffic", summary);
        gates.push(record(
            repository,
            evidence,
            run,
            ("traffic", "through the proxy"),
            inputs,
            verdict,
            duration,
        )?);
    }
    Ok(gates)
}

/// What became of the candidate, for people.
pub fn canary_summary(released: &Released, stage: &Stage) -> CanarySummary {
    let report = &released.report;
    let first = released.weights.first().map_or(0.0, |first| first.0);
    CanarySummary {
        id: stage.run.clone(),
        phase: report.phase.to_string(),
        reason: report.verdict.reason.clone(),
        weight_observed: released
            .weight_at_end
            .or(report.observed_weight.map(tollgate_canary::Weight::share))
            .unwrap_or_default(),
        numbers: show::numbers(report),
        timeline: report
            .timeline
            .iter()
            .map(|record| TimelineRow {
                at: record.at,
                phase: record.phase.to_string(),
                message: record.reason.clone(),
            })
            .collect(),
        weights: released
            .weights
            .iter()
            .map(|(second, percent)| (second - first, *percent))
            .collect(),
        first_bad_to_rollback_ms: report.rollback_ms,
    }
}

/// The promises about what the live traffic measured. Absent without traffic.
pub fn budget_gate(ship: &Ship<'_>, released: &Released) -> Result<Option<Decision>, Failure> {
    let context = &ship.context;
    let Some(counts) = &released.traffic else {
        return Ok(None);
    };
    if ship.summary.fault.is_some() || !context.root.join(&context.settings.budgets.file).is_file()
    {
        return Ok(None);
    }
    let text = measurements(counts);
    write_atomic(
        &context.state_dir.join(budget::MEASUREMENTS),
        text.as_bytes(),
    )
    .map_err(Failure::environment)?;
    let since = context.clock.monotonic();
    let scope = budget::Scope::Measured;
    let (gate, _) = budget::gate(
        context,
        &ship.evidence,
        &ship.run,
        ("live traffic", text),
        scope,
        since,
    )?;
    Ok(Some(gate))
}
