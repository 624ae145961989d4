//! Runs the rules of a ruleset over a contract.

use tollgate_contracts_model::Contract;
use tollgate_report::{Finding, in_threads};

use crate::context::{Context, Shared};
use crate::engine;
use crate::finding::LintFinding;
use crate::rule::{Rule, RuleLevel};
use crate::ruleset::{LevelAt, LintSettings, Ruleset};
use crate::tree::Tree;

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
