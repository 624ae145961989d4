//! The events that the controller receives. Every event is kept in the run's evidence file, so that
//! a replay reaches the same decisions. Values only.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;

pub use tollgate_process::ProcessId;

use crate::Weight;
use crate::fault::FaultCounts;

/// When an event was seen: wall time for people, monotonic time for windows. The monotonic part
/// starts anew with each controller process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// Wall time.
    pub at: Timestamp,
    /// Milliseconds on the controller's monotonic clock.
    pub mono_ms: u64,
}

/// One arm's cumulative counts at the proxy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmSample {
    /// Finished requests, answered or failed.
    pub n: u64,
    /// Server errors (5xx), failed gRPC calls, refused connections, broken answers and timeouts.
    pub n_bad: u64,
    /// Timeouts among the bad ones.
    pub n_timeout: u64,
    /// Answered requests: those with a response head and its latency.
    pub n_answered: u64,
    /// Requests that took longer than usual to the end of their answer, ended or not.
    pub n_slow: u64,
    /// Those of them that had not ended when the sample was taken.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_slow_open: u64,
    /// Answers that began later than the critical p95.
    pub n_over_critical: u64,
    /// What else users notice.
    #[serde(default, skip_serializing_if = "FaultCounts::is_empty")]
    pub faults: FaultCounts,
    /// p95 of this run in microseconds, 0 without answers.
    pub p95_us: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What one arm did between two samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each field is documented in `ArmSample`")]
pub struct Delta {
    pub n: u64,
    pub n_bad: u64,
    pub n_timeout: u64,
    pub n_answered: u64,
    pub n_slow: u64,
    pub n_over_critical: u64,
    #[serde(default, skip_serializing_if = "FaultCounts::is_empty")]
    pub faults: FaultCounts,
}

impl Delta {
    /// The sum of two.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            n: self.n + other.n,
            n_bad: self.n_bad + other.n_bad,
            n_timeout: self.n_timeout + other.n_timeout,
            n_answered: self.n_answered + other.n_answered,
            n_slow: self.n_slow + other.n_slow,
            n_over_critical: self.n_over_critical + other.n_over_critical,
            faults: self.faults.plus(other.faults),
        }
    }
}

impl ArmSample {
    /// What happened since `earlier`; nothing when a counter went back (the proxy was restarted).
    #[must_use]
    pub fn since(self, earlier: Self) -> Delta {
        let delta = |now: u64, before: u64| now.checked_sub(before);
        let all = (|| {
            Some(Delta {
                n: delta(self.n, earlier.n)?,
                n_bad: delta(self.n_bad, earlier.n_bad)?,
                n_timeout: delta(self.n_timeout, earlier.n_timeout)?,
                n_answered: delta(self.n_answered, earlier.n_answered)?,
                n_slow: delta(self.n_slow, earlier.n_slow)?,
                n_over_critical: delta(self.n_over_critical, earlier.n_over_critical)?,
                faults: self.faults.since(earlier.faults)?,
            })
        })();
        all.unwrap_or_default()
    }
}

/// Live requests that one version answered, cumulative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficArm {
    /// All of them.
    pub n: u64,
    /// Those without the expected answer.
    pub n_bad: u64,
}

/// The verdict of a gate over the closed evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateVerdict {
    /// Such as `traffic`.
    pub gate: String,
    /// It passed.
    pub has_passed: bool,
    /// Why, with its numbers.
    pub reason: String,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The run begins.
    Start,
    /// The candidate process runs but is not ready yet.
    CandidateStarted {
        /// The process.
        process: ProcessId,
    },
    /// The candidate answers.
    CandidateReady {
        /// The process.
        process: ProcessId,
        /// Where it listens.
        addr: SocketAddr,
    },
    /// The candidate could not be started or was not ready in time.
    CandidateFailed {
        /// What happened, with its last log lines.
        detail: String,
    },
    /// The candidate process ended by itself.
    CandidateExited {
        /// How it ended, with its last log lines.
        detail: String,
    },
    /// The proxy's counts; also the clock of the analysis.
    Counts {
        /// The stable arm.
        stable: Box<ArmSample>,
        /// The canary arm.
        canary: Box<ArmSample>,
        /// The canary's weight in force at the proxy.
        weight: Weight,
        /// When the lease ran out, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease_expired_at: Option<Timestamp>,
        /// The operation of the canary in which a fault occurred last, by the fault's word.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        examples: BTreeMap<String, String>,
    },
    /// The counts could not be read.
    CountsMissing {
        /// Why.
        detail: String,
    },
    /// The slow and critical thresholds are in force.
    ThresholdsSet,
    /// The data plane was checked: the proxy's own weight, and which version answered the verifying requests.
    WeightObserved {
        /// The weight in force.
        weight: Weight,
        /// Verifying requests that were answered.
        n_checked: u32,
        /// Those that landed on the canary.
        n_canary: u32,
    },
    /// The canary became stable at the proxy.
    Swapped,
    /// A version has no more traffic, or its deadline passed.
    Drained {
        /// Requests that were still running.
        n_in_flight: u64,
    },
    /// A version's process is gone.
    Stopped,
    /// An effect failed; it is tried again.
    EffectFailed {
        /// Which effect.
        effect: String,
        /// Why.
        detail: String,
    },
    /// A newer controller has taken over the proxy.
    Fenced {
        /// What the proxy said.
        detail: String,
    },
    /// Memory of the candidate.
    Memory {
        /// Resident bytes.
        bytes: u64,
    },
    /// CPU time that both versions have used since they started, with all their processes.
    Cpu {
        /// The candidate, in milliseconds.
        canary_ms: u64,
        /// The stable version, in milliseconds.
        stable_ms: u64,
    },
    /// The live traffic so far, by the version that answered.
    Traffic {
        /// The stable arm.
        stable: TrafficArm,
        /// The canary arm.
        canary: TrafficArm,
    },
    /// A metrics query ended.
    Query {
        /// Its name in the plan.
        name: String,
        /// Whether the value is over the limit; absent when the query could not be made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        is_over: Option<bool>,
        /// The value and the limit, or why there is no value.
        detail: String,
    },
    /// The evidence is closed, and the gates that a promotion needs have judged it.
    Judged {
        /// Their verdicts; a promotion needs a pass of each.
        gates: Vec<GateVerdict>,
    },
    /// A probe ended.
    Probe {
        /// The probe's name.
        name: String,
        /// It failed; an error of ours is not a failure and is not sent.
        is_fail: bool,
        /// What it saw.
        detail: String,
    },
    /// A person approved the promotion.
    Approved {
        /// Who.
        by: String,
        /// Why.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Somebody wants the run to end.
    AbortRequested {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// A notification was delivered.
    Notified {
        /// Its id.
        id: String,
    },
    /// A new controller took the run over.
    Resumed {
        /// How long nobody was in control, in milliseconds.
        down_ms: u64,
        /// The new fencing token.
        epoch: u64,
        /// The candidate process still runs.
        is_candidate_alive: bool,
        /// The proxy's stable version is already the candidate.
        is_swapped: bool,
        /// The canary's weight in force at the proxy.
        weight: Weight,
    },
}
