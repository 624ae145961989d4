//! What the dispatcher and its background task share: the state, its journal, and what they are
//! opened with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, Notify};
use tollgate_report::{Clock, Timestamp};

use crate::change::{Change, State};
use crate::channel::{Channel, ChannelError};
use crate::journal::{Journal, JournalError};
use crate::message::{TemplateError, Templates};
use crate::outbox::{self, Paused};
use crate::pipeline::{self, Policy};
use crate::rules::RuleStates;
use crate::settings::SettingsError;

/// Ended rows and alerts are kept this long in the journal.
const KEEP: Duration = Duration::from_secs(24 * 3_600);
/// Alerts could not be handled.
#[derive(Debug, thiserror::Error)]
pub enum DispatcherError {
    /// The settings contradict themselves.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A receiver cannot be opened.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// A template cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The journal could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A silence lacks something.
    #[error("the silence lacks {0}")]
    Silence(&'static str),
    /// A task of ours ended in a panic.
    #[error("a task that handles alerts ended early")]
    Task(#[from] tokio::task::JoinError),
}

/// What changes while running.
pub(crate) struct Core {
    pub(crate) state: State,
    journal: Journal,
    pub(crate) rule_states: RuleStates,
    pub(crate) paused: Paused,
}

/// What dispatcher and background task share.
pub(crate) struct Shared {
    pub(crate) policy: Policy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) channels: BTreeMap<String, Box<dyn Channel>>,
    pub(crate) templates: Templates,
    core: Mutex<Core>,
    // One delivery at a time, so that no row is sent twice by two callers.
    pub(crate) delivering: AsyncMutex<()>,
    pub(crate) wake: Notify,
}

/// What became of a call of [`Dispatcher::deliver_due`](crate::Dispatcher::deliver_due).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Messages that a receiver took.
    pub n_delivered: usize,
    /// Messages that are tried again later.
    pub n_later: usize,
    /// Messages that were given up.
    pub n_dead: usize,
}

impl Shared {
    pub(crate) fn new(
        policy: Policy,
        clock: Arc<dyn Clock>,
        channels: BTreeMap<String, Box<dyn Channel>>,
        templates: Templates,
        journal: Journal,
        state: State,
    ) -> Self {
        Self {
            policy,
            clock,
            channels,
            templates,
            core: Mutex::new(Core {
                state,
                journal,
                rule_states: RuleStates::new(),
                paused: Paused::new(),
            }),
            delivering: AsyncMutex::new(()),
            wake: Notify::new(),
        }
    }

    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides on a change and keeps it: on disk first, then in memory.
    pub(crate) fn commit(&self, decide: impl FnOnce(&Core) -> Change) -> Result<(), JournalError> {
        let mut core = self.core();
        let change = decide(&core);
        if change.is_empty() {
            return Ok(());
        }
        core.journal.append(&change)?;
        core.state.apply(change);
        if core.journal.is_large() {
            let kept = core.state.compacted(self.clock.now().minus(KEEP));
            core.journal.compact(&kept)?;
            core.state = kept;
        }
        Ok(())
    }

    /// When something is next due; `None` for never.
    pub(crate) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let core = self.core();
        let pipeline = pipeline::next_due(&core.state, &self.policy, now);
        let outbox = outbox::next_due(&core.state, &core.paused);
        pipeline.into_iter().chain(outbox).min()
    }
}
