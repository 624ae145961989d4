//! What the two interfaces of a proxy share: its table of versions, its bounds and its clock.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tollgate_report::{Clock, SystemClock};

use super::table::Table;

/// Header fields of a request or an answer; browsers and services with many cookies exceed the
/// usual 100.
pub(super) const N_FIELDS_MAX: usize = 500;

/// Bounds of a proxy.
#[derive(Debug, Clone, Copy)]
pub struct ProxyLimits {
    /// Client connections at a time; more wait to be accepted.
    pub n_connections_max: usize,
    /// A client must send its request head within this.
    pub header_timeout: Duration,
    /// A version must accept a connection within this.
    pub connect_timeout: Duration,
    /// A version must begin its answer within this when the request has no body.
    pub response_timeout: Duration,
    /// And within this when it has one, the upload included.
    pub upload_timeout: Duration,
}

impl Default for ProxyLimits {
    fn default() -> Self {
        Self {
            n_connections_max: 4_096,
            header_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_secs(600),
        }
    }
}

/// The state of one proxy.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) instance: String,
    pub(super) listen: SocketAddr,
    pub(super) token: String,
    pub(super) honours_pin: bool,
    pub(super) limits: ProxyLimits,
    pub(super) clock: SystemClock,
    pub(super) table: Mutex<Table>,
}

impl Shared {
    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        let mut table = self
            .table
            .lock()
            .expect("no code panics while it holds this lock");
        table.expire(tokio::time::Instant::now(), self.clock.now());
        table
    }
}
