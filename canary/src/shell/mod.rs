//! The thin shell: carries events to the controller, and its actions to the traffic provider, the
//! deployer and the disk. All decisions are made by the controller.

mod effects;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tollgate_report::{Clock, Timestamp};

use crate::controller::{Candidate, Identity, Notification, Record, State, step};
use crate::deployer::{Deployer, Instance, Pending};
use crate::events::{Event, GateVerdict, Moment, ProcessId};
use crate::numbers::ms;
use crate::persist::{
    EVENTS_VERSION, EventFile, Header, Line, Lock, PersistError, RunFolder, lock,
};
use crate::replay::new_state;
use crate::report::{CanaryReport, report};
use crate::settings::Plan;
use crate::traffic::{Traffic, TrafficError};

/// Memory is sampled every so many ticks, and the state saved every so many.
const N_TICKS_MEMORY: u64 = 5;
const N_TICKS_SAVE: u64 = 25;

/// All that a run needs.
pub struct CanaryContext {
    /// `.tollgate/canary`.
    pub folder: PathBuf,
    /// The run's id, also its folder.
    pub run: String,
    /// The frozen plan.
    pub plan: Plan,
    /// The version that serves.
    pub stable: Identity,
    /// The version on trial.
    pub candidate: Identity,
    /// Starts the candidate.
    pub deployer: Arc<dyn Deployer>,
    /// The running stable version, stopped after a promotion; left alone when absent.
    pub stable_instance: Option<Box<dyn Instance>>,
    /// Splits the traffic between both.
    pub traffic: Arc<dyn Traffic>,
    /// The stable version's process, whose CPU is compared; absent when it is not of this machine.
    pub stable_process: Option<ProcessId>,
    /// The gates that a promotion needs in addition to the analysis.
    pub gates: Option<Arc<dyn Gates>>,
    /// Probe outcomes, approvals and aborts, as events.
    pub inputs: mpsc::Receiver<Event>,
    /// What happens, for the console, the dashboard and the alerts.
    pub progress: mpsc::UnboundedSender<Progress>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How often the traffic is observed; 200 ms is usual.
    pub tick: Duration,
}

/// Judges the closed evidence of a run just before its promotion.
pub trait Gates: Send + Sync {
    /// Ends the live traffic, if any, and returns the verdicts. A promotion needs a pass of each.
    fn judge(&self) -> Pending<'_, Vec<GateVerdict>>;
}

/// What happens during a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A decision was recorded.
    Record(Record),
    /// A message for people. Delivered at least once; the id stays the same.
    Notification(Notification),
    /// The progress of the run, several times a second.
    Status(Box<CanaryReport>),
}

/// A finished run.
#[derive(Debug)]
pub struct Finished {
    /// What was decided, with its numbers.
    pub report: CanaryReport,
    /// The candidate when it was promoted; it serves now.
    pub serving: Option<Box<dyn Instance>>,
    /// The replayable evidence file.
    pub events_path: PathBuf,
}

/// A run had to stop early. Its state is on disk; `resume_canary` continues it.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// The disk.
    #[error("cannot write the canary's record")]
    Persist(#[from] PersistError),
    /// A newer controller is in charge of the proxy.
    #[error("cannot control the canary: {detail}")]
    Fenced {
        /// What the proxy said.
        detail: String,
    },
    /// The proxy did not answer for longer than the plan allows.
    #[error(
        "the traffic could not be observed for {seconds:.0} s\n\nhint: restart the proxy, then run `{{tollgate}} canary resume`"
    )]
    ProxyLost {
        /// How long.
        seconds: f64,
        /// The last answer.
        #[source]
        source: TrafficError,
    },
    /// The traffic provider did not answer.
    #[error("cannot read where the traffic goes before resuming")]
    Proxy(#[from] TrafficError),
}

enum Done {
    Event(Event),
    Ready(Box<dyn Instance>, std::net::SocketAddr),
}

struct Shell {
    cx: CanaryContext,
    state: State,
    lock: Lock,
    folder: RunFolder,
    events: EventFile,
    queue: VecDeque<Event>,
    candidate: Option<Box<dyn Instance>>,
    starting: Option<(JoinHandle<()>, CancellationToken)>,
    done: (mpsc::UnboundedSender<Done>, mpsc::UnboundedReceiver<Done>),
    missing_since: Option<Duration>,
    n_ticks: u64,
}

