//! The hub's settings, the section `[serve]` of `tollgate.toml`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::{Size, Span};

/// How the hub serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServeSettings {
    /// Address and port to listen on; port 0 takes a free one. Default `127.0.0.1:7700`.
    pub listen: SocketAddr,
    /// The database file; several hubs may share it. Default `.tollgate/hub.db`.
    pub database: PathBuf,
    /// The name of this version in metrics and in `/health/complete`. Default: none.
    pub version_label: Option<String>,
    /// Connections at once, event streams included; more are rejected. Default 2,000.
    pub connections_max: usize,
    /// How long a client may take to send the head of a request. Default `10s`.
    pub header_read_timeout: Span,
    /// How long a request may take in all. Default `30s`.
    pub request_timeout: Span,
    /// How long shutdown waits for requests in progress. Default `10s`.
    pub drain_timeout: Span,
    /// How often an event stream gets a heartbeat. Default `25s`.
    pub heartbeat: Span,
    /// How long a client has to answer a heartbeat. Default `8s`.
    pub heartbeat_grace: Span,
    /// How much may wait for a slow client before its event stream is closed. Default `1MiB`.
    pub queue_max: Size,
    /// How long a one-time ticket is valid. Default `30s`.
    pub ticket_lifetime: Span,
    /// Other origins than the hub's own whose pages may open event streams. Default: none.
    pub origins: Vec<String>,
}

impl Default for ServeSettings {
    fn default() -> Self {
        let seconds = |n| Span(Duration::from_secs(n));
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7700)),
            database: PathBuf::from(".tollgate/hub.db"),
            version_label: None,
            connections_max: 2_000,
            header_read_timeout: seconds(10),
            request_timeout: seconds(30),
            drain_timeout: seconds(10),
            heartbeat: seconds(25),
            heartbeat_grace: seconds(8),
            queue_max: Size(1 << 20),
            ticket_lifetime: seconds(30),
            origins: Vec::new(),
        }
    }
}
