//! Journeys: requests in order that pass values on; the clean-up always runs.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::attempt::RunCheck;
use crate::context::{Context, UNKNOWN_VARIABLE, Vars};
use crate::http;
use crate::micros::micros;
use crate::result::{Blame, Cause, Observation, State, StepResult, timed_out};
use crate::settings::{HttpCheck, JourneyCheck};
impl RunCheck for JourneyCheck {
    /// The steps are bounded one by one: the clean-up must run after a timeout, too.
    fn limit(&self, _timeout: Duration) -> Option<Duration> {
        None
    }

    async fn run(
        &self,
        cx: &Context,
        vars: &mut Vars,
        seen: &mut Observation,
        timeout: Duration,
    ) -> Result<(), Cause> {
        run(self, cx, vars, seen, timeout).await
    }
}

/// Runs the steps within `limit`, then the clean-up, each of its steps within `limit` again.
/// The cause of a failed step comes before that of a failed clean-up.
async fn run(
    check: &JourneyCheck,
    cx: &Context,
    vars: &mut Vars,
    seen: &mut Observation,
    limit: Duration,
) -> Result<(), Cause> {
    let started = Instant::now();
    let mut outcome = Ok(());
    for step in &check.steps {
        let left = limit.saturating_sub(started.elapsed());
        outcome = run_step(step, cx, vars, seen, Bound { left, whole: limit }, false).await;
        if outcome.is_err() {
            break;
        }
    }
    seen.judged = Some(started.elapsed());
    for step in &check.cleanup {
        let bound = Bound {
            left: limit,
            whole: limit,
        };
        let cleaned = run_step(step, cx, vars, seen, bound, true).await;
        outcome = outcome.and(cleaned);
    }
    outcome
}

struct Bound {
    left: Duration,
    whole: Duration,
}

async fn run_step(
    step: &HttpCheck,
    cx: &Context,
    vars: &mut Vars,
    seen: &mut Observation,
    bound: Bound,
    is_cleanup: bool,
) -> Result<(), Cause> {
    let started = Instant::now();
    let outcome = match timeout(bound.left, http::run(step, cx, vars, seen)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let what = format!("answer of `{} {}`", step.method, step.path);
            Err(timed_out(what, bound.whole, seen))
        }
    };
    let is_skipped = is_cleanup && matches!(&outcome, Err(cause) if cause.code == UNKNOWN_VARIABLE);
    let (state, failure) = match &outcome {
        _ if is_skipped => (None, None),
        Ok(()) => (Some(State::Pass), None),
        Err(cause) => {
            let state = match cause.blame {
                Blame::Target => State::Fail,
                Blame::Prober => State::Error,
            };
            (Some(state), Some(vars.redact_cause(cause.clone())))
        }
    };
    let name = if step.name.is_empty() {
        format!("{} {}", step.method, step.path)
    } else {
        step.name.clone()
    };
    seen.steps.push(StepResult {
        name: name.clone(),
        is_cleanup,
        state,
        duration_us: micros(started.elapsed()),
        failure,
    });
    if is_skipped {
        return Ok(());
    }
    outcome.map_err(|cause| Cause {
        what: format!("step `{name}`: {}", cause.what),
        ..cause
    })
}
