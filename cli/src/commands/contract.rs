//! `contract`: lint, compare with the blessed ones, bless.

use clap::Subcommand;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tollgate_gates::contract::{JudgeSettings, Part, gate, judge_pairs, pairs};
use tollgate_gates::contracts::{load, paths};
use tollgate_gates::ruleset::repository_ruleset;
use tollgate_gates::{Inputs, record};
use tollgate_report::{ExitCode, Outcome, write_atomic};

use crate::commands::conform::{self, ConformArgs};
use crate::commands::diff::{self, DiffArgs};
use crate::commands::lint::{self, LintArgs};
use crate::commands::lock;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::global::Format;

/// Lint, compare and bless contracts
#[derive(Debug, Subcommand)]
#[command(after_help = "Example: {tollgate} contract diff old.yaml new.yaml")]
pub enum ContractCommand {
    /// Check contracts against the rules of Spectral, ours, or a ruleset
    #[command(
        after_help = "Example: {tollgate} contract lint openapi.yaml --format sarif\n\nWith FILE nothing is recorded, and FILE can be any OpenAPI 3 or AsyncAPI document. The rules\ncome from --ruleset, else from tollgate.toml for the contracts that it lists, else from\n.spectral.yaml in the current folder; without these, the recommended rules apply."
    )]
    Lint(LintArgs),
    /// List what changed between two contracts, and what breaks
    #[command(
        after_help = "Example: {tollgate} contract diff origin/main:contracts/openapi.yaml contracts/openapi.yaml"
    )]
    Diff(DiffArgs),
    /// Compare the local contracts with the blessed ones; fails on a break without a new major version
    #[command(after_help = "Example: {tollgate} contract check")]
    Check,
    /// Accept the local contracts: copy them to the blessed folder
    #[command(after_help = "Example: {tollgate} contract bless")]
    Bless,
    /// Fetch the URLs that contracts refer to, from allowed hosts, and lock their digests
    #[command(after_help = "Example: {tollgate} contract lock --update")]
    Lock {
        /// Accept texts that have changed since they were locked
        #[arg(long)]
        update: bool,
    },
    /// Send requests derived from contracts to a running service, and check its answers
    #[command(
        after_help = "Example: {tollgate} contract conform http://127.0.0.1:7700 --contract contracts/openapi.yaml --seed 1"
    )]
    Conform(ConformArgs),
}

/// `contract …`.
pub fn run(context: &Context, command: ContractCommand) -> CommandResult {
    match command {
        ContractCommand::Lint(args) if is_gate(context, &args) => {
            run_gate(context, &[], Part::Lint)
        }
        ContractCommand::Lint(mut args) => {
            if args.files.is_empty() {
                args.files = paths(context);
            }
            lint::run(context, &args)
        }
        ContractCommand::Lock { update } => crate::runtime::block_on(lock::run(context, update)),
        ContractCommand::Check => run_gate(context, &[], Part::Blessed),
        ContractCommand::Diff(args) => diff::run(context, &args),
        ContractCommand::Bless => bless(context),
        ContractCommand::Conform(args) => crate::runtime::block_on(conform::run(context, &args)),
    }
}

fn run_gate(context: &Context, files: &[PathBuf], part: Part) -> CommandResult {
    let evidence = context.evidence()?;
    let run = context.new_run_id("contract");
    let gate = gate(context, &evidence, &run, files, part)?;
    context
        .output
        .findings(&gate.verdict.findings, &context.root);
    context
        .output
        .json(&serde_json::json!({ "version": 1, "gate": gate }));
    let outcome = context.output.paint.outcome(gate.outcome());
    context.output.line(format!(
        "contract: {outcome}: {} (evidence {})",
        gate.verdict.reason, gate.evidence
    ));
    Ok(ExitCode::from_outcome(gate.outcome()))
}

fn bless(context: &Context) -> CommandResult {
    let evidence = context.evidence()?;
    let run = context.new_run_id("bless");
    let lint = gate(context, &evidence, &run, &[], Part::Lint)?;
    if lint.outcome() == Outcome::Fail {
        context
            .output
            .findings(&lint.verdict.findings, &context.root);
        context
            .output
            .line("not blessed: fix the errors above first");
        return Ok(ExitCode::Findings);
    }
    for path in context.settings.contracts.paths(&context.root) {
        let contract = load(context, &context.root.join(&path))?;
        let folder = Path::new(&path)
            .parent()
            .map(Path::to_path_buf)
            .unwrap_or_default();
        for document in contract.documents.values() {
            let inner = Path::new(&document.file)
                .strip_prefix(&folder)
                .unwrap_or(Path::new(&document.file))
                .to_path_buf();
            let to = context
                .root
                .join(&context.settings.contracts.blessed)
                .join(&inner);
            let bytes = fs::read(context.root.join(&document.file))?;
            let is_same = fs::read(&to).is_ok_and(|old| old == bytes);
            if !is_same {
                write_atomic(&to, &bytes).map_err(Failure::environment)?;
                context.output.line(format!(
                    "blessed {}",
                    to.strip_prefix(&context.root).unwrap_or(&to).display()
                ));
            }
        }
    }
    let pairs = pairs(context, &paths(context), Part::All)?;
    let settings = JudgeSettings {
        part: Part::All,
        lint: context.settings.contracts.lint.clone(),
        ruleset: repository_ruleset(context)?,
        compared: None,
    };
    let verdict = judge_pairs(&pairs, &settings)?;
    let inputs = Inputs::json("contracts", &pairs).with_settings(&settings);
    let kept = record(
        context,
        &evidence,
        &run,
        ("contract", "blessed"),
        inputs,
        verdict,
        Duration::ZERO,
    )?;
    context
        .output
        .json(&serde_json::json!({ "version": 1, "gate": kept }));
    context.output.line(format!(
        "the local contracts are blessed (evidence {})",
        kept.evidence
    ));
    Ok(ExitCode::Pass)
}

/// Whether the contracts of the settings are judged and the verdict is recorded; a format that
/// has no word for a verdict lists the findings alone.
fn is_gate(context: &Context, args: &LintArgs) -> bool {
    let has_verdict = matches!(context.output.format, Format::Text | Format::Json);
    args.files.is_empty() && args.ruleset.is_none() && has_verdict
}
