//! Whether the promised times of the tiers are those that the tiers are held to.

use std::time::Duration;

use tollgate_report::quantity::Span;
use tollgate_report::{Finding, Place};

use crate::limits::BudgetFile;
use crate::unit::Unit;

/// The times of one tier in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierTime {
    /// Name of the tier, such as `tier1`.
    pub name: String,
    /// Beyond it the tier warns.
    pub target: Duration,
    /// Beyond it the tier fails; absent when it has no such time.
    pub critical: Option<Duration>,
}

/// Compares the limits on `tests.NAME` with the times of the tiers: `budget-tier-differs`, an
/// error, for each tier whose target or critical time is another. `file` is the budgets file.
///
/// A tier without a promise, and a promise without a tier, are accepted. Times that differ by less
/// than a millisecond are the same.
#[must_use]
pub fn check_tier_times(budgets: &BudgetFile, tiers: &[TierTime], file: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for tier in tiers {
        let measurement = format!("tests.{}", tier.name);
        for (id, limit) in &budgets.limits {
            let Some(factor) = limit.unit.factor_to(Unit::Millis) else {
                continue;
            };
            if limit.measurement != measurement {
                continue;
            }
            let promised = |value: f64| {
                let seconds = (value * factor).round() / 1e3;
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
            };
            let target = differs("target", promised(limit.target), Some(tier.target));
            let critical = differs("critical", promised(limit.critical), tier.critical);
            let differences: Vec<String> = target.into_iter().chain(critical).collect();
            if differences.is_empty() {
                continue;
            }
            let message = format!(
                "the budget `{id}` and the settings of {} differ: {}",
                tier.name,
                differences.join(", ")
            );
            let finding = Finding::error("budget-tier-differs", message)
                .because("a tier that may take longer than promised breaks the promise and passes")
                .fix(format!(
                    "use the same times in `{file}` and in the section [tiers.{}] of tollgate.toml",
                    tier.name
                ));
            findings.push(finding.at(Place::file(file)));
        }
    }
    findings.sort();
    findings
}

fn differs(word: &str, promised: Duration, set: Option<Duration>) -> Option<String> {
    let promise = Span(promised);
    match set {
        None => Some(format!("{word} {promise} is promised and none is set")),
        Some(set) if promised.abs_diff(set) < Duration::from_millis(1) => None,
        Some(set) => Some(format!(
            "{word} {promise} is promised and {} is set",
            Span(set)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"version": 1, "limits": {
        "tests.tier0": {"measurement": "tests.tier0", "statistic": "value", "unit": "s", "target": 45, "critical": 90},
        "tests.tier1": {"measurement": "tests.tier1", "statistic": "value", "unit": "min", "target": 3, "critical": 7.5}
    }}"#;

    fn tier(name: &str, target_s: u64, critical_s: Option<u64>) -> TierTime {
        TierTime {
            name: name.to_owned(),
            target: Duration::from_secs(target_s),
            critical: critical_s.map(Duration::from_secs),
        }
    }

    #[track_caller]
    fn check(tiers: &[TierTime], want: &[&str]) {
        let budgets = BudgetFile::parse(FILE, "sla.json").unwrap();
        let findings = check_tier_times(&budgets, tiers, "sla.json");
        assert!(findings.iter().all(|it| it.code == "budget-tier-differs"));
        let got: Vec<&str> = findings.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn equal_times_in_any_unit_agree() {
        check(
            &[tier("tier0", 45, Some(90)), tier("tier1", 180, Some(450))],
            &[],
        );
    }

    #[test]
    fn other_times_are_findings_that_show_both() {
        check(
            &[tier("tier0", 45, None), tier("tier1", 1200, Some(2280))],
            &[
                "the budget `tests.tier0` and the settings of tier0 differ: critical 1m30s is promised and none is set",
                "the budget `tests.tier1` and the settings of tier1 differ: target 3m is promised and 20m is set, critical 7m30s is promised and 38m is set",
            ],
        );
    }

    #[test]
    fn tier_without_a_promise_is_accepted() {
        check(&[tier("tier3", 7200, None)], &[]);
    }
}
