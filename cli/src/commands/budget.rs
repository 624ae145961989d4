//! `budget`: measurements against the promises of `performance_sla.json`.

use clap::Subcommand;
use std::fs;
use std::path::PathBuf;

use tollgate_budgets::{Checked, prometheus_rules, show};
use tollgate_gates::budget::{MEASUREMENTS, Scope, gate};
use tollgate_report::{Clock, ExitCode, Finding};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};

/// Compare measurements with promises
#[derive(Debug, Subcommand)]
#[command(after_help = "Example: {tollgate} budget check measurements.json")]
pub enum BudgetCommand {
    /// Compare measurements with performance_sla.json
    #[command(after_help = "Example: {tollgate} budget check .tollgate/measurements.json")]
    Check {
        /// Measurements; by default those of the last ship
        file: Option<PathBuf>,
    },
    /// Print the objectives of [budgets.slo] as alerting rules of Prometheus
    #[command(after_help = "Example: {tollgate} budget rules > slo.rules.yml")]
    Rules,
}

/// What the table does not show: what is loosened, waivers, disagreements, and once what to do about
/// limits that nothing measured.
fn beside_the_table(checked: &Checked) -> Vec<Finding> {
    const ROWS: [&str; 4] = [
        "budget-over-critical",
        "budget-over-target",
        "budget-not-enough-data",
        "budget-not-checked",
    ];
    let mut shown: Vec<Finding> = Vec::new();
    for finding in &checked.verdict.findings {
        let is_repeated =
            finding.code == "budget-unmeasured" && shown.iter().any(|it| it.code == finding.code);
        if !ROWS.contains(&finding.code.as_str()) && !is_repeated {
            shown.push(finding.clone());
        }
    }
    shown
}

/// `budget rules`.
fn rules(context: &Context) -> CommandResult {
    let objectives = &context.settings.budgets.slo;
    if objectives.is_empty() {
        let error = anyhow::anyhow!("the settings have no objective, so there are no rules");
        return Err(Failure::settings(error).hint("add one: `[budgets.slo.NAME]`"));
    }
    let text = prometheus_rules(objectives).map_err(Failure::settings)?;
    context.output.line(text.trim_end());
    context
        .output
        .json(&serde_json::json!({ "version": 1, "rules": text }));
    Ok(ExitCode::Pass)
}

/// `budget …`.
pub fn run(context: &Context, command: &BudgetCommand) -> CommandResult {
    let file = match command {
        BudgetCommand::Check { file } => file,
        BudgetCommand::Rules => return rules(context),
    };
    let started = context.clock.monotonic();
    let path = match file {
        Some(file) => context.here.join(file),
        None => context.state_dir.join(MEASUREMENTS),
    };
    let text = fs::read_to_string(&path).map_err(|error| {
        let error = anyhow::Error::new(error)
            .context(format!("cannot read the measurements `{}`", path.display()));
        Failure::environment(error)
            .hint("`{tollgate} ship` writes this file; or pass the file of the measurements")
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
    context
        .output
        .findings(&beside_the_table(&checked), &context.root);
    let outcome = context.output.paint.outcome(gate.outcome());
    context.output.line(format!(
        "\nbudgets: {outcome}: {} (evidence {})",
        gate.verdict.reason, gate.evidence
    ));
    Ok(ExitCode::from_outcome(gate.outcome()))
}
