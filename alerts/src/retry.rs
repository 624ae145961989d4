//! When a message that failed is tried again. Pure: the jitter comes from a seed.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::Span;
use tollgate_report::{Digest, Timestamp};

/// The longest wait that a server's `Retry-After` may ask for.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// How a message that failed is tried again: `first · 2^n`, at most `longest`, each times 0.5–1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Wait before the second attempt; default `1s`.
    pub first: Span,
    /// Longest wait between attempts; default `5m`. A server's `Retry-After` may ask for up to an hour.
    pub longest: Span,
    /// Attempts before a message becomes a dead letter; default 60, more than two hours.
    pub attempts: u32,
    /// Seed of the jitter; default 0.
    pub seed: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Span(Duration::from_secs(1)),
            longest: Span(Duration::from_secs(300)),
            attempts: 60,
            seed: 0,
        }
    }
}

/// How long to wait after `n_attempts` (from 1) of the message `id` failed: exponential,
/// times a jitter from 0.5 to 1 that follows from seed, id and attempt. A server's wish to
/// wait longer is honoured up to an hour.
#[must_use]
pub fn backoff(
    retry: &Retry,
    id: &str,
    n_attempts: u32,
    retry_after: Option<Duration>,
) -> Duration {
    let doublings = n_attempts.saturating_sub(1).min(30);
    let full = retry
        .first
        .0
        .saturating_mul(1 << doublings)
        .min(retry.longest.0.max(retry.first.0));
    let digest = Digest::of(format!("{} {id} {n_attempts}", retry.seed));
    let number = u32::from_str_radix(&digest.as_str()[..8], 16).expect("a digest is hexadecimal");
    let jittered = full.mul_f64(0.5 + 0.5 * f64::from(number) / f64::from(u32::MAX));
    retry_after.map_or(jittered, |wished| {
        jittered.max(wished.min(LONGEST_RETRY_AFTER))
    })
}

/// Reads a `Retry-After` header: seconds, or a date such as `Wed, 21 Oct 2015 07:28:00 GMT`
/// (RFC 9110, 10.2.3). `None` when it is neither.
#[must_use]
pub fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else {
        return None;
    };
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = months.find(month).filter(|_| month.len() == 3)? / 3 + 1;
    let at: Timestamp = format!("{year}-{month:02}-{day}T{time}Z").parse().ok()?;
    Some(at.since(now))
}
