//! The interface by which the controller's shell splits the traffic between two versions. The
//! embedded proxy implements it; a service mesh or a load balancer could, too.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tollgate_report::Timestamp;

use crate::events::ArmSample;
use crate::version::VersionName;
use crate::weight::Weight;

/// The answer of a provider.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, TrafficError>> + Send + 'a>>;

/// A provider did not carry out a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrafficError {
    /// A newer controller is in charge: this one must stop.
    #[error("{0}")]
    Fenced(String),
    /// It did not answer or refused. The shell tries again.
    #[error("{0}")]
    Failed(String),
}

/// Splits the traffic of one service between the stable version and the canary.
///
/// Each answer comes within seconds, except that of [`Traffic::drain`]. Each call may be repeated.
pub trait Traffic: Send + Sync {
    /// What both versions answered since the run began, and the weight in force. Called several
    /// times a second.
    fn observe(&self) -> Answer<'_, Observed>;

    /// Changes the data plane. `epoch` is the controller's fencing token: a provider that has
    /// accepted a higher one answers [`TrafficError::Fenced`].
    fn set(&self, change: Change, epoch: u64) -> Answer<'_, ()>;

    /// Where requests really go. With a check it also sends requests of its own.
    fn verify(&self, check: Option<Check>) -> Answer<'_, Verified>;

    /// Waits until a version has no request left, at most until the deadline, and returns how many
    /// still ran then.
    fn drain(&self, version: VersionName, deadline: Duration) -> Answer<'_, u64>;
}

/// One change of the data plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The canary listens here. Its weight stays as it is.
    Canary {
        /// Its address.
        addr: SocketAddr,
    },
    /// Which answers count as slow and which as critical. A provider without such counts ignores
    /// it.
    Thresholds {
        /// In microseconds, for a provider or an operation without a finer baseline; absent counts
        /// none.
        slow_us: Option<u64>,
        /// An answer is slow above the baseline's p95 plus this share of it, in parts per million.
        slow_margin_ppm: u32,
        /// The smallest such margin in microseconds.
        slow_margin_min_us: u64,
        /// In microseconds.
        critical_us: u64,
    },
    /// The canary's share. It falls back to none when the lease runs out.
    Weight {
        /// The share.
        weight: Weight,
        /// How long it holds without [`Change::Lease`].
        lease: Duration,
    },
    /// The controller lives: the lease is extended from now.
    Lease {
        /// How long from now.
        lease: Duration,
    },
    /// The canary becomes the stable version, the stable one is retired and gets nothing new.
    Swap {
        /// Where the canary listens. When stable listens there, the swap was done before.
        canary: Option<SocketAddr>,
    },
}

/// What was observed at the data plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Cumulative counts of the stable version.
    pub stable: ArmSample,
    /// Cumulative counts of the canary.
    pub canary: ArmSample,
    /// The canary's weight in force.
    pub weight: Weight,
    /// When the lease ran out, if it did.
    pub lease_expired_at: Option<Timestamp>,
    /// The operation of the canary in which a fault occurred last, by the fault's word.
    pub examples: BTreeMap<String, String>,
}

/// Requests that verify where traffic goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Path and query.
    pub path: String,
    /// How many.
    pub n_requests: u32,
}

/// Where traffic goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The canary's weight in force.
    pub weight: Weight,
    /// Where the stable version listens.
    pub stable: Option<SocketAddr>,
    /// Verifying requests that were answered.
    pub n_checked: u32,
    /// Those that reached the canary.
    pub n_canary: u32,
}