/// Runs a canary from the start until it is promoted, rolled back, aborted or inconclusive.
pub async fn run_canary(cx: CanaryContext) -> Result<Finished, CanaryError> {
    let lock = lock(&cx.folder)?;
    let folder = RunFolder::new(&cx.folder, &cx.run);
    let header = Header {
        version: EVENTS_VERSION,
        run: cx.run.clone(),
        at: cx.clock.now(),
        epoch: lock.epoch,
        plan: cx.plan.clone(),
        plan_digest: cx.plan.digest(),
        stable: cx.stable.clone(),
        candidate: cx.candidate.clone(),
    };
    if folder.events_path().exists() {
        let path = folder.path().to_owned();
        return Err(PersistError::Exists { path }.into());
    }
    let mut events = folder.events()?;
    let state = new_state(&header, None);
    events.append(&Line::Header(Box::new(header)))?;
    let mut shell = Shell::new(cx, state, lock, (folder, events));
    shell.queue.push_back(Event::Start);
    shell.run().await
}

/// Continues a run whose controller has exited: reads the data plane, compares it with the record,
/// and continues or rolls back. `cx.plan` and the identities are taken from the record, not from `cx`.
pub async fn resume_canary(cx: CanaryContext) -> Result<Finished, CanaryError> {
    let lock = lock(&cx.folder)?;
    let folder = RunFolder::new(&cx.folder, &cx.run);
    let events = folder.events()?;
    let (state, last_at) = restore(&folder)?;
    let seen = cx.traffic.verify(None).await?;
    let down_ms = ms(cx.clock.now().since(last_at));
    let mut candidate = None;
    let mut is_swapped = false;
    match &state.candidate {
        Candidate::Ready { process: id, addr } => {
            candidate = cx.deployer.attach(id);
            is_swapped = seen.stable == Some(*addr);
        }
        // Half-started: stopped here, and started anew by the controller.
        Candidate::Starting { process: id } => stop_orphan(id, &cx).await,
        Candidate::Absent | Candidate::Gone { .. } => {}
    }
    let resumed = Event::Resumed {
        down_ms,
        epoch: lock.epoch,
        is_candidate_alive: candidate.is_some(),
        is_swapped,
        weight: seen.weight,
    };
    let unsent: Vec<Notification> = state
        .outbox
        .iter()
        .filter(|n| !n.is_sent)
        .cloned()
        .collect();
    let mut shell = Shell::new(cx, state, lock, (folder, events));
    shell.candidate = candidate;
    shell.queue.push_back(resumed);
    for notification in unsent {
        shell.hand_over(notification);
    }
    shell.run().await
}

/// The state as of the last whole event: the saved one and the events after it.
fn restore(folder: &RunFolder) -> Result<(State, Timestamp), PersistError> {
    let lines = folder.lines()?;
    let mut state = match folder.load() {
        Ok(state) => state,
        Err(error) => match lines.first() {
            Some(Line::Header(header)) => new_state(header, None),
            _ => return Err(error),
        },
    };
    let mut last_at = state.phase_since;
    for line in lines {
        if let Line::Event { seq, now, event } = line {
            last_at = now.at;
            if seq > state.n_events {
                state = step(state, &event, now).0;
            }
        }
    }
    Ok((state, last_at))
}

async fn stop_orphan(id: &ProcessId, cx: &CanaryContext) {
    if let Some(mut orphan) = cx.deployer.attach(id) {
        orphan
            .stop(Duration::from_millis(cx.plan.stop_within_ms))
            .await;
    }
}

impl Shell {
    fn new(
        cx: CanaryContext,
        state: State,
        lock: Lock,
        (folder, events): (RunFolder, EventFile),
    ) -> Self {
        Self {
            cx,
            state,
            lock,
            folder,
            events,
            queue: VecDeque::new(),
            candidate: None,
            starting: None,
            done: mpsc::unbounded_channel(),
            missing_since: None,
            n_ticks: 0,
        }
    }

