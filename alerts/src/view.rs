//! The variables of a template: a notification as strings, each one line, numbers with their units,
//! bars and small charts. Each template escapes them for its target.

use std::time::Duration;

use serde::Serialize;
use tollgate_report::Timestamp;
use tollgate_report::quantity::Span;

use crate::change::{Kind, Notification};
use crate::limit::Overflow;
use crate::{Action, AlertEvent, EventState, Number, Severity};

/// Most alerts that one message shows in full.
const N_ALERTS: usize = 8;
/// Width of a bar in characters.
const BAR_WIDTH: usize = 20;

/// The variable `m` of every template.
#[derive(Serialize)]
pub(crate) struct View {
    pub(crate) id: String,
    pub(crate) headline: String,
    colour: &'static str,
    alerts: Vec<AlertView>,
    digest: Vec<String>,
    n_more: u64,
    program: String,
}

#[derive(Serialize)]
struct AlertView {
    summary: String,
    how_badly: String,
    since: String,
    lasted: String,
    labels: String,
    evidence: Vec<NumberView>,
    done: Vec<String>,
    actions: Vec<ActionView>,
}

#[derive(Serialize)]
struct NumberView {
    what: String,
    value: String,
    limit: String,
    mark: &'static str,
    is_over: bool,
    bar: String,
    trend: String,
}

#[derive(Serialize)]
struct ActionView {
    text: String,
    command: String,
    url: String,
    href: String,
}

/// The strings of a notification at `now`.
pub(crate) fn view(notification: &Notification, now: Timestamp, program: &str) -> View {
    let n_hidden = notification.alerts.len().saturating_sub(N_ALERTS) as u64;
    let overflow = notification.overflow.as_ref();
    View {
        id: notification.id.clone(),
        headline: headline(notification, now),
        colour: match (notification.kind, notification.severity) {
            (Kind::Resolved, _) => "#2e7d32",
            (_, Severity::Critical) => "#b00020",
            (_, Severity::Warning) => "#b26a00",
            (_, Severity::Info) => "#1565c0",
        },
        alerts: notification
            .alerts
            .iter()
            .take(N_ALERTS)
            .map(|event| alert_view(event, now))
            .collect(),
        digest: overflow.map(digest_lines).unwrap_or_default(),
        n_more: n_hidden + overflow.map_or(0, |overflow| overflow.n_more),
        program: program.to_owned(),
    }
}

