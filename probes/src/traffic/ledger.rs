//! The counts of live traffic: what was sent and how each request ended, exactly once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tollgate_report::Timestamp;

use crate::load::{Percentiles, new_histogram, percentiles, record};

/// Version of [`TrafficCounts`].
pub const COUNTS_VERSION: u32 = 1;

/// How many lost requests are kept with their story.
const N_LOST_KEPT: usize = 20;

/// The state of live traffic. `sent = ok + http_error + lost + in_flight`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficCounts {
    /// Form of this record, see `COUNTS_VERSION`.
    pub version: u32,
    /// Requests sent.
    pub n_sent: u64,
    /// Whole answers with an allowed status; WebSocket replies that came.
    pub n_ok: u64,
    /// Whole answers with another status, by status.
    pub http_error: BTreeMap<u16, u64>,
    /// Requests without a whole answer, by kind: `connect`, `reset`, `incomplete`, `timeout`, …
    pub lost: BTreeMap<String, u64>,
    /// Requests that are under way.
    pub n_in_flight: u64,
    /// Requests sent late because too many were in flight.
    pub n_held_back: u64,
    /// Requests that a version answered, by the version that the answer names in the header
    /// `x-tollgate-version`.
    #[serde(default)]
    pub by_version: BTreeMap<String, VersionTally>,
    /// Requests sent, by name.
    pub by_name: BTreeMap<String, u64>,
    /// Latency of whole answers, from the intended time.
    pub latency: Percentiles,
    /// The first lost requests, at most 20.
    pub first_lost: Vec<LostRequest>,
}

impl TrafficCounts {
    /// All lost requests.
    #[must_use]
    pub fn n_lost(&self) -> u64 {
        self.lost.values().sum()
    }

    /// All whole answers with a status that is not allowed.
    #[must_use]
    pub fn n_http_error(&self) -> u64 {
        self.http_error.values().sum()
    }
}

/// Requests that one version answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionTally {
    /// All of them.
    pub n: u64,
    /// Those with a status that is not allowed.
    pub n_bad: u64,
}

/// One lost request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LostRequest {
    /// When it was given up.
    pub at: Timestamp,
    /// Name in the mix.
    pub name: String,
    /// Kind, as in the counts.
    pub kind: String,
    /// What happened.
    pub what: String,
}

#[derive(Debug)]
pub(super) struct Ledger {
    counts: TrafficCounts,
    histogram: Histogram<u64>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            counts: TrafficCounts {
                version: COUNTS_VERSION,
                n_sent: 0,
                n_ok: 0,
                http_error: BTreeMap::new(),
                lost: BTreeMap::new(),
                n_in_flight: 0,
                n_held_back: 0,
                by_version: BTreeMap::new(),
                by_name: BTreeMap::new(),
                latency: Percentiles::default(),
                first_lost: Vec::new(),
            },
            histogram: new_histogram(),
        }
    }

    pub(super) fn counts(&self) -> TrafficCounts {
        TrafficCounts {
            latency: percentiles(&self.histogram),
            ..self.counts.clone()
        }
    }

    pub(super) fn held_back(&mut self) {
        self.counts.n_held_back += 1;
    }

    /// Counts a request as sent; its receipt ends it exactly once.
    pub(super) fn sent(ledger: &Arc<Mutex<Self>>, name: &str, intended: Instant) -> Receipt {
        let mut this = lock(ledger);
        this.counts.n_sent += 1;
        this.counts.n_in_flight += 1;
        *this.counts.by_name.entry(name.to_owned()).or_default() += 1;
        Receipt {
            ledger: Arc::clone(ledger),
            name: name.to_owned(),
            intended,
            is_open: true,
        }
    }
}

/// A request in flight. Dropped without an end, as by a panic, it counts as lost.
#[derive(Debug)]
pub(super) struct Receipt {
    ledger: Arc<Mutex<Ledger>>,
    name: String,
    intended: Instant,
    is_open: bool,
}

impl Receipt {
    /// The answer names the version that gave it.
    pub(super) fn answered_by(&self, version: &str, is_good: bool) {
        let mut ledger = lock(&self.ledger);
        let tally = ledger
            .counts
            .by_version
            .entry(version.to_owned())
            .or_default();
        tally.n += 1;
        tally.n_bad += u64::from(!is_good);
    }

    pub(super) fn ok(mut self) {
        let latency = self.intended.elapsed();
        self.end(|ledger| {
            ledger.counts.n_ok += 1;
            record(&mut ledger.histogram, latency);
        });
    }

    pub(super) fn http_error(mut self, status: u16) {
        let latency = self.intended.elapsed();
        self.end(|ledger| {
            *ledger.counts.http_error.entry(status).or_default() += 1;
            record(&mut ledger.histogram, latency);
        });
    }

    pub(super) fn lost(mut self, kind: &str, what: String, at: Timestamp) {
        let name = std::mem::take(&mut self.name);
        self.end(|ledger| {
            *ledger.counts.lost.entry(kind.to_owned()).or_default() += 1;
            if ledger.counts.first_lost.len() < N_LOST_KEPT {
                ledger.counts.first_lost.push(LostRequest {
                    at,
                    name,
                    kind: kind.to_owned(),
                    what,
                });
            }
        });
    }

    fn end(&mut self, how: impl FnOnce(&mut Ledger)) {
        self.is_open = false;
        let mut ledger = lock(&self.ledger);
        ledger.counts.n_in_flight -= 1;
        how(&mut ledger);
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if self.is_open {
            self.end(|ledger| *ledger.counts.lost.entry("aborted".to_owned()).or_default() += 1);
        }
    }
}

/// Locks a value that no panic leaves half changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("no code panics while it holds this lock")
}
