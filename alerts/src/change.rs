//! The state of alerts, and the one way in which it changes; without files and sockets.
//!
//! A [`Change`] is a set of whole values that replace older ones. The journal keeps each change as
//! one line, so an alert's transition and its outbox rows are kept together or not at all.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;

use crate::limit::{ComponentLimit, Overflow};
use crate::silence::Silence;
use crate::{AlertEvent, EventState, Fingerprint, Severity};

/// Whether receivers were told of an alert's present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Not yet: it waits for its group, or it is muted.
    No,
    /// In the digest of what was over the limit.
    InDigest,
    /// In a message of its own or of its group.
    Yes,
}

/// Why nobody is told of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mute {
    /// A critical alert of the same component is firing.
    Inhibited,
    /// A silence of this author covers it, for this reason.
    Silenced {
        /// Who silenced it.
        author: String,
        /// Why.
        reason: String,
    },
}

/// One alert from its first event on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRecord {
    /// The latest event that changed it.
    pub event: AlertEvent,
    /// Key of its group.
    pub group: String,
    /// How often it fired after being resolved, from 1.
    pub episode: u64,
    /// When this episode was first heard of.
    pub first_at: Timestamp,
    /// When an event was last written down; repeats within a minute are not.
    pub last_at: Timestamp,
    /// Whether receivers were told.
    pub told: Told,
    /// The severity they were told.
    pub told_severity: Option<Severity>,
    /// Why they were not.
    pub mute: Option<Mute>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
}

impl AlertRecord {
    /// Whether it is broken now.
    #[must_use]
    pub fn is_firing(&self) -> bool {
        self.event.state == EventState::Firing
    }
}

/// Alerts that share a message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRecord {
    /// Alerts that wait for the next message.
    pub waiting: BTreeSet<Fingerprint>,
    /// When the next message is due.
    pub due: Option<Timestamp>,
    /// When the last one was made.
    pub sent_at: Option<Timestamp>,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something broke.
    Firing,
    /// It works again.
    Resolved,
    /// What was over the limit.
    Digest,
    /// A sample to test a receiver.
    Sample,
}

/// One message before it is rendered for a receiver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// Deterministic: same state and input, same id.
    pub id: String,
    /// What it is about.
    pub kind: Kind,
    /// The affected component.
    pub component: String,
    /// The worst severity in it.
    pub severity: Severity,
    /// When it was made.
    pub at: Timestamp,
    /// Its alerts, worst first; empty in a digest.
    pub alerts: Vec<AlertEvent>,
    /// What was over the limit, in a digest.
    pub overflow: Option<Overflow>,
    /// Whether the limit does not hold for it.
    pub is_exempt: bool,
}

/// How far a message to one receiver has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status", deny_unknown_fields)]
pub enum RowStatus {
    /// It is to be sent.
    Pending,
    /// The receiver accepted it.
    Delivered {
        /// When.
        at: Timestamp,
    },
    /// Delivery ended without success; the reason never holds a secret.
    Dead {
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
    },
    /// It became part of a digest after an outage.
    Merged {
        /// The digest's row.
        into: String,
    },
}

/// A message to one receiver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The id that the receiver gets (`webhook-id`, `Message-ID`): `msg_` and 32 digits.
    pub id: String,
    /// The notification's id.
    pub notification: String,
    /// The receiver's name.
    pub receiver: String,
    /// The component, for the limit.
    pub component: String,
    /// Whether the limit does not hold for it.
    pub is_exempt: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Not to be tried before.
    pub next_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// Why the last attempt failed; never holds a secret.
    pub last_error: Option<String>,
    /// How far it has come.
    pub status: RowStatus,
}

/// Everything that is remembered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct State {
    /// Alerts by fingerprint.
    pub alerts: BTreeMap<Fingerprint, AlertRecord>,
    /// Groups by key.
    pub groups: BTreeMap<String, GroupRecord>,
    /// The limit's memory by component.
    pub limits: BTreeMap<String, ComponentLimit>,
    /// Silences made while running, by id; those of the settings are not included.
    pub silences: BTreeMap<String, Silence>,
    /// Notifications by id.
    pub notifications: BTreeMap<String, Notification>,
    /// Outbox rows by id.
    pub rows: BTreeMap<String, Row>,
}

/// New values for a part of the [`State`]; empty means that nothing changes.
pub type Change = State;

impl State {
    /// Puts the values of `change` in the place of older ones.
    pub fn apply(&mut self, change: Change) {
        self.alerts.extend(change.alerts);
        self.groups.extend(change.groups);
        self.limits.extend(change.limits);
        self.silences.extend(change.silences);
        self.notifications.extend(change.notifications);
        self.rows.extend(change.rows);
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The groups and which alerts belong to each.
    #[must_use]
    pub fn groups_of_alerts(&self) -> BTreeMap<String, BTreeSet<Fingerprint>> {
        let mut groups: BTreeMap<String, BTreeSet<Fingerprint>> = BTreeMap::new();
        for (fingerprint, alert) in &self.alerts {
            groups
                .entry(alert.group.clone())
                .or_default()
                .insert(fingerprint.clone());
        }
        groups
    }

    /// What is still of use at `now`: drops rows, alerts and silences that ended before `keep_from`.
    /// Pending rows, firing alerts and unfinished digests always stay.
    #[must_use]
    pub fn compacted(&self, keep_from: Timestamp) -> Self {
        let mut kept = self.clone();
        kept.rows.retain(|_, row| match &row.status {
            RowStatus::Pending => true,
            RowStatus::Delivered { at } | RowStatus::Dead { at, .. } => *at >= keep_from,
            RowStatus::Merged { .. } => row.created_at >= keep_from,
        });
        let named: BTreeSet<&String> = kept.rows.values().map(|row| &row.notification).collect();
        kept.notifications.retain(|id, _| named.contains(id));
        kept.alerts
            .retain(|_, alert| alert.resolved_at.is_none_or(|at| at >= keep_from));
        kept.silences
            .retain(|_, silence| silence.expires >= keep_from);
        kept.groups.retain(|_, group| {
            !group.waiting.is_empty() || group.sent_at.is_some_and(|at| at >= keep_from)
        });
        kept.limits
            .retain(|_, limit| limit.overflow.is_some() || limit.last_at() >= Some(keep_from));
        kept
    }
}

/// The values of `after` that differ from `before`.
pub(crate) fn changed<K: Ord + Clone, V: PartialEq>(
    before: &BTreeMap<K, V>,
    after: BTreeMap<K, V>,
) -> BTreeMap<K, V> {
    after
        .into_iter()
        .filter(|(key, value)| before.get(key) != Some(value))
        .collect()
}
