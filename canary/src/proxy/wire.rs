//! The JSON requests and responses of the control interface. Values only.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;

use crate::Weight;
pub use crate::ledger::VersionCounts;
pub use crate::version::VersionName;

/// `GET /state`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyState {
    /// Drawn at the proxy's start; another value means that counts began anew.
    pub instance: String,
    /// Where clients connect.
    pub listen: SocketAddr,
    /// The canary's weight in force.
    pub weight: Weight,
    /// The weight that was set; differs from `weight` after the lease ran out.
    pub set_weight: Weight,
    /// The highest fencing token seen.
    pub epoch: u64,
    /// Milliseconds left on the lease; absent while the weight is 0.
    pub lease_left_ms: Option<u64>,
    /// When the lease ran out, until a weight is set again.
    pub lease_expired_at: Option<Timestamp>,
    /// Which version is where.
    pub versions: BTreeMap<VersionName, SocketAddr>,
}

/// `PUT /weight`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetWeight {
    /// Basis points, 0 to 10000.
    pub weight: Weight,
    /// The controller's fencing token.
    pub epoch: u64,
    /// The weight falls to 0 after so long without `POST /lease`.
    pub lease_ms: u64,
}

/// `POST /lease`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewLease {
    /// The controller's fencing token.
    pub epoch: u64,
    /// From now on.
    pub lease_ms: u64,
}

/// `PUT /versions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetVersion {
    /// Stable or canary.
    pub name: VersionName,
    /// Where it listens; null removes the canary.
    pub addr: Option<SocketAddr>,
    /// The controller's fencing token.
    pub epoch: u64,
}

/// `PUT /thresholds`, in microseconds. What the proxy has learnt of the stable version is in force
/// from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetThresholds {
    /// Answers that end later are slow, for operations that the stable version has hardly answered;
    /// absent counts none.
    pub slow_us: Option<u64>,
    /// An answer is slow above its operation's p95 plus this share of it, in parts per million.
    pub slow_margin_ppm: u32,
    /// The smallest such margin in microseconds.
    pub slow_margin_min_us: u64,
    /// Answers that begin later are critical; absent counts none.
    pub critical_us: Option<u64>,
    /// The controller's fencing token.
    pub epoch: u64,
}

/// `POST /drain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    /// Which version; it must get no traffic any more.
    pub name: VersionName,
    /// How long to wait; tunnels that are still open then are closed.
    pub deadline_ms: u64,
}

/// The answer to `POST /drain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drained {
    /// Requests still running at the end.
    pub n_in_flight: u64,
    /// Tunnels that were closed at the deadline.
    pub n_tunnels_closed: u64,
}

/// `POST /promote`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promote {
    /// The controller's fencing token.
    pub epoch: u64,
}

/// `GET /counts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// See [`ProxyState::instance`].
    pub instance: String,
    /// The canary's weight in force.
    pub weight: Weight,
    /// See [`ProxyState::lease_expired_at`].
    pub lease_expired_at: Option<Timestamp>,
    /// Counts by place.
    pub versions: BTreeMap<VersionName, VersionCounts>,
}
