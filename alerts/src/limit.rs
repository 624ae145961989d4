//! At most so many messages per component in a sliding window; the overflow becomes one digest.
//!
//! This limit is independent of receivers; after an outage the outbox applies the same limit to each.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;
use tollgate_report::quantity::Span;

use crate::{AlertEvent, Severity};

/// Most lines of a digest; the rest is counted.
const N_LINES: usize = 50;

/// Most messages per component in a sliding window; the rest becomes one digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limit {
    /// Most messages in the window; default 10.
    pub messages: u32,
    /// Length of the sliding window; default `5m`.
    pub window: Span,
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            messages: 10,
            window: Span(Duration::from_secs(300)),
        }
    }
}

/// One line of a digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestLine {
    /// Fingerprint and state: the same alert fills one line.
    pub key: String,
    /// Its text.
    pub text: String,
    /// Its severity.
    pub severity: Severity,
    /// How often.
    pub n: u64,
}

/// What was over the limit since the last digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overflow {
    /// Since when.
    pub since: Timestamp,
    /// The first alerts.
    pub lines: Vec<DigestLine>,
    /// How many more alerts have no line.
    pub n_more: u64,
}

impl Overflow {
    /// An overflow that starts at `since`.
    #[must_use]
    pub fn new(since: Timestamp) -> Self {
        Self {
            since,
            lines: Vec::new(),
            n_more: 0,
        }
    }

    /// How many alerts it stands for.
    #[must_use]
    pub fn n_alerts(&self) -> u64 {
        self.lines.iter().map(|line| line.n).sum::<u64>() + self.n_more
    }

    /// Takes one alert in.
    pub fn add(&mut self, event: &AlertEvent) {
        self.add_line(DigestLine {
            key: format!("{} {:?}", event.fingerprint(), event.state),
            text: match event.state {
                crate::EventState::Firing => format!("{}: {}", event.name, event.summary),
                crate::EventState::Resolved => {
                    format!("{}: resolved: {}", event.name, event.summary)
                }
            },
            severity: event.severity,
            n: 1,
        });
    }

    /// Takes another overflow in.
    pub fn merge(&mut self, other: Self) {
        self.since = self.since.min(other.since);
        self.n_more += other.n_more;
        other.lines.into_iter().for_each(|line| self.add_line(line));
    }

    fn add_line(&mut self, line: DigestLine) {
        if let Some(known) = self.lines.iter_mut().find(|known| known.key == line.key) {
            known.n += line.n;
        } else if self.lines.len() < N_LINES {
            self.lines.push(line);
        } else {
            self.n_more += line.n;
        }
    }
}

/// The limit's memory of one component.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ComponentLimit {
    /// When messages were made within the window, oldest first; exempt ones fill it too.
    pub sent: Vec<Timestamp>,
    /// When each alert name last had a critical message.
    pub criticals: BTreeMap<String, Timestamp>,
    /// What waits for the digest.
    pub overflow: Option<Overflow>,
}

/// Whether a time is inside the window that ends at `now`.
fn is_inside(at: Timestamp, now: Timestamp, window: Duration) -> bool {
    now.since(at) < window
}

impl ComponentLimit {
    /// When the last message was made.
    #[must_use]
    pub fn last_at(&self) -> Option<Timestamp> {
        self.sent.last().copied()
    }

    /// Whether `name` had no critical message within the window: such a one is never dropped.
    #[must_use]
    pub fn is_first_critical(&self, name: &str, limit: &Limit, now: Timestamp) -> bool {
        self.criticals
            .get(name)
            .is_none_or(|at| !is_inside(*at, now, limit.window.0))
    }

    /// Whether one more message fits at `now`. While a digest waits nothing passes it by.
    #[must_use]
    pub fn has_room(&self, limit: &Limit, now: Timestamp) -> bool {
        self.overflow.is_none() && self.n_inside(limit, now) < limit.messages as usize
    }

    /// Counts a message made at `now` and forgets what left the window.
    pub fn count(&mut self, limit: &Limit, now: Timestamp) {
        self.sent.retain(|at| is_inside(*at, now, limit.window.0));
        self.criticals
            .retain(|_, at| is_inside(*at, now, limit.window.0));
        self.sent.push(now);
    }

    /// When the waiting digest is due: as soon as the window has room, and at the latest one
    /// window after the overflow began. `None` when no digest waits.
    #[must_use]
    pub fn digest_due(&self, limit: &Limit, now: Timestamp) -> Option<Timestamp> {
        let overflow = self.overflow.as_ref()?;
        let latest = overflow.since.plus(limit.window.0);
        let n_inside = self.n_inside(limit, now);
        let Some(n_over) = n_inside.checked_sub(limit.messages as usize) else {
            return Some(now.min(latest));
        };
        let first_inside = self.sent.len() - n_inside;
        let leaves = self.sent[first_inside + n_over].plus(limit.window.0);
        Some(leaves.min(latest))
    }

    fn n_inside(&self, limit: &Limit, now: Timestamp) -> usize {
        self.sent
            .iter()
            .filter(|at| is_inside(**at, now, limit.window.0))
            .count()
    }
}
