//! One version's counts, and its requests in flight.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::baseline::Baseline;
use super::counts::VersionCounts;
use crate::fault::Fault;

/// A request without an answer for so long counts as unfinished.
pub(super) const UNFINISHED_AFTER: Duration = Duration::from_secs(10);

/// Thresholds in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Thresholds {
    /// For operations without a baseline of their own.
    pub(crate) slow_us: Option<u64>,
    pub(crate) critical_us: Option<u64>,
}

/// One version.
#[derive(Debug)]
pub(crate) struct Arm {
    state: Mutex<ArmState>,
    pub(super) baseline: Arc<Baseline>,
    /// Woken when a count changes.
    pub(crate) changed: Notify,
}

#[derive(Debug)]
pub(super) struct ArmState {
    pub(super) counts: VersionCounts,
    pub(super) by_class: BTreeMap<u16, u64>,
    pub(super) latency_us: Histogram<u64>,
    open: BTreeMap<u64, Arc<dyn Open>>,
    next_id: u64,
}

/// A request or a tunnel that has not ended.
pub(super) trait Open: Debug + Send + Sync {
    /// Counts what has taken too long by now, each once. Returns whether the request is slow.
    fn overdue(&self, state: &mut ArmState, now: Instant) -> bool;
}

impl ArmState {
    /// Keeps what is open under a new id.
    pub(super) fn keep(&mut self, open: Arc<dyn Open>) -> u64 {
        self.next_id += 1;
        self.open.insert(self.next_id, open);
        self.next_id
    }

    pub(super) fn forget(&mut self, id: u64) {
        self.open.remove(&id);
    }

    pub(super) fn fault(&mut self, fault: Fault, operation: &str) {
        self.counts.faults.add(fault, 1);
        let word = serde_json::to_value(fault).unwrap_or_default();
        if let Some(word) = word.as_str() {
            let example = self.counts.examples.entry(word.to_owned()).or_default();
            operation.clone_into(example);
        }
    }
}

impl Arm {
    pub(crate) fn new(baseline: Arc<Baseline>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(ArmState {
                counts: VersionCounts::default(),
                by_class: BTreeMap::new(),
                latency_us: Histogram::new_with_bounds(1, 3_600_000_000, 3)
                    .expect("1 µs to 1 h with 3 digits is a valid range"),
                open: BTreeMap::new(),
                next_id: 0,
            }),
            baseline,
            changed: Notify::new(),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ArmState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request was tried again over another connection.
    pub(crate) fn retried(&self) {
        self.state().counts.retried += 1;
    }

    /// (requests in flight, open tunnels)
    pub(crate) fn busy(&self) -> (u64, u64) {
        let state = self.state();
        (state.counts.in_flight, state.counts.tunnels_open)
    }

    /// The counts now. Requests in flight that took too long by now are counted first.
    pub(crate) fn counts(&self) -> VersionCounts {
        let now = Instant::now();
        let mut state = self.state();
        let open: Vec<Arc<dyn Open>> = state.open.values().cloned().collect();
        let mut slow_open = 0;
        for one in open {
            slow_open += u64::from(one.overdue(&mut state, now));
        }
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&state.latency_us, &mut bytes)
            .expect("a vector takes every byte");
        VersionCounts {
            by_class: state
                .by_class
                .iter()
                .map(|(class, n)| (format!("{class}xx"), *n))
                .collect(),
            latency_us_hdr: base64::engine::general_purpose::STANDARD.encode(bytes),
            slow_open,
            ..state.counts.clone()
        }
    }
}
