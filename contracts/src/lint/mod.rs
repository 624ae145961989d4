//! Style and structure of one contract: the rules of Spectral under their names, ours, and those
//! of rulesets that projects have.
//!
//! `tree` is an index over the nodes of all files; `jsonpath` (with `expression`, `evaluate` and
//! `pattern`) says where a rule looks, `functions` and `validate` what it asks (with `values`, of
//! any value), `rules` which rules there are, `ruleset` which are on and `ruleset_file` how a
//! project says so, `engine` runs them, `report` is for machines.
//! It must not know where findings are shown.

mod engine;
mod evaluate;
mod expression;
mod facts;
mod formats;
mod forms;
mod function_options;
mod functions;
mod jsonpath;
mod pattern;
mod report;
mod rule;
mod rules;
mod ruleset;
mod ruleset_file;
mod tree;
mod validate;
mod values;

use tollgate_report::{Finding, Place, Severity, in_threads};

pub use report::{LintedFile, github_text, json_report, sarif_report};
pub use rule::RuleLevel;
pub use rules::NOT_HERE;
pub use ruleset::{LintSettings, Ruleset};
pub use ruleset_file::{ReadText, RulesetError, load_ruleset, read_ruleset};

use crate::document::Contract;
use engine::{Context, Shared};
use rule::Rule;
use ruleset::LevelAt;
use tree::Tree;

/// One place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintFinding {
    /// What is wrong, where, why, and how to mend it; its code is the name of the rule.
    pub finding: Finding,
    /// The JSON Pointer of the value in its file.
    pub pointer: String,
    /// Where the rule is described.
    pub documentation: Option<String>,
}

/// The names of all rules that come with Tollgate, sorted.
#[must_use]
pub fn rule_codes() -> Vec<&'static str> {
    let mut codes: Vec<&str> = rules::names().into_iter().map(|(name, _)| name).collect();
    codes.sort_unstable();
    codes
}

/// One rule that comes with Tollgate, as documentation and SARIF show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its name.
    pub name: String,
    /// The set it belongs to, such as `spectral:oas`.
    pub set: String,
    /// How much it matters.
    pub level: RuleLevel,
    /// Whether it is on unless somebody turns it off.
    pub is_recommended: bool,
    /// Why it matters; empty when nobody said.
    pub why: String,
}

/// All rules that come with Tollgate, by set and name.
#[must_use]
pub fn rule_infos() -> Vec<RuleInfo> {
    let mut infos: Vec<RuleInfo> = Ruleset::all()
        .rules
        .values()
        .map(|rule| RuleInfo {
            name: rule.name.clone(),
            set: rule.set.clone(),
            level: rule.level,
            is_recommended: rule.is_recommended,
            why: rule.why.unwrap_or_default().to_owned(),
        })
        .collect();
    infos.sort_by(|left, right| (&left.set, &left.name).cmp(&(&right.set, &right.name)));
    infos
}

/// What the recommended rules find in a contract with the levels of the settings, worst first.
/// The ruleset that the settings name is not read here. A setting for an unknown rule is a
/// finding too (`lint-unknown-rule`).
#[must_use]
pub fn lint(contract: &Contract, settings: &LintSettings) -> Vec<Finding> {
    let ruleset = Ruleset::recommended().with_settings(settings, "tollgate.toml");
    let mut findings: Vec<Finding> = ruleset.findings().to_vec();
    findings.extend(
        lint_with(contract, &ruleset)
            .into_iter()
            .map(|found| found.finding),
    );
    findings.sort();
    findings
}

/// What a ruleset finds in a contract, worst first, each place once.
#[must_use]
pub fn lint_with(contract: &Contract, ruleset: &Ruleset) -> Vec<LintFinding> {
    let tree = Tree::of_contract(contract);
    let shared = Shared::default();
    let context = || Context::new(contract, &tree, &ruleset.patterns, &shared);
    let (rules, parts) = ruleset.for_file(&contract.entry);
    let formats = context().formats;
    let asked: Vec<&Rule> = rules
        .values()
        .filter(|rule| {
            let is_partly_on = parts.iter().any(|part| part.rule == rule.name);
            let is_off = rule.level == RuleLevel::Off && !is_partly_on;
            rule.is_enabled && !is_off && rule.is_for(&formats)
        })
        .collect();
    let answers = in_threads(&asked, |rule| engine::run(&context(), rule));
    let mut out = Vec::new();
    for (rule, answers) in asked.into_iter().zip(answers) {
        for worded in answers {
            let item = worded.hit.at;
            let pointer = tree.pointer(item);
            let level = level_at(ruleset, &parts, &rule.name, tree.file(item), &pointer);
            let Some(severity) = level.unwrap_or(rule.level).severity() else {
                continue;
            };
            let place = if worded.hit.is_key {
                tree.key_place(item)
            } else {
                tree.place(item)
            };
            let mut finding = Finding::new(severity, rule.name.clone(), worded.message).at(place);
            if let Some(why) = rule.why {
                finding = finding.because(why);
            }
            if let Some(fix) = rule.fix {
                finding = finding.fix(fix);
            }
            out.push(LintFinding {
                finding,
                pointer,
                documentation: rule.documentation.clone(),
            });
        }
    }
    out.sort_by(|left, right| {
        (&left.finding, &left.pointer).cmp(&(&right.finding, &right.pointer))
    });
    out
}

/// The level of a rule at a pointer, by the override with the longest pointer.
fn level_at(
    ruleset: &Ruleset,
    parts: &[LevelAt],
    rule: &str,
    file: &str,
    pointer: &str,
) -> Option<RuleLevel> {
    parts
        .iter()
        .filter(|part| part.rule == rule && ruleset.is_file(&part.glob, file))
        .filter(|part| {
            let rest = pointer.strip_prefix(part.pointer.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
        .max_by_key(|part| part.pointer.len())
        .map(|part| part.level)
}

/// Whether findings make the gate fail.
#[must_use]
pub fn has_errors<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> bool {
    findings
        .into_iter()
        .any(|finding| finding.severity == Severity::Error)
}

/// A place as three numbers a reader of a machine format expects: 1 for what is not known.
pub(crate) fn region(place: &Place) -> (u32, u32) {
    (place.line.max(1), place.column.max(1))
}
