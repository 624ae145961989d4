//! The staged pipeline: event → alert → dedup, group → inhibit → silence → limit → outbox rows.
//!
//! One pure step with one `now`. It uses no channel, file or clock.

use std::collections::BTreeMap;

use tollgate_report::Timestamp;

use crate::change::{
    AlertRecord, Change, GroupRecord, Kind, Mute, Notification, State, Told, changed,
};
use crate::limit::{ComponentLimit, Overflow};
use crate::notification::{dead_receiver, digest, id_of, rows_of};
use crate::rules::Rule;
use crate::settings::{Settings, SettingsError};
use crate::{AlertEvent, EventState, Fingerprint, Severity};

/// Repeats of a firing alert are written down at most this often.
const REPEAT_SECONDS: u64 = 60;

/// What the pipeline goes by: the settings, and the rules that follow from them.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The settings.
    pub settings: Settings,
    /// All rules by name.
    pub rules: BTreeMap<String, Rule>,
}

impl Policy {
    /// The policy of checked settings.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let rules = settings.rulebook()?;
        Ok(Self { settings, rules })
    }
}

/// What the pipeline takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// An event.
    Event(Box<AlertEvent>),
    /// Time has passed.
    Tick,
}

/// One step: what changes when `input` comes at `now`. The caller keeps the change, then applies it.
/// An event whose rule is off changes nothing.
#[must_use]
pub fn step(state: &State, policy: &Policy, input: Input, now: Timestamp) -> Change {
    let mut work = Work {
        policy,
        now,
        alerts: state.alerts.clone(),
        groups: state.groups.clone(),
        limits: state.limits.clone(),
        made: Change::default(),
    };
    if let Input::Event(event) = input {
        work.take(event.bounded());
    }
    work.mute(state);
    work.enrol();
    work.flush_groups();
    work.flush_digests();
    Change {
        alerts: changed(&state.alerts, work.alerts),
        groups: changed(&state.groups, work.groups),
        limits: changed(&state.limits, work.limits),
        ..work.made
    }
}

/// When the pipeline next has something to do by itself; `None` for never.
#[must_use]
pub fn next_due(state: &State, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let groups = state.groups.values().filter_map(|group| group.due);
    let digests = state
        .limits
        .values()
        .filter_map(|limit| limit.digest_due(&policy.settings.limit, now));
    let silences = state.silences.values().chain(&policy.settings.silences);
    let expiries = silences
        .map(|silence| silence.expires)
        .filter(|at| *at > now);
    groups.chain(digests).chain(expiries).min()
}

/// The key of the group an event belongs to: its component and the values of `group.by`.
#[must_use]
pub fn group_key(event: &AlertEvent, by: &[String]) -> String {
    let values: Vec<&str> = by
        .iter()
        .map(|key| match key.as_str() {
            "name" => event.name.as_str(),
            label => event.labels.get(label).map_or("", String::as_str),
        })
        .collect();
    serde_json::to_string(&(&event.component, values)).expect("strings are JSON")
}

struct Work<'a> {
    policy: &'a Policy,
    now: Timestamp,
    alerts: BTreeMap<Fingerprint, AlertRecord>,
    groups: BTreeMap<String, GroupRecord>,
    limits: BTreeMap<String, ComponentLimit>,
    made: Change,
}

