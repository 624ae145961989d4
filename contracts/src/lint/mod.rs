//! Style and structure of one contract: rules under Spectral's names, and ours. A rule is a row
//! with a function; it must not know where findings are shown.

mod asyncapi;
mod facts;
mod operations;
mod paths;
mod schemas;
mod structure;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::{Finding, Place, Severity, suggest};

use crate::document::Contract;
use facts::Facts;

/// What a rule does when it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleLevel {
    /// The rule is not run.
    Off,
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// The gate fails.
    Error,
}

/// Which rules run and how much they matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LintSettings {
    /// Level by rule name; a rule that is not named keeps its own level. Default: none.
    pub rules: BTreeMap<String, RuleLevel>,
    /// Whether Tollgate's own rules run (permission, budget class and error response of each
    /// operation). Default: false.
    pub own_rules: bool,
}

/// One rule: its name and level, whom it concerns, and what it looks at.
struct Rule {
    code: &'static str,
    severity: Severity,
    scope: Scope,
    why: &'static str,
    check: fn(&Facts<'_>) -> Vec<Hit>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// `OpenAPI`.
    Http,
    /// `AsyncAPI`.
    Async,
    /// Both.
    Both,
    /// `OpenAPI`, and only when our own rules are asked for.
    Own,
}

/// One place where a rule is broken.
struct Hit {
    place: Place,
    message: String,
}

impl Hit {
    fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
        }
    }
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    operations::RULES
        .iter()
        .chain(paths::RULES)
        .chain(schemas::RULES)
        .chain(structure::RULES)
        .chain(asyncapi::RULES)
}

/// The names of all rules, sorted.
#[must_use]
pub fn rule_codes() -> Vec<&'static str> {
    let mut codes: Vec<&str> = rules().map(|rule| rule.code).collect();
    codes.sort_unstable();
    codes
}

/// What the rules find in a contract, worst first. A setting for an unknown rule is a finding
/// too (`lint-unknown-rule`).
#[must_use]
pub fn lint(contract: &Contract, settings: &LintSettings) -> Vec<Finding> {
    let facts = Facts::new(contract);
    let mut findings = unknown_rules(settings);
    for rule in rules() {
        let Some(severity) = severity(rule, settings) else {
            continue;
        };
        let applies = match rule.scope {
            Scope::Both => true,
            Scope::Async => contract.kind.is_async(),
            Scope::Http | Scope::Own => !contract.kind.is_async(),
        };
        if !applies {
            continue;
        }
        findings.extend((rule.check)(&facts).into_iter().map(|hit| {
            Finding::new(severity, rule.code, hit.message)
                .at(hit.place)
                .because(rule.why)
        }));
    }
    findings.sort();
    findings
}

fn severity(rule: &Rule, settings: &LintSettings) -> Option<Severity> {
    match settings.rules.get(rule.code) {
        Some(RuleLevel::Off) => None,
        Some(RuleLevel::Info) => Some(Severity::Info),
        Some(RuleLevel::Warning) => Some(Severity::Warning),
        Some(RuleLevel::Error) => Some(Severity::Error),
        None if rule.scope == Scope::Own && !settings.own_rules => None,
        None => Some(rule.severity),
    }
}

fn unknown_rules(settings: &LintSettings) -> Vec<Finding> {
    let codes = rule_codes();
    settings
        .rules
        .keys()
        .filter(|name| !codes.contains(&name.as_str()))
        .map(|name| {
            let finding = Finding::warning(
                "lint-unknown-rule",
                format!("the settings name a rule `{name}` that is not there"),
            )
            .at(Place::file("tollgate.toml"));
            match suggest::nearest(name, codes.iter().copied()) {
                Some(nearest) => finding.fix(format!("did you mean `{nearest}`?")),
                None => finding.fix("remove it"),
            }
        })
        .collect()
}
