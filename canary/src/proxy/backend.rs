//! One version behind the proxy: its idle connections and its counts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};
use hyper::client::conn::http1::SendRequest;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::multiplex::{Multiplexed, UpstreamBody};
use super::shard::{current, n_shards};
use super::wire::VersionCounts;
use crate::numbers::us;

pub(super) type Sender = SendRequest<UpstreamBody>;

/// Idle connections kept for each version by each thread.
const N_IDLE_MAX: usize = 128;
/// An idle connection older than this is not used again: the far side may be closing it.
const IDLE_MAX: Duration = Duration::from_secs(10);
/// Requests that must not be sent twice use only connections idle for less than this.
const IDLE_FRESH: Duration = Duration::from_secs(1);

/// One version.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) addr: SocketAddr,
    /// By thread.
    idle: Vec<Mutex<Vec<(Instant, Sender)>>>,
    pub(super) http2: Multiplexed,
    stats: Mutex<Stats>,
    pub(super) changed: Notify,
    pub(super) tunnels: CancellationToken,
}

#[derive(Debug)]
struct Stats {
    counts: VersionCounts,
    by_class: BTreeMap<u16, u64>,
    latency_us: Histogram<u64>,
}

/// Thresholds in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Thresholds {
    pub(super) slow_us: Option<u64>,
    pub(super) critical_us: Option<u64>,
}

impl Backend {
    pub(super) fn new(addr: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            addr,
            idle: (0..n_shards()).map(|_| Mutex::default()).collect(),
            http2: Multiplexed::default(),
            stats: Mutex::new(Stats {
                counts: VersionCounts::default(),
                by_class: BTreeMap::new(),
                latency_us: Histogram::new_with_bounds(1, 3_600_000_000, 3)
                    .expect("1 µs to 1 h with 3 digits is a valid range"),
            }),
            changed: Notify::new(),
            tunnels: CancellationToken::new(),
        })
    }

    fn stats(&self) -> MutexGuard<'_, Stats> {
        self.stats
            .lock()
            .expect("no code panics while it holds this lock")
    }

    /// Changes the counts and wakes who waits for a drain.
    pub(super) fn count(&self, change: impl FnOnce(&mut VersionCounts)) {
        change(&mut self.stats().counts);
        self.changed.notify_waiters();
    }

    pub(super) fn count_answer(&self, status: u16, latency: Duration, thresholds: Thresholds) {
        let latency_us = us(latency).max(1);
        let mut stats = self.stats();
        *stats.by_class.entry(status / 100).or_default() += 1;
        stats.counts.answered += 1;
        stats.counts.errors += u64::from(status >= 500);
        stats.counts.slow += u64::from(thresholds.slow_us.is_some_and(|limit| latency_us > limit));
        stats.counts.over_critical += u64::from(
            thresholds
                .critical_us
                .is_some_and(|limit| latency_us > limit),
        );
        stats.latency_us.saturating_record(latency_us);
    }

    /// (requests in flight, open tunnels)
    pub(super) fn busy(&self) -> (u64, u64) {
        let stats = self.stats();
        (stats.counts.in_flight, stats.counts.tunnels_open)
    }

    pub(super) fn counts(&self) -> VersionCounts {
        let stats = self.stats();
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&stats.latency_us, &mut bytes)
            .expect("a vector takes every byte");
        VersionCounts {
            by_class: stats
                .by_class
                .iter()
                .map(|(class, n)| (format!("{class}xx"), *n))
                .collect(),
            latency_us_hdr: base64::engine::general_purpose::STANDARD.encode(bytes),
            ..stats.counts.clone()
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Instant, Sender)>> {
        let idle = &self.idle[current() % self.idle.len()];
        idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle connection that still looks open. The newest first.
    pub(super) fn take_idle(&self, is_repeatable: bool) -> Option<Sender> {
        let mut idle = self.idle();
        let now = Instant::now();
        let limit = if is_repeatable { IDLE_MAX } else { IDLE_FRESH };
        let idx = idle
            .iter()
            .rposition(|(since, sender)| now - *since < limit && sender.is_ready())?;
        Some(idle.remove(idx).1)
    }

    /// Keeps a connection, and forgets those that were closed or are too old.
    pub(super) fn put_idle(&self, sender: Sender) {
        let mut idle = self.idle();
        let now = Instant::now();
        let is_kept =
            |(since, sender): &(Instant, Sender)| now - *since < IDLE_MAX && !sender.is_closed();
        // The oldest are first.
        while idle.first().is_some_and(|oldest| !is_kept(oldest)) {
            idle.remove(0);
        }
        if idle.len() < N_IDLE_MAX && !sender.is_closed() {
            idle.push((now, sender));
        }
    }

    /// Closes idle connections, so that a version that leaves is not held open.
    pub(super) fn drop_idle(&self) {
        for idle in &self.idle {
            idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}
