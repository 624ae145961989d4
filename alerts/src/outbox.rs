//! The outbox as pure functions: which rows to send now, and what a row becomes afterwards.
//!
//! At-least-once: a row is marked only after its receiver accepted it, and keeps its id in every
//! attempt. After an outage the same limit applies to the backlog of each receiver: what exceeds it
//! becomes one digest.

use std::collections::BTreeMap;

use tollgate_report::Timestamp;
use tollgate_report::program::MARKER;

use crate::attempt::Sent;
use crate::change::{Change, Kind, Notification, Row, RowStatus, State};
use crate::limit::Overflow;
use crate::notification::{DEAD_LETTER, dead_receiver, digest, id_of, rows_of};
use crate::pipeline::Policy;
use crate::retry::backoff;
use crate::{Action, AlertEvent, EventState, Severity};

/// Receivers that failed, and until when nothing is sent to them; kept in memory only.
pub type Paused = BTreeMap<String, Timestamp>;

fn is_due(row: &Row, paused: &Paused, now: Timestamp) -> bool {
    row.status == RowStatus::Pending
        && row.next_at <= now
        && paused.get(&row.receiver).is_none_or(|until| *until <= now)
}

/// How many more messages about `component` the receiver may get at `now`.
fn room(state: &State, policy: &Policy, row: &Row, now: Timestamp) -> usize {
    let limit = &policy.settings.limit;
    let n_delivered = state.rows.values().filter(|other| {
        // Exempt messages fill no place here: they must not hold back what the pipeline let pass.
        !other.is_exempt
            && other.receiver == row.receiver
            && other.component == row.component
            && matches!(other.status, RowStatus::Delivered { at } if now.since(at) < limit.window.0)
    });
    (limit.messages as usize).saturating_sub(n_delivered.count())
}

/// The rows to send now, by receiver, in order: exempt ones first, then the oldest.
/// What is over the limit is left out; [`merge`] makes a digest of it.
#[must_use]
pub fn due(
    state: &State,
    policy: &Policy,
    paused: &Paused,
    now: Timestamp,
) -> BTreeMap<String, Vec<Row>> {
    let mut rows: Vec<&Row> = state
        .rows
        .values()
        .filter(|row| is_due(row, paused, now))
        .collect();
    rows.sort_by_key(|row| (!row.is_exempt, row.created_at, &row.id));
    let mut rooms: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut due: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows {
        let room = rooms
            .entry((&row.receiver, &row.component))
            .or_insert_with(|| room(state, policy, row, now));
        if row.is_exempt || *room > 0 {
            *room = room.saturating_sub(usize::from(!row.is_exempt));
            due.entry(row.receiver.clone())
                .or_default()
                .push(row.clone());
        }
    }
    due
}

/// Makes one digest of the backlog of a receiver and component that is over the limit:
/// the rows keep their place in the journal as merged, the digest stands for them.
#[must_use]
pub fn merge(state: &State, policy: &Policy, paused: &Paused, now: Timestamp) -> Change {
    let mut backlogs: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in state
        .rows
        .values()
        .filter(|row| is_due(row, paused, now) && !row.is_exempt)
    {
        backlogs
            .entry((&row.receiver, &row.component))
            .or_default()
            .push(row);
    }
    let mut change = Change::default();
    for rows in backlogs.into_values() {
        let room = room(state, policy, rows[0], now);
        if rows.len() <= room.max(1) {
            continue;
        }
        let mut rows = rows;
        rows.sort_by_key(|row| (row.created_at, &row.id));
        // One place is for the digest itself.
        let excess = &rows[room.saturating_sub(1)..];
        merge_rows(state, excess, now, &mut change);
    }
    change
}

fn merge_rows(state: &State, rows: &[&Row], now: Timestamp, change: &mut Change) {
    let mut overflow = Overflow::new(rows[0].created_at);
    for notification in rows
        .iter()
        .filter_map(|row| state.notifications.get(&row.notification))
    {
        notification
            .alerts
            .iter()
            .for_each(|event| overflow.add(event));
        if let Some(other) = notification.overflow.clone() {
            overflow.merge(other);
        }
    }
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let notification = Notification {
        id: id_of("ntf", &format!("merged {ids:?}")),
        ..digest(rows[0].component.clone(), overflow, false, now)
    };
    for row in rows_of(&notification, std::slice::from_ref(&rows[0].receiver)) {
        let merged = rows.iter().map(|old| Row {
            status: RowStatus::Merged {
                into: row.id.clone(),
            },
            ..(*old).clone()
        });
        change.rows.extend(merged.map(|old| (old.id.clone(), old)));
        change.rows.insert(row.id.clone(), row);
    }
    change
        .notifications
        .insert(notification.id.clone(), notification);
}

/// The row after an attempt at `now`.
#[must_use]
pub fn after(row: Row, sent: &Sent, policy: &Policy, now: Timestamp) -> Row {
    let retry = &policy.settings.retry;
    let attempts = row.attempts + 1;
    let dead = |why: String| RowStatus::Dead { at: now, why };
    let (status, next_at, last_error) = match sent {
        Sent::Taken => (RowStatus::Delivered { at: now }, row.next_at, None),
        Sent::Refused { why } => (dead(why.clone()), row.next_at, Some(why.clone())),
        Sent::Later { why, .. } if attempts >= retry.attempts => {
            let why = format!("{why}, after {attempts} attempts");
            (dead(why.clone()), row.next_at, Some(why))
        }
        Sent::Later { why, retry_after } => {
            let wait = backoff(retry, &row.id, attempts, *retry_after);
            (RowStatus::Pending, now.plus(wait), Some(why.clone()))
        }
    };
    Row {
        attempts,
        status,
        next_at,
        last_error,
        ..row
    }
}

/// The alert that follows from a row's new status: fires when it died, is resolved when the
/// receiver takes messages again. A dead letter about a dead letter raises nothing.
#[must_use]
pub fn dead_letter_event(state: &State, row: &Row, now: Timestamp) -> Option<AlertEvent> {
    let notification = state.notifications.get(&row.notification)?;
    let mut event = AlertEvent::firing(
        "alerts",
        DEAD_LETTER,
        Severity::Critical,
        format!(
            "messages to the receiver `{}` cannot be delivered",
            row.receiver
        ),
        row.created_at,
    )
    .label("receiver", &row.receiver);
    match &row.status {
        RowStatus::Dead { why, .. } if dead_receiver(notification).is_none() => {
            event.how_badly = format!("gave up on the message {}: {why}", row.id);
            event.done = vec!["the message is kept in the outbox".to_owned()];
            event.actions = vec![
                Action::command("test every receiver", format!("{MARKER} alert test")),
                Action::command(
                    "list what was not delivered",
                    format!("{MARKER} alert list"),
                ),
            ];
            Some(event)
        }
        RowStatus::Delivered { .. } if notification.kind != Kind::Sample => {
            let known = state.alerts.get(&event.fingerprint())?;
            event.since = known.event.since;
            event.state = EventState::Resolved;
            let is_over = known.is_firing() && now >= known.first_at;
            is_over.then_some(event)
        }
        _ => None,
    }
}

/// When the next row is due; `None` when none waits.
#[must_use]
pub fn next_due(state: &State, paused: &Paused) -> Option<Timestamp> {
    let pending = state
        .rows
        .values()
        .filter(|row| row.status == RowStatus::Pending);
    pending
        .map(|row| {
            paused
                .get(&row.receiver)
                .map_or(row.next_at, |until| row.next_at.max(*until))
        })
        .min()
}
