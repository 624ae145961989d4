//! The hard rules over time windows: held p95 and held error rate. Pure; always on.

use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;

use crate::events::Delta;

/// What the rules over windows need of a sample.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Brief {
    pub(super) n: u64,
    pub(super) n_bad: u64,
    pub(super) n_answered: u64,
    pub(super) n_over_critical: u64,
}

impl Brief {
    fn of(delta: &Delta) -> Self {
        Self {
            n: delta.n,
            n_bad: delta.n_bad,
            n_answered: delta.n_answered,
            n_over_critical: delta.n_over_critical,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            n: self.n + other.n,
            n_bad: self.n_bad + other.n_bad,
            n_answered: self.n_answered + other.n_answered,
            n_over_critical: self.n_over_critical + other.n_over_critical,
        }
    }
}

/// The error-rate rule needs so many requests.
pub const ERROR_RULE_REQUESTS_MIN: u64 = 20;
/// A window needs at least this many bad requests, too.
pub const ERROR_RULE_BAD_MIN: u64 = 3;
/// The oldest data that a rule uses to decide whether its condition holds now.
const LOOKBACK_MAX_MS: u64 = 30_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bucket {
    run_ms: u64,
    delta: Brief,
}

/// Recent traffic of one arm, and since when each condition has held without a break.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookback {
    buckets: Vec<Bucket>,
    slow_held: Option<Held>,
    error_held: Option<Held>,
}

/// A condition that has held since a moment, with the traffic since then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    pub(super) since: Timestamp,
    pub(super) since_run_ms: u64,
    pub(super) total: Brief,
}

/// The limits of one arm's rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) latency_for_ms: u64,
    pub(super) error_for_ms: u64,
    pub(super) error_rate_ppm: u32,
}

impl Lookback {
    /// Adds a sample and follows both conditions. No traffic in the look-back breaks them: missing
    /// data is nobody's fault.
    pub(super) fn add(&mut self, delta: &Delta, run_ms: u64, at: Timestamp, limits: Limits) {
        let delta = Brief::of(delta);
        if let Some(last) = self
            .buckets
            .last_mut()
            .filter(|last| last.run_ms / 500 == run_ms / 500)
        {
            last.delta = last.delta.plus(delta);
        } else {
            self.buckets.push(Bucket { run_ms, delta });
        }
        self.buckets
            .retain(|bucket| bucket.run_ms + LOOKBACK_MAX_MS >= run_ms);
        let is_slow = self.is_slow(run_ms, limits);
        follow(&mut self.slow_held, is_slow, delta, run_ms, at);
        let recent = self.recent(run_ms, limits.error_for_ms);
        let is_bad = is_rate_over(recent, limits.error_rate_ppm);
        follow(&mut self.error_held, is_bad, delta, run_ms, at);
    }

    fn recent(&self, run_ms: u64, window_ms: u64) -> Brief {
        let from_ms = run_ms.saturating_sub(window_ms.min(LOOKBACK_MAX_MS));
        self.buckets
            .iter()
            .filter(|bucket| bucket.run_ms >= from_ms)
            .fold(Brief::default(), |total, bucket| total.plus(bucket.delta))
    }

    /// The p95 has been over critical for the whole window.
    pub(super) fn slow_for(&self, run_ms: u64, limits: Limits) -> Option<Held> {
        self.slow_held
            .filter(|held| run_ms - held.since_run_ms >= limits.latency_for_ms)
    }

    /// Whether the p95 is over critical now.
    pub(super) fn is_slow(&self, run_ms: u64, limits: Limits) -> bool {
        let recent = self.recent(run_ms, limits.latency_for_ms);
        recent.n_answered > 0 && recent.n_over_critical * 20 > recent.n_answered
    }

    /// The error rate has been over critical for the whole window, with enough requests.
    pub(super) fn errors_for(&self, run_ms: u64, limits: Limits) -> Option<Held> {
        self.error_held.filter(|held| {
            run_ms - held.since_run_ms >= limits.error_for_ms
                && held.total.n >= ERROR_RULE_REQUESTS_MIN
                && held.total.n_bad >= ERROR_RULE_BAD_MIN
        })
    }

    /// Whether this arm is unhealthy right now: at least 20 requests in the look-back, at least 3 of them
    /// bad, and the rate over critical.
    #[must_use]
    pub fn is_ill(&self, run_ms: u64, error_rate_ppm: u32) -> bool {
        let recent = self.recent(run_ms, LOOKBACK_MAX_MS);
        recent.n >= ERROR_RULE_REQUESTS_MIN
            && recent.n_bad >= ERROR_RULE_BAD_MIN
            && is_rate_over(recent, error_rate_ppm)
    }
}

fn is_rate_over(delta: Brief, ppm: u32) -> bool {
    delta.n_bad.saturating_mul(1_000_000) > delta.n.saturating_mul(u64::from(ppm))
}

fn follow(held: &mut Option<Held>, is_true: bool, delta: Brief, run_ms: u64, at: Timestamp) {
    match held {
        _ if !is_true => *held = None,
        Some(held) => held.total = held.total.plus(delta),
        None => {
            *held = Some(Held {
                since: at,
                since_run_ms: run_ms,
                total: delta,
            });
        }
    }
}
