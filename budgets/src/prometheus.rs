//! Objectives as alerting rules of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::slo::{BurnRule, EventSeries, SloSettings};
use crate::unit::shown;

/// Factors from which a person is called; slower burns can wait for the working day.
const PAGE_FROM: f64 = 6.0;

/// An objective does not name its counters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`budgets.slo.{name}` has no `prometheus`, so its rules have nothing to count\n\nhint: name the counters: `prometheus = {{ bad = \"…\", total = \"…\" }}`"
)]
pub struct NoSeries {
    /// The objective.
    pub name: String,
}

/// A rule file of Prometheus with an alert for each burn rule of each objective. An alert fires by
/// the same condition as `budget check`.
///
/// # Errors
/// When an objective does not name its counters.
pub fn prometheus_rules(objectives: &BTreeMap<String, SloSettings>) -> Result<String, NoSeries> {
    let mut text = String::from("groups:\n");
    for (name, settings) in objectives {
        let series = settings
            .prometheus
            .as_ref()
            .ok_or_else(|| NoSeries { name: name.clone() })?;
        let _ = writeln!(text, "- name: {}\n  rules:", quoted(&format!("slo-{name}")));
        for rule in &settings.rules {
            alert(&mut text, name, settings, (rule, series));
        }
    }
    Ok(text)
}

fn alert(
    text: &mut String,
    name: &str,
    settings: &SloSettings,
    (rule, series): (&BurnRule, &EventSeries),
) {
    let share = rule.factor * (1.0 - settings.objective.0);
    // A binary fraction would print digits that nobody wrote.
    let share = format!("{share:.9}");
    let share = share.trim_end_matches('0');
    let EventSeries { bad, total } = series;
    let burns =
        |window| format!("sum(rate({bad}[{window}])) / sum(rate({total}[{window}])) > {share}");
    let (long, short) = (rule.long, rule.short);
    let n_events = long.0.as_secs() / 60;
    let severity = if rule.factor >= PAGE_FROM {
        "page"
    } else {
        "ticket"
    };
    let factor = shown(rule.factor);
    let summary = format!(
        "{name} burns its error budget at more than {factor} times the even rate over {long} and {short}"
    );
    let _ = write!(
        text,
        "  - alert: SloBurn
    expr: |-
      ({})
      and
      ({})
      and
      (sum(increase({total}[{long}])) >= {n_events} or sum(increase({bad}[{long}])) >= {})
    labels:
      slo: {}
      burn: {}
      severity: {severity}
    annotations:
      summary: {}
",
        burns(long),
        burns(short),
        settings.bad_events_min,
        quoted(name),
        quoted(&factor),
        quoted(&summary),
    );
}

/// A text of YAML in double quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective() -> SloSettings {
        let series = EventSeries {
            bad: "http_total{code=~\"5..\"}".to_owned(),
            total: "http_total".to_owned(),
        };
        SloSettings {
            prometheus: Some(series),
            ..SloSettings::default()
        }
    }

    #[test]
    fn each_burn_rule_is_an_alert_with_both_windows_and_the_absolute_count() {
        let text = prometheus_rules(&BTreeMap::from([("api".to_owned(), objective())])).unwrap();
        assert_eq!(text.matches("- alert: SloBurn").count(), 4);
        let first = "      (sum(rate(http_total{code=~\"5..\"}[1h])) / sum(rate(http_total[1h])) > 0.0144)\n      and\n      (sum(rate(http_total{code=~\"5..\"}[5m])) / sum(rate(http_total[5m])) > 0.0144)\n      and\n      (sum(increase(http_total[1h])) >= 60 or sum(increase(http_total{code=~\"5..\"}[1h])) >= 3)\n";
        assert!(text.contains(first), "{text}");
        assert_eq!(text.matches("severity: page").count(), 2);
    }

    #[test]
    fn an_objective_without_counters_is_named() {
        let objectives = BTreeMap::from([("api".to_owned(), SloSettings::default())]);
        let error = prometheus_rules(&objectives).unwrap_err().to_string();
        assert!(
            error.starts_with("`budgets.slo.api` has no `prometheus`"),
            "{error}"
        );
    }
}
