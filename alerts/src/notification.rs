//! Notifications, their outbox rows and their ids, which follow from what they are about.

use tollgate_report::program::spell;
use tollgate_report::{Digest, Timestamp};

use crate::Severity;
use crate::change::{Kind, Notification, Row, RowStatus};
use crate::limit::Overflow;

/// The name of the alert about messages that cannot be delivered.
pub const DEAD_LETTER: &str = "dead-letter";

/// The receiver that a dead-letter message is about.
#[must_use]
pub fn dead_receiver(notification: &Notification) -> Option<&str> {
    let event = notification
        .alerts
        .iter()
        .find(|event| event.name == DEAD_LETTER)?;
    event.labels.get("receiver").map(String::as_str)
}

/// A digest of what was over the limit.
pub(crate) fn digest(
    component: String,
    overflow: Overflow,
    is_exempt: bool,
    now: Timestamp,
) -> Notification {
    let severity = overflow.lines.iter().map(|line| line.severity).max();
    Notification {
        id: id_of(
            "ntf",
            &format!("digest {component} {} {now}", overflow.since),
        ),
        kind: Kind::Digest,
        component,
        severity: severity.unwrap_or(Severity::Warning),
        at: now,
        alerts: Vec::new(),
        overflow: Some(overflow),
        is_exempt,
    }
}

/// The outbox rows of a notification.
pub(crate) fn rows_of(notification: &Notification, receivers: &[String]) -> Vec<Row> {
    let row = |receiver: &String| Row {
        id: id_of("msg", &format!("{} {receiver}", notification.id)),
        notification: notification.id.clone(),
        receiver: receiver.clone(),
        component: notification.component.clone(),
        is_exempt: notification.is_exempt,
        created_at: notification.at,
        next_at: notification.at,
        attempts: 0,
        last_error: None,
        status: RowStatus::Pending,
    };
    receivers.iter().map(row).collect()
}

/// `prefix_` and 32 digits of the digest of `text`.
pub(crate) fn id_of(prefix: &str, text: &str) -> String {
    format!("{prefix}_{}", &Digest::of(text).as_str()[..32])
}

/// The notification with the program's name in the place of its marker, as receivers get it.
pub(crate) fn spelled(notification: &Notification, program: &str) -> Notification {
    let mut spelled = notification.clone();
    let fill = |text: &mut String| *text = spell(text, program).into_owned();
    for event in &mut spelled.alerts {
        fill(&mut event.summary);
        fill(&mut event.how_badly);
        event.done.iter_mut().for_each(fill);
        for action in &mut event.actions {
            fill(&mut action.text);
            action.command.iter_mut().for_each(fill);
        }
    }
    for line in spelled.overflow.iter_mut().flat_map(|o| &mut o.lines) {
        fill(&mut line.text);
    }
    spelled
}
