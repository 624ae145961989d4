//! Follows the events in the database and passes each to every session that subscribed to it. Other
//! hubs may write events too, so the database is also read at intervals.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::event::LiveEvent;
use super::mailbox::{End, Mailbox, Parcel};
use super::topics::any_covers;
use crate::store::{Store, StoredEvent};

/// How often the database is read for events of other hubs.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// How many events are read at once.
const N_EVENTS_AT_ONCE: i64 = 500;
/// The kind of event that closes the sessions of a key; it is not sent to anyone.
pub const TOKEN_REVOKED: &str = "token.revoked";

#[derive(Debug)]
struct Subscriber {
    patterns: BTreeSet<String>,
    mailbox: Arc<Mailbox>,
    token_id: String,
}

#[derive(Debug, Default)]
struct State {
    position: i64,
    subscribers: BTreeMap<u64, Subscriber>,
}

/// Who wants which events, and up to where they were handed out.
#[derive(Debug)]
pub struct Broadcaster {
    state: Mutex<State>,
    next_id: AtomicU64,
    epoch: String,
    n_slow: AtomicU64,
}

impl Broadcaster {
    /// A broadcaster that starts after the event `position`.
    #[must_use]
    pub fn new(epoch: &str, position: i64) -> Self {
        Self {
            state: Mutex::new(State {
                position,
                subscribers: BTreeMap::new(),
            }),
            next_id: AtomicU64::new(1),
            epoch: epoch.to_owned(),
            n_slow: AtomicU64::new(0),
        }
    }

    /// The last event that was handed out.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.state().position
    }

    /// How many sessions are open.
    #[must_use]
    pub fn n_sessions(&self) -> usize {
        self.state().subscribers.len()
    }

    /// How many sessions were closed for being too slow.
    #[must_use]
    pub fn n_slow(&self) -> u64 {
        self.n_slow.load(Ordering::Relaxed)
    }

    /// Adds a session without patterns; returns its number and the position.
    pub(super) fn add(&self, mailbox: Arc<Mailbox>, token_id: &str) -> (u64, i64) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state();
        state.subscribers.insert(
            id,
            Subscriber {
                patterns: BTreeSet::new(),
                mailbox,
                token_id: token_id.to_owned(),
            },
        );
        (id, state.position)
    }

    /// Removes a session.
    pub(super) fn remove(&self, id: u64) {
        self.state().subscribers.remove(&id);
    }

    /// Changes a session's patterns and puts a parcel, made from all patterns and the position,
    /// into its queue: events before it follow the old patterns, events after it the new ones.
    /// Returns false, and changes nothing, when the patterns would be too many.
    pub(super) fn change(
        &self,
        id: u64,
        change: impl FnOnce(&mut BTreeSet<String>),
        parcel: impl FnOnce(Vec<String>, i64) -> Parcel,
    ) -> bool {
        let mut state = self.state();
        let position = state.position;
        let Some(subscriber) = state.subscribers.get_mut(&id) else {
            return true;
        };
        let mut patterns = subscriber.patterns.clone();
        change(&mut patterns);
        if patterns.len() > super::topics::PATTERNS_MAX {
            return false;
        }
        subscriber.patterns = patterns;
        let topics = subscriber.patterns.iter().cloned().collect();
        subscriber.mailbox.put(parcel(topics, position));
        true
    }

    /// Hands out events, in order.
    pub fn publish(&self, events: &[StoredEvent]) {
        let mut state = self.state();
        for stored in events {
            if stored.seq <= state.position {
                continue;
            }
            state.position = stored.seq;
            if stored.kind == TOKEN_REVOKED {
                end_sessions_of(&state, stored);
                continue;
            }
            let mut event = None;
            for subscriber in state.subscribers.values() {
                if any_covers(&subscriber.patterns, &stored.topic) {
                    let event =
                        event.get_or_insert_with(|| Arc::new(LiveEvent::new(stored, &self.epoch)));
                    let was_open = subscriber.mailbox.ended().is_none();
                    subscriber.mailbox.put(Parcel::Event(Arc::clone(event)));
                    if was_open && subscriber.mailbox.ended() == Some(End::TooSlow) {
                        self.n_slow.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock can panic")
    }
}

fn end_sessions_of(state: &State, revoked: &StoredEvent) {
    let token_id = revoked.topic.strip_prefix("token.").unwrap_or_default();
    for subscriber in state.subscribers.values() {
        if subscriber.token_id == token_id {
            subscriber.mailbox.end(End::KeyEnded);
        }
    }
}

/// Follows the database until told to stop.
pub async fn follow(store: Arc<Store>, broadcaster: Arc<Broadcaster>, stop: CancellationToken) {
    let mut was_failing = false;
    loop {
        match store
            .events_after(broadcaster.position(), N_EVENTS_AT_ONCE)
            .await
        {
            Ok(events) => {
                was_failing = false;
                broadcaster.publish(&events);
                if !events.is_empty() {
                    continue;
                }
            }
            Err(error) => {
                if !was_failing {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "events stand still"
                    );
                }
                was_failing = true;
            }
        }
        // A lost branch drops a sleep or a wake-up; the next look finds what it told of.
        tokio::select! {
            () = stop.cancelled() => return,
            () = store.committed() => {}
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
        }
    }
}