    async fn run(mut self) -> Result<Finished, CanaryError> {
        let mut interval = tokio::time::interval(self.cx.tick);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut is_open = true;
        loop {
            while let Some(event) = self.queue.pop_front() {
                self.handle(event).await?;
            }
            if self.state.is_over() {
                break;
            }
            // Each branch only receives: a lost one leaves its message in its queue.
            tokio::select! {
                _ = interval.tick() => self.tick().await?,
                input = self.cx.inputs.recv(), if is_open => match input {
                    Some(event) => self.queue.push_back(event),
                    None => is_open = false,
                },
                Some(done) = self.done.1.recv() => match done {
                    Done::Event(event) => self.queue.push_back(event),
                    Done::Ready(instance, addr) => {
                        self.queue.push_back(Event::CandidateReady { process: instance.id().clone(), addr });
                        self.candidate = Some(instance);
                    }
                },
            }
        }
        self.folder.save(&self.state)?;
        self.events.sync()?;
        Ok(Finished {
            report: report(&self.state),
            serving: self.candidate.take(),
            events_path: self.folder.events_path(),
        })
    }

    /// One event: kept, folded in, its actions done in order.
    async fn handle(&mut self, event: Event) -> Result<(), CanaryError> {
        let now = Moment {
            at: self.cx.clock.now(),
            mono_ms: ms(self.cx.clock.monotonic()),
        };
        self.events.append(&Line::Event {
            seq: self.state.n_events + 1,
            now,
            event: event.clone(),
        })?;
        if let Event::Fenced { detail } = event {
            self.events.sync()?;
            return Err(CanaryError::Fenced { detail });
        }
        let (state, actions) = step(self.state.clone(), &event, now);
        self.state = state;
        for action in actions {
            self.perform(action).await?;
        }
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), CanaryError> {
        self.n_ticks += 1;
        if let Some(abort) = self.folder.take_abort() {
            self.queue.push_back(abort);
        }
        if let Some(approval) = self.folder.take_approval() {
            self.queue.push_back(approval);
        }
        if let Some(candidate) = &mut self.candidate {
            if let Some(detail) = candidate.ended() {
                self.candidate = None;
                self.queue.push_back(Event::CandidateExited { detail });
            } else if self.n_ticks.is_multiple_of(N_TICKS_MEMORY)
                && let Some(usage) = candidate.usage()
            {
                let bytes = usage.memory_bytes;
                self.queue.push_back(Event::Memory { bytes });
                let stable = self.cx.stable_process.as_ref();
                if let Some(stable) = stable.and_then(ProcessId::usage) {
                    self.queue.push_back(Event::Cpu {
                        canary_ms: ms(usage.cpu),
                        stable_ms: ms(stable.cpu),
                    });
                }
            }
        }
        match self.cx.traffic.observe().await {
            Ok(observed) => {
                self.missing_since = None;
                self.queue.push_back(Event::Counts {
                    stable: Box::new(observed.stable),
                    canary: Box::new(observed.canary),
                    weight: observed.weight,
                    lease_expired_at: observed.lease_expired_at,
                    examples: observed.examples,
                });
            }
            Err(source) => {
                let now = self.cx.clock.monotonic();
                let missing = now.saturating_sub(*self.missing_since.get_or_insert(now));
                let detail = source.to_string();
                if ms(missing) > self.state.plan.gone_max_ms {
                    self.folder.save(&self.state)?;
                    return Err(CanaryError::ProxyLost {
                        seconds: missing.as_secs_f64(),
                        source,
                    });
                }
                self.queue.push_back(Event::CountsMissing { detail });
            }
        }
        if self.n_ticks.is_multiple_of(N_TICKS_SAVE) {
            self.folder.save(&self.state)?;
        }
        self.tell(Progress::Status(Box::new(report(&self.state))));
        Ok(())
    }

    fn tell(&self, progress: Progress) {
        // Nobody may be listening any more; the record is on disk all the same.
        let _ = self.cx.progress.send(progress);
    }

    fn hand_over(&mut self, notification: Notification) {
        let id = notification.id.clone();
        // Whoever turns it into an alert has the numbers that led to it.
        self.tell(Progress::Status(Box::new(report(&self.state))));
        self.tell(Progress::Notification(notification));
        self.queue.push_back(Event::Notified { id });
    }
}
