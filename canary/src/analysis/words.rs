//! The results of the analysis: causes, alarms, readings and the claim that a promotion needs.
//! Values only.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tollgate_report::Timestamp;

use crate::events::Delta;
use crate::fault::Fault;
use crate::numbers::real;

/// Why a canary is rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Cause {
    Errors,
    Timeouts,
    SlowAnswers,
    ClientErrors,
    Redirects,
    UnexpectedStatus,
    GaveUp,
    Unfinished,
    Refused,
    Reset,
    Cut,
    FirstByte,
    BodySize,
    Headers,
    Upgrades,
    Tunnels,
    Grpc,
    Schema,
    LiveTraffic,
    LatencyCritical,
    ErrorRateCritical,
    MemoryCritical,
    MemoryLeak,
    CpuCritical,
    ProbeFailures,
    Query,
    Gate,
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
            Self::ClientErrors => "client-errors",
            Self::Redirects => "redirects",
            Self::UnexpectedStatus => "unexpected-status",
            Self::GaveUp => "gave-up",
            Self::Unfinished => "unfinished",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Cut => "cut",
            Self::FirstByte => "first-byte",
            Self::BodySize => "body-size",
            Self::Headers => "headers",
            Self::Upgrades => "upgrades",
            Self::Tunnels => "tunnels",
            Self::Grpc => "grpc",
            Self::Schema => "schema",
            Self::LiveTraffic => "live-traffic",
            Self::LatencyCritical => "latency-critical",
            Self::ErrorRateCritical => "error-rate-critical",
            Self::MemoryCritical => "memory-critical",
            Self::MemoryLeak => "memory-leak",
            Self::CpuCritical => "cpu-critical",
            Self::ProbeFailures => "probe-failures",
            Self::Query => "query",
            Self::Gate => "gate",
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
    /// All failed requests; seven tenths of alpha.
    Errors,
    /// Timeouts at the proxy.
    Timeouts,
    /// Requests that took longer than usual to the end of their answer.
    Slow,
    /// Requests of the live traffic that were not answered as its settings expect.
    LiveTraffic,
    /// One of the other faults.
    Seen(Fault),
}

/// Alpha's share of all failed requests, for the quick test and for the mixture over all
/// alternatives. The other metrics share the rest equally.
pub const ERRORS_SHARES: (f64, f64) = (0.6, 0.15);

impl Metric {
    /// All of them, the one that names a cause best first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let faults = Fault::ALL
            .into_iter()
            .filter(|fault| !matches!(fault, Fault::FirstByte | Fault::GaveUp));
        [Self::Timeouts, Self::Errors]
            .into_iter()
            .chain(faults.map(Self::Seen))
            .chain([
                Self::Slow,
                Self::Seen(Fault::FirstByte),
                Self::Seen(Fault::GaveUp),
                Self::LiveTraffic,
            ])
            .collect()
    }

    /// The share of alpha that this metric spends.
    #[must_use]
    pub fn alpha_share(self) -> f64 {
        match self {
            Self::Errors => ERRORS_SHARES.0 + ERRORS_SHARES.1,
            _ => (1.0 - ERRORS_SHARES.0 - ERRORS_SHARES.1) / real(Fault::ALL.len() as u64 + 3),
        }
    }

    /// A key of one word: `errors`, `client-errors` and so on.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.cause().word()
    }

    /// What is counted, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Timeouts => "timeouts",
            Self::Slow => "slow answers",
            Self::LiveTraffic => "live requests that failed",
            Self::Seen(fault) => match fault {
                Fault::ClientErrors => "answers of 4xx",
                Fault::Redirects => "redirects",
                Fault::UnexpectedStatus => {
                    "answers with a status that is not usual for the operation"
                }
                Fault::GaveUp => "requests that clients gave up",
                Fault::Unfinished => "requests without an end",
                Fault::Refused => "refused connections",
                Fault::Reset => "connections that broke before the answer",
                Fault::Cut => "answers that broke off",
                Fault::FirstByte => "answers that began late",
                Fault::BodySize => "bodies of unusual size",
                Fault::Headers => "answers with unusual headers",
                Fault::Upgrades => "refused upgrades",
                Fault::Tunnels => "tunnels that failed",
                Fault::Grpc => "failed gRPC calls",
                Fault::Schema => "answers that break the contract",
            },
        }
    }

    /// Why a canary is rolled back when this metric is over its limit.
    #[must_use]
    pub fn cause(self) -> Cause {
        match self {
            Self::Errors => Cause::Errors,
            Self::Timeouts => Cause::Timeouts,
            Self::Slow => Cause::SlowAnswers,
            Self::LiveTraffic => Cause::LiveTraffic,
            Self::Seen(fault) => match fault {
                Fault::ClientErrors => Cause::ClientErrors,
                Fault::Redirects => Cause::Redirects,
                Fault::UnexpectedStatus => Cause::UnexpectedStatus,
                Fault::GaveUp => Cause::GaveUp,
                Fault::Unfinished => Cause::Unfinished,
                Fault::Refused => Cause::Refused,
                Fault::Reset => Cause::Reset,
                Fault::Cut => Cause::Cut,
                Fault::FirstByte => Cause::FirstByte,
                Fault::BodySize => Cause::BodySize,
                Fault::Headers => Cause::Headers,
                Fault::Upgrades => Cause::Upgrades,
                Fault::Tunnels => Cause::Tunnels,
                Fault::Grpc => Cause::Grpc,
                Fault::Schema => Cause::Schema,
            },
        }
    }

    /// How often it occurred.
    #[must_use]
    pub fn count(self, delta: &Delta) -> u64 {
        match self {
            Self::Errors => delta.n_bad,
            Self::Timeouts => delta.n_timeout,
            Self::Slow => delta.n_slow,
            Self::LiveTraffic => 0,
            Self::Seen(fault) => delta.faults.of(fault),
        }
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::all()
            .into_iter()
            .find(|metric| metric.word() == word)
            .ok_or_else(|| D::Error::custom(format!("`{word}` is not a metric of a canary")))
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
    /// Roll back from here on.
    pub limit: f64,
    /// The chance that this metric rolls back a version as good as the stable one.
    pub alpha: f64,
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
