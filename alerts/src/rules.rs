//! Rules as data, and the pure step from a measured sample to an alert event.
//!
//! A rule holds a condition over a window of samples.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;
use tollgate_report::program::MARKER;
use tollgate_report::quantity::Span;

use crate::{Action, AlertEvent, EventState, Number, Severity};

/// When a rule is broken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// Never by samples: somebody raises the event. The rule gives severity and policy.
    Raised,
    /// Every sample of the metric is above the limit for the rule's `hold`.
    Above {
        /// Name of the metric.
        metric: String,
        /// Limit, in the rule's unit.
        limit: f64,
    },
    /// Every sample of the metric is below the limit for the rule's `hold`.
    Below {
        /// Name of the metric.
        metric: String,
        /// Limit, in the rule's unit.
        limit: f64,
    },
    /// At least so many bad samples (value above zero) within the rule's `window`.
    Count {
        /// Name of the metric.
        metric: String,
        /// How many bad samples break the rule.
        at_least: u32,
    },
}

impl Condition {
    fn metric(&self) -> Option<&str> {
        match self {
            Self::Raised => None,
            Self::Above { metric, .. }
            | Self::Below { metric, .. }
            | Self::Count { metric, .. } => Some(metric),
        }
    }
}

/// A rule: condition, window, severity and policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name of the alert that it raises.
    pub name: String,
    /// When it is broken.
    pub condition: Condition,
    /// How far back samples count; a gap longer than this starts the observation again.
    pub window: Span,
    /// How long the condition must hold before the alert fires (`for`).
    pub hold: Span,
    /// Severity of its alerts.
    pub severity: Severity,
    /// After it is resolved, how long until it may fire again.
    pub cooldown: Span,
    /// Whether the limit never drops its messages, as for a rollback.
    pub is_never_dropped: bool,
    /// What broke, in words.
    pub summary: String,
    /// Unit of the metric; empty for a count.
    pub unit: String,
}

fn rule(name: &str, condition: Condition, severity: Severity, summary: &str, unit: &str) -> Rule {
    let minutes = |n: u64| Span(Duration::from_secs(n * 60));
    Rule {
        name: name.to_owned(),
        condition,
        window: minutes(5),
        hold: minutes(0),
        severity,
        cooldown: minutes(5),
        is_never_dropped: false,
        summary: summary.to_owned(),
        unit: unit.to_owned(),
    }
}

fn above(metric: &str, limit: f64) -> Condition {
    Condition::Above {
        metric: metric.to_owned(),
        limit,
    }
}

fn count(metric: &str, at_least: u32) -> Condition {
    Condition::Count {
        metric: metric.to_owned(),
        at_least,
    }
}

/// The built-in rules by name, with the reference system's numbers.
/// Burn rate 14.4: two percent of a 30-day error budget in an hour (Site Reliability Workbook, ch. 5).
#[must_use]
pub fn built_in() -> BTreeMap<String, Rule> {
    use Severity::{Critical, Warning};
    let minutes = |n: u64| Span(Duration::from_secs(n * 60));
    let raised = |name, severity, summary| rule(name, Condition::Raised, severity, summary, "");
    let below = Condition::Below {
        metric: "certificate_days_left".to_owned(),
        limit: 14.0,
    };
    [
        rule(
            "health-probe-failures",
            count("probe_failure", 3),
            Critical,
            "the health probe fails",
            "",
        ),
        Rule {
            hold: minutes(5),
            ..rule(
                "latency-p95",
                above("latency_p95_ms", 500.0),
                Critical,
                "answers are slow",
                "ms",
            )
        },
        Rule {
            hold: minutes(2),
            ..rule(
                "error-rate",
                above("error_rate_percent", 5.0),
                Critical,
                "requests fail",
                "%",
            )
        },
        rule(
            "websocket-disconnects",
            count("websocket_disconnect", 20),
            Warning,
            "WebSocket connections drop",
            "",
        ),
        Rule {
            hold: minutes(5),
            ..rule(
                "memory",
                above("memory_percent", 85.0),
                Warning,
                "memory runs out",
                "%",
            )
        },
        Rule {
            hold: minutes(2),
            ..rule(
                "burn-rate",
                above("burn_rate", 14.4),
                Critical,
                "the error budget burns too fast",
                "×",
            )
        },
        rule(
            "certificate-expiring",
            below,
            Warning,
            "a certificate expires soon",
            "days",
        ),
        raised("ratchet-violation", Warning, "quality fell below its floor"),
        Rule {
            is_never_dropped: true,
            ..raised("canary-rolled-back", Critical, "the canary was rolled back")
        },
        raised("controller-lost", Critical, "the canary controller is gone"),
        raised(
            "dead-letter",
            Critical,
            "messages to a receiver cannot be delivered",
        ),
    ]
    .into_iter()
    .map(|rule| (rule.name.clone(), rule))
    .collect()
}

/// One measured value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The part that was measured.
    pub component: String,
    /// Name of the metric.
    pub metric: String,
    /// The value, in the rule's unit; for counts above zero means bad.
    pub value: f64,
    /// When it was measured.
    pub at: Timestamp,
}

