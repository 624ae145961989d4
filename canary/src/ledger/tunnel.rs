//! A request that switched protocols: who ended it, how, and whether the service sent anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use tokio::time::Instant;

use super::arm::{Arm, ArmState, Open};
use super::baseline::{LearntTunnel, Operation};
use super::frames::Frames;
use crate::fault::Fault;
use crate::numbers::us;

/// A side of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Service,
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Client => Self::Service,
            Self::Service => Self::Client,
        }
    }
}

/// An open tunnel, as those see it who count what takes too long.
#[derive(Debug)]
struct TunnelFlight {
    operation: Arc<Operation>,
    started: Instant,
    /// When the service sent its first byte, 0 before.
    first_us: AtomicU64,
    is_counted: AtomicBool,
}

impl Open for TunnelFlight {
    /// A tunnel in which the service stays silent for longer than usual has failed.
    fn overdue(&self, state: &mut ArmState, now: Instant) -> bool {
        let age_us = us(now.saturating_duration_since(self.started));
        let limit = self
            .operation
            .usual_tunnel()
            .and_then(|usual| usual.first_us);
        if self.first_us.load(Relaxed) == 0 && limit.is_some_and(|limit| age_us > limit) {
            self.fail(state);
        }
        false
    }
}

impl TunnelFlight {
    fn fail(&self, state: &mut ArmState) {
        if !self.is_counted.swap(true, Relaxed) {
            state.fault(Fault::Tunnels, &self.operation.key);
        }
    }
}

/// What a tunnel is.
#[derive(Debug, Clone, Copy)]
pub(super) struct TunnelKind {
    pub(super) is_websocket: bool,
    /// It belongs to the stable version.
    pub(super) is_learnt: bool,
}

/// The engine's handle of a tunnel. Dropped without [`Tunnel::closed`], it was closed by us.
#[derive(Debug)]
pub(crate) struct Tunnel {
    arm: Arc<Arm>,
    flight: Arc<TunnelFlight>,
    id: u64,
    kind: TunnelKind,
    client: Frames,
    service: Frames,
    first_closed: Option<Side>,
}

impl Tunnel {
    pub(super) fn open(arm: Arc<Arm>, operation: Arc<Operation>, kind: TunnelKind) -> Self {
        let flight = Arc::new(TunnelFlight {
            operation,
            started: Instant::now(),
            first_us: AtomicU64::new(0),
            is_counted: AtomicBool::new(false),
        });
        let id = {
            let mut state = arm.state();
            state.counts.upgraded += 1;
            state.counts.tunnels_open += 1;
            state.keep(flight.clone())
        };
        Self {
            arm,
            flight,
            id,
            kind,
            client: Frames::default(),
            service: Frames::default(),
            first_closed: None,
        }
    }

    /// A side sent bytes.
    pub(crate) fn data(&mut self, side: Side, bytes: &[u8]) {
        let frames = match side {
            Side::Client => &mut self.client,
            Side::Service => &mut self.service,
        };
        frames.push(bytes);
        if self.kind.is_websocket && frames.close_code().is_some() {
            self.first_closed.get_or_insert(side);
        }
        if side == Side::Service && self.flight.first_us.load(Relaxed) == 0 {
            let first_us = us(self.flight.started.elapsed()).max(1);
            self.flight.first_us.store(first_us, Relaxed);
        }
    }

    /// A side ended its direction, or its connection broke.
    pub(crate) fn closed(&mut self, side: Side) {
        self.first_closed.get_or_insert(side);
    }

    /// Whether users would say that the service failed.
    fn has_failed(&self, lasted_us: u64) -> bool {
        let usual = self.flight.operation.usual_tunnel();
        let is_silent = self.flight.first_us.load(Relaxed) == 0
            && usual.is_some_and(|usual| usual.first_us.is_some());
        if self.first_closed != Some(Side::Service) {
            return is_silent && self.first_closed.is_some();
        }
        let is_early = usual.is_some_and(|usual| lasted_us < usual.lasted_us);
        // RFC 6455, section 7.4.1: a normal end, going away, and a frame without a code.
        let is_clean = !self.kind.is_websocket
            || matches!(self.service.close_code(), Some(1000 | 1001 | 1005));
        is_silent || is_early || !is_clean
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        let lasted_us = us(self.flight.started.elapsed());
        let has_failed = self.has_failed(lasted_us);
        let mut state = self.arm.state();
        if has_failed {
            self.flight.fail(&mut state);
        }
        state.forget(self.id);
        state.counts.tunnels_open -= 1;
        drop(state);
        if self.kind.is_learnt && self.first_closed.is_some() {
            let first_us = self.flight.first_us.load(Relaxed);
            let learnt = LearntTunnel {
                first_us: (first_us > 0).then_some(first_us),
                lasted_us,
            };
            self.arm
                .baseline
                .learn_tunnel(&self.flight.operation, learnt);
        }
        self.arm.changed.notify_waiters();
    }
}
