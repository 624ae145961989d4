//! Settings that are one value each: which direction is looser, section by section.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use tollgate_alerts::Severity;
use tollgate_alerts::rules::{Condition, Rule};
use tollgate_alerts::settings::Settings as AlertSettings;
use tollgate_canary::settings::{OnInconclusive, Settings as CanarySettings};

use super::diff::Diff;
use crate::settings::Settings;

/// A value of the base and of now, and whether the change makes a verdict looser.
pub(super) struct Value {
    pub key: &'static str,
    pub before: String,
    pub after: String,
    pub is_looser: bool,
}

pub(super) fn more<T: PartialOrd + Display>(key: &'static str, before: T, after: T) -> Value {
    Value {
        is_looser: after > before,
        key,
        before: before.to_string(),
        after: after.to_string(),
    }
}

pub(super) fn less<T: PartialOrd + Display>(key: &'static str, before: T, after: T) -> Value {
    Value {
        is_looser: after < before,
        key,
        before: before.to_string(),
        after: after.to_string(),
    }
}

fn other<T: PartialEq + Display>(key: &'static str, before: T, after: T) -> Value {
    Value {
        is_looser: after != before,
        key,
        before: before.to_string(),
        after: after.to_string(),
    }
}

fn add(diff: &mut Diff<'_>, code: &str, section: &str, values: Vec<Value>, why: &str) {
    for value in values.into_iter().filter(|value| value.is_looser) {
        let key = format!("{section}.{}", value.key);
        diff.plain(code, &key, (value.before, value.after), why);
    }
}

/// How a candidate is judged: `[canary]`, and `[ship.canary]`.
pub(super) fn canary(
    diff: &mut Diff<'_>,
    section: &str,
    old: &CanarySettings,
    new: &CanarySettings,
) {
    let code = "settings-canary-loosened";
    let why = "a worse candidate is promoted";
    add(diff, code, section, rollback(old, new), why);
    let why = "a candidate is promoted with less evidence";
    add(diff, code, section, evidence(old, new), why);
    let bake = |settings: &CanarySettings| {
        let mut steps = settings.steps.iter();
        steps.try_fold(std::time::Duration::ZERO, |sum, step| {
            sum.checked_add(step.bake.0)
        })
    };
    let first = |settings: &CanarySettings| settings.steps.first().map(|step| step.weight.0);
    let has_less = bake(new) < bake(old) || first(new) > first(old);
    let shown = |settings: &CanarySettings| {
        let steps = settings.steps.iter();
        let steps: Vec<String> = steps
            .map(|step| format!("{} for {}", step.weight, step.bake))
            .collect();
        steps.join(", ")
    };
    if has_less {
        let key = format!("{section}.steps");
        let why = "a candidate is watched for less time, or begins with more traffic";
        diff.plain(code, &key, (shown(old), shown(new)), why);
    }
}

/// What must be worse, and for longer, until a candidate is rolled back.
fn rollback(old: &CanarySettings, new: &CanarySettings) -> Vec<Value> {
    vec![
        more("margin", old.margin, new.margin),
        less("alpha", old.alpha, new.alpha),
        more("slow_margin", old.slow_margin, new.slow_margin),
        more("slow_margin_min", old.slow_margin_min, new.slow_margin_min),
        more("slow_grace", old.slow_grace, new.slow_grace),
        more(
            "warmup_requests_min",
            old.warmup_requests_min,
            new.warmup_requests_min,
        ),
        more(
            "latency_p95_critical",
            old.p95_critical(),
            new.p95_critical(),
        ),
        more("latency_for", old.latency_for, new.latency_for),
        more(
            "error_rate_critical",
            old.error_rate_critical,
            new.error_rate_critical,
        ),
        more("error_rate_for", old.error_rate_for, new.error_rate_for),
        more("memory_critical", old.memory_critical, new.memory_critical),
        more(
            "memory_growth_min",
            old.memory_growth_min,
            new.memory_growth_min,
        ),
        less("memory_horizon", old.memory_horizon, new.memory_horizon),
        more("memory_window", old.memory_window, new.memory_window),
        more(
            "probe_failures_max",
            old.probe_failures_max,
            new.probe_failures_max,
        ),
        more("ready_within", old.ready_within, new.ready_within),
        more("lease", old.lease, new.lease),
        more("gone_max", old.gone_max, new.gone_max),
    ]
}

