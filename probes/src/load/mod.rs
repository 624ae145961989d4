//! Load: many requests for a while, open or closed model. Requests that were sent late, lost or
//! never sent are reported.
//!
//! Open model: request i is meant to be sent at start + i / rate, and its latency counts from
//! that time, so that a stalled server is seen by all requests that should have been sent
//! meanwhile (G. Tene, "coordinated omission"). Closed model: each connection sends as soon as
//! it is free.

mod budget;
mod report;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::attempt::{RunCheck, no_end};
use crate::context::{Context, Vars};
use crate::http::client::{Connection, send_once};
use crate::http::error::NetError;
use crate::http::{Prepared, expect::is_allowed, prepare};
use crate::result::{Cause, Observation};
use crate::settings::LoadCheck;

pub use budget::evaluate;
pub use report::{LoadReport, Model, Percentiles};
pub(crate) use report::{Tally, new_histogram, percentiles, record};

/// tokio's timers are whole milliseconds, rounded up. A connection that was idle before the
/// intended time and wakes at most this late was not held up by the target.
const TIMER_GRAIN: Duration = Duration::from_millis(2);

/// A request sent this much after its intended time counts as late.
const LATE_AFTER: Duration = Duration::from_millis(10);

struct Plan {
    prepared: Prepared,
    tls: Arc<ClientConfig>,
    status: Vec<u16>,
    body_size_max: u64,
    request_timeout: Duration,
    rate: Option<f64>,
    started: Instant,
    /// No request is meant to be sent from here on.
    ends: Instant,
    n_planned: Option<u64>,
    next: AtomicU64,
}
impl RunCheck for LoadCheck {
    /// A load run sends for `duration` and then waits for stragglers; `timeout` is the slack on top.
    fn limit(&self, timeout: Duration) -> Option<Duration> {
        Some(self.duration.0 + self.request_timeout.0 * 2 + timeout)
    }

    async fn run(
        &self,
        cx: &Context,
        vars: &mut Vars,
        seen: &mut Observation,
        _timeout: Duration,
    ) -> Result<(), Cause> {
        run(self, cx, vars, seen).await
    }

    fn over_time(&self, limit: Duration, _seen: &Observation) -> Cause {
        no_end(limit)
    }
}

/// Runs the load and judges it against its budget. The report is in `seen` either way.
async fn run(
    check: &LoadCheck,
    cx: &Context,
    vars: &Vars,
    seen: &mut Observation,
) -> Result<(), Cause> {
    let report = measure(check, cx, vars).await?;
    let percentiles = &report.latency;
    let seconds = |us: u64| us as f64 / 1e6;
    for (name, value) in [
        ("p50", seconds(percentiles.p50_us)),
        ("p95", seconds(percentiles.p95_us)),
        ("p99", seconds(percentiles.p99_us)),
        ("error_rate", report.error_rate()),
        ("requests_per_second", report.requests_per_second()),
        ("sent", report.n_sent as f64),
        ("late", report.n_late as f64),
        ("never_sent", report.n_never_sent as f64),
    ] {
        seen.measurements.insert(name.to_owned(), value);
    }
    seen.judged = Some(Duration::from_micros(percentiles.p95_us));
    let judged = evaluate(&report, &check.budget);
    seen.load = Some(Box::new(report));
    judged
}

async fn measure(check: &LoadCheck, cx: &Context, vars: &Vars) -> Result<LoadReport, Cause> {
    let started = Instant::now();
    let duration = check.duration.0;
    let plan = Arc::new(Plan {
        prepared: prepare(&check.request, cx, vars)?,
        tls: Arc::clone(cx.tls()),
        status: check.request.expect.status.clone(),
        body_size_max: check.request.body_size_max.0,
        request_timeout: check.request_timeout.0,
        rate: check.rate,
        started,
        ends: started + duration,
        n_planned: check
            .rate
            .map(|rate| (rate * duration.as_secs_f64()).round().max(1.0) as u64),
        next: AtomicU64::new(0),
    });
    // Dropping the set, as a timeout does, stops every worker.
    let mut workers = JoinSet::new();
    for _ in 0..check.connections {
        workers.spawn(work(Arc::clone(&plan)));
    }
    let mut tally = Tally::new();
    while let Some(part) = workers.join_next().await {
        tally.merge(part.expect("a worker neither panics nor is it aborted while it is awaited"));
    }
    Ok(tally.into_report(check, plan.n_planned, started.elapsed()))
}

/// When the latency of the next request starts to count, and how late it is sent.
struct Slot {
    counts_from: Instant,
    lag: Duration,
}

async fn work(plan: Arc<Plan>) -> Tally {
    let mut tally = Tally::new();
    let mut connection: Option<Connection> = None;
    while let Some(slot) = next_slot(&plan).await {
        tally.n_sent += 1;
        tally.send_lag_max = tally.send_lag_max.max(slot.lag);
        tally.n_late += u64::from(slot.lag > LATE_AFTER);
        let sending = send_once(
            &mut connection,
            &plan.prepared.target,
            &plan.tls,
            plan.prepared.request.clone(),
            plan.body_size_max,
        );
        // A timeout drops the exchange and with it the connection.
        let outcome = match timeout(plan.request_timeout, sending).await {
            Ok((outcome, is_replaced)) => {
                tally.n_reconnects += u64::from(is_replaced);
                outcome
            }
            Err(_) => Err(NetError::Timeout {
                after: plan.request_timeout,
            }),
        };
        let latency = slot.counts_from.elapsed();
        match outcome {
            Ok(reply) => tally.answered(
                reply.status.as_u16(),
                is_allowed(&plan.status, reply.status),
                latency,
            ),
            Err(error) => tally.failed(error.kind(), latency),
        }
        if plan.rate.is_none() && connection.is_none() {
            // A dead target answers at once; a closed model must not spin on it.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    tally
}

async fn next_slot(plan: &Plan) -> Option<Slot> {
    let now = Instant::now();
    let (Some(rate), Some(n_planned)) = (plan.rate, plan.n_planned) else {
        return (now < plan.ends).then_some(Slot {
            counts_from: now,
            lag: Duration::ZERO,
        });
    };
    // What was not sent when the last timeout could have passed is never sent, and counted so.
    if now > plan.ends + plan.request_timeout {
        return None;
    }
    let idx = plan.next.fetch_add(1, Ordering::Relaxed);
    if idx >= n_planned {
        return None;
    }
    let intended = plan.started + Duration::from_secs_f64(idx as f64 / rate);
    let is_idle = now < intended;
    if is_idle {
        sleep_until(intended).await;
    }
    let now = Instant::now();
    let lag = now.saturating_duration_since(intended);
    let is_timer = is_idle && lag <= TIMER_GRAIN;
    Some(Slot {
        counts_from: if is_timer { now } else { intended },
        lag,
    })
}
