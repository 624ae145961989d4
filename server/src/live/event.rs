//! One event as it is sent: serialised once for all clients.

use super::wire;
use crate::store::StoredEvent;

/// An event as it is sent: serialised once, except for the session's id.
#[derive(Debug)]
pub struct LiveEvent {
    /// Its number.
    pub seq: i64,
    /// What it is about.
    pub topic: String,
    /// The message after its `sessionId`.
    pub tail: String,
}

impl LiveEvent {
    /// An event of the database, serialised.
    #[must_use]
    pub fn new(stored: &StoredEvent, epoch: &str) -> Self {
        Self {
            seq: stored.seq,
            tail: wire::event_tail(stored, epoch),
            topic: stored.topic.clone(),
        }
    }

    /// The size in memory that counts against a queue, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.tail.len() + self.topic.len() + 64
    }
}
