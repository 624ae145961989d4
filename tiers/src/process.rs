//! Runs one command: its output goes to a log file and line by line to the caller, and processes
//! that it leaves running are reported.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tollgate_process::{FAMILY_ENV, Family, LeftBehind, follow};

pub use tollgate_process::End;

/// How long a process gets between the polite and the hard signal.
/// nextest puts each test in a group of its own and needs the polite one to stop them.
const GRACE: Duration = Duration::from_millis(1_500);
/// How long processes that are still there after a step get to end.
const LEFT_PATIENCE: Duration = Duration::from_secs(3);

/// A command to run.
#[derive(Debug, Clone)]
pub struct Spawn {
    /// Program and arguments; not empty.
    pub argv: Vec<String>,
    /// Working folder.
    pub folder: PathBuf,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran<S> {
    /// How it ended.
    pub end: End<S>,
    /// Processes that it started and that still run, such as daemons. They are not stopped.
    pub left_behind: Vec<LeftBehind>,
}

/// Runs a command to its end. Its output goes to `log` and line by line to `on_line`;
/// `should_stop` is called some 50 times a second.
pub fn run<S>(
    spawn: &Spawn,
    log: &Path,
    mut on_line: impl FnMut(&str),
    should_stop: impl Fn() -> Option<S>,
) -> io::Result<Ran<S>> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut output = Output {
        log: File::create(log)?,
        line: Vec::new(),
    };
    let family = Family::new();
    let mut command = Command::new(&spawn.argv[0]);
    command
        .args(&spawn.argv[1..])
        .current_dir(&spawn.folder)
        .env_clear()
        .envs(&spawn.env)
        .env(FAMILY_ENV, family.variable());
    let end = follow(
        command,
        GRACE,
        |bytes| output.take(bytes, &mut on_line),
        should_stop,
    );
    output.finish(&mut on_line)?;
    Ok(Ran {
        end: end?,
        // Where the system does not show environments, nothing is reported.
        left_behind: family.left_after(LEFT_PATIENCE).unwrap_or_default(),
    })
}

/// The log, and the line that is not complete yet.
struct Output {
    log: File,
    line: Vec<u8>,
}

impl Output {
    fn take(&mut self, bytes: &[u8], on_line: &mut impl FnMut(&str)) -> io::Result<()> {
        self.log.write_all(bytes)?;
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                on_line(String::from_utf8_lossy(&self.line).trim_end());
                self.line.clear();
            }
        }
        Ok(())
    }

    fn finish(mut self, on_line: &mut impl FnMut(&str)) -> io::Result<()> {
        if !self.line.is_empty() {
            on_line(String::from_utf8_lossy(&self.line).trim_end());
        }
        self.log.flush()
    }
}
