//! Runs one probe, or several at once. Nothing is kept from one run to the next.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::attempt::RunCheck;
use crate::context::{Context, Vars};
use crate::micros::micros;
use crate::result::{Attempt, Blame, Cause, Observation, ProbeResult, RESULT_VERSION, State};
use crate::settings::{Check, Probe};

/// Runs a probe: at most `1 + retries` attempts, each bounded by its timeout, all of them in the
/// result. Only a fail is repeated. No secret is in the result.
pub async fn run_probe(probe: &Probe, cx: &Context) -> ProbeResult {
    let at = cx.clock().now();
    let mut attempts = Vec::new();
    loop {
        let (attempt, seen) = run_attempt(probe, cx).await;
        let state = attempt.state;
        attempts.push(attempt.clone());
        if state == State::Fail && attempts.len() <= probe.retries as usize {
            continue;
        }
        return ProbeResult {
            version: RESULT_VERSION,
            name: probe.name.clone(),
            kind: probe.check.kind(),
            state,
            at,
            duration_us: attempt.duration_us,
            phases_us: seen.phases_us,
            measurements: seen.measurements,
            steps: seen.steps,
            load: seen.load,
            failure: attempt.failure,
            attempts,
        };
    }
}

/// Runs probes, at most `concurrency` (at least 1) at a time; results in the order of the probes.
pub async fn run_all(probes: &[Probe], cx: &Arc<Context>, concurrency: usize) -> Vec<ProbeResult> {
    let permits = Arc::new(Semaphore::new(concurrency.max(1)));
    let mut running = JoinSet::new();
    for (idx, probe) in probes.iter().cloned().enumerate() {
        let (permits, cx) = (Arc::clone(&permits), Arc::clone(cx));
        running.spawn(async move {
            let _permit = permits
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            (idx, run_probe(&probe, &cx).await)
        });
    }
    let mut results = Vec::with_capacity(probes.len());
    while let Some(joined) = running.join_next().await {
        results.push(joined.expect("a probe neither panics nor is it aborted while it is awaited"));
    }
    results.sort_by_key(|(idx, _)| *idx);
    results.into_iter().map(|(_, result)| result).collect()
}

async fn run_attempt(probe: &Probe, cx: &Context) -> (Attempt, Observation) {
    let started = Instant::now();
    let mut seen = Observation::default();
    let mut vars = Vars::default();
    let outcome = match cx.vars_for(probe) {
        Ok(filled) => {
            vars = filled;
            run_check(probe, cx, &mut vars, &mut seen).await
        }
        Err(cause) => Err(cause),
    };
    let duration = started.elapsed();
    let (state, failure) = match outcome {
        Ok(()) => {
            let judged = seen.judged.unwrap_or(duration);
            let is_slow = probe.target.is_some_and(|target| judged > target.0);
            (
                if is_slow {
                    State::Degraded
                } else {
                    State::Pass
                },
                None,
            )
        }
        Err(cause) => {
            let state = match cause.blame {
                Blame::Target => State::Fail,
                Blame::Prober => State::Error,
            };
            (state, Some(vars.redact_cause(cause)))
        }
    };
    let attempt = Attempt {
        state,
        duration_us: micros(duration),
        failure,
    };
    (attempt, redact(seen, &vars))
}

fn redact(mut seen: Observation, vars: &Vars) -> Observation {
    seen.measurements = seen
        .measurements
        .into_iter()
        .map(|(name, value)| (vars.redact(&name), value))
        .collect();
    seen
}

async fn run_check(
    probe: &Probe,
    cx: &Context,
    vars: &mut Vars,
    seen: &mut Observation,
) -> Result<(), Cause> {
    macro_rules! dispatch {
        ($($(#[$doc:meta])* $kind:ident $word:ident $check:ty,)*) => {
            match &probe.check {
                $(Check::$kind(check) => run_within(check, cx, vars, seen, probe.timeout.0).await,)*
            }
        };
    }
    probe_kinds!(dispatch)
}

async fn run_within(
    check: &impl RunCheck,
    cx: &Context,
    vars: &mut Vars,
    seen: &mut Observation,
    probe_timeout: Duration,
) -> Result<(), Cause> {
    let Some(limit) = check.limit(probe_timeout) else {
        return check.run(cx, vars, seen, probe_timeout).await;
    };
    let outcome = timeout(limit, check.run(cx, vars, seen, probe_timeout)).await;
    outcome.unwrap_or_else(|_| Err(check.over_time(limit, seen)))
}
