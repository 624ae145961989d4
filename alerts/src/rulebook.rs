//! The rules that follow from the settings: built-in ones with changes, and rules of one's own.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::Span;
use tollgate_report::suggest::nearest;

use crate::Severity;
use crate::rules::{Condition, Rule, built_in};

/// A change to a built-in rule, or a rule of your own. What is absent keeps its built-in value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuleSettings {
    /// Whether the rule is off; default false.
    pub off: bool,
    /// Name of the metric whose samples count; needed for a rule of your own.
    pub metric: Option<String>,
    /// Broken above this value, in the metric's unit.
    pub above: Option<f64>,
    /// Broken below this value, in the metric's unit.
    pub below: Option<f64>,
    /// Broken at so many bad samples within `window`.
    pub count: Option<u32>,
    /// How far back samples count.
    pub window: Option<Span>,
    /// How long the condition must hold.
    #[serde(rename = "for")]
    pub hold: Option<Span>,
    /// `info`, `warning` or `critical`.
    pub severity: Option<Severity>,
    /// After it is resolved, how long until it may fire again.
    pub cooldown: Option<Span>,
    /// What broke, in words.
    pub summary: Option<String>,
}

/// A rule is neither built in nor complete.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`alerts.rules.{name}` is not a built-in rule{}, and a rule of your own needs `metric` and one of `above`, `below` and `count`",
    nearest.as_ref().map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
)]
pub struct UnknownRule {
    /// The rule.
    pub name: String,
    /// A built-in rule with nearly this name.
    pub nearest: Option<String>,
}

/// The built-in rules with the changes of these settings, and the rules of your own.
pub(crate) fn rulebook(
    changes: &BTreeMap<String, RuleSettings>,
) -> Result<BTreeMap<String, Rule>, UnknownRule> {
    let mut rules = built_in();
    for (name, change) in changes {
        let base = match (rules.remove(name), own_condition(change)) {
            (_, _) if change.off => continue,
            (Some(rule), condition) => Rule {
                condition: condition.unwrap_or_else(|| with_limit(rule.condition, change)),
                ..rule
            },
            (None, Some(condition)) => own_rule(name, condition),
            (None, None) => {
                let built_in = built_in();
                let near = nearest(name, built_in.keys().map(String::as_str));
                return Err(UnknownRule {
                    name: name.clone(),
                    nearest: near.map(str::to_owned),
                });
            }
        };
        let rule = Rule {
            window: change.window.unwrap_or(base.window),
            hold: change.hold.unwrap_or(base.hold),
            severity: change.severity.unwrap_or(base.severity),
            cooldown: change.cooldown.unwrap_or(base.cooldown),
            summary: change.summary.clone().unwrap_or(base.summary),
            ..base
        };
        rules.insert(name.clone(), rule);
    }
    Ok(rules)
}

fn own_condition(change: &RuleSettings) -> Option<Condition> {
    let metric = change.metric.clone()?;
    match (change.above, change.below, change.count) {
        (Some(limit), None, None) => Some(Condition::Above { metric, limit }),
        (None, Some(limit), None) => Some(Condition::Below { metric, limit }),
        (None, None, Some(at_least)) => Some(Condition::Count { metric, at_least }),
        _ => None,
    }
}

fn with_limit(condition: Condition, change: &RuleSettings) -> Condition {
    match condition {
        Condition::Above { metric, limit } => Condition::Above {
            metric,
            limit: change.above.unwrap_or(limit),
        },
        Condition::Below { metric, limit } => Condition::Below {
            metric,
            limit: change.below.unwrap_or(limit),
        },
        Condition::Count { metric, at_least } => Condition::Count {
            metric,
            at_least: change.count.unwrap_or(at_least),
        },
        Condition::Raised => Condition::Raised,
    }
}

fn own_rule(name: &str, condition: Condition) -> Rule {
    let five_minutes = Span(Duration::from_secs(300));
    Rule {
        name: name.to_owned(),
        condition,
        window: five_minutes,
        hold: Span(Duration::ZERO),
        severity: Severity::Warning,
        cooldown: five_minutes,
        is_never_dropped: false,
        summary: format!("the rule {name} is broken"),
        unit: String::new(),
    }
}