/// What broke, how badly and since when, in one line.
#[must_use]
pub fn headline(notification: &Notification, now: Timestamp) -> String {
    let component = one_line(&notification.component);
    let severity = notification.severity.word().to_uppercase();
    if let Some(overflow) = &notification.overflow {
        let n = overflow.n_alerts();
        let since = clock_time(overflow.since);
        return format!("DIGEST {component}: {n} more alerts over the limit, since {since}");
    }
    let Some(first) = notification.alerts.first() else {
        return format!("{severity} {component}");
    };
    let more = match notification.alerts.len() {
        0 | 1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    let summary = one_line(&first.summary);
    let word = match notification.kind {
        Kind::Sample => format!("TEST {severity}"),
        Kind::Resolved => {
            let lasted = lasted(first.since, now);
            return format!("RESOLVED {component}: {summary}, after {lasted}{more}");
        }
        Kind::Firing | Kind::Digest => severity,
    };
    let how_badly = match first.how_badly.as_str() {
        "" => String::new(),
        text => format!(": {}", one_line(text)),
    };
    let since = clock_time(first.since);
    format!("{word} {component}: {summary}{how_badly}, since {since}{more}")
}

fn alert_view(event: &AlertEvent, now: Timestamp) -> AlertView {
    let over = match event.state {
        EventState::Firing => "",
        EventState::Resolved => ", now over",
    };
    let labels: Vec<String> = event
        .labels
        .iter()
        .map(|(key, value)| format!("{}={}", one_line(key), one_line(value)))
        .collect();
    AlertView {
        summary: one_line(&event.summary),
        how_badly: one_line(&event.how_badly),
        since: clock_time(event.since),
        lasted: format!("{}{over}", lasted(event.since, now)),
        labels: labels.join(" "),
        evidence: event.evidence.iter().map(number_view).collect(),
        done: event.done.iter().map(|line| one_line(line)).collect(),
        actions: event.actions.iter().map(action_view).collect(),
    }
}

fn number_view(number: &Number) -> NumberView {
    let unit = one_line(&number.unit);
    let with_unit = |value: f64| match unit.as_str() {
        "" => decimal(value),
        "%" => format!("{}%", decimal(value)),
        unit => format!("{} {unit}", decimal(value)),
    };
    let is_over = number.limit.is_some_and(|limit| number.value > limit);
    NumberView {
        what: one_line(&number.what),
        value: with_unit(number.value),
        limit: number.limit.map(with_unit).unwrap_or_default(),
        mark: if is_over { "!" } else { "·" },
        is_over,
        bar: number
            .limit
            .map(|limit| bar(number.value, limit))
            .unwrap_or_default(),
        trend: sparkline(&number.trend),
    }
}

fn action_view(action: &Action) -> ActionView {
    let url = action.url.as_deref().map(one_line).unwrap_or_default();
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    // A space, a bar or an angle bracket would end Slack's link early.
    let is_plain = !url.contains(|c: char| c.is_whitespace() || "|<>\"".contains(c));
    ActionView {
        text: one_line(&action.text),
        command: action.command.as_deref().map(one_line).unwrap_or_default(),
        href: if is_web && is_plain {
            url.clone()
        } else {
            String::new()
        },
        url,
    }
}

fn digest_lines(overflow: &Overflow) -> Vec<String> {
    let line = |line: &crate::limit::DigestLine| {
        let times = if line.n > 1 {
            format!(" ({} times)", line.n)
        } else {
            String::new()
        };
        format!("{} {}{times}", line.severity.word(), one_line(&line.text))
    };
    overflow.lines.iter().map(line).collect()
}

/// A bar with a `|` at the limit: `[##########|####     ]`.
fn bar(value: f64, limit: f64) -> String {
    let most = value.max(limit);
    if most <= 0.0 || value < 0.0 || limit < 0.0 {
        return String::new();
    }
    let cells = |part: f64| (part / most * BAR_WIDTH as f64).round() as usize;
    let (n_filled, limit_at) = (cells(value), cells(limit).min(BAR_WIDTH - 1));
    let cell = |idx| match idx {
        idx if idx == limit_at => '|',
        idx if idx < n_filled => '#',
        _ => ' ',
    };
    format!("[{}]", (0..BAR_WIDTH).map(cell).collect::<String>())
}

fn sparkline(values: &[f64]) -> String {
    let (least, most) = values
        .iter()
        .fold((f64::MAX, f64::MIN), |(least, most), value| {
            (least.min(*value), most.max(*value))
        });
    let steps = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let step = |value: &f64| match most - least {
        range if range > 0.0 => ((value - least) / range * 7.0).round() as usize,
        _ => 0,
    };
    if values.len() < 2 {
        String::new()
    } else {
        values
            .iter()
            .map(|value| steps[step(value).min(7)])
            .collect()
    }
}

/// At most three decimals, without trailing zeros.
fn decimal(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `2026-11-21 10:00:00 UTC`.
fn clock_time(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} {} UTC", &text[..10], &text[11..19])
}

fn lasted(since: Timestamp, now: Timestamp) -> String {
    Span(Duration::from_secs(now.since(since).as_secs())).to_string()
}

/// One line without control characters, so that text from outside cannot start a line, a header or
/// a terminal sequence.
pub(crate) fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| {
            if c.is_control() || c == '\u{2028}' || c == '\u{2029}' {
                ' '
            } else {
                c
            }
        })
        // Marks that change the reading direction can make a command look like another.
        .filter(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect();
    spaced.trim().to_owned()
}
