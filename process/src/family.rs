//! Families: all processes that descend from marked commands, found by an environment variable
//! that they inherit, wherever they are and whoever started them.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::group::{Force, signal_process};
use crate::guardian;
use crate::table::{self, Entry};

/// The environment variable with the marks of all families that a process belongs to, separated by
/// commas, the outermost first.
pub const FAMILY_ENV: &str = "TOLLGATE_FAMILY";

/// A process that outlived the command that it descends from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBehind {
    /// Its id.
    pub pid: u32,
    /// Program and arguments.
    pub command: String,
}

impl fmt::Display for LeftBehind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}: `{}`", self.pid, self.command)
    }
}

/// A mark for commands; all that they start inherits it.
#[derive(Debug)]
pub struct Family {
    mark: String,
    variable: String,
    is_ended_by_us: bool,
}

impl Family {
    /// A new mark, inside the families to which this process belongs itself.
    #[must_use]
    pub fn new() -> Self {
        // Two states are independent random keys.
        let random = || RandomState::new().build_hasher().finish();
        let mark = format!("{:016x}{:016x}", random(), random());
        let outer = std::env::var(FAMILY_ENV).unwrap_or_default();
        let variable = match outer.as_str() {
            "" => mark.clone(),
            outer => format!("{outer},{mark}"),
        };
        Self {
            mark,
            variable,
            is_ended_by_us: false,
        }
    }

    /// A family that ends with this value, and with this process when that ends first, for whatever
    /// cause. The latter only on Linux.
    #[must_use]
    pub fn ending_with_us() -> Self {
        let mut family = Self::new();
        family.is_ended_by_us = true;
        guardian::sweep(&family.mark);
        family
    }

    /// The value of [`FAMILY_ENV`] for commands of this family.
    #[must_use]
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// Marks a command.
    pub fn mark(&self, command: &mut Command) {
        command.env(FAMILY_ENV, &self.variable);
    }

    /// All processes of this family that run now.
    ///
    /// # Errors
    /// Of kind `Unsupported` where the system does not show environments.
    pub fn members(&self) -> io::Result<Vec<LeftBehind>> {
        left_behind(&self.mark)
    }

    /// What is left of this family after `patience` at most, for processes that are about to end.
    ///
    /// # Errors
    /// As [`Family::members`].
    pub fn left_after(&self, patience: Duration) -> io::Result<Vec<LeftBehind>> {
        let started = Instant::now();
        loop {
            let members = self.members()?;
            if members.is_empty() || started.elapsed() >= patience {
                return Ok(members);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills all processes of this family.
    pub fn end(&self) {
        // A member may start another one while it is killed; few rounds find it.
        for _ in 0..5 {
            let members = self.members().unwrap_or_default();
            if members.is_empty() {
                return;
            }
            for member in members {
                signal_process(member.pid, Force::Hard);
            }
        }
    }
}

impl Default for Family {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        if self.is_ended_by_us {
            self.end();
        }
    }
}

/// All processes that carry this mark, ourselves and ended ones not.
///
/// # Errors
/// Of kind `Unsupported` where the system does not show environments.
pub fn left_behind(mark: &str) -> io::Result<Vec<LeftBehind>> {
    let marked = |variables: &str| {
        let values = variables.split(['\0', ' ']).filter_map(|variable| {
            let (name, value) = variable.split_once('=')?;
            (name == FAMILY_ENV).then_some(value)
        });
        values
            .flat_map(|value| value.split(','))
            .any(|part| part == mark)
    };
    let runs = |pid: u32| {
        matches!(
            table::entry(pid),
            Some(Entry {
                is_zombie: false,
                ..
            })
        )
    };
    let mut found: Vec<LeftBehind> = table::with_environment(marked)?
        .into_iter()
        .filter(|(pid, _)| *pid != std::process::id() && runs(*pid))
        .map(|(pid, command)| LeftBehind { pid, command })
        .collect();
    found.sort_by_key(|process| process.pid);
    Ok(found)
}
