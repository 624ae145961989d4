//! The results of the analysis: causes, alarms, readings and the claim that a promotion needs.
//! Values only.

use std::fmt;

use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;

/// Why a canary is rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Cause {
    Errors,
    Timeouts,
    SlowAnswers,
    LatencyCritical,
    ErrorRateCritical,
    MemoryCritical,
    MemoryLeak,
    ProbeFailures,
    Crash,
    NotReady,
    ControllerGone,
    NotEnoughEvidence,
    Aborted,
}

impl Cause {
    /// The word shown to people and used in labels: `errors`, `memory-leak` and so on.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Timeouts => "timeouts",
            Self::SlowAnswers => "slow-answers",
            Self::LatencyCritical => "latency-critical",
            Self::ErrorRateCritical => "error-rate-critical",
            Self::MemoryCritical => "memory-critical",
            Self::MemoryLeak => "memory-leak",
            Self::ProbeFailures => "probe-failures",
            Self::Crash => "crash",
            Self::NotReady => "not-ready",
            Self::ControllerGone => "controller-gone",
            Self::NotEnoughEvidence => "not-enough-evidence",
            Self::Aborted => "aborted",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A reason to roll back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// Which rule.
    pub cause: Cause,
    /// What happened, how bad it is, and the limit.
    pub text: String,
    /// When it began.
    pub since: Timestamp,
}

/// The metrics judged by an e-process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// All bad answers; four fifths of alpha.
    Errors,
    /// Timeouts; a tenth of alpha, because they count as errors too.
    Timeouts,
    /// Slow answers; a tenth of alpha, so that a decision needs one more slow answer.
    Slow,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Errors, Self::Timeouts, Self::Slow];

    pub(super) fn alpha_share(self) -> f64 {
        match self {
            Self::Errors => 0.8,
            Self::Timeouts | Self::Slow => 0.1,
        }
    }
}

/// One e-process against its limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricReading {
    /// Which metric.
    pub metric: Metric,
    /// Bad events of the canary and of stable.
    pub n_canary: u64,
    /// Bad events of stable.
    pub n_stable: u64,
    /// The e-value.
    pub e_value: f64,
    /// Roll back from here on: 1/α.
    pub limit: f64,
}

/// Whether the evidence supports a promotion.
#[derive(Debug, Clone, PartialEq)]
pub struct Promotion {
    /// The claim holds.
    pub is_shown: bool,
    /// Upper bound on the canary's excess error rate.
    pub excess_upper: f64,
    /// More canary requests that would decide when all are good; absent when too many.
    pub n_more: Option<u64>,
    /// The claim, or what it lacks.
    pub text: String,
}