impl Work<'_> {
    /// Event → alert, and dedup: a repeat of a firing alert is only noted.
    fn take(&mut self, event: AlertEvent) {
        let is_off = self
            .policy
            .settings
            .rules
            .get(&event.name)
            .is_some_and(|rule| rule.off);
        if is_off {
            return;
        }
        let fingerprint = event.fingerprint();
        let known = self.alerts.remove(&fingerprint);
        let record = match (known, event.state) {
            (Some(known), EventState::Firing) if known.is_firing() => self.repeat(known, event),
            (known, EventState::Firing) => Some(self.begin(known, event)),
            (Some(known), EventState::Resolved) if known.is_firing() => {
                Some(self.resolve(known, event))
            }
            (known, EventState::Resolved) => known,
        };
        if let Some(record) = record {
            self.alerts.insert(fingerprint, record);
        }
    }

    fn begin(&self, known: Option<AlertRecord>, event: AlertEvent) -> AlertRecord {
        AlertRecord {
            group: group_key(&event, &self.policy.settings.group.by),
            event,
            episode: known.map_or(0, |known| known.episode) + 1,
            first_at: self.now,
            last_at: self.now,
            told: Told::No,
            told_severity: None,
            mute: None,
            resolved_at: None,
        }
    }

    fn repeat(&self, known: AlertRecord, event: AlertEvent) -> Option<AlertRecord> {
        let is_worse = event.severity > known.event.severity;
        let is_stale = self.now.since(known.last_at).as_secs() >= REPEAT_SECONDS;
        if !is_worse && !is_stale {
            return Some(known);
        }
        Some(AlertRecord {
            told: if is_worse { Told::No } else { known.told },
            event: AlertEvent {
                since: known.event.since.min(event.since),
                severity: event.severity.max(known.event.severity),
                ..event
            },
            last_at: self.now,
            ..known
        })
    }

    fn resolve(&mut self, known: AlertRecord, event: AlertEvent) -> AlertRecord {
        let record = AlertRecord {
            event: AlertEvent {
                since: known.event.since,
                severity: known.event.severity,
                ..event
            },
            last_at: self.now,
            resolved_at: Some(self.now),
            ..known
        };
        // An alert that was raised in severity is told anew, yet its receivers know of it.
        let is_known = record.told == Told::Yes || record.told_severity.is_some();
        if is_known {
            if let Some(group) = self.groups.get_mut(&record.group) {
                group.waiting.remove(&record.event.fingerprint());
            }
            self.make(
                Kind::Resolved,
                vec![record.event.clone()],
                true,
                record.episode,
            );
        } else if record.told == Told::InDigest {
            self.make(
                Kind::Resolved,
                vec![record.event.clone()],
                false,
                record.episode,
            );
        }
        record
    }

    /// Inhibit and silence: decides for each alert nobody was told of whether somebody is to be told.
    fn mute(&mut self, state: &State) {
        let critical: BTreeMap<String, Fingerprint> = self
            .alerts
            .iter()
            .filter(|(_, alert)| alert.is_firing() && alert.event.severity == Severity::Critical)
            .map(|(fingerprint, alert)| (alert.event.component.clone(), fingerprint.clone()))
            .collect();
        let silences = || {
            self.policy
                .settings
                .silences
                .iter()
                .chain(state.silences.values())
        };
        for alert in self
            .alerts
            .values_mut()
            .filter(|a| a.told == Told::No && a.is_firing())
        {
            let is_inhibited = alert.event.severity < Severity::Critical
                && critical.contains_key(&alert.event.component)
                && !is_never_dropped(self.policy, &alert.event);
            let silence = silences().find(|silence| silence.covers(&alert.event, self.now));
            alert.mute = match (silence, is_inhibited) {
                (Some(silence), _) => Some(Mute::Silenced {
                    author: silence.author.clone(),
                    reason: silence.reason.clone(),
                }),
                (None, true) => Some(Mute::Inhibited),
                (None, false) => None,
            };
        }
    }

    /// Puts each firing alert that somebody is to be told of into its group, and takes muted ones out.
    fn enrol(&mut self) {
        let group_settings = &self.policy.settings.group;
        for (fingerprint, alert) in &self.alerts {
            if alert.told != Told::No || !alert.is_firing() {
                continue;
            }
            let group = self.groups.entry(alert.group.clone()).or_default();
            if alert.mute.is_some() {
                group.waiting.remove(fingerprint);
                continue;
            }
            let is_urgent = alert.event.severity == Severity::Critical;
            let is_new = group.waiting.insert(fingerprint.clone());
            let due = match group.sent_at {
                _ if is_urgent => self.now,
                Some(sent_at) if self.now.since(sent_at) < group_settings.interval.0 => {
                    sent_at.plus(group_settings.interval.0)
                }
                _ => self.now.plus(group_settings.wait.0),
            };
            if is_new || is_urgent {
                group.due = Some(group.due.map_or(due, |old| old.min(due)));
            }
        }
    }

    fn flush_groups(&mut self) {
        let now = self.now;
        let due: Vec<String> = self
            .groups
            .iter()
            .filter(|(_, group)| group.due.is_some_and(|due| due <= now))
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            let Some(group) = self.groups.get_mut(&key) else {
                continue;
            };
            let members = std::mem::take(&mut group.waiting);
            group.due = None;
            if !members.is_empty() {
                group.sent_at = Some(now);
                self.flush(&members.into_iter().collect::<Vec<_>>());
            }
        }
    }

    /// One message about the waiting members of a group.
    fn flush(&mut self, members: &[Fingerprint]) {
        let mut events: Vec<AlertEvent> = Vec::new();
        let mut episode = 0;
        for alert in members
            .iter()
            .filter_map(|fingerprint| self.alerts.get(fingerprint))
        {
            events.push(alert.event.clone());
            episode += alert.episode;
        }
        let Some(component) = events.first().map(|event| event.component.clone()) else {
            return;
        };
        events.sort_by(|a, b| {
            (b.severity, a.since, &a.name, &a.labels)
                .cmp(&(a.severity, b.since, &b.name, &b.labels))
        });
        let limit = self.limits.entry(component).or_default();
        let settings = &self.policy.settings.limit;
        let is_exempt = events.iter().any(|event| {
            is_never_dropped(self.policy, event)
                || (event.severity == Severity::Critical
                    && limit.is_first_critical(&event.name, settings, self.now))
        });
        let is_firing = events.iter().any(|event| event.state == EventState::Firing);
        let kind = if is_firing {
            Kind::Firing
        } else {
            Kind::Resolved
        };
        let is_sent = self.make(kind, events, is_exempt, episode);
        for fingerprint in members {
            if let Some(alert) = self.alerts.get_mut(fingerprint) {
                alert.told = if is_sent { Told::Yes } else { Told::InDigest };
                if is_sent {
                    alert.told_severity = Some(alert.event.severity);
                }
            }
        }
    }

    /// Limit: makes a message, or puts its alerts in the digest. Returns whether a message was made.
    fn make(&mut self, kind: Kind, alerts: Vec<AlertEvent>, is_exempt: bool, episode: u64) -> bool {
        let Some(first) = alerts.first() else {
            return false;
        };
        let component = first.component.clone();
        let settings = &self.policy.settings.limit;
        let limit = self.limits.entry(component.clone()).or_default();
        if !is_exempt && !limit.has_room(settings, self.now) {
            let overflow = limit
                .overflow
                .get_or_insert_with(|| Overflow::new(self.now));
            alerts.iter().for_each(|event| overflow.add(event));
            return false;
        }
        limit.count(settings, self.now);
        for event in alerts
            .iter()
            .filter(|event| event.severity == Severity::Critical)
        {
            limit.criticals.insert(event.name.clone(), self.now);
        }
        let severity = alerts
            .iter()
            .map(|event| event.severity)
            .max()
            .unwrap_or(Severity::Info);
        let fingerprints: Vec<Fingerprint> = alerts.iter().map(AlertEvent::fingerprint).collect();
        let id = id_of(
            "ntf",
            &format!(
                "{kind:?} {episode} {severity:?} {fingerprints:?} {}",
                self.now
            ),
        );
        let notification = Notification {
            id,
            kind,
            component,
            severity,
            at: self.now,
            alerts,
            overflow: None,
            is_exempt,
        };
        self.send(notification);
        true
    }

    fn flush_digests(&mut self) {
        let settings = &self.policy.settings.limit;
        let mut digests = Vec::new();
        for (component, limit) in &mut self.limits {
            if limit
                .digest_due(settings, self.now)
                .is_none_or(|due| due > self.now)
            {
                continue;
            }
            let Some(overflow) = limit.overflow.take() else {
                continue;
            };
            // Late by a whole window: it goes out even though exempt messages filled the window.
            let is_exempt = !limit.has_room(settings, self.now);
            limit.count(settings, self.now);
            digests.push(digest(component.clone(), overflow, is_exempt, self.now));
        }
        digests.into_iter().for_each(|digest| self.send(digest));
    }

    /// Outbox: one row per receiver, in the same change as the alert's transition.
    fn send(&mut self, notification: Notification) {
        let settings = &self.policy.settings;
        let mut receivers = settings.receivers_of(&notification.component, notification.severity);
        if let Some(dead) = dead_receiver(&notification) {
            // A receiver that cannot be reached is not told that it cannot be reached.
            receivers.retain(|receiver| receiver != dead);
        }
        let rows = rows_of(&notification, &receivers);
        self.made
            .rows
            .extend(rows.into_iter().map(|row| (row.id.clone(), row)));
        self.made
            .notifications
            .insert(notification.id.clone(), notification);
    }
}

fn is_never_dropped(policy: &Policy, event: &AlertEvent) -> bool {
    policy
        .rules
        .get(&event.name)
        .is_some_and(|rule| rule.is_never_dropped)
}
