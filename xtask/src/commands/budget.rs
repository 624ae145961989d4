//! `budget`: measurements against the promises of `performance_sla.json`.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tollgate_budgets::{
    BudgetFile, BudgetSettings, CheckInput, Checked, check, check_operations, parse_measurements,
    show,
};
use tollgate_report::{Clock, EvidenceLog, ExitCode, Verdict};

use crate::cli::BudgetCommand;
use crate::commands::contract;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::gate::{self, Gate, Inputs};

/// Where `ship` leaves what it measured.
pub const MEASUREMENTS: &str = "measurements.json";

/// All that a budget verdict depends on, besides the settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetInputs {
    /// The text of `performance_sla.json`.
    pub budgets: String,
    /// The text of the measurements, and the name of their file.
    pub measurements: String,
    pub measurements_file: String,
    /// The contract's operations and their budget classes.
    pub operations: BTreeMap<String, String>,
    /// Which limits are judged.
    pub scope: Scope,
}

/// Which limits a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every promise; one that nothing measured is not checked.
    All,
    /// The promises about what the measurements hold.
    Measured,
}

/// What the budgets decide. Pure.
fn judge(inputs: &BudgetInputs, settings: &BudgetSettings) -> Result<Checked, Failure> {
    let mut budgets =
        BudgetFile::parse(&inputs.budgets, &settings.file).map_err(Failure::settings)?;
    let measurements = parse_measurements(&inputs.measurements, &inputs.measurements_file)
        .map_err(Failure::settings)?;
    if inputs.scope == Scope::Measured {
        budgets.limits.retain(|_, limit| {
            measurements
                .iter()
                .any(|measurement| measurement.id == limit.measurement)
        });
    }
    let operations = check_operations(&budgets, &inputs.operations, &settings.file);
    let operations = (inputs.scope == Scope::All).then_some(&operations);
    Ok(check(&CheckInput {
        budgets: &budgets,
        operations,
        measurements: &measurements,
        settings,
    }))
}

/// Computes a recorded verdict again.
pub fn replay(bytes: &[u8], settings: &serde_json::Value) -> Result<Verdict, Failure> {
    let inputs: BudgetInputs =
        serde_json::from_slice(bytes).context("read the recorded inputs of the budgets")?;
    let settings: BudgetSettings = serde_json::from_value(settings.clone())
        .context("read the recorded settings of the budgets")?;
    Ok(judge(&inputs, &settings)?.verdict)
}

/// Judges and records.
pub fn gate(
    context: &Context,
    evidence: &EvidenceLog,
    run: &str,
    (file, text): (&str, String),
    scope: Scope,
    started: Duration,
) -> Result<(Gate, Checked), Failure> {
    let settings = &context.settings.budgets;
    let budgets = fs::read_to_string(context.root.join(&settings.file))
        .with_context(|| format!("read the budgets `{}`", settings.file))
        .map_err(Failure::settings)?;
    let operations = contract::load_all(context)?
        .iter()
        .flat_map(|contract| {
            contract.operations().into_iter().map(|operation| {
                let class = operation
                    .node
                    .get("x-budget")
                    .and_then(|node| node.as_str())
                    .unwrap_or_default();
                (operation.id.clone(), class.to_owned())
            })
        })
        .collect();
    let inputs = BudgetInputs {
        budgets,
        measurements: text,
        measurements_file: file.to_owned(),
        operations,
        scope,
    };
    let checked = judge(&inputs, settings)?;
    let kept = Inputs::json("budget", &inputs).with_settings(settings);
    let duration = context.clock.monotonic().saturating_sub(started);
    let gate = gate::record(
        context,
        evidence,
        run,
        ("budget", file),
        kept,
        checked.verdict.clone(),
        duration,
    )?;
    Ok((gate, checked))
}

/// `cargo xtask budget …`.
pub fn run(context: &Context, command: &BudgetCommand) -> CommandResult {
    let BudgetCommand::Check { file } = command;
    let started = context.clock.monotonic();
    let path = match file {
        Some(file) => context.here.join(file),
        None => context.state_dir.join(MEASUREMENTS),
    };
    let text = fs::read_to_string(&path).map_err(|error| {
        let error = anyhow::Error::new(error)
            .context(format!("read the measurements `{}`", path.display()));
        Failure::environment(error)
            .hint("`cargo xtask ship` leaves its measurements there; or name a file")
    })?;
    let name = path
        .strip_prefix(&context.root)
        .unwrap_or(&path)
        .display()
        .to_string();
    let evidence = context.evidence()?;
    let run = context.new_run_id("budget");
    let (gate, checked) = gate(context, &evidence, &run, (&name, text), Scope::All, started)?;
    context
        .output
        .text(|out| show(out, &checked, context.output.paint));
    context
        .output
        .json(&serde_json::json!({ "version": 1, "gate": gate, "checked": checked }));
    let outcome = context.output.paint.outcome(gate.outcome());
    context.output.line(format!(
        "\nbudgets: {outcome}: {} (evidence {})",
        gate.verdict.reason, gate.evidence
    ));
    Ok(ExitCode::from_outcome(gate.outcome()))
}
