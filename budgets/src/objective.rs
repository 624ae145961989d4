//! Service level objectives against measured events: the error budget that is left, and the rules
//! that fire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evaluate::Standing;
use crate::measurement::{Data, Measurement};
use crate::slo::{BurnVerdict, SloSettings, WindowCount};
use crate::unit::shown;

/// One objective with its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveRow {
    /// Its name in the settings.
    pub name: String,
    /// The measurement that it is about.
    pub measurement: String,
    /// The result.
    pub standing: Standing,
    /// The share of the error budget that is left; negative when overspent, absent without events.
    pub budget_left: Option<f64>,
    /// Every rule with its burn rates.
    pub rules: Vec<BurnVerdict>,
    /// Why, with the numbers.
    pub reason: String,
}

impl ObjectiveRow {
    /// The id that findings and `unmeasured` of the settings use.
    #[must_use]
    pub fn id(&self) -> String {
        format!("slo.{}", self.name)
    }
}

/// Judges an objective. A spent error budget and a rule that fires are over critical; a rule whose
/// window was not counted leaves the objective unmeasured.
#[must_use]
pub fn evaluate_objective(
    name: &str,
    settings: &SloSettings,
    measurements: &[Measurement],
) -> ObjectiveRow {
    let measurement = settings.measurement_id(name);
    let row = |standing, reason: String| ObjectiveRow {
        name: name.to_owned(),
        measurement: measurement.clone(),
        standing,
        budget_left: None,
        rules: Vec::new(),
        reason,
    };
    let found = measurements.iter().find(|it| it.id == measurement);
    let none = BTreeMap::new();
    let (period, windows) = match found.map(|it| &it.data) {
        None => {
            let reason = format!("no measurement of `{measurement}` was given");
            return row(Standing::NotChecked, reason);
        }
        Some(Data::Events { events, total }) => (count(*events, *total), &none),
        Some(Data::Windows {
            events,
            total,
            windows,
        }) => (count(*events, *total), windows),
        Some(_) => {
            let reason = format!("`{measurement}` has no `events` of a `total`");
            return row(Standing::NotChecked, reason);
        }
    };
    if period.total == 0 {
        let reason = format!("`{measurement}` has a total of 0 events");
        return row(Standing::NotChecked, reason);
    }
    let rules = match settings.evaluate(windows) {
        Ok(rules) => rules,
        Err(error) => return row(Standing::NotChecked, error.to_string()),
    };
    let budget_left = settings.budget_left(period);
    let (standing, reason) = judge(settings, period, budget_left, &rules);
    ObjectiveRow {
        budget_left,
        rules,
        ..row(standing, reason)
    }
}

fn count(bad: u64, total: u64) -> WindowCount {
    WindowCount { bad, total }
}

fn judge(
    settings: &SloSettings,
    period: WindowCount,
    budget_left: Option<f64>,
    rules: &[BurnVerdict],
) -> (Standing, String) {
    let percent = |share: f64| format!("{}%", shown(100.0 * share));
    let left = budget_left.unwrap_or(f64::NEG_INFINITY);
    let counted = format!(
        "{} bad of {} events, objective {}, {} of the error budget of {} left",
        period.bad,
        period.total,
        settings.objective,
        percent(left),
        settings.period
    );
    if let Some(rule) = rules.iter().find(|rule| rule.is_firing) {
        let rate = shown(rule.long_rate.unwrap_or_default());
        let until = rule.exhausted_in;
        let until = until.map_or_else(String::new, |span| {
            format!(", which spends a whole budget in {span}")
        });
        let reason = format!(
            "{counted}; it burns at {rate} times the even rate over {} and {}, beyond {}{until}",
            rule.rule.long,
            rule.rule.short,
            shown(rule.rule.factor)
        );
        return (Standing::OverCritical, reason);
    }
    if left < 0.0 {
        return (Standing::OverCritical, counted);
    }
    let missing = rules
        .iter()
        .find(|rule| rule.long_rate.is_none() || rule.short_rate.is_none());
    if let Some(rule) = missing {
        let reason = format!(
            "{counted}; the burn over {} and {} was not counted",
            rule.rule.long, rule.rule.short
        );
        return (Standing::NotChecked, reason);
    }
    (Standing::Within, counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::parse_measurements;

    #[track_caller]
    fn check(measured: &str, settings: &SloSettings, standing: Standing, says: &str) {
        let text = format!("{{\"version\": 1, \"measurements\": [{measured}]}}");
        let measurements = parse_measurements(&text, "m.json").unwrap();
        let row = evaluate_objective("api", settings, &measurements);
        assert_eq!(row.standing, standing, "{}", row.reason);
        assert!(row.reason.contains(says), "{}", row.reason);
    }

    /// Events of the period and of each window of the default rules.
    fn windows(bad: [u64; 8]) -> String {
        let names = ["1h", "5m", "6h", "30m", "1d", "2h", "3d", "6h"];
        let counts: BTreeMap<&str, String> = names
            .iter()
            .zip(bad)
            .map(|(name, bad)| {
                (
                    *name,
                    format!("\"{name}\": {{\"bad\": {bad}, \"total\": 1000}}"),
                )
            })
            .collect();
        let counts: Vec<String> = counts.into_values().collect();
        format!(
            r#"{{"id": "api.errors", "events": 1, "total": 100000, "windows": {{{}}}}}"#,
            counts.join(", ")
        )
    }

    #[test]
    fn an_objective_without_events_is_unmeasured() {
        let slo = SloSettings::default();
        check(
            "",
            &slo,
            Standing::NotChecked,
            "no measurement of `api.errors`",
        );
        let none = r#"{"id": "api.errors", "events": 0, "total": 0}"#;
        check(none, &slo, Standing::NotChecked, "a total of 0 events");
        let value = r#"{"id": "api.errors", "unit": "%", "value": 1}"#;
        check(value, &slo, Standing::NotChecked, "has no `events`");
        let good = r#"{"id": "api.errors", "events": 1, "total": 100000}"#;
        check(
            good,
            &slo,
            Standing::NotChecked,
            "the burn over 1h and 5m was not counted",
        );
    }

    #[test]
    fn a_spent_budget_and_a_rule_that_fires_are_over_critical() {
        let slo = SloSettings::default();
        let spent = r#"{"id": "api.errors", "events": 900, "total": 1000}"#;
        check(
            spent,
            &slo,
            Standing::OverCritical,
            "900 bad of 1000 events",
        );
        check(
            &windows([0; 8]),
            &slo,
            Standing::Within,
            "99% of the error budget of 30d left",
        );
        let burning = windows([20, 20, 0, 0, 0, 0, 0, 0]);
        check(
            &burning,
            &slo,
            Standing::OverCritical,
            "at 20 times the even rate over 1h and 5m",
        );
        let past = windows([20, 0, 0, 0, 0, 0, 0, 0]);
        check(&past, &slo, Standing::Within, "1 bad of 100000");
    }

    #[test]
    fn without_rules_the_budget_alone_is_judged() {
        let slo = SloSettings {
            rules: Vec::new(),
            measurement: Some("uptime".to_owned()),
            ..SloSettings::default()
        };
        let good = r#"{"id": "uptime", "events": 1, "total": 100000}"#;
        check(good, &slo, Standing::Within, "1 bad");
    }
}
