//! The gates before the release: contract, models, tier 0, ratchet, build. Each may stop the ship.

use tollgate_report::{Clock, Outcome};
use tollgate_tiers::OverTime;
use tollgate_tiers::settings::Tier;

use crate::cli::{ShipArgs, TierArgs};
use crate::commands::{codegen, contract, ratchet, tier};
use crate::failure::Failure;
use crate::gate::Inputs;
use crate::hub::Shown;
use crate::ship::build::{self, Binaries};
use crate::ship::summary::StepRow;
use crate::ship::{PROJECT, Ship, show, stage};

/// Everything before the release. Absent when a gate stops the ship.
pub fn gates(ship: &mut Ship<'_>, args: &ShipArgs) -> Result<Option<Binaries>, Failure> {
    let context = ship.context;
    let gate = contract::gate(context, &ship.evidence, &ship.run, &[], contract::Part::All)?;
    if !ship.passed(gate) {
        return Ok(None);
    }
    let gate = codegen::gate(context, &ship.evidence, &ship.run)?;
    ship.is_stale = gate.outcome() == Outcome::Fail;
    if !ship.passed(gate) {
        return Ok(None);
    }
    let tier_args = TierArgs {
        staged: false,
        since: None,
        all: args.all,
        explain: false,
    };
    // A release is not stopped because the machine is cold or slow; the report shows the time.
    let tier_run = tier::gate(
        context,
        &ship.evidence,
        &ship.run,
        Tier::Tier0,
        &tier_args,
        OverTime::Reported,
    )?;
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
                .for_each(|line| context.output.line(line));
        }
        return Ok(None);
    }
    let since = context.clock.monotonic();
    if let Some(coverage) = tier::run_step(context, &ship.run, Tier::Tier1, "coverage")?
        && let Some(cause) = &coverage.cause
    {
        let hint = coverage.hint.as_deref().unwrap_or("cargo xtask doctor");
        context.output.progress(format!(
            "coverage: {}: {cause}; {hint}",
            coverage.outcome.word()
        ));
    }
    if tier::is_interrupted() {
        return Err(Failure::environment(anyhow::anyhow!(
            "ship: interrupted before the release began"
        )));
    }
    let inputs = ratchet::inputs(context, &[], more)?;
    let (gate, checked) = ratchet::gate(context, &ship.evidence, &ship.run, &inputs, since)?;
    ratchet::remember(context, &inputs, &kept, &ship.run)?;
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
        .output
        .progress(format!("building the {}", context.settings.service.name));
    let folder = stage::canary_folder(context).join(&ship.run).join("bin");
    let (result, binaries) = build::build(context, &folder, args.fault.is_some())?;
    let gate = ship.record(
        ("build", &context.settings.service.name),
        Inputs::json("build", &result),
        build::judge(&result),
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
