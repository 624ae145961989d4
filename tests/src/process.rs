//! Processes that a test started: whether they live, an end for each, and what a run left behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tollgate_process::{Family, Force, ProcessId, signal_process};

pub use tollgate_process::Running;

use crate::wait::until;

/// One family of processes per folder in which a test runs commands. They end with the test, also
/// when it is killed.
static FAMILIES: Mutex<BTreeMap<PathBuf, Family>> = Mutex::new(BTreeMap::new());

/// Marks a command, so that [`left_in`] finds what it leaves behind.
pub fn mark(folder: &Path, command: &mut Command) {
    let mut families = FAMILIES.lock().unwrap_or_else(PoisonError::into_inner);
    families
        .entry(folder.to_owned())
        .or_insert_with(Family::ending_with_us)
        .mark(command);
}

/// The processes that still run of all that was started for this folder, directly or not.
///
/// # Panics
/// When the system does not show environments.
#[must_use]
pub fn left_in(folder: &Path) -> Vec<u32> {
    let families = FAMILIES.lock().unwrap_or_else(PoisonError::into_inner);
    let members = families.get(folder).map(Family::members);
    let members = members.map_or_else(Vec::new, |found| found.expect("environments are shown"));
    members.into_iter().map(|member| member.pid).collect()
}

/// Starts a command for this folder; it ends with the value.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn start(folder: &Path, mut command: Command) -> Running {
    mark(folder, &mut command);
    Running::start(command).unwrap_or_else(|error| panic!("start a process: {error}"))
}

/// Whether a process runs; one that ended and was not yet collected does not.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    ProcessId::of(pid).is_running()
}

/// Ends a process at once, as a crash would.
pub fn kill(pid: u32) {
    signal_process(pid, Force::Hard);
}

/// Waits until none of these processes runs.
///
/// # Panics
/// When one still runs after ten seconds.
#[track_caller]
pub fn expect_gone(pids: &[u32]) {
    until(
        &format!("the end of the processes {pids:?}"),
        Duration::from_secs(10),
        || (!pids.iter().any(|pid| is_alive(*pid))).then_some(()),
    );
}
