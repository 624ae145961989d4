//! Processes that a test started, by their ids: whether they live, and an end for each.

use std::fs;
use std::process::{Child, Command};
use std::time::Duration;

use crate::wait::until;

/// Whether a process runs; one that ended and was not yet collected does not.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        // The state follows the name, which is in brackets and may hold anything.
        Ok(stat) => stat
            .rsplit_once(')')
            .is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X'])),
        Err(_) => false,
    }
}

/// Ends a process at once, as a crash would.
pub fn kill(pid: u32) {
    // One that is gone already is what was asked for.
    let _ = Command::new("kill")
        .args(["-9", &pid.to_string()])
        .stderr(std::process::Stdio::null())
        .status();
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

/// Processes whose environment or arguments name this folder: whatever a run in it left behind.
#[must_use]
pub fn naming(folder: &std::path::Path) -> Vec<u32> {
    let name = folder.display().to_string();
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let works_in = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
            *pid != std::process::id()
                && is_alive(*pid)
                && (String::from_utf8_lossy(&command).contains(&name)
                    || works_in.starts_with(folder))
        })
        .collect()
}

/// A child that ends with the test, whatever the test's outcome.
#[derive(Debug)]
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
