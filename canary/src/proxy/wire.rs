//! The JSON requests and responses of the control interface. Values only.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;

use crate::Weight;
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

/// `PUT /thresholds`, in microseconds to the response head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetThresholds {
    /// Answers above are slow; absent counts none.
    pub slow_us: Option<u64>,
    /// Answers above are critical; absent counts none.
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

/// Counts of one version since it was added, all cumulative but `in_flight` and `tunnels_open`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionCounts {
    /// Requests that were routed here.
    pub requests: u64,
    /// Requests that ended, answered or failed; a request retried elsewhere ended here as failed.
    pub finished: u64,
    /// Response heads by class: `1xx` to `5xx`.
    pub by_class: BTreeMap<String, u64>,
    /// 5xx answers of the version.
    pub errors: u64,
    /// Connections that could not be made.
    pub connect_failures: u64,
    /// Connections that broke before the end of an answer.
    pub broken: u64,
    /// No response head in time.
    pub timeouts: u64,
    /// Requests that were tried again because no byte had been answered.
    pub retried: u64,
    /// Clients that went away.
    pub client_aborts: u64,
    /// Requests running now, without tunnels.
    pub in_flight: u64,
    /// Tunnels (WebSocket and other upgrades) opened.
    pub upgraded: u64,
    /// Tunnels open now.
    pub tunnels_open: u64,
    /// Answers with a latency.
    pub answered: u64,
    /// Answers above the slow threshold.
    pub slow: u64,
    /// Answers above the critical threshold.
    pub over_critical: u64,
    /// Microseconds to the response head: HDR histogram, V2 serialisation, base64.
    pub latency_us_hdr: String,
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
