//! The dispatcher: joins pipeline, journal, templates and channels, and delivers in the background.
//!
//! The pure parts decide; this shell writes a change to disk before it acts on it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_report::Clock;

use crate::AlertEvent;
use crate::attempt::Sent;
use crate::change::{Change, State};
use crate::channel::{Console, Outgoing, TEMPLATES};
use crate::delivery::{deliver_due, run};
use crate::journal::Journal;
use crate::message::{Templates, sample};
use crate::notification::{id_of, rows_of};
use crate::pipeline::{self, Input, Policy};
use crate::rules::{Sample, observe};
use crate::settings::Settings;
use crate::shared::{Delivery, DispatcherError, Shared};
use crate::silence::Silence;

/// How long `shutdown` delivers what is due.
const SHUTDOWN_BOUND: Duration = Duration::from_secs(15);

/// The program's name in messages, unless the command line sets another.
pub const PROGRAM: &str = "tollgate";

/// What a dispatcher is made of.
pub struct Setup {
    /// The settings.
    pub settings: Settings,
    /// The folder that relative paths of the settings start from.
    pub root: PathBuf,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where console messages go.
    pub console: Console,
    /// The name by which the program was called. Messages name commands with it; [`PROGRAM`] if it
    /// is not known.
    pub program: String,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// Takes events, keeps them, and delivers messages. Give it up with [`Dispatcher::shutdown`].
pub struct Dispatcher {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").finish_non_exhaustive()
    }
}

/// What became of a sample for one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// The receiver's name.
    pub receiver: String,
    /// The id that the receiver saw.
    pub id: String,
    /// How it ended.
    pub sent: Sent,
    /// How long it took.
    pub took: Duration,
}

impl Dispatcher {
    /// Opens journal, receivers and templates; delivers nothing by itself until [`Self::start`].
    pub async fn open(setup: Setup) -> Result<Self, DispatcherError> {
        let shared = tokio::task::spawn_blocking(move || open_shared(setup)).await??;
        let (stop, _) = watch::channel(false);
        Ok(Self {
            shared: Arc::new(shared),
            stop,
            task: None,
        })
    }

    /// Starts the background delivery; messages left over from an earlier run go out first.
    pub fn start(&mut self) {
        if self.task.is_none() {
            let shared = Arc::clone(&self.shared);
            self.task = Some(tokio::spawn(run(shared, self.stop.subscribe())));
        }
    }

    /// Takes an event. When it returns `Ok` the event and its messages are on disk.
    pub async fn notify(&self, event: AlertEvent) -> Result<(), DispatcherError> {
        self.input(Input::Event(Box::new(event))).await
    }

    /// Takes a measured sample through the rules; what they raise is kept as by [`Self::notify`].
    /// Returns how many events were raised.
    pub async fn observe(&self, sample: Sample) -> Result<usize, DispatcherError> {
        let events = {
            let mut core = self.shared.core();
            let states = std::mem::take(&mut core.rule_states);
            let now = self.shared.clock.now();
            let (states, events) = observe(&self.shared.policy.rules, states, &sample, now);
            core.rule_states = states;
            events
        };
        let n_events = events.len();
        for event in events {
            self.notify(event).await?;
        }
        Ok(n_events)
    }

    async fn input(&self, input: Input) -> Result<(), DispatcherError> {
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || {
            let now = shared.clock.now();
            shared.commit(|core| pipeline::step(&core.state, &shared.policy, input, now))
        })
        .await??;
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Delivers what is due now: takes the pipeline to `now`, then sends. Receivers in parallel,
    /// the messages of one receiver in order; after a failure the rest of that receiver waits.
    pub async fn deliver_due(&self) -> Result<Delivery, DispatcherError> {
        deliver_due(&self.shared).await
    }

    /// Sends a sample to each receiver, without limits and outbox, and reports the results.
    pub async fn test_receivers(&self) -> Result<Vec<Tested>, DispatcherError> {
        let now = self.shared.clock.now();
        let notification = sample(&id_of("ntf", &format!("sample {now}")), now);
        let rendered = self.shared.templates.render(&notification, now)?;
        let names: Vec<String> = self.shared.channels.keys().cloned().collect();
        let mut tested = Vec::new();
        for row in rows_of(&notification, &names) {
            let outgoing = Outgoing {
                row: &row,
                rendered: &rendered,
            };
            let started = self.shared.clock.monotonic();
            let sent = self.shared.channels[&row.receiver]
                .send(&outgoing, now)
                .await;
            tested.push(Tested {
                receiver: row.receiver.clone(),
                id: row.id.clone(),
                sent,
                took: self.shared.clock.monotonic().saturating_sub(started),
            });
        }
        Ok(tested)
    }

    /// Keeps a silence until it expires. Returns its id.
    pub async fn silence(&self, silence: Silence) -> Result<String, DispatcherError> {
        if let Some(what) = silence.missing() {
            return Err(DispatcherError::Silence(what));
        }
        let text = serde_json::to_string(&silence).expect("a silence has string keys");
        let id = id_of("sil", &text);
        let change = Change {
            silences: BTreeMap::from([(id.clone(), silence)]),
            ..Change::default()
        };
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || shared.commit(|_| change)).await??;
        self.input(Input::Tick).await?;
        Ok(id)
    }

    /// All alerts, messages and silences as they are now.
    #[must_use]
    pub fn list(&self) -> State {
        self.shared.core().state.clone()
    }

    /// Stops the background task, delivers what is due within 15 s, and leaves the rest in the
    /// outbox for the next start.
    pub async fn shutdown(mut self) -> Result<Delivery, DispatcherError> {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            task.await?;
        }
        // A lost branch drops sends that were under way; their rows stay pending.
        match tokio::time::timeout(SHUTDOWN_BOUND, deliver_due(&self.shared)).await {
            Ok(delivery) => delivery,
            Err(_) => Ok(Delivery::default()),
        }
    }
}

fn open_shared(setup: Setup) -> Result<Shared, DispatcherError> {
    let policy = Policy::new(setup.settings)?;
    let settings = &policy.settings;
    let mut channels = BTreeMap::new();
    for (name, receiver) in &settings.receivers {
        channels.insert(name.clone(), receiver.open(name, &setup.console)?);
    }
    let folder = settings.templates.as_ref();
    let folder = folder.map(|folder| setup.root.join(folder));
    let templates = Templates::load(TEMPLATES, folder.as_deref(), &setup.program)?;
    let (journal, state) = Journal::open(&setup.root.join(&settings.journal))?;
    Ok(Shared::new(
        policy,
        setup.clock,
        channels,
        templates,
        journal,
        state,
    ))
}