/// What a promotion needs.
fn evidence(old: &CanarySettings, new: &CanarySettings) -> Vec<Value> {
    let word = |settings: &CanarySettings| match settings.on_inconclusive {
        OnInconclusive::Hold => "hold",
        OnInconclusive::RollBack => "roll_back",
    };
    let mut values = vec![
        more("promote_alpha", old.promote_alpha, new.promote_alpha),
        less(
            "probe_passes_min",
            old.probe_passes_min,
            new.probe_passes_min,
        ),
        less("warmup", old.warmup, new.warmup),
        less("confirm", old.confirm, new.confirm),
        less("queries", old.queries.len(), new.queries.len()),
        less("manual_gate", old.manual_gate, new.manual_gate),
        less("verify_requests", old.verify_requests, new.verify_requests),
        other("verify_path", &old.verify_path, &new.verify_path),
    ];
    if word(old) == "roll_back" {
        values.push(other("on_inconclusive", word(old), word(new)));
    }
    values
}

/// What is released, and the traffic that judges it: `[service]` and `[ship]`.
pub(super) fn release(diff: &mut Diff<'_>, old: &Settings, new: &Settings) {
    let (before, after) = (&old.service, &new.service);
    let code = "settings-service-changed";
    let why = "another answer counts as ready";
    let ready = vec![other("ready", &before.ready, &after.ready)];
    add(diff, code, "service", ready, why);
    let is_gone = |before: bool, after: bool| before && !after;
    if is_gone(!before.binary.is_empty(), !after.binary.is_empty()) {
        let why = "without a service no candidate is judged";
        diff.plain(code, "service.binary", (&before.binary, "none"), why);
    }
    if is_gone(!before.build.is_empty(), !after.build.is_empty()) {
        let why = "a binary of an earlier build is judged";
        diff.plain(code, "service.build", (before.build.join(" "), "none"), why);
    }
    canary(diff, "ship.canary", &old.ship.canary, &new.ship.canary);
    let code = "settings-canary-loosened";
    let why = "fewer answers of the candidate are judged";
    let rate = vec![less(
        "traffic.rate",
        old.ship.traffic.rate,
        new.ship.traffic.rate,
    )];
    add(diff, code, "ship", rate, why);
    let names = |settings: &Settings| -> Vec<String> {
        let requests = settings.ship.traffic.requests.iter();
        requests.map(|request| request.name.clone()).collect()
    };
    diff.removed(code, "ship.traffic.requests", &names(old), &names(new), why);
}

/// Who hears of what: `[alerts]`.
pub(super) fn alerts(diff: &mut Diff<'_>, old: &AlertSettings, new: &AlertSettings) {
    let code = "settings-alerts-quieter";
    let names =
        |settings: &AlertSettings| -> Vec<String> { settings.receivers.keys().cloned().collect() };
    let why = "nobody hears of it there any longer";
    diff.removed(code, "alerts.receivers", &names(old), &names(new), why);
    routes(diff, old, new);
    rules(diff, old, new);
    silences(diff, old, new);
    let values = vec![
        less("limit.messages", old.limit.messages, new.limit.messages),
        more("limit.window", old.limit.window, new.limit.window),
        more("group.wait", old.group.wait, new.group.wait),
        more("group.interval", old.group.interval, new.group.interval),
        less("retry.attempts", old.retry.attempts, new.retry.attempts),
    ];
    add(
        diff,
        code,
        "alerts",
        values,
        "fewer or later messages are sent",
    );
}

