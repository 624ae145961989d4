//! Runs probes again and again, spread by a seed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tollgate_stats::Rng;

use crate::context::Context;
use crate::micros::micros;
use crate::result::ProbeResult;
use crate::run::run_probe;
use crate::settings::Probe;

/// How probes are spread and bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Seed of the jitter.
    pub seed: u64,
    /// Probes that run at the same moment, at most; at least 1.
    pub concurrency: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            seed: 0,
            concurrency: 8,
        }
    }
}

/// Running schedules. Dropping it stops them at once; [`Scheduler::stop`] lets probes finish.
#[derive(Debug)]
pub struct Scheduler {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Scheduler {
    /// Runs each probe every `every`, and sends each result. A probe that takes longer than its
    /// interval skips the times it missed. When the receiver is gone, the schedules end.
    #[must_use]
    pub fn start(
        probes: Vec<Probe>,
        cx: Arc<Context>,
        pace: Pace,
        results: mpsc::Sender<ProbeResult>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let permits = Arc::new(Semaphore::new(pace.concurrency.max(1)));
        let mut tasks = JoinSet::new();
        for (idx, probe) in probes.into_iter().enumerate() {
            let rng = Rng::new(pace.seed ^ (idx as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let (cx, results) = (Arc::clone(&cx), results.clone());
            tasks.spawn(repeat(
                probe,
                cx,
                rng,
                Arc::clone(&permits),
                results,
                stopped.clone(),
            ));
        }
        Self { stop, tasks }
    }

    /// Starts no probe any more, and waits for those that run: clean-ups are not cut off.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn repeat(
    probe: Probe,
    cx: Arc<Context>,
    mut rng: Rng,
    permits: Arc<Semaphore>,
    results: mpsc::Sender<ProbeResult>,
    mut stopped: watch::Receiver<bool>,
) {
    let started = Instant::now();
    let mut tick = 0;
    loop {
        let due = started + delay(&mut rng, probe.every.0, tick);
        // Stopping drops a timer or a wait for a permit, never a running probe.
        let permit = tokio::select! {
            biased;
            _ = stopped.wait_for(|is_stopped| *is_stopped) => return,
            () = results.closed() => return,
            permit = async { sleep_until(due).await; permits.acquire().await } => permit,
        };
        let result = run_probe(&probe, &cx).await;
        drop(permit);
        tokio::select! {
            biased;
            sent = results.send(result) => if sent.is_err() { return },
            // A receiver that takes nothing any more must not hold up the stop.
            _ = stopped.wait_for(|is_stopped| *is_stopped) => return,
        }
        let n_passed = started.elapsed().as_nanos() / probe.every.0.as_nanos().max(1);
        tick = u32::try_from(n_passed)
            .unwrap_or(u32::MAX)
            .max(tick)
            .saturating_add(1);
    }
}

/// Tick n comes n intervals after the start plus up to a tenth of an interval.
fn delay(rng: &mut Rng, every: Duration, tick: u32) -> Duration {
    let tenth = micros(every / 10).max(1);
    every
        .saturating_mul(tick)
        .saturating_add(Duration::from_micros(rng.below_u64(tenth)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Check, CommandCheck};

    fn probe(every: Duration) -> Probe {
        // An unknown program ends in `error` at once, without I/O that paused time can't see.
        let check = CommandCheck {
            program: "/nonexistent/tollgate-probe".to_owned(),
            ..CommandCheck::default()
        };
        let mut probe = Probe::new("p", Check::Command(check));
        probe.every.0 = every;
        probe
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_runs_once_in_each_interval_and_stops_when_told() {
        let (sender, mut results) = mpsc::channel(16);
        let started = Instant::now();
        let every = Duration::from_secs(30);
        let cx = Arc::new(Context::new("http://127.0.0.1:9"));
        let scheduler = Scheduler::start(vec![probe(every)], cx, Pace::default(), sender);
        for tick in 0..5 {
            results.recv().await.unwrap();
            let elapsed = started.elapsed();
            assert!(
                elapsed >= every * tick
                    && elapsed <= every * tick + every / 10 + Duration::from_millis(1)
            );
        }
        scheduler.stop().await;
        assert!(results.recv().await.is_none());
    }
}
