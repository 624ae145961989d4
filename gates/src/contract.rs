//! The contract gate: lint rules, and the comparison with the blessed contracts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tollgate_contracts_diff::check_blessed;
use tollgate_contracts_lint::{LintSettings, Ruleset, lint_with};
use tollgate_contracts_model::{Contract, parse_documents};
use tollgate_report::{Clock, EvidenceLog, Finding, Verdict};

use crate::contracts::{self, load};
use crate::failure::Failure;
use crate::gate::{Gate, from_json};
use crate::record::{Decision, Inputs, record};
use crate::repository::Repository;
use crate::ruleset::{RulesetText, repository_ruleset};

/// The contract gate.
#[derive(Debug)]
pub struct Contracts;

impl Gate for Contracts {
    const NAMES: &'static [&'static str] = &["contract"];
    const INPUT: &'static str = "contracts";
    type Inputs = Vec<ContractPair>;
    type Settings = JudgeSettings;

    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure> {
        from_json("the recorded contracts", bytes)
    }

    fn judge(inputs: &Self::Inputs, settings: &Self::Settings) -> Result<Verdict, Failure> {
        judge_pairs(inputs, settings)
    }
}

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

    pub(crate) fn parse(&self) -> Result<Contract, Failure> {
        parse_documents(&self.entry, &self.files).map_err(Failure::settings)
    }
}

/// Which part of the contract gate is judged.
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

/// What is recorded with the contracts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeSettings {
    pub part: Part,
    pub lint: LintSettings,
    /// The ruleset of the repository; records from before it was known have none.
    #[serde(default)]
    pub ruleset: Option<RulesetText>,
}

/// The verdict over contracts: what reading found, the rules, the comparison with the blessed ones.
/// Pure.
pub fn judge_pairs(pairs: &[ContractPair], settings: &JudgeSettings) -> Result<Verdict, Failure> {
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

fn blessed_path(repository: &Repository, local: &Path) -> PathBuf {
    let name = local.file_name().map(PathBuf::from).unwrap_or_default();
    repository
        .root
        .join(&repository.settings.contracts.blessed)
        .join(name)
}

/// The contracts with their blessed ones, as far as `part` needs them.
pub fn pairs(
    repository: &Repository,
    paths: &[PathBuf],
    part: Part,
) -> Result<Vec<ContractPair>, Failure> {
    let pair = |path: &PathBuf| {
        let local = ContractText::of(&load(repository, path)?);
        let blessed = blessed_path(repository, path);
        let blessed = if part != Part::Lint && blessed.is_file() {
            Some(ContractText::of(&load(repository, &blessed)?))
        } else {
            None
        };
        Ok(ContractPair { local, blessed })
    };
    paths.iter().map(pair).collect()
}

/// The gate of `ship`, `contract lint` and `contract check`.
pub fn gate(
    repository: &Repository,
    evidence: &EvidenceLog,
    run: &str,
    files: &[PathBuf],
    part: Part,
) -> Result<Decision, Failure> {
    let started = repository.clock.monotonic();
    let paths: Vec<PathBuf> = if files.is_empty() {
        contracts::paths(repository)
    } else {
        files
            .iter()
            .map(|file| repository.here.join(file))
            .collect()
    };
    if paths.is_empty() {
        return Err(Failure::settings(anyhow::anyhow!("there is no contract: `files` in [contracts] is empty and `contracts/openapi.yaml` does not exist"))
            .hint("list the contracts in `files` in [contracts] of tollgate.toml, or pass them as arguments"));
    }
    let pairs = pairs(repository, &paths, part)?;
    let settings = JudgeSettings {
        part,
        lint: repository.settings.contracts.lint.clone(),
        ruleset: repository_ruleset(repository)?,
    };
    let verdict = judge_pairs(&pairs, &settings)?;
    let inputs = Inputs::json("contracts", &pairs).with_settings(&settings);
    let names: Vec<&str> = pairs.iter().map(|pair| pair.local.entry.as_str()).collect();
    let duration = repository.clock.monotonic().saturating_sub(started);
    record(
        repository,
        evidence,
        run,
        ("contract", &names.join(", ")),
        inputs,
        verdict,
        duration,
    )
}
