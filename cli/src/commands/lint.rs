//! `contract lint FILE…`: the rules over any documents, without settings and without a record.

use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::Write;
use std::path::PathBuf;

use tollgate_contracts_lint::{
    LintedFile, Ruleset, github_text, json_report, lint_with, sarif_report,
};
use tollgate_contracts_model::Contract;
use tollgate_gates::contracts;
use tollgate_gates::ruleset::{RULESETS, RulesetText, repository_ruleset};
use tollgate_report::render::{SourceLine, render_finding, render_finding_line};
use tollgate_report::{ExitCode, Finding, Severity};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::global::Format;

#[derive(Debug, Clone, Args)]
pub struct LintArgs {
    /// Documents; by default the contracts of the settings
    pub files: Vec<PathBuf>,
    /// A ruleset in the format of Spectral, such as .spectral.yaml
    #[arg(long, value_name = "FILE")]
    pub ruleset: Option<PathBuf>,
    /// The least severity that fails
    #[arg(long, value_enum, default_value_t = FailOn::Error)]
    pub fail_on: FailOn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Error,
    Warning,
    Info,
}

/// The ruleset for a file: the named one; for a contract of the settings the repository's with
/// its levels; else one that lies where the command was typed, or the recommended rules.
fn ruleset(context: &Context, args: &LintArgs, is_ours: bool) -> Result<Ruleset, Failure> {
    if let Some(file) = &args.ruleset {
        let path = context.here.join(file);
        return Ok(RulesetText::load(&shown(context, &path))?.1);
    }
    if is_ours {
        let base = match repository_ruleset(context)? {
            Some(text) => text.read()?,
            None => Ruleset::recommended(),
        };
        return Ok(base.with_settings(&context.settings.contracts.lint, "tollgate.toml"));
    }
    let mut names = RULESETS.iter().map(|name| context.here.join(name));
    match names.find(|path| path.is_file()) {
        Some(path) => Ok(RulesetText::load(&shown(context, &path))?.1),
        None => Ok(Ruleset::recommended()),
    }
}

/// A path as findings name it: relative to the repository where that is possible.
fn shown(context: &Context, path: &std::path::Path) -> String {
    let shown = path.strip_prefix(&context.root).unwrap_or(path);
    shown.to_string_lossy().replace('\\', "/")
}

/// Lints the files that are named.
pub fn run(context: &Context, args: &LintArgs) -> CommandResult {
    let ours: Vec<PathBuf> = context
        .settings
        .contracts
        .paths(&context.root)
        .iter()
        .map(|path| context.root.join(path))
        .collect();
    let mut rulesets: BTreeMap<bool, Ruleset> = BTreeMap::new();
    let mut files = Vec::new();
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut failed = None;
    for (idx, file) in args.files.iter().enumerate() {
        let is_last = idx + 1 == args.files.len();
        let path = context.here.join(file);
        let is_ours = ours.contains(&path) && args.ruleset.is_none();
        if let Entry::Vacant(entry) = rulesets.entry(is_ours) {
            entry.insert(ruleset(context, args, is_ours)?);
        }
        match contracts::load(context, &path) {
            Ok(contract) => {
                files.push(linted(&contract, &rulesets[&is_ours]));
                let documents = contract.documents.into_values();
                for document in documents {
                    texts.insert(document.file, document.text);
                    if is_last {
                        // The process ends soon, which gives all memory back at once.
                        std::mem::forget(document.root);
                    }
                }
            }
            Err(failure) => {
                context.output.failure(&failure);
                failed.get_or_insert(failure.code);
            }
        }
    }
    let of_rulesets: Vec<Finding> = rulesets
        .values()
        .flat_map(Ruleset::findings)
        .cloned()
        .collect();
    show(context, &of_rulesets, &files, &texts);
    if let Some(code) = failed {
        return Ok(code);
    }
    let found = files.iter().flat_map(findings_of).chain(&of_rulesets);
    let least = match args.fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Info => Severity::Info,
    };
    let fails = found
        .map(|finding| finding.severity)
        .any(|severity| severity >= least);
    Ok(if fails {
        ExitCode::Findings
    } else {
        ExitCode::Pass
    })
}

fn linted(contract: &Contract, ruleset: &Ruleset) -> LintedFile {
    LintedFile {
        file: contract.entry.clone(),
        reading: contract.findings.clone(),
        rules: lint_with(contract, ruleset),
    }
}

fn findings_of(file: &LintedFile) -> impl Iterator<Item = &Finding> {
    let rules = file.rules.iter().map(|found| &found.finding);
    file.reading.iter().chain(rules)
}

fn show(
    context: &Context,
    of_rulesets: &[Finding],
    files: &[LintedFile],
    texts: &BTreeMap<String, String>,
) {
    let output = context.output;
    match output.format {
        Format::Json => output.json(&json_report(of_rulesets, files)),
        Format::Sarif => output.raw(&format!("{:#}\n", sarif_report(of_rulesets, files))),
        Format::Github => output.raw(&github_text(of_rulesets, files)),
        Format::Text => output.text(|out| {
            let mut all: Vec<&Finding> = files.iter().flat_map(findings_of).collect();
            all.extend(of_rulesets);
            all.sort();
            show_text(out, context, &all, files, texts)
        }),
    }
}

fn show_text(
    out: &mut dyn Write,
    context: &Context,
    all: &[&Finding],
    files: &[LintedFile],
    texts: &BTreeMap<String, String>,
) -> std::io::Result<()> {
    // Lines are looked up by number many times; splitting a text once keeps that linear.
    let lines: BTreeMap<&str, Vec<SourceLine<'_>>> = texts
        .iter()
        .map(|(file, text)| (file.as_str(), text.lines().map(SourceLine::new).collect()))
        .collect();
    let mut rulesets: BTreeMap<String, String> = BTreeMap::new();
    for finding in all {
        let place = finding.place.as_ref();
        let line = place.and_then(|place| {
            let lines = lines.get(place.file.as_str())?;
            lines.get((place.line as usize).checked_sub(1)?)
        });
        match (line, place) {
            (None, Some(place)) => {
                let text = rulesets
                    .entry(place.file.clone())
                    .or_insert_with(|| std::fs::read_to_string(&place.file).unwrap_or_default());
                render_finding(out, finding, Some(text), context.output.paint)?;
            }
            (line, _) => {
                render_finding_line(out, finding, line, context.output.paint)?;
            }
        }
        writeln!(out)?;
    }
    let count = |severity: Severity| {
        all.iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    writeln!(
        out,
        "{} documents: {} errors, {} warnings, {} infos",
        files.len(),
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Info)
    )
}
