//! The input: an event that something broke or works again.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::{Digest, Timestamp};

/// How much an alert matters, from least to most.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// A person should handle it today.
    Warning,
    /// A person must act now.
    Critical,
}

impl Severity {
    /// The word shown to people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Whether the trouble is there or over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    /// It is broken now.
    Firing,
    /// It works again.
    Resolved,
}

/// One measured number, and its limit, if any.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// What was measured, such as `p95 latency`.
    pub what: String,
    /// The measured value, in `unit`.
    pub value: f64,
    /// The limit in the same unit; absent when the number is only context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// The unit, such as `ms` or `%`; empty for a plain count.
    #[serde(default)]
    pub unit: String,
    /// Earlier values, oldest first, for a small chart; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trend: Vec<f64>,
}

impl Number {
    /// A number without limit or trend.
    #[must_use]
    pub fn new(what: impl Into<String>, value: f64, unit: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            value,
            limit: None,
            unit: unit.into(),
            trend: Vec::new(),
        }
    }

    /// The same number against a limit.
    #[must_use]
    pub fn limit(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The same number with its earlier values, oldest first.
    #[must_use]
    pub fn trend(mut self, trend: Vec<f64>) -> Self {
        self.trend = trend;
        self
    }
}

/// One thing to do next: words, and the exact command or link, if any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// What to do, in words.
    pub text: String,
    /// The exact command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// A link that starts with `http://` or `https://`; other links are shown as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Action {
    /// An action done by a command.
    #[must_use]
    pub fn command(text: impl Into<String>, command: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            command: Some(command.into()),
            url: None,
        }
    }

    /// An action behind a link.
    #[must_use]
    pub fn link(text: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            command: None,
            url: Some(url.into()),
        }
    }
}

/// Something broke, or works again. Same component, name and labels: the same alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertEvent {
    /// The affected part, such as a service; limits and inhibition work by component.
    pub component: String,
    /// The alert's name, such as `canary-rolled-back`; a rule of this name gives its policy.
    pub name: String,
    /// How much it matters.
    pub severity: Severity,
    /// What distinguishes this alert from others of its name, such as a probe or a version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What broke: one line, no full stop.
    pub summary: String,
    /// How badly, with numbers: one line; may be empty.
    #[serde(default)]
    pub how_badly: String,
    /// Since when.
    pub since: Timestamp,
    /// Numbers against limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Number>,
    /// What was done automatically, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<String>,
    /// What a person can do next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// Whether it is there or over.
    pub state: EventState,
}

/// Longest text of one field, in characters. A stack trace in a label must not fill a mailbox.
const TEXT_LIMIT: usize = 1_000;
/// Most entries of one list.
const LIST_LIMIT: usize = 30;

impl AlertEvent {
    /// A firing event without labels, evidence or actions.
    #[must_use]
    pub fn firing(
        component: impl Into<String>,
        name: impl Into<String>,
        severity: Severity,
        summary: impl Into<String>,
        since: Timestamp,
    ) -> Self {
        Self {
            component: component.into(),
            name: name.into(),
            severity,
            labels: BTreeMap::new(),
            summary: summary.into(),
            how_badly: String::new(),
            since,
            evidence: Vec::new(),
            done: Vec::new(),
            actions: Vec::new(),
            state: EventState::Firing,
        }
    }

    /// The same event with a label.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// The event that resolves this one.
    #[must_use]
    pub fn resolved(&self) -> Self {
        Self {
            state: EventState::Resolved,
            ..self.clone()
        }
    }

    /// The identity of the alert: component, name and labels, and neither severity nor words.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let identity = serde_json::to_vec(&(&self.component, &self.name, &self.labels))
            .expect("strings and string keys are JSON");
        Fingerprint(Digest::of(identity).as_str()[..32].to_owned())
    }

    /// The same event with fields and lists cut to a size that a message can carry.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        for text in [&mut self.component, &mut self.name] {
            clip(text, 200);
        }
        clip(&mut self.summary, TEXT_LIMIT);
        clip(&mut self.how_badly, TEXT_LIMIT);
        while self.labels.len() > LIST_LIMIT {
            self.labels.pop_last();
        }
        self.labels.values_mut().for_each(|v| clip(v, TEXT_LIMIT));
        self.evidence.truncate(LIST_LIMIT);
        for number in &mut self.evidence {
            clip(&mut number.what, TEXT_LIMIT);
            let n_excess = number.trend.len().saturating_sub(60);
            number.trend.drain(..n_excess);
            number.trend.retain(|value| value.is_finite());
            // JSON has no NaN; a number that is none is shown as zero against its limit.
            if !number.value.is_finite() {
                number.value = 0.0;
                number.what.push_str(" (not a number)");
            }
            number.limit = number.limit.filter(|limit| limit.is_finite());
        }
        self.done.truncate(LIST_LIMIT);
        self.done.iter_mut().for_each(|line| clip(line, TEXT_LIMIT));
        self.actions.truncate(LIST_LIMIT);
        for action in &mut self.actions {
            clip(&mut action.text, TEXT_LIMIT);
            for text in [&mut action.command, &mut action.url].into_iter().flatten() {
                clip(text, TEXT_LIMIT);
            }
        }
        self
    }
}

/// Cuts `text` to at most `n_chars` characters, the last of which then is `…`.
pub(crate) fn clip(text: &mut String, n_chars: usize) {
    if text.chars().count() > n_chars {
        *text = text.chars().take(n_chars.saturating_sub(1)).collect();
        text.push('…');
    }
}

/// The identity of an alert: 32 hexadecimal digits.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Fingerprint(pub String);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