/// What one rule remembers about one component.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleState {
    broken_since: Option<Timestamp>,
    last_at: Option<Timestamp>,
    bad: Vec<Timestamp>,
    trend: Vec<f64>,
    firing_since: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
}

/// The memory of all rules: by rule name, then component.
pub type RuleStates = BTreeMap<String, BTreeMap<String, RuleState>>;

/// Most values that a rule keeps for its chart.
const N_TREND: usize = 30;
/// Most bad samples that a counting rule keeps.
const N_BAD: usize = 1_000;

/// Takes one sample through all rules of its metric: the new memory and the events that follow.
/// A sample that is not a number changes nothing.
#[must_use]
pub fn observe(
    rules: &BTreeMap<String, Rule>,
    mut states: RuleStates,
    sample: &Sample,
    now: Timestamp,
) -> (RuleStates, Vec<AlertEvent>) {
    let mut events = Vec::new();
    if !sample.value.is_finite() {
        return (states, events);
    }
    for rule in rules.values() {
        if rule.condition.metric() != Some(sample.metric.as_str()) {
            continue;
        }
        let by_component = states.entry(rule.name.clone()).or_default();
        let state = by_component.remove(&sample.component).unwrap_or_default();
        let (state, event) = step(rule, state, sample, now);
        by_component.insert(sample.component.clone(), state);
        events.extend(event);
    }
    (states, events)
}

fn step(
    rule: &Rule,
    mut state: RuleState,
    sample: &Sample,
    now: Timestamp,
) -> (RuleState, Option<AlertEvent>) {
    let gap = state.last_at.map(|last| sample.at.since(last));
    if gap.is_some_and(|gap| gap > rule.window.0.max(Duration::from_secs(60))) {
        // Nothing was seen for a while: what held before the gap proves nothing about now.
        state.broken_since = None;
    }
    state.last_at = state.last_at.max(Some(sample.at));
    state.trend.push(sample.value);
    let n_excess = state.trend.len().saturating_sub(N_TREND);
    state.trend.drain(..n_excess);

    let is_broken = is_broken(rule, &mut state, sample, now);
    state.broken_since = match (is_broken, state.broken_since) {
        (false, _) => None,
        (true, None) => Some(state.bad.first().copied().unwrap_or(sample.at)),
        (true, since) => since,
    };
    let held_since = state
        .broken_since
        .filter(|since| sample.at.since(*since) >= rule.hold.0);
    let may_fire = state
        .resolved_at
        .is_none_or(|resolved| now.since(resolved) >= rule.cooldown.0);
    match (state.firing_since, held_since) {
        (None, Some(since)) if may_fire => {
            state.firing_since = Some(since);
            let event = event_of(rule, &state, sample, since);
            (state, Some(event))
        }
        (Some(since), None) if !is_broken => {
            state.firing_since = None;
            state.resolved_at = Some(now);
            let event = AlertEvent {
                state: EventState::Resolved,
                ..event_of(rule, &state, sample, since)
            };
            (state, Some(event))
        }
        _ => (state, None),
    }
}

fn is_broken(rule: &Rule, state: &mut RuleState, sample: &Sample, now: Timestamp) -> bool {
    match &rule.condition {
        Condition::Raised => false,
        Condition::Above { limit, .. } => sample.value > *limit,
        Condition::Below { limit, .. } => sample.value < *limit,
        Condition::Count { at_least, .. } => {
            if sample.value > 0.0 && state.bad.len() < N_BAD {
                state.bad.push(sample.at);
                state.bad.sort_unstable();
            }
            state.bad.retain(|at| now.since(*at) < rule.window.0);
            state.bad.len() >= *at_least as usize
        }
    }
}

fn event_of(rule: &Rule, state: &RuleState, sample: &Sample, since: Timestamp) -> AlertEvent {
    let n_bad = state.bad.len();
    let (how_badly, number) = match &rule.condition {
        Condition::Count { at_least, metric } => (
            format!("{n_bad} in {} (limit {at_least})", rule.window),
            Number::new(metric, n_bad as f64, "").limit(f64::from(*at_least)),
        ),
        Condition::Above { limit, metric } => (
            format!(
                "{} {} for {} (limit {limit})",
                sample.value, rule.unit, rule.hold
            ),
            Number::new(metric, sample.value, &rule.unit)
                .limit(*limit)
                .trend(state.trend.clone()),
        ),
        Condition::Below { limit, metric } => (
            format!("{} {} (at least {limit})", sample.value, rule.unit),
            Number::new(metric, sample.value, &rule.unit)
                .limit(*limit)
                .trend(state.trend.clone()),
        ),
        Condition::Raised => (
            String::new(),
            Number::new(&sample.metric, sample.value, &rule.unit),
        ),
    };
    let mut event = AlertEvent::firing(
        &sample.component,
        &rule.name,
        rule.severity,
        &rule.summary,
        since,
    );
    event.how_badly = how_badly;
    event.evidence = vec![number];
    event.actions = vec![Action::command(
        "list the alerts",
        format!("{MARKER} alert list"),
    )];
    event
}
