//! A notification in words: first line what broke, how badly, since when; then evidence, what was
//! done by itself, and what to do. Templates are tera, each escaped for its target.
//!
//! It must not know how a message is sent.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tera::{Context, Tera};
use tollgate_report::Timestamp;
use tollgate_report::quantity::Span;
use tollgate_report::render::printable;

use crate::change::{Kind, Notification};
use crate::event::clip;
use crate::limit::Overflow;
use crate::{Action, AlertEvent, EventState, Number, Severity, slack};

/// Most alerts that one message shows in full.
const N_ALERTS: usize = 8;
/// Width of a bar in characters.
const BAR_WIDTH: usize = 20;

/// A template could not be read or filled.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file could not be read.
    #[error("read the template `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The text is not a template.
    #[error("parse the template `{name}`")]
    Parse {
        /// Its name or path.
        name: String,
        /// What tera said, with line and column.
        #[source]
        source: Box<tera::Error>,
    },
    /// The template uses what is not there.
    #[error("fill the template `{name}`")]
    Fill {
        /// Its name.
        name: &'static str,
        /// What tera said.
        #[source]
        source: Box<tera::Error>,
    },
}

/// The three templates: text (console, email), HTML (email) and Slack's mrkdwn.
#[derive(Debug)]
pub struct Templates {
    text: Tera,
    html: Tera,
    slack: Tera,
}

const TEXT: &str = "message.txt";
const HTML: &str = "message.html";
const SLACK: &str = "message.slack";

impl Templates {
    /// The embedded templates; a file of the same name in `folder` replaces one. Each is filled
    /// once with a sample, so that a mistake shows at the start and not in the night.
    pub fn load(folder: Option<&Path>) -> Result<Self, TemplateError> {
        let templates = Self {
            text: engine(
                TEXT,
                include_str!("../templates/message.txt"),
                folder,
                printable_line,
            )?,
            html: engine(
                HTML,
                include_str!("../templates/message.html"),
                folder,
                escape_html,
            )?,
            slack: engine(
                SLACK,
                include_str!("../templates/message.slack"),
                folder,
                slack::escape,
            )?,
        };
        templates.render(&sample("sample", Timestamp::EPOCH), Timestamp::EPOCH)?;
        Ok(templates)
    }

    /// The message in all its forms. Same notification and same `now`, same bytes.
    pub fn render(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Rendered, TemplateError> {
        let view = view(notification, now);
        let mut context = Context::new();
        context.insert("m", &view);
        let fill = |tera: &Tera, name| {
            tera.render(name, &context)
                .map_err(|source| TemplateError::Fill {
                    name,
                    source: Box::new(source),
                })
        };
        let sections = fill(&self.slack, SLACK)?;
        Ok(Rendered {
            text: fill(&self.text, TEXT)?,
            html: fill(&self.html, HTML)?,
            slack: slack::message(&view.headline, &sections, &view.id),
            subject: subject(&view.headline),
            webhook: webhook_body(notification, &view.headline),
        })
    }
}

fn engine(
    name: &'static str,
    embedded: &str,
    folder: Option<&Path>,
    escape: fn(&str) -> String,
) -> Result<Tera, TemplateError> {
    let own = folder
        .map(|folder| folder.join(name))
        .filter(|path| path.exists());
    let (shown, text) = match own {
        Some(path) => match fs::read_to_string(&path) {
            Ok(text) => (path.display().to_string(), text),
            Err(source) => return Err(TemplateError::Read { path, source }),
        },
        None => (name.to_owned(), embedded.to_owned()),
    };
    let mut tera = Tera::default();
    tera.autoescape_on(vec![name]);
    tera.set_escape_fn(escape);
    tera.add_raw_template(name, &text)
        .map_err(|source| TemplateError::Parse {
            name: shown,
            source: Box::new(source),
        })?;
    Ok(tera)
}

/// A message in the form of each channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// One line for a mail's subject: no control characters, at most 200 characters.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
    /// Slack's JSON, within Slack's limits.
    pub slack: Value,
    /// The webhook's JSON.
    pub webhook: Value,
}

#[derive(Serialize)]
struct View {
    id: String,
    headline: String,
    colour: &'static str,
    alerts: Vec<AlertView>,
    digest: Vec<String>,
    n_more: u64,
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

fn view(notification: &Notification, now: Timestamp) -> View {
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
    // A blank, a bar or an angle bracket would end Slack's link early.
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

/// A bar whose `|` stands at the limit: `[##########|####     ]`.
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

/// One line without control characters: what comes from outside cannot start a line, a header or
/// a terminal sequence of its own.
fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| {
            if c.is_control() || c == '\u{2028}' || c == '\u{2029}' {
                ' '
            } else {
                c
            }
        })
        // Marks that turn the reading direction can make a command look like another.
        .filter(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect();
    spaced.trim().to_owned()
}

fn printable_line(text: &str) -> String {
    printable(text)
}

fn escape_html(text: &str) -> String {
    tera::escape_html(text)
}

/// One line for a mail's subject, at most 200 characters.
fn subject(headline: &str) -> String {
    let mut subject = one_line(headline);
    clip(&mut subject, 200);
    subject
}

/// The webhook's JSON, version 1.
fn webhook_body(notification: &Notification, headline: &str) -> Value {
    serde_json::json!({
        "version": 1,
        "type": "tollgate.alert",
        "timestamp": notification.at,
        "data": {
            "notification": notification.id,
            "kind": notification.kind,
            "component": notification.component,
            "severity": notification.severity,
            "headline": headline,
            "alerts": notification.alerts,
            "overflow": notification.overflow,
        },
    })
}

/// The message that `alert test` sends.
#[must_use]
pub fn sample(id: &str, now: Timestamp) -> Notification {
    let mut event = AlertEvent::firing(
        "tollgate",
        "test",
        Severity::Info,
        "this is only a test",
        now,
    );
    event.how_badly = "nothing is broken".to_owned();
    event.evidence = vec![Number::new("answers", 42.0, "").limit(100.0)];
    event.done = vec!["nothing".to_owned()];
    event.actions = vec![Action::command(
        "nothing to do; see all alerts with",
        "cargo xtask alert list",
    )];
    Notification {
        id: id.to_owned(),
        kind: Kind::Sample,
        component: event.component.clone(),
        severity: event.severity,
        at: now,
        alerts: vec![event],
        overflow: None,
        is_exempt: true,
    }
}
