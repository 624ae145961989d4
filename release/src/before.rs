//! The gates before the release: contract, models, tier 0, ratchet, build. Each may stop the ship.

use tollgate_gates::tier::{self, TierRequest};
use tollgate_gates::{Failure, Inputs, contract, models, ratchet};
use tollgate_report::{Clock, Outcome};
use tollgate_tiers::OverTime;
use tollgate_tiers::settings::Tier;

use crate::build::{self, Binaries};
use crate::hub::Shown;
use crate::progress::{PROJECT, Ship, ShipRequest};
use crate::summary::StepRow;
use crate::{show, stage};

/// Everything before the release. Absent when a gate stops the ship.
pub fn gates(ship: &mut Ship<'_>, request: &ShipRequest) -> Result<Option<Binaries>, Failure> {
    let context = ship.context;
    let gate = contract::gate(
        &context,
        &ship.evidence,
        &ship.run,
        &[],
        contract::Part::All,
    )?;
    if !ship.passed(gate) {
        return Ok(None);
    }
    let gate = models::gate(&context, &ship.evidence, &ship.run)?;
    ship.is_stale = gate.outcome() == Outcome::Fail;
    if !ship.passed(gate) {
        return Ok(None);
    }
    let tier_request = TierRequest {
        staged: false,
        since: None,
        all: request.all,
        // A release is not stopped because the machine is cold or slow; the report shows the time.
        over_time: OverTime::Reported,
    };
    let on_news = |news: tier::News<'_>| context.narrator.tier(news);
    context.narrator.begin(Tier::Tier0.word());
    let tier_run = tier::gate(
        &context,
        &ship.evidence,
        &ship.run,
        Tier::Tier0,
        &tier_request,
        &on_news,
    );
    context.narrator.end();
    let tier_run = tier_run?;
    let report = &tier_run.report;
    ship.summary.steps = report.record.steps.iter().map(step_row).collect();
    let upload = show::run_upload(report, &ship.summary.revision, &tier_run.gate.evidence);
    ship.shown.push(Shown::Run {
        project: PROJECT.into(),
        run: Box::new(upload),
    });
    let more = tier::measurements(report);
    let kept = tier::history(report, &more);
    if !ship.passed(tier_run.gate) {
        for step in tier_run
            .report
            .record
            .steps
            .iter()
            .filter(|step| step.outcome == Outcome::Fail)
        {
            step.excerpt
                .iter()
                .for_each(|line| context.narrator.line(line));
        }
        return Ok(None);
    }
    let since = context.clock.monotonic();
    context.narrator.begin(Tier::Tier1.word());
    let coverage = tier::run_step(&context, &ship.run, Tier::Tier1, "coverage", &on_news);
    context.narrator.end();
    if let Some(coverage) = coverage?
        && let Some(cause) = &coverage.cause
    {
        let hint = coverage.hint.as_deref().unwrap_or("{tollgate} doctor");
        context.narrator.progress(&format!(
            "coverage: {}: {cause}; {hint}",
            coverage.outcome.word()
        ));
    }
    if tier::is_interrupted() {
        return Err(Failure::environment(anyhow::anyhow!(
            "the ship was interrupted before the release began"
        )));
    }
    let read = ratchet::Request {
        more,
        ..Default::default()
    };
    let inputs = ratchet::inputs(&context, &read)?;
    let (gate, checked) = ratchet::gate(&context, &ship.evidence, &ship.run, &inputs, since)?;
    ratchet::remember(&context, &inputs, &kept, &ship.run)?;
    if let Some(metrics) = show::metrics_report(&checked, inputs.now, &ship.summary.revision) {
        ship.shown.push(Shown::Metrics {
            project: PROJECT.into(),
            metrics,
        });
    }
    if !ship.passed(gate) {
        return Ok(None);
    }
    let since = context.clock.monotonic();
    context
        .narrator
        .progress(&format!("building the {}", context.settings.service.name));
    let folder = stage::canary_folder(&context).join(&ship.run).join("bin");
    let (result, binaries) = build::build(&context, &folder, request.fault.is_some())?;
    let gate = ship.record(
        ("build", &context.settings.service.name),
        Inputs::json("build", &result),
        tollgate_gates::build::judge(&result),
        since,
    )?;
    ship.passed(gate);
    Ok(binaries)
}

fn step_row(step: &tollgate_tiers::record::StepReport) -> StepRow {
    StepRow {
        name: step.name.clone(),
        outcome: step.outcome,
        how: step.how.word().to_owned(),
        duration_ms: step.duration_ms,
        cause: step
            .cause
            .clone()
            .unwrap_or_else(|| step.explanation.clone()),
    }
}
