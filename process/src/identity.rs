//! Which process a process id means: the id together with the start time, because the system uses
//! ids again.

use serde::{Deserialize, Serialize};

use crate::group::{Force, signal_group};
use crate::table::entry;

/// One process of this machine, told apart from a later one with the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessId {
    /// Process id, which is also the id of its group when it was started by [`crate::Running`].
    pub pid: u32,
    /// Start time: ticks since boot on Linux, the date as a number where `ps` is read; absent
    /// where the system does not provide it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ticks: Option<u64>,
}

impl ProcessId {
    /// The process that has this id now.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        let start_ticks = entry(pid).and_then(|entry| entry.start_ticks);
        Self { pid, start_ticks }
    }

    /// Whether this very process still runs. One that ended and was not waited for does not.
    #[must_use]
    pub fn is_running(&self) -> bool {
        entry(self.pid).is_some_and(|entry| {
            !entry.is_zombie
                && (self.start_ticks.is_none() || entry.start_ticks == self.start_ticks)
        })
    }

    /// Its resident memory in bytes; absent when it is gone or the system does not provide it.
    #[must_use]
    pub fn resident_bytes(&self) -> Option<u64> {
        let entry = entry(self.pid).filter(|entry| !entry.is_zombie)?;
        (self.start_ticks.is_none() || entry.start_ticks == self.start_ticks)
            .then_some(entry.resident_bytes)
    }

    /// Signals the group that this process leads, if it still runs.
    pub fn signal_group(&self, force: Force) {
        if self.is_running() {
            signal_group(self.pid, force);
        }
    }
}
