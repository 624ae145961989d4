//! The counts of one version as they are sent to the controller.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::FaultCounts;

/// Counts of one version since it was added, all cumulative but `in_flight`, `tunnels_open` and
/// `slow_open`.
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
    /// Answers with a response head.
    pub answered: u64,
    /// Requests that took longer than usual, ended or not.
    pub slow: u64,
    /// Those of them that have not ended.
    pub slow_open: u64,
    /// Answers that began after the critical threshold.
    pub over_critical: u64,
    /// Server errors, failed connections, timeouts, failed tunnels and gRPC calls: each request once.
    pub failed: u64,
    /// What else users notice.
    pub faults: FaultCounts,
    /// For each fault the operation in which it occurred last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub examples: BTreeMap<String, String>,
    /// What the version calls itself in its `Server` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Microseconds to the end of the answer: HDR histogram, V2 serialisation, base64.
    pub latency_us_hdr: String,
}
