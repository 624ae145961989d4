//! What a change loosens in the promises: limits that are gone, higher, or about something else.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_report::{Finding, Place};

use crate::limits::{BudgetFile, Limit, key_place};
use crate::unit::shown;

/// Rounding of a converted unit is not a loosening.
const TOLERANCE: f64 = 1e-9;

/// What `new` loosens, each with the key that a waiver names, such as `limits.api.latency.p95`:
/// `budget-limit-removed`, `budget-limit-redefined` and `budget-limit-raised`, all errors.
/// `text` and `file` are those of `new`; `operations` maps the contract's operations to classes.
#[must_use]
pub fn loosened(
    old: &BudgetFile,
    new: &BudgetFile,
    operations: &BTreeMap<String, String>,
    (text, file): (&str, &str),
) -> Vec<(String, Finding)> {
    let place = |id: &str| {
        let (line, column) = key_place(text, id);
        let whole = |n: usize| u32::try_from(n).unwrap_or(0);
        Place::at(file, whole(line), whole(column))
    };
    let mut found = Vec::new();
    let mut compare = |key: String, id: &str, old: &Limit, new: Option<&Limit>| {
        let findings = changes(&key, old, new).into_iter();
        found.extend(findings.map(|finding| (key.clone(), finding.at(place(id)))));
    };
    for (id, limit) in &old.limits {
        let after = new.limits.get(id).or_else(|| renamed(old, new, limit));
        compare(format!("limits.{id}"), id, limit, after);
    }
    for (class, limit) in &old.classes {
        let after = new.classes.get(class).map(|limit| limit.limit(class));
        compare(
            format!("classes.{class}"),
            class,
            &limit.limit(class),
            after.as_ref(),
        );
    }
    // An operation's own limit replaces that of its class, so the two are compared as they apply.
    let own: BTreeSet<&String> = old.operations.keys().chain(new.operations.keys()).collect();
    for id in own {
        let of = |budgets: &BudgetFile| {
            let class = operations
                .get(id)
                .and_then(|class| budgets.classes.get(class));
            let limit = budgets.operations.get(id).or(class);
            limit.map(|limit| limit.limit(id))
        };
        // Without the operation the contract is what changed.
        if let Some(before) = of(old)
            && operations.contains_key(id)
        {
            compare(format!("operations.{id}"), id, &before, of(new).as_ref());
        }
    }
    found
}

/// The operations of the contract that change to a class with a looser limit, or to none, each with
/// the key that a waiver names: `budget-class-changed`.
#[must_use]
pub fn reclassified(
    budgets: &BudgetFile,
    before: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Vec<(String, Finding)> {
    let mut found = Vec::new();
    for (id, old) in before {
        let Some(new) = now.get(id).filter(|new| *new != old) else {
            continue;
        };
        let has_own = budgets.operations.contains_key(id);
        let Some(before) = budgets.classes.get(old).filter(|_| !has_own) else {
            continue;
        };
        let after = budgets.classes.get(new).map(|limit| limit.limit(id));
        let key = format!("operations.{id}");
        let is_looser = !changes(&key, &before.limit(id), after.as_ref()).is_empty();
        if is_looser {
            let message = format!(
                "the operation `{id}` was moved from the class `{old}` to `{new}`, whose limit is looser or missing"
            );
            found.push((key, Finding::error("budget-class-changed", message)));
        }
    }
    found
}

/// The limit on the same number under a new name.
fn renamed<'a>(old: &BudgetFile, new: &'a BudgetFile, limit: &Limit) -> Option<&'a Limit> {
    let is_same = |other: &Limit| {
        other.measurement == limit.measurement
            && other.statistic == limit.statistic
            && other.bound == limit.bound
    };
    let mut added = new
        .limits
        .iter()
        .filter(|(id, _)| !old.limits.contains_key(*id));
    added
        .find(|(_, other)| is_same(other))
        .map(|(_, limit)| limit)
}

