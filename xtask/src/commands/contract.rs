//! `contract`: lint, compare with the blessed ones, bless.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tollgate_contracts::{
    Contract, LintSettings, LoadSettings, Ruleset, check_blessed, lint_with, load_with,
    parse_documents,
};
use tollgate_report::{Clock, EvidenceLog, ExitCode, Finding, Outcome, Verdict, write_atomic};

use crate::cli::{ContractCommand, Format, LintArgs};
use crate::commands::lint::{self, RulesetText};
use crate::commands::{agreement, compare, history, lock};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::gate::{self, Gate, Inputs};
use crate::git;

/// The text of every document of a contract, by file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractText {
    /// The file that names the others.
    pub entry: String,
    pub files: BTreeMap<String, String>,
}

/// A contract and the one that was agreed before.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractPair {
    pub local: ContractText,
    pub blessed: Option<ContractText>,
}

impl ContractText {
    pub fn of(contract: &Contract) -> Self {
        let files = contract
            .documents
            .values()
            .map(|document| (document.file.clone(), document.text.clone()));
        Self {
            entry: contract.entry.clone(),
            files: files.collect(),
        }
    }

    fn parse(&self) -> Result<Contract, Failure> {
        parse_documents(&self.entry, &self.files).map_err(Failure::settings)
    }
}

/// Which part of the contract gate is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The rules alone.
    Lint,
    /// The blessed contracts alone.
    Blessed,
    /// Both.
    All,
}

/// What is recorded beside the contracts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JudgeSettings {
    part: Part,
    lint: LintSettings,
    /// The ruleset of the repository; records from before it was known have none.
    #[serde(default)]
    ruleset: Option<RulesetText>,
}

/// The verdict over contracts: what reading found, the rules, the comparison with the blessed ones.
/// Pure.
fn judge(pairs: &[ContractPair], settings: &JudgeSettings) -> Result<Verdict, Failure> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut notes: Vec<String> = Vec::new();
    let rules = match &settings.ruleset {
        Some(text) => text.read()?,
        None => Ruleset::recommended(),
    };
    let rules = rules.with_settings(&settings.lint, "tollgate.toml");
    if settings.part != Part::Blessed {
        findings.extend_from_slice(rules.findings());
    }
    for pair in pairs {
        let local = pair.local.parse()?;
        findings.extend(local.findings.iter().cloned());
        if settings.part != Part::Blessed {
            findings.extend(
                lint_with(&local, &rules)
                    .into_iter()
                    .map(|found| found.finding),
            );
        }
        if settings.part != Part::Lint {
            let blessed = pair.blessed.as_ref().map(ContractText::parse).transpose()?;
            let verdict = check_blessed(blessed.as_ref(), &local);
            // The warnings of all contracts are counted once, below.
            let reason = verdict
                .reason
                .split(" (warnings: ")
                .next()
                .unwrap_or_default();
            notes.push(format!("{}: {reason}", local.title));
            findings.extend(verdict.findings);
        }
    }
    let reason = match (pairs.len(), notes.is_empty()) {
        (1, true) => "the contract follows the rules".to_owned(),
        (n, true) => format!("{n} contracts follow the rules"),
        (_, false) => notes.join("; "),
    };
    Ok(Verdict::from_findings(findings, reason))
}

/// Computes a recorded verdict again.
pub fn replay(bytes: &[u8], settings: &serde_json::Value) -> Result<Verdict, Failure> {
    let pairs: Vec<ContractPair> =
        serde_json::from_slice(bytes).context("read the recorded contracts")?;
    let settings: JudgeSettings = serde_json::from_value(settings.clone())
        .context("read the recorded settings of the contract gate")?;
    judge(&pairs, &settings)
}

/// Reads one contract; names in findings are relative to the repository.
pub fn load(context: &Context, path: &Path) -> Result<Contract, Failure> {
    let shown = path.strip_prefix(&context.root).unwrap_or(path);
    let inside =
        path.starts_with(&context.root) && !path.components().any(|part| part.as_os_str() == "..");
    let folder = path.parent().map(Path::to_path_buf).filter(|_| !inside);
    open(context, shown, folder)
}

/// As [`load`], with the folder that references may not leave.
pub fn load_below(context: &Context, path: &Path, folder: &Path) -> Result<Contract, Failure> {
    let shown = |path: &Path| {
        path.strip_prefix(&context.root)
            .unwrap_or(path)
            .to_path_buf()
    };
    open(context, &shown(path), Some(shown(folder)))
}

fn open(context: &Context, path: &Path, folder: Option<PathBuf>) -> Result<Contract, Failure> {
    let settings = LoadSettings {
        folder,
        remotes: lock::remotes(context)?,
        ..LoadSettings::default()
    };
    load_with(path, &settings).map_err(|error| {
        let missing = matches!(&error, tollgate_contracts::LoadError::Read { .. });
        let failure = Failure::settings(error);
        if missing {
            failure.hint("name the contracts under `files` in [contracts] of tollgate.toml")
        } else {
            failure
        }
    })
}

