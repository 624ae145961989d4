//! One request, from its routing to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use tokio::time::Instant;

use super::arm::{Arm, ArmState, Open, Thresholds, UNFINISHED_AFTER};
use super::baseline::{Learnt, Operation, Usual};
use super::facts::{AnswerHead, End, RequestHead};
use super::operation;
use super::tunnel::{Tunnel, TunnelKind};
use crate::fault::Fault;
use crate::numbers::us;
use crate::version::VersionName;

/// UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE and DATA_LOSS: the service
/// failed, not its client.
const GRPC_SERVER_FAULTS: [u32; 6] = [2, 4, 12, 13, 14, 15];

/// No time: nothing has come yet.
const NEVER: u64 = 0;

/// A request under way, as those see it who count what takes too long.
#[derive(Debug)]
struct Flight {
    operation: Arc<Operation>,
    started: Instant,
    is_upgrade: bool,
    is_websocket: bool,
    is_learnt: bool,
    thresholds: Thresholds,
    first_us: AtomicU64,
    last_us: AtomicU64,
    gap_us: AtomicU64,
    bytes: AtomicU64,
    is_slow: AtomicBool,
    is_late: AtomicBool,
    is_unfinished: AtomicBool,
}

impl Flight {
    fn new(
        operation: Arc<Operation>,
        upgrade: Option<&str>,
        is_learnt: bool,
        thresholds: Thresholds,
    ) -> Arc<Self> {
        Arc::new(Self {
            operation,
            started: Instant::now(),
            is_upgrade: upgrade.is_some(),
            is_websocket: upgrade.is_some_and(|name| name.eq_ignore_ascii_case("websocket")),
            is_learnt,
            thresholds,
            first_us: AtomicU64::new(NEVER),
            last_us: AtomicU64::new(NEVER),
            gap_us: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            is_slow: AtomicBool::new(false),
            is_late: AtomicBool::new(false),
            is_unfinished: AtomicBool::new(false),
        })
    }

    fn age_us(&self) -> u64 {
        us(self.started.elapsed()).max(1)
    }

    fn slow_us(&self) -> Option<u64> {
        match self.operation.usual() {
            Some(usual) => usual.total_us,
            None => self.thresholds.slow_us,
        }
    }

    fn count_overdue(&self, state: &mut ArmState, age_us: u64) {
        let key = &self.operation.key;
        if self.slow_us().is_some_and(|limit| age_us > limit) && !self.is_slow.swap(true, Relaxed) {
            state.counts.slow += 1;
        }
        let first_us = self.first_us.load(Relaxed);
        let waited_us = if first_us == NEVER { age_us } else { first_us };
        let usual = self.operation.usual();
        let late_us = usual.and_then(|usual| usual.first_us);
        if late_us.is_some_and(|limit| waited_us > limit) && !self.is_late.swap(true, Relaxed) {
            state.fault(Fault::FirstByte, key);
        }
        let silent_us = age_us.saturating_sub(self.last_us.load(Relaxed));
        let limit = usual
            .and_then(|usual| usual.gap_us)
            .unwrap_or(u64::MAX)
            .min(us(UNFINISHED_AFTER));
        if silent_us > limit && !self.is_unfinished.swap(true, Relaxed) {
            state.fault(Fault::Unfinished, key);
        }
    }

    fn arrived(&self, n_bytes: u64) -> u64 {
        let now_us = self.age_us();
        let before_us = self.last_us.swap(now_us, Relaxed);
        self.gap_us
            .fetch_max(now_us.saturating_sub(before_us), Relaxed);
        self.bytes.fetch_add(n_bytes, Relaxed);
        now_us
    }
}

impl Open for Flight {
    fn overdue(&self, state: &mut ArmState, now: Instant) -> bool {
        self.count_overdue(state, us(now.saturating_duration_since(self.started)));
        self.is_slow.load(Relaxed)
    }
}

impl Arm {
    /// A request was routed here; `name` is the place that this version has now.
    pub(crate) fn open(
        self: &Arc<Self>,
        name: VersionName,
        request: RequestHead<'_>,
        thresholds: Thresholds,
    ) -> Exchange {
        let key = operation::key(request.method, request.path);
        let operation = self.baseline.operation(key, request.method.as_str());
        let is_learnt = name == VersionName::Stable;
        let flight = Flight::new(operation, request.upgrade, is_learnt, thresholds);
        Exchange::open(self.clone(), flight)
    }
}

/// The engine's handle of a request. Dropped without an end, the client has gone away.
#[derive(Debug)]
pub(crate) struct Exchange {
    arm: Arc<Arm>,
    flight: Arc<Flight>,
    id: u64,
    head: Option<AnswerHead>,
    grpc_status: Option<u32>,
    has_ended: bool,
}

impl Exchange {
    fn open(arm: Arc<Arm>, flight: Arc<Flight>) -> Self {
        let id = {
            let mut state = arm.state();
            state.counts.requests += 1;
            state.counts.in_flight += 1;
            state.keep(flight.clone())
        };
        Self {
            arm,
            flight,
            id,
            head: None,
            grpc_status: None,
            has_ended: false,
        }
    }

