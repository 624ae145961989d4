//! The contract gate: lint rules, and the comparison with the blessed contracts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tollgate_contracts_diff::check_blessed;
use tollgate_contracts_lint::{LintSettings, Ruleset, lint_with};
use tollgate_contracts_model::{Contract, parse_documents};
use tollgate_report::{Clock, EvidenceLog, Finding, Severity, Verdict};

use crate::base::Base;
use crate::contracts::{self, load};
use crate::failure::Failure;
use crate::gate::{Gate, from_json};
use crate::loosened::{self, Compared, Section};
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What was agreed in the base of the change: the blessed contract, or the contract itself where
    /// none was blessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<ContractText>,
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
    /// The settings of the base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Box<Compared>>,
}

/// The verdict over contracts: what reading found, the rules, the comparison with the blessed ones.
/// Pure.
pub fn judge_pairs(pairs: &[ContractPair], settings: &JudgeSettings) -> Result<Verdict, Failure> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut notes: Vec<String> = Vec::new();
    let mut accepted: Vec<(String, Finding)> = Vec::new();
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
            accepted.extend(accepted_breaks(pair, &local, &findings)?);
        }
    }
    match &settings.compared {
        Some(compared) => {
            let sections = BTreeSet::from([Section::Contracts]);
            findings.extend(loosened::judge(compared, &sections, accepted)?);
        }
        None => findings.extend(accepted.into_iter().map(|(_, finding)| finding)),
    }
    let reason = match (pairs.len(), notes.is_empty()) {
        (1, true) => "the contract follows the rules".to_owned(),
        (n, true) => format!("{n} contracts follow the rules"),
        (_, false) => notes.join("; "),
    };
    Ok(Verdict::from_findings(findings, reason))
}

/// What breaks compared with the base although the change blesses it, each with the contract's file
/// for a waiver. What is `known` from the comparison with the blessed contract is left out.
fn accepted_breaks(
    pair: &ContractPair,
    local: &Contract,
    known: &[Finding],
) -> Result<Vec<(String, Finding)>, Failure> {
    let Some(base) = pair
        .base
        .as_ref()
        .filter(|base| pair.blessed.as_ref() != Some(base))
    else {
        return Ok(Vec::new());
    };
    let verdict = check_blessed(Some(&base.parse()?), local);
    let is_new = |finding: &Finding| {
        let mut known = known.iter();
        finding.severity == Severity::Error
            && !known.any(|it| it.code == finding.code && it.message == finding.message)
    };
    let breaks = verdict.findings.into_iter().filter(is_new);
    Ok(breaks
        .map(|finding| {
            let message = format!(
                "{}; the change blesses what breaks the contract of the base ({})",
                finding.message, finding.code
            );
            let finding = Finding {
                code: "contract-break-blessed".to_owned(),
                message,
                fix: None,
                ..finding
            };
            (local.entry.clone(), finding)
        })
        .collect())
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
        Ok(ContractPair {
            local,
            blessed,
            base: None,
        })
    };
    paths.iter().map(pair).collect()
}

/// What was agreed in the base; absent when the base has no contract, or none that can be read.
fn base_text(
    repository: &Repository,
    base: &Base,
    local: &Path,
) -> Result<Option<ContractText>, Failure> {
    for path in [&blessed_path(repository, local), local] {
        let Ok(entry) = path.strip_prefix(&repository.root) else {
            continue;
        };
        let entry = entry.display().to_string().replace('\\', "/");
        let files = base_documents(repository, base, &entry)?;
        if files.contains_key(&entry) {
            let text = ContractText { entry, files };
            return Ok(text.parse().is_ok().then_some(text));
        }
    }
    Ok(None)
}

/// The operations of a contract and their budget classes.
pub fn classes(contract: &Contract) -> BTreeMap<String, String> {
    let operations = contract.operations().into_iter();
    operations
        .map(|operation| {
            let class = operation.node.get("x-budget");
            let class = class.and_then(|node| node.as_str()).unwrap_or_default();
            (operation.id.clone(), class.to_owned())
        })
        .collect()
}

/// Adds the operations of contracts, by their paths from the root, in the base and now. A contract
/// that can't be read is the matter of its own gate.
pub fn add_classes(
    compared: &mut loosened::Compared,
    repository: &Repository,
    paths: &[String],
) -> Result<(), Failure> {
    let paths: Vec<PathBuf> = paths
        .iter()
        .map(|path| repository.root.join(path))
        .collect();
    compared.operations_before = classes_of_base(repository, &compared.base, &paths)?;
    for path in &paths {
        if let Ok(contract) = load(repository, path) {
            compared.operations.extend(classes(&contract));
        }
    }
    Ok(())
}

/// The operations of those contracts in the base and their budget classes; a contract that can't be
/// read has none.
pub fn classes_of_base(
    repository: &Repository,
    base: &Base,
    paths: &[PathBuf],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut found = BTreeMap::new();
    for path in paths {
        let Ok(entry) = path.strip_prefix(&repository.root) else {
            continue;
        };
        let entry = entry.display().to_string().replace('\\', "/");
        let files = base_documents(repository, base, &entry)?;
        if files.contains_key(&entry)
            && let Ok(contract) = (ContractText { entry, files }).parse()
        {
            found.extend(classes(&contract));
        }
    }
    Ok(found)
}

/// A document of the base and all that it refers to, by file.
fn base_documents(
    repository: &Repository,
    base: &Base,
    entry: &str,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![entry.to_owned()];
    while let Some(file) = waiting.pop() {
        if files.contains_key(&file) {
            continue;
        }
        if let Some(text) = base.text(&repository.root, &file)? {
            waiting.extend(references(&file, &text));
            files.insert(file, text);
        }
    }
    Ok(files)
}

/// The files that the `$ref`s of a document name, as paths from the root.
fn references(file: &str, text: &str) -> Vec<String> {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    for rest in text.split("$ref").skip(1) {
        let rest = rest.trim_start_matches(['"', '\'', ':', ' ']);
        let end = rest
            .find(['"', '\'', '#', '\n', '}', ',', ' '])
            .unwrap_or(rest.len());
        let name = &rest[..end];
        if !name.is_empty() && !name.contains("://") {
            found.extend(joined(folder, name));
        }
    }
    found
}

/// A path from the root; absent when it leads out of it.
fn joined(folder: &Path, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder
        .to_str()?
        .split('/')
        .filter(|it| !it.is_empty())
        .collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
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
    let mut pairs = pairs(repository, &paths, part)?;
    let mut compared = loosened::compared(repository)?;
    if part != Part::Lint {
        for (pair, path) in pairs.iter_mut().zip(&paths) {
            pair.base = base_text(repository, &compared.base, path)?;
        }
    }
    compared.operations_before = classes_of_base(repository, &compared.base, &paths)?;
    for pair in &pairs {
        compared.operations.extend(classes(&pair.local.parse()?));
    }
    let settings = JudgeSettings {
        part,
        compared: Some(Box::new(compared)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_that_a_document_refers_to_are_found_from_its_folder() {
        let text = "a: {$ref: 'parts/b.yaml#/X'}\nb:\n  $ref: ../c.yaml\nc: {\"$ref\": \"#/here\"}\nd: {$ref: https://x/y.yaml}\ne: {$ref: ../../../out.yaml}\n";
        assert_eq!(
            references("api/open/a.yaml", text),
            ["api/open/parts/b.yaml", "api/c.yaml"]
        );
    }
}
