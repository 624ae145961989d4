//! Which process a process id means: the id together with the start time, because the system uses
//! ids again.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::group::{Force, signal_group, signal_process};
use crate::table::{Entry, descendants, entry, proportional_bytes, table};

/// What some processes use together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Memory in bytes; pages that several share count once, where the system reports it.
    pub memory_bytes: u64,
    /// CPU time since they started.
    pub cpu: Duration,
}

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

    /// This process and all that it started and that is still found: its descendants, and the
    /// processes of the group that it leads or led. Workers outlive a parent that was killed. The
    /// calling process is never one of them, so that it can't end itself.
    #[must_use]
    pub fn members(&self) -> Vec<Entry> {
        let table = table().unwrap_or_default();
        let family = if self.is_running() {
            descendants(&table, self.pid)
        } else {
            BTreeSet::new()
        };
        // A group keeps its id while it has processes, so younger ones are of this very group.
        let is_ours = |entry: &Entry| {
            family.contains(&entry.pid)
                || (entry.group == self.pid && entry.start_ticks >= self.start_ticks)
        };
        table
            .into_iter()
            .filter(|entry| !entry.is_zombie && entry.pid != std::process::id() && is_ours(entry))
            .collect()
    }

    /// What [`ProcessId::members`] use together; absent when none runs.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        let members = self.members();
        (!members.is_empty()).then(|| Usage {
            memory_bytes: members.iter().map(proportional_bytes).sum(),
            cpu: members.iter().map(|entry| entry.used).sum(),
        })
    }

    /// Signals all of [`ProcessId::members`].
    pub fn signal_members(&self, force: Force) {
        let members = self.members();
        if members.iter().any(|entry| entry.group == self.pid) {
            signal_group(self.pid, force);
        }
        for entry in members.iter().filter(|entry| entry.group != self.pid) {
            signal_process(entry.pid, force);
        }
    }

    /// Signals the group that this process leads, if it still runs.
    pub fn signal_group(&self, force: Force) {
        if self.is_running() {
            signal_group(self.pid, force);
        }
    }
}