fn routes(diff: &mut Diff<'_>, old: &AlertSettings, new: &AlertSettings) {
    let named = |settings: &AlertSettings| -> BTreeSet<String> {
        let routes = settings.routes.iter();
        routes.filter_map(|route| route.component.clone()).collect()
    };
    let mut components = named(old);
    components.extend(named(new));
    // A component that no route names.
    components.insert(String::new());
    for component in components {
        for severity in [Severity::Info, Severity::Warning, Severity::Critical] {
            let before = old.receivers_of(&component, severity);
            let after = new.receivers_of(&component, severity);
            let is_lost =
                |name: &&String| new.receivers.contains_key(*name) && !after.contains(name);
            let lost: Vec<&String> = before.iter().filter(is_lost).collect();
            if let Some(lost) = lost.first() {
                let of = if component.is_empty() {
                    "any component"
                } else {
                    &component
                };
                let values = (
                    format!("{} alerts of {of} to {lost}", severity.word()),
                    "not to it",
                );
                let why = "the receiver exists, and does not hear of it any longer";
                diff.plain("settings-alerts-quieter", "alerts.routes", values, why);
                return;
            }
        }
    }
}

fn rules(diff: &mut Diff<'_>, old: &AlertSettings, new: &AlertSettings) {
    let (Ok(before), Ok(after)) = (old.rulebook(), new.rulebook()) else {
        return;
    };
    let after: BTreeMap<String, Rule> = after;
    for (name, old) in before {
        let key = format!("alerts.rules.{name}");
        let path = ["alerts", "rules", name.as_str()];
        let new = after.get(&name);
        let values = match new {
            None => Some((shown(&old), "off".to_owned())),
            Some(new) => is_quieter(&old, new).then(|| (shown(&old), shown(new))),
        };
        if let Some(values) = values {
            let why = "it raises fewer alerts, later ones or less severe ones";
            diff.add("settings-alerts-quieter", (&key, &path), values, why);
        }
    }
}

fn shown(rule: &Rule) -> String {
    let what = match &rule.condition {
        Condition::Raised => "raised".to_owned(),
        Condition::Above { metric, limit } => format!("{metric} > {limit}"),
        Condition::Below { metric, limit } => format!("{metric} < {limit}"),
        Condition::Count { metric, at_least } => format!("{at_least} times {metric}"),
    };
    let severity = rule.severity.word();
    format!(
        "{what} for {} in {}, {severity}, again after {}",
        rule.hold, rule.window, rule.cooldown
    )
}

fn is_quieter(old: &Rule, new: &Rule) -> bool {
    let is_harder = match (&old.condition, &new.condition) {
        (
            Condition::Above { metric, limit },
            Condition::Above {
                metric: it,
                limit: after,
            },
        ) => metric != it || after > limit,
        (
            Condition::Below { metric, limit },
            Condition::Below {
                metric: it,
                limit: after,
            },
        ) => metric != it || after < limit,
        (
            Condition::Count { metric, at_least },
            Condition::Count {
                metric: it,
                at_least: after,
            },
        ) => metric != it || after > at_least || new.window < old.window,
        (before, after) => before != after,
    };
    is_harder || new.hold > old.hold || new.severity < old.severity || new.cooldown > old.cooldown
}

fn silences(diff: &mut Diff<'_>, old: &AlertSettings, new: &AlertSettings) {
    for (position, silence) in new.silences.iter().enumerate() {
        let is_known = old.silences.iter().any(|it| {
            it.component == silence.component
                && it.name == silence.name
                && it.labels == silence.labels
                && it.expires >= silence.expires
        });
        if is_known {
            continue;
        }
        let what = [&silence.component, &silence.name];
        let mut what: Vec<String> = what.into_iter().flatten().cloned().collect();
        what.extend(
            silence
                .labels
                .iter()
                .map(|(key, value)| format!("{key}={value}")),
        );
        let key = format!("alerts.silences.{}", what.join("."));
        let index = position.to_string();
        let path = ["alerts", "silences", index.as_str()];
        let values = (
            "alerts".to_owned(),
            format!("silence until {}", silence.expires),
        );
        let why = "alerts that match are not sent until it expires";
        diff.add("settings-alerts-quieter", (&key, &path), values, why);
    }
}