fn changes(key: &str, old: &Limit, new: Option<&Limit>) -> Vec<Finding> {
    let what = |limit: &Limit| format!("{} of {}", limit.statistic, limit.measurement);
    let Some(new) = new else {
        let message = format!(
            "the limit `{key}` was removed: {} {} {} {}",
            what(old),
            old.bound.sign(),
            shown(old.critical),
            old.unit
        );
        return vec![Finding::error("budget-limit-removed", message)];
    };
    let factor = new.unit.factor_to(old.unit);
    let is_same = old.measurement == new.measurement
        && old.statistic == new.statistic
        && old.bound == new.bound;
    let Some(factor) = factor.filter(|_| is_same) else {
        let side =
            |limit: &Limit| format!("{} {} in {}", what(limit), limit.bound.sign(), limit.unit);
        let message = format!(
            "the limit `{key}` changed from `{}` to `{}`",
            side(old),
            side(new)
        );
        return vec![Finding::error("budget-limit-redefined", message)];
    };
    let values = [
        ("target", old.target, new.target),
        ("critical", old.critical, new.critical),
    ];
    let raised = values.into_iter().filter(|(_, before, after)| {
        let after = after * factor;
        old.bound.is_broken(after, *before) && (after - before).abs() > TOLERANCE * before.abs()
    });
    raised
        .map(|(word, before, after)| {
            let message = format!(
                "the {word} value of `{key}` was loosened from {} {} to {} {}",
                shown(before),
                old.unit,
                shown(after),
                new.unit
            );
            Finding::error("budget-limit-raised", message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"{"version": 1, "limits": {
        "p95": {"measurement": "api", "statistic": "p95", "unit": "ms", "target": 400, "critical": 800},
        "rps": {"measurement": "rps", "statistic": "value", "unit": "req/s", "bound": "min", "target": 100, "critical": 50}
    }, "classes": {
        "core": {"statistic": "p95", "unit": "ms", "target": 100, "critical": 200},
        "heavy": {"statistic": "p95", "unit": "ms", "target": 200, "critical": 400}
    }}"#;

    #[track_caller]
    fn check(replaced: &[(&str, &str)], want: &[(&str, &str, &str)]) {
        let mut text = OLD.to_owned();
        for (from, to) in replaced {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let parse = |text: &str| BudgetFile::parse(text, "sla.json").unwrap();
        let operations = BTreeMap::from([("list".to_owned(), "core".to_owned())]);
        let found = loosened(&parse(OLD), &parse(&text), &operations, (&text, "sla.json"));
        let got: Vec<(&str, &str, &str)> = found
            .iter()
            .map(|(key, it)| (key.as_str(), it.code.as_str(), it.message.as_str()))
            .collect();
        assert_eq!(got, want);
        assert!(found.iter().all(|(_, finding)| finding.place.is_some()));
    }

    #[test]
    fn an_operation_in_a_slower_class_or_in_none_is_loosened() {
        let budgets = BudgetFile::parse(OLD, "sla.json").unwrap();
        let class = |class: &str| BTreeMap::from([("list".to_owned(), class.to_owned())]);
        let found = |old: &str, new: &str| reclassified(&budgets, &class(old), &class(new)).len();
        assert_eq!((found("core", "heavy"), found("core", "")), (1, 1));
        assert_eq!((found("heavy", "core"), found("core", "core")), (0, 0));
        let gone = BTreeMap::new();
        assert!(reclassified(&budgets, &class("core"), &gone).is_empty());
    }

    #[test]
    fn stricter_promises_other_units_and_new_names_are_accepted() {
        check(&[], &[]);
        check(
            &[
                ("\"critical\": 800", "\"critical\": 700"),
                (
                    "\"target\": 100, \"critical\": 50",
                    "\"target\": 120, \"critical\": 60",
                ),
            ],
            &[],
        );
        check(
            &[(
                "\"ms\", \"target\": 400, \"critical\": 800",
                "\"s\", \"target\": 0.4, \"critical\": 0.8",
            )],
            &[],
        );
        check(&[("\"p95\": {", "\"api.p95\": {")], &[]);
    }

    #[test]
    fn a_higher_limit_and_a_lower_least_value_are_loosened() {
        check(
            &[
                ("\"critical\": 800", "\"critical\": 1600"),
                (
                    "\"target\": 100, \"critical\": 50",
                    "\"target\": 90, \"critical\": 50",
                ),
            ],
            &[
                (
                    "limits.p95",
                    "budget-limit-raised",
                    "the critical value of `limits.p95` was loosened from 800 ms to 1600 ms",
                ),
                (
                    "limits.rps",
                    "budget-limit-raised",
                    "the target value of `limits.rps` was loosened from 100 req/s to 90 req/s",
                ),
            ],
        );
        check(
            &[(
                "\"ms\", \"target\": 400, \"critical\": 800",
                "\"s\", \"target\": 0.4, \"critical\": 8",
            )],
            &[(
                "limits.p95",
                "budget-limit-raised",
                "the critical value of `limits.p95` was loosened from 800 ms to 8 s",
            )],
        );
    }

    #[test]
    fn a_limit_that_is_gone_or_about_another_number_is_loosened() {
        check(
            &[("\"measurement\": \"rps\"", "\"measurement\": \"other\"")],
            &[(
                "limits.rps",
                "budget-limit-redefined",
                "the limit `limits.rps` changed from `value of rps ≥ in req/s` to `value of other ≥ in req/s`",
            )],
        );
        check(
            &[(
                "\"p95\": {\"measurement\": \"api\", \"statistic\": \"p95\"",
                "\"p50\": {\"measurement\": \"api\", \"statistic\": \"p50\"",
            )],
            &[(
                "limits.p95",
                "budget-limit-removed",
                "the limit `limits.p95` was removed: p95 of api ≤ 800 ms",
            )],
        );
    }

    #[test]
    fn a_class_and_an_operation_out_of_its_class_are_compared_as_they_apply() {
        check(
            &[(
                "\"target\": 100, \"critical\": 200",
                "\"target\": 100, \"critical\": 300",
            )],
            &[(
                "classes.core",
                "budget-limit-raised",
                "the critical value of `classes.core` was loosened from 200 ms to 300 ms",
            )],
        );
        let own = |critical: u32| {
            format!(
                "}}, \"operations\": {{\"list\": {{\"statistic\": \"p95\", \"unit\": \"ms\", \"target\": 90, \"critical\": {critical}}}}}}}"
            )
        };
        let end = (
            "\"critical\": 400}\n    }}",
            format!("\"critical\": 400}}\n    {}", own(150)),
        );
        check(&[(end.0, end.1.as_str())], &[]);
        let looser = end.1.replace("150", "250");
        check(
            &[(end.0, looser.as_str())],
            &[(
                "operations.list",
                "budget-limit-raised",
                "the critical value of `operations.list` was loosened from 200 ms to 250 ms",
            )],
        );
    }
}
