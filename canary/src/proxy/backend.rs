//! One version behind the proxy: its idle connections, and the arm that counts its answers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::multiplex::{Multiplexed, UpstreamBody};
use super::shard::{current, n_shards};
use crate::ledger::{Arm, Baseline};

pub(super) type Sender = SendRequest<UpstreamBody>;

/// Idle connections kept for each version by each thread.
const N_IDLE_MAX: usize = 128;
/// An idle connection older than this is not used again: the far side may be closing it.
const IDLE_MAX: Duration = Duration::from_secs(10);
/// Requests that must not be sent twice use only connections idle for less than this.
const IDLE_FRESH: Duration = Duration::from_secs(1);

/// One version.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) addr: SocketAddr,
    /// By thread.
    idle: Vec<Mutex<Vec<(Instant, Sender)>>>,
    pub(super) http2: Multiplexed,
    pub(super) arm: Arc<Arm>,
    pub(super) tunnels: CancellationToken,
}

impl Backend {
    pub(super) fn new(addr: SocketAddr, baseline: &Arc<Baseline>) -> Arc<Self> {
        Arc::new(Self {
            addr,
            idle: (0..n_shards()).map(|_| Mutex::default()).collect(),
            http2: Multiplexed::default(),
            arm: Arm::new(baseline.clone()),
            tunnels: CancellationToken::new(),
        })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Instant, Sender)>> {
        let idle = &self.idle[current() % self.idle.len()];
        idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle connection that still looks open. The newest first.
    pub(super) fn take_idle(&self, is_repeatable: bool) -> Option<Sender> {
        let mut idle = self.idle();
        let now = Instant::now();
        let limit = if is_repeatable { IDLE_MAX } else { IDLE_FRESH };
        let idx = idle
            .iter()
            .rposition(|(since, sender)| now - *since < limit && sender.is_ready())?;
        Some(idle.remove(idx).1)
    }

    /// Keeps a connection, and forgets those that were closed or are too old.
    pub(super) fn put_idle(&self, sender: Sender) {
        let mut idle = self.idle();
        let now = Instant::now();
        let is_kept =
            |(since, sender): &(Instant, Sender)| now - *since < IDLE_MAX && !sender.is_closed();
        // The oldest are first.
        while idle.first().is_some_and(|oldest| !is_kept(oldest)) {
            idle.remove(0);
        }
        if idle.len() < N_IDLE_MAX && !sender.is_closed() {
            idle.push((now, sender));
        }
    }

    /// Closes idle connections, so that a version that leaves is not held open.
    pub(super) fn drop_idle(&self) {
        for idle in &self.idle {
            idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}
