//! The journal: each change is one line, written and synced before anybody acts on it.
//!
//! `{"version":1,"sum":"<8 digits>","change":{…}}` and a line feed. A last line whose sum does not
//! match its content was never acknowledged and is cut off. One process at a time has the journal
//! open.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tollgate_report::append_log::{self, AppendLog, Line, Lines, Lock, LogKind, has_end};
use tollgate_report::{AppendLogError, Digest};

use crate::change::{Change, State};

/// Version of a line's form.
pub const LINE_VERSION: u32 = 1;
/// The journal is compacted when it has grown to this size and to four times its last compact size.
const COMPACT_BYTES: u64 = 4 << 20;

const KIND: LogKind = LogKind {
    lock: Lock::Hold,
    is_complete: |line| has_end(line) && !matches!(parse_line(line), Err(BadLine::Torn(_))),
    // A compacted journal is a single line.
    line_bytes_max: 1 << 30,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    version: u32,
    sum: String,
}

/// The journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file could not be opened, read or written.
    #[error("the alert journal cannot be used")]
    Log(#[source] AppendLogError),
    /// Another process has it open.
    #[error(
        "cannot open the alert journal `{path}`: another process uses it\n\nhint: stop that process, or set `alerts.journal` to another file"
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A line other than a torn last one cannot be read.
    #[error(
        "cannot read line {line} of the alert journal `{path}`: {why}\n\nhint: make a copy of the file, then delete the line"
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

impl From<AppendLogError> for JournalError {
    fn from(error: AppendLogError) -> Self {
        match error {
            AppendLogError::Busy { path } => Self::Busy { path },
            error => Self::Log(error),
        }
    }
}

/// An open journal, which no other process can open.
#[derive(Debug)]
pub struct Journal {
    log: AppendLog,
    compact_bytes: u64,
}

impl Journal {
    /// Opens or creates the journal and reads the state that it holds. A torn last line is cut off.
    pub fn open(path: &Path) -> Result<(Self, State), JournalError> {
        let log = AppendLog::open(path, KIND)?;
        if log.n_torn_bytes() > 0 {
            tracing::warn!(journal.path = %path.display(), journal.torn_bytes = log.n_torn_bytes(), "cut off a torn last line of the alert journal");
        }
        let state = state_after(path, &log.lines()?)?;
        let journal = Self {
            log,
            compact_bytes: 0,
        };
        Ok((journal, state))
    }

    /// Writes one change and syncs it. When it returns `Ok` the change survives a crash;
    /// when it returns an error the journal is as it was.
    pub fn append(&mut self, change: &Change) -> Result<(), JournalError> {
        Ok(self.log.append(line_of(change).as_bytes())?)
    }

    /// Whether the journal has grown enough to be worth compacting.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.log.n_bytes() >= COMPACT_BYTES.max(4 * self.compact_bytes)
    }

    /// Replaces the journal, atomically, with one line that holds `state`.
    pub fn compact(&mut self, state: &State) -> Result<(), JournalError> {
        self.log.replace([line_of(state)])?;
        self.compact_bytes = self.log.n_bytes();
        Ok(())
    }
}

/// Reads a journal that another process may have open, as for a listing. No file means an empty
/// state.
pub fn read(path: &Path) -> Result<State, JournalError> {
    state_after(path, &append_log::read(path, KIND)?)
}

/// The state after all lines.
fn state_after(path: &Path, lines: &Lines) -> Result<State, JournalError> {
    let mut state = State::default();
    for Line { number, bytes, .. } in lines.iter() {
        match parse_line(bytes) {
            Ok(change) => state.apply(change),
            Err(BadLine::Torn(why) | BadLine::Unknown(why)) => {
                return Err(JournalError::Broken {
                    path: path.to_owned(),
                    line: number,
                    why,
                });
            }
        }
    }
    Ok(state)
}

fn sum_of(change: &str) -> String {
    Digest::of(change).as_str()[..8].to_owned()
}

fn line_of(change: &Change) -> String {
    let change =
        serde_json::to_string(change).expect("a change has string keys and finite numbers");
    let sum = sum_of(&change);
    format!("{{\"version\":{LINE_VERSION},\"sum\":\"{sum}\",\"change\":{change}}}")
}

/// Why a line cannot be read. A torn line was never acknowledged; one of another version was.
enum BadLine {
    Torn(String),
    Unknown(String),
}

fn parse_line(line: &[u8]) -> Result<Change, BadLine> {
    let torn = |why: &str| BadLine::Torn(why.to_owned());
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = std::str::from_utf8(text).map_err(|error| torn(&error.to_string()))?;
    let (head, rest) = text
        .split_once(",\"change\":")
        .ok_or_else(|| torn("it has no `change`"))?;
    let change = rest
        .strip_suffix('}')
        .ok_or_else(|| torn("it does not end with `}`"))?;
    let head: Head =
        serde_json::from_str(&format!("{head}}}")).map_err(|error| torn(&error.to_string()))?;
    if head.sum != sum_of(change) {
        return Err(torn("its sum does not match its content"));
    }
    if head.version != LINE_VERSION {
        let why = format!("version {} is not supported", head.version);
        return Err(BadLine::Unknown(why));
    }
    serde_json::from_str(change).map_err(|error| BadLine::Unknown(error.to_string()))
}
