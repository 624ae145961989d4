//! What waits to be sent to one client: bounded in bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use super::event::LiveEvent;

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client reads more slowly than events come.
    TooSlow,
    /// The client talks faster than its key allows.
    TooFast,
    /// The key was revoked or has expired.
    KeyEnded,
    /// No sign of life.
    Silent,
    /// The hub shuts down.
    Shutdown,
    /// The client went away.
    Gone,
}

/// One thing to send.
#[derive(Debug)]
pub enum Parcel {
    /// An event.
    Event(Arc<LiveEvent>),
    /// The text of an answer, whole.
    Answer(String),
    /// A heartbeat, which the client has to answer.
    Beat(String),
    /// The subscriptions changed at this position.
    Subscribed {
        /// All patterns now.
        topics: Vec<String>,
        /// The last event before the change.
        seq: i64,
    },
    /// Send what was missed up to this position.
    Replay {
        /// The epoch the client named.
        epoch: String,
        /// The last event the client has.
        since: i64,
        /// All patterns now.
        topics: Vec<String>,
        /// The last event before the change.
        seq: i64,
    },
}

impl Parcel {
    fn size(&self) -> usize {
        match self {
            Self::Event(event) => event.size(),
            Self::Answer(text) | Self::Beat(text) => text.len(),
            Self::Subscribed { .. } | Self::Replay { .. } => 256,
        }
    }
}

#[derive(Debug, Default)]
struct Held {
    parcels: VecDeque<Parcel>,
    n_bytes: usize,
    end: Option<End>,
}

/// The queue of one client.
#[derive(Debug)]
pub struct Mailbox {
    held: Mutex<Held>,
    changed: Notify,
    n_bytes_max: usize,
}

impl Mailbox {
    /// An empty queue.
    #[must_use]
    pub fn new(n_bytes_max: usize) -> Self {
        Self {
            held: Mutex::default(),
            changed: Notify::new(),
            n_bytes_max,
        }
    }

    /// Adds a parcel; a queue that would grow over its bound ends instead, for being too slow.
    pub fn put(&self, parcel: Parcel) {
        let mut held = self.held();
        if held.end.is_some() {
            return;
        }
        let size = parcel.size();
        // A single parcel over the bound still goes out when nothing else waits.
        if held.n_bytes > 0 && held.n_bytes + size > self.n_bytes_max {
            held.parcels.clear();
            held.n_bytes = 0;
            held.end = Some(End::TooSlow);
        } else {
            held.n_bytes += size;
            held.parcels.push_back(parcel);
        }
        drop(held);
        self.changed.notify_one();
    }

    /// Ends the queue; the first reason stays.
    pub fn end(&self, end: End) {
        self.held().end.get_or_insert(end);
        self.changed.notify_one();
    }

    /// Why the queue ended, if it did.
    #[must_use]
    pub fn ended(&self) -> Option<End> {
        self.held().end
    }

    /// The next parcel, or the end. An end goes before what still waits.
    pub async fn take(&self) -> Result<Parcel, End> {
        loop {
            {
                let mut held = self.held();
                if let Some(end) = held.end {
                    return Err(end);
                }
                if let Some(parcel) = held.parcels.pop_front() {
                    held.n_bytes -= parcel.size();
                    return Ok(parcel);
                }
            }
            self.changed.notified().await;
        }
    }

    /// Takes all that waits.
    pub fn drain(&self) -> VecDeque<Parcel> {
        let mut held = self.held();
        held.n_bytes = 0;
        std::mem::take(&mut held.parcels)
    }

    /// Waits for the end, whatever else waits. One caller only, and not at the same time as [`Mailbox::take`].
    pub async fn wait_for_end(&self) -> End {
        loop {
            if let Some(end) = self.ended() {
                return end;
            }
            self.changed.notified().await;
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("no holder of this lock can panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_ends_and_a_fitting_one_keeps_order() {
        let mailbox = Mailbox::new(10);
        mailbox.put(Parcel::Answer("12345".into()));
        mailbox.put(Parcel::Answer("67890".into()));
        assert!(matches!(mailbox.take().await, Ok(Parcel::Answer(text)) if text == "12345"));
        mailbox.put(Parcel::Answer("abcdef".into()));
        assert_eq!(mailbox.take().await.unwrap_err(), End::TooSlow);
        mailbox.end(End::Shutdown);
        assert_eq!(
            mailbox.ended(),
            Some(End::TooSlow),
            "the first reason stays"
        );
    }

    #[tokio::test]
    async fn one_parcel_larger_than_the_queue_goes_out_alone() {
        let mailbox = Mailbox::new(3);
        mailbox.put(Parcel::Answer("larger than three".into()));
        assert!(mailbox.take().await.is_ok());
    }
}