    /// The answer begins.
    pub(crate) fn head(&mut self, head: AnswerHead) {
        let first_us = self.flight.arrived(0);
        self.flight.first_us.store(first_us, Relaxed);
        self.grpc_status = head.grpc_status;
        let mut state = self.arm.state();
        *state.by_class.entry(head.status / 100).or_default() += 1;
        state.counts.answered += 1;
        state.counts.errors += u64::from(head.status >= 500);
        let critical_us = self.flight.thresholds.critical_us;
        state.counts.over_critical += u64::from(critical_us.is_some_and(|limit| first_us > limit));
        if head.server.is_some() && state.counts.server != head.server {
            state.counts.server.clone_from(&head.server);
        }
        for fault in unusual_head(&head, &self.flight) {
            state.fault(fault, &self.flight.operation.key);
        }
        drop(state);
        self.head = Some(head);
    }

    /// A piece of the body.
    pub(crate) fn data(&mut self, n_bytes: usize) {
        self.flight
            .arrived(u64::try_from(n_bytes).unwrap_or(u64::MAX));
    }

    /// The trailers of the answer.
    pub(crate) fn trailers(&mut self, trailers: &http::HeaderMap) {
        self.grpc_status = super::facts::grpc_status(trailers).or(self.grpc_status);
    }

    /// The request ended.
    pub(crate) fn end(&mut self, end: End) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let key = self.flight.operation.key.clone();
        let mut state = self.arm.state();
        let status = self.head.as_ref().map_or(0, |head| head.status);
        let grpc_status = self.grpc_status.unwrap_or_default();
        match end {
            End::Whole => {
                let age_us = self.flight.age_us();
                self.flight.count_overdue(&mut state, age_us);
                state.latency_us.saturating_record(age_us);
                if let (Some(head), Some(usual)) = (&self.head, self.flight.operation.usual())
                    && is_unusual_size(head, usual, self.flight.bytes.load(Relaxed))
                {
                    state.fault(Fault::BodySize, &key);
                }
            }
            End::Refused => {
                state.counts.connect_failures += 1;
                state.fault(Fault::Refused, &key);
            }
            End::Reset => {
                state.counts.broken += 1;
                state.fault(Fault::Reset, &key);
            }
            End::Cut => {
                state.counts.broken += 1;
                state.fault(Fault::Cut, &key);
            }
            End::Timeout => state.counts.timeouts += 1,
            End::Switched => {}
        }
        if grpc_status != 0 {
            state.fault(Fault::Grpc, &key);
        }
        let is_failed = !matches!(end, End::Whole | End::Switched)
            || status >= 500
            || GRPC_SERVER_FAULTS.contains(&grpc_status);
        state.counts.failed += u64::from(is_failed);
        drop(state);
        if matches!(end, End::Whole) {
            self.learn(Some(self.flight.age_us()));
        }
    }

    /// The request switched protocols: its tunnel begins.
    pub(crate) fn into_tunnel(mut self) -> Tunnel {
        self.end(End::Switched);
        let kind = TunnelKind {
            is_websocket: self.flight.is_websocket,
            is_learnt: self.flight.is_learnt,
        };
        Tunnel::open(self.arm.clone(), self.flight.operation.clone(), kind)
    }

    fn learn(&self, total_us: Option<u64>) {
        let Some(head) = self.head.clone().filter(|_| self.flight.is_learnt) else {
            return;
        };
        let silent_us = self.flight.age_us() - self.flight.last_us.load(Relaxed);
        let learnt = Learnt {
            head,
            first_us: Some(self.flight.first_us.load(Relaxed)),
            total_us,
            bytes: self.flight.bytes.load(Relaxed),
            gap_us: self.flight.gap_us.load(Relaxed).max(silent_us),
        };
        self.arm.baseline.learn(&self.flight.operation, learnt);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.arm.state();
        if !self.has_ended {
            self.flight.count_overdue(&mut state, self.flight.age_us());
            state.counts.client_aborts += 1;
            state.fault(Fault::GaveUp, &self.flight.operation.key);
        }
        state.forget(self.id);
        state.counts.in_flight -= 1;
        state.counts.finished += 1;
        drop(state);
        if !self.has_ended {
            self.learn(None);
        }
        self.arm.changed.notify_waiters();
    }
}

fn unusual_head(head: &AnswerHead, flight: &Flight) -> Vec<Fault> {
    let mut faults = Vec::new();
    let status = head.status;
    if (400..500).contains(&status) {
        faults.push(Fault::ClientErrors);
    }
    if (300..400).contains(&status) && status != 304 {
        faults.push(Fault::Redirects);
    }
    if flight.is_upgrade && status != 101 {
        faults.push(Fault::Upgrades);
    }
    let Some(usual) = flight.operation.usual() else {
        return faults;
    };
    if status < 500 && !usual.statuses.contains(&status) {
        faults.push(Fault::UnexpectedStatus);
    }
    let is_good = (200..300).contains(&status);
    let is_known =
        usual.content_types.is_empty() || usual.content_types.contains(&head.content_type);
    if is_good && (!is_known || (usual.always_location && !head.has_location)) || head.has_repeated
    {
        faults.push(Fault::Headers);
    }
    faults
}

/// Only successful bodies in a usual coding are compared.
fn is_unusual_size(head: &AnswerHead, usual: &Usual, n_bytes: u64) -> bool {
    let is_compared = (200..300).contains(&head.status) && usual.codings.contains(&head.coding);
    is_compared
        && usual
            .bytes
            .is_some_and(|(min, max)| n_bytes < min || n_bytes > max || (n_bytes == 0 && min > 0))
}
