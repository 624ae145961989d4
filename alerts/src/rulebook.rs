//! The rules that follow from the settings: built-in ones with changes, and rules of one's own.

use std::collections::BTreeMap;
use std::time::Duration;

use tollgate_report::quantity::Span;
use tollgate_report::suggest::nearest;

use crate::Severity;
use crate::rules::{Condition, Rule, built_in};
use crate::settings::{RuleSettings, SettingsError};

/// The built-in rules with the changes of these settings, and the rules of your own.
pub(crate) fn rulebook(
    changes: &BTreeMap<String, RuleSettings>,
) -> Result<BTreeMap<String, Rule>, SettingsError> {
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
                return Err(SettingsError::Rule {
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
