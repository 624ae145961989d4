//! One attempt of a probe, as each kind implements it.

use std::time::Duration;

use crate::context::{Context, Vars};
use crate::result::{Cause, Observation, timed_out};

/// How a kind of probe runs.
pub(crate) trait RunCheck {
    /// The longest time of one attempt, from the probe's `timeout`; absent when the check bounds
    /// itself.
    fn limit(&self, timeout: Duration) -> Option<Duration> {
        Some(timeout)
    }

    /// Looks once. What was seen so far outlives a timeout.
    async fn run(
        &self,
        cx: &Context,
        vars: &mut Vars,
        seen: &mut Observation,
        timeout: Duration,
    ) -> Result<(), Cause>;

    /// Why an attempt that took too long did not pass.
    fn over_time(&self, limit: Duration, seen: &Observation) -> Cause {
        timed_out(WHOLE.to_owned(), limit, seen)
    }
}

/// What a timeout is about.
pub(crate) const WHOLE: &str = "the whole attempt";

/// The cause of a timeout when no phase explains it.
pub(crate) fn no_end(limit: Duration) -> Cause {
    let expected = format!("its end within {limit:?}");
    Cause::target("timeout", WHOLE, expected, "none yet")
}

impl<C: RunCheck> RunCheck for Box<C> {
    fn limit(&self, timeout: Duration) -> Option<Duration> {
        C::limit(self, timeout)
    }

    async fn run(
        &self,
        cx: &Context,
        vars: &mut Vars,
        seen: &mut Observation,
        timeout: Duration,
    ) -> Result<(), Cause> {
        C::run(self, cx, vars, seen, timeout).await
    }

    fn over_time(&self, limit: Duration, seen: &Observation) -> Cause {
        C::over_time(self, limit, seen)
    }
}
