//! Service level objectives: burn rates over several windows.
//!
//! Rules follow Google, "The Site Reliability Workbook" (2018), chapter 5, "Multiwindow,
//! Multi-Burn-Rate Alerts".

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::{Percent, Span};

/// One objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SloSettings {
    /// Id of the measurement with its bad `events` of a `total`. Default: `NAME.errors`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measurement: Option<String>,
    /// Share of good events that is promised, above 0% and below 100%. Default 99.9%.
    pub objective: Percent,
    /// Time over which it is promised. Default `30d`.
    pub period: Span,
    /// Rules, most urgent first. Default 14.4 over 1 h + 5 m, 6 over 6 h + 30 m, 3 over 1 d + 2 h,
    /// 1 over 3 d + 6 h. Without rules the error budget alone is judged.
    pub rules: Vec<BurnRule>,
    /// Fewest bad events of the long window with which a rule fires while that window has fewer
    /// than one event a minute, where one bad event would be a large share. Default 3.
    pub bad_events_min: u64,
    /// The counters of the events in Prometheus, for `budget rules`. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<EventSeries>,
}

/// The counters of an objective's events in Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventSeries {
    /// Selector of the bad events, such as `http_requests_total{code=~"5.."}`.
    pub bad: String,
    /// Selector of all events, such as `http_requests_total`.
    pub total: String,
}

impl Default for SloSettings {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let rule = |factor, long, short| BurnRule {
            factor,
            long: Span(Duration::from_secs(long)),
            short: Span(Duration::from_secs(short)),
        };
        Self {
            measurement: None,
            objective: Percent(0.999),
            period: Span(Duration::from_secs(30 * 24 * HOUR)),
            rules: vec![
                rule(14.4, HOUR, 5 * MINUTE),
                rule(6.0, 6 * HOUR, 30 * MINUTE),
                rule(3.0, 24 * HOUR, 2 * HOUR),
                rule(1.0, 72 * HOUR, 6 * HOUR),
            ],
            bad_events_min: 3,
            prometheus: None,
        }
    }
}

/// Fires when both windows burn the error budget at more than `factor` times the even rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BurnRule {
    /// How many times the even rate; above 0.
    pub factor: f64,
    /// The window that shows that it matters, such as `1h`.
    pub long: Span,
    /// The window that shows that it continues, such as `5m`; shorter than `long`.
    pub short: Span,
}

/// Events of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowCount {
    /// Bad events.
    pub bad: u64,
    /// All events.
    pub total: u64,
}

/// The verdict of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BurnVerdict {
    /// The rule.
    pub rule: BurnRule,
    /// Burn rate of the long window; absent without events or count.
    pub long_rate: Option<f64>,
    /// Burn rate of the short window; absent without events or count.
    pub short_rate: Option<f64>,
    /// Whether both are above the factor.
    pub is_firing: bool,
    /// Time until the budget of a whole period is spent at the long window's rate; absent when
    /// nothing burns.
    pub exhausted_in: Option<Span>,
}

/// The objective cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SloError {
    /// The objective is out of range, or leaves no budget.
    #[error("`objective` is `{objective}`: it must be above 0% and below 100%")]
    Objective {
        /// The objective.
        objective: Percent,
    },
    /// The rule can never fire.
    #[error(
        "the burn rule with `factor = {factor}` can never fire with the objective `{objective}`, because {factor} · (1 − objective) ≥ 1\n\nhint: use a factor below {factor_max:.1}, or a higher objective"
    )]
    NeverFires {
        /// The factor.
        factor: f64,
        /// The objective.
        objective: Percent,
        /// Burn rate when all events are bad; a factor must be below it.
        factor_max: f64,
    },
    /// The numbers of the rule are not valid.
    #[error(
        "the burn rule with `factor = {factor}`, `long = {long}` and `short = {short}` is not valid: the factor must be above 0, and the short window shorter than the long one"
    )]
    Rule {
        /// The factor.
        factor: f64,
        /// The long window.
        long: Span,
        /// The short window.
        short: Span,
    },
}

impl SloSettings {
    /// The id of the measurement that the objective of this name is about.
    #[must_use]
    pub fn measurement_id(&self, name: &str) -> String {
        self.measurement
            .clone()
            .unwrap_or_else(|| format!("{name}.errors"))
    }

    /// Rejects objectives and rules without a meaning. A rule with factor · (1 − objective) ≥ 1
    /// can never fire, because no more than all events can be bad.
    pub fn validate(&self) -> Result<(), SloError> {
        let objective = self.objective;
        if !(objective.0 > 0.0 && objective.0 < 1.0) {
            return Err(SloError::Objective { objective });
        }
        let factor_max = 1.0 / (1.0 - objective.0);
        for rule in &self.rules {
            let BurnRule {
                factor,
                long,
                short,
            } = *rule;
            let is_sane =
                factor > 0.0 && factor.is_finite() && short < long && short.0 > Duration::ZERO;
            if !is_sane {
                return Err(SloError::Rule {
                    factor,
                    long,
                    short,
                });
            }
            if factor >= factor_max {
                return Err(SloError::NeverFires {
                    factor,
                    objective,
                    factor_max,
                });
            }
        }
        Ok(())
    }

    /// Judges every rule by the counts of the windows that are given; a missing window never fires.
    pub fn evaluate(
        &self,
        windows: &BTreeMap<Span, WindowCount>,
    ) -> Result<Vec<BurnVerdict>, SloError> {
        self.validate()?;
        let rate = |window: &Span| {
            windows
                .get(window)
                .and_then(|count| burn_rate(*count, self.objective))
        };
        let verdicts = self.rules.iter().map(|rule| {
            let (long_rate, short_rate) = (rate(&rule.long), rate(&rule.short));
            let is_above = |rate: Option<f64>| rate.is_some_and(|rate| rate > rule.factor);
            BurnVerdict {
                rule: *rule,
                long_rate,
                short_rate,
                is_firing: is_above(long_rate)
                    && is_above(short_rate)
                    && windows
                        .get(&rule.long)
                        .is_some_and(|it| self.is_enough(&rule.long, *it)),
                exhausted_in: long_rate
                    .filter(|rate| *rate > 0.0)
                    .and_then(|rate| {
                        Duration::try_from_secs_f64(self.period.0.as_secs_f64() / rate).ok()
                    })
                    .map(Span),
            }
        });
        Ok(verdicts.collect())
    }

    /// Whether a window has an event a minute, or enough bad ones without that.
    fn is_enough(&self, window: &Span, count: WindowCount) -> bool {
        count.total >= window.0.as_secs() / 60 || count.bad >= self.bad_events_min
    }

    /// The share of the error budget that is left after the events of a period: 1 when nothing was
    /// bad, 0 when it is just spent, below 0 when overspent; absent without events.
    #[must_use]
    pub fn budget_left(&self, period: WindowCount) -> Option<f64> {
        burn_rate(period, self.objective).map(|rate| 1.0 - rate)
    }
}

/// The burn rate: the share of bad events divided by the share that the objective allows. 1 spends
/// the budget exactly over the period. Absent without events, or when nothing may be bad.
#[must_use]
pub fn burn_rate(count: WindowCount, objective: Percent) -> Option<f64> {
    let allowed = 1.0 - objective.0;
    (count.total > 0 && allowed > 0.0).then(|| count.bad as f64 / count.total as f64 / allowed)
}
