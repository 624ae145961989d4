//! The actions that the controller requests from the shell, and its messages for people. Values only.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;

use super::phase::Phase;
use crate::Weight;
use crate::analysis::Cause;
use crate::version::VersionName;

/// One effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Write and sync the state before anything that follows.
    Persist,
    /// Start the candidate process and wait until it is ready.
    StartCandidate,
    /// Tell the proxy where the canary listens.
    SetCanary {
        /// Its address.
        addr: SocketAddr,
    },
    /// Tell the proxy which answers are slow and which are critical, in microseconds.
    SetThresholds {
        /// Absent when the baseline was too short.
        slow_us: Option<u64>,
        /// How much slower than its operation's p95 is slow, in parts per million.
        slow_margin_ppm: u32,
        /// The smallest such margin.
        slow_margin_min_us: u64,
        /// The critical p95.
        critical_us: u64,
    },
    /// Set the canary's weight.
    SetWeight {
        /// The share.
        weight: Weight,
        /// The fencing token.
        epoch: u64,
    },
    /// Check the data plane: the weight in force, and which version answers requests.
    VerifyWeight {
        /// What is expected.
        weight: Weight,
    },
    /// Say that the controller lives.
    RenewLease {
        /// The fencing token.
        epoch: u64,
    },
    /// End the live traffic and have the gates judge the evidence.
    CloseEvidence,
    /// Make the canary the stable version at the proxy.
    Swap {
        /// The fencing token.
        epoch: u64,
    },
    /// Wait until a version has no request left.
    DrainVersion {
        /// Which.
        name: VersionName,
    },
    /// Stop a version's process.
    StopVersion {
        /// Which; `Retired` is the old stable version after the swap.
        name: VersionName,
    },
    /// Keep a decision in the evidence file.
    Record(Record),
    /// Tell people.
    Notify(Notification),
}

impl Action {
    /// The effect's name in [`crate::Event::EffectFailed`].
    #[must_use]
    pub fn effect(&self) -> &'static str {
        match self {
            Self::Persist => "persist",
            Self::StartCandidate => "start_candidate",
            Self::SetCanary { .. }
            | Self::SetThresholds { .. }
            | Self::SetWeight { .. }
            | Self::VerifyWeight { .. } => "weight",
            Self::RenewLease { .. } => "lease",
            Self::CloseEvidence => "close_evidence",
            Self::Swap { .. } => "swap",
            Self::DrainVersion { .. } => "drain",
            Self::StopVersion { .. } => "stop",
            Self::Record(_) => "record",
            Self::Notify(_) => "notify",
        }
    }
}

/// One kept decision; a replay gives the same lines byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The event that led to it, counted from 1.
    pub event: u64,
    /// When.
    pub at: Timestamp,
    /// The phase entered or kept.
    pub phase: Phase,
    /// The canary's intended weight.
    pub weight: Weight,
    /// Which rule, when one spoke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Why, with its numbers.
    pub reason: String,
}

/// How much a notification matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// A person must act, or a release was rolled back.
    Critical,
}

/// A message to people, kept in the state until it was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// The same for the same message of the same run, so that a receiver can drop a repeat.
    pub id: String,
    /// How much it matters.
    pub kind: NoticeKind,
    /// A few words.
    pub title: String,
    /// What, how badly, since when.
    pub text: String,
    /// When it was written.
    pub at: Timestamp,
    /// It was handed over.
    pub is_sent: bool,
}