/// All contracts of the settings.
pub fn load_all(context: &Context) -> Result<Vec<Contract>, Failure> {
    let paths = context.settings.contracts.paths(&context.root);
    paths
        .iter()
        .map(|path| load(context, &context.root.join(path)))
        .collect()
}

fn blessed_path(context: &Context, local: &Path) -> PathBuf {
    let name = local.file_name().map(PathBuf::from).unwrap_or_default();
    context
        .root
        .join(&context.settings.contracts.blessed)
        .join(name)
}

fn pairs(context: &Context, paths: &[PathBuf], part: Part) -> Result<Vec<ContractPair>, Failure> {
    let pair = |path: &PathBuf| {
        let local = ContractText::of(&load(context, path)?);
        let blessed = blessed_path(context, path);
        let blessed = if part != Part::Lint && blessed.is_file() {
            Some(ContractText::of(&load(context, &blessed)?))
        } else {
            None
        };
        Ok(ContractPair { local, blessed })
    };
    paths.iter().map(pair).collect()
}

/// The gate of `ship`, `contract lint` and `contract check`.
pub fn gate(
    context: &Context,
    evidence: &EvidenceLog,
    run: &str,
    files: &[PathBuf],
    part: Part,
) -> Result<Gate, Failure> {
    let started = context.clock.monotonic();
    let paths: Vec<PathBuf> = if files.is_empty() {
        context
            .settings
            .contracts
            .paths(&context.root)
            .iter()
            .map(|path| context.root.join(path))
            .collect()
    } else {
        files.iter().map(|file| context.here.join(file)).collect()
    };
    if paths.is_empty() {
        return Err(Failure::settings(anyhow::anyhow!("find a contract: none is named and `contracts/openapi.yaml` does not exist"))
            .hint("name the contracts under `files` in [contracts] of tollgate.toml, or on the command line"));
    }
    let pairs = pairs(context, &paths, part)?;
    let settings = JudgeSettings {
        part,
        lint: context.settings.contracts.lint.clone(),
        ruleset: lint::repository_ruleset(context)?,
    };
    let verdict = judge(&pairs, &settings)?;
    let inputs = Inputs::json("contracts", &pairs).with_settings(&settings);
    let names: Vec<&str> = pairs.iter().map(|pair| pair.local.entry.as_str()).collect();
    let duration = context.clock.monotonic().saturating_sub(started);
    gate::record(
        context,
        evidence,
        run,
        ("contract", &names.join(", ")),
        inputs,
        verdict,
        duration,
    )
}

/// `cargo xtask contract …`.
pub fn run(context: &Context, command: ContractCommand) -> CommandResult {
    match command {
        ContractCommand::Lint(args) if is_gate(context, &args) => {
            run_gate(context, &[], Part::Lint)
        }
        ContractCommand::Lint(mut args) => {
            if args.files.is_empty() {
                args.files = absolute(context);
            }
            lint::run(context, &args)
        }
        ContractCommand::Lock { update } => super::block_on(lock::run(context, update)),
        ContractCommand::Check => run_gate(context, &[], Part::Blessed),
        ContractCommand::Diff(args) => compare::run(context, &args),
        ContractCommand::History {
            repository,
            paths,
            max,
        } => history::run(context, &repository, &paths, max),
        ContractCommand::Bless => bless(context),
        ContractCommand::Agreement { folder } => agreement::run(context, &folder),
        ContractCommand::Conform(args) => super::block_on(super::conform::run(context, &args)),
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

/// One side of a comparison: a file, or `REVISION:PATH` when there is no such file.
pub fn side(context: &Context, name: &str) -> Result<Contract, Failure> {
    let path = context.here.join(name);
    match name.split_once(':') {
        Some((revision, file)) if !path.exists() => {
            let text = git::show(&context.root, revision, file).map_err(Failure::settings)?;
            tollgate_contracts::parse_contract(name, &text).map_err(Failure::settings)
        }
        _ => load(context, &path),
    }
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
            .line("not blessed: mend the errors above first");
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
    let pairs = pairs(context, &absolute(context), Part::All)?;
    let settings = JudgeSettings {
        part: Part::All,
        lint: context.settings.contracts.lint.clone(),
        ruleset: lint::repository_ruleset(context)?,
    };
    let verdict = judge(&pairs, &settings)?;
    let inputs = Inputs::json("contracts", &pairs).with_settings(&settings);
    let kept = gate::record(
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
        "the local contracts are agreed (evidence {})",
        kept.evidence
    ));
    Ok(ExitCode::Pass)
}

fn absolute(context: &Context) -> Vec<PathBuf> {
    context
        .settings
        .contracts
        .paths(&context.root)
        .iter()
        .map(|path| context.root.join(path))
        .collect()
}

/// Whether the contracts of the settings are judged and the verdict is recorded; a format that
/// has no word for a verdict lists the findings alone.
fn is_gate(context: &Context, args: &LintArgs) -> bool {
    let has_verdict = matches!(context.output.format, Format::Text | Format::Json);
    args.files.is_empty() && args.ruleset.is_none() && has_verdict
}
