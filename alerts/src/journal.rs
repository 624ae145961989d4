//! The journal: each change is one line, written and synced before anybody acts on it.
//!
//! `{"version":1,"sum":"<8 digits>","change":{…}}` and a line feed. A torn last line was never
//! acknowledged and is dropped. One process at a time holds the journal. It must not know what a
//! change means.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tollgate_report::Digest;
use tollgate_report::atomic::{WriteError, write_atomic};

use crate::change::{Change, State};

/// Version of a line's form.
pub const LINE_VERSION: u32 = 1;
/// The journal is compacted when it has grown to this size and to four times its last compact size.
const COMPACT_BYTES: u64 = 4 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    version: u32,
    sum: String,
}

/// The journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file operation failed.
    #[error("{operation} the alert journal `{path}`")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process holds it.
    #[error(
        "open the alert journal `{path}`: another process uses it\n\nhint: stop that process, or name another file with `alerts.journal`"
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A line other than a torn last one cannot be read.
    #[error(
        "read line {line} of the alert journal `{path}`: {why}\n\nhint: keep a copy of the file, then remove the line"
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The journal could not be compacted; the old one stays.
    #[error("compact the alert journal")]
    Compact(#[from] WriteError),
    /// An earlier write failed halfway and could not be undone.
    #[error(
        "write to the alert journal `{path}`: an earlier write failed and could not be undone\n\nhint: start again; the torn line is dropped then"
    )]
    Poisoned {
        /// The file.
        path: PathBuf,
    },
}

/// An open journal, held by this process alone.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    // Held for its lock; the system lets go of it when the process ends, however it ends.
    _lock: File,
    n_bytes: u64,
    compact_bytes: u64,
    is_poisoned: bool,
}

impl Journal {
    /// Opens or makes the journal and reads what it remembers. A torn last line is cut off.
    pub fn open(path: &Path) -> Result<(Self, State), JournalError> {
        let fail = io_error(path);
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder).map_err(|e| fail("make the folder of", e))?;
        }
        let lock_path = path.with_extension("lock");
        let mut options = OpenOptions::new();
        options.create(true).append(true).read(true);
        let lock = options.open(&lock_path).map_err(|e| fail("lock", e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Busy {
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(e)) => return Err(fail("lock", e)),
        }
        let is_new = !path.exists();
        let mut file = options.open(path).map_err(|e| fail("open", e))?;
        if is_new {
            // A new file's name must survive as well as its lines.
            let folder = File::open(folder.unwrap_or(Path::new(".")))
                .map_err(|e| fail("open the folder of", e))?;
            folder
                .sync_all()
                .map_err(|e| fail("sync the folder of", e))?;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|e| fail("read", e))?;
        let (state, n_good) = parse(path, &bytes)?;
        if n_good < bytes.len() {
            tracing::warn!(journal.path = %path.display(), "dropped a torn last line of the alert journal");
            file.set_len(n_good as u64).map_err(|e| fail("cut", e))?;
            file.sync_all().map_err(|e| fail("sync", e))?;
        }
        let journal = Self {
            path: path.to_owned(),
            file,
            _lock: lock,
            n_bytes: n_good as u64,
            compact_bytes: 0,
            is_poisoned: false,
        };
        Ok((journal, state))
    }

    /// Writes one change and syncs it. When it returns `Ok` the change survives a crash;
    /// when it returns an error the journal is as it was.
    pub fn append(&mut self, change: &Change) -> Result<(), JournalError> {
        if self.is_poisoned {
            return Err(JournalError::Poisoned {
                path: self.path.clone(),
            });
        }
        let line = line_of(change);
        let written = self
            .file
            .write_all(&line)
            .and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            let undone = self
                .file
                .set_len(self.n_bytes)
                .and_then(|()| self.file.sync_data());
            self.is_poisoned = undone.is_err();
            return Err(io_error(&self.path)("write", source));
        }
        self.n_bytes += line.len() as u64;
        Ok(())
    }

    /// Whether the journal has grown enough to be worth compacting.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.n_bytes >= COMPACT_BYTES.max(4 * self.compact_bytes)
    }

    /// Replaces the journal, atomically, by one line that holds `state`.
    pub fn compact(&mut self, state: &State) -> Result<(), JournalError> {
        let line = line_of(state);
        write_atomic(&self.path, &line)?;
        let fail = io_error(&self.path);
        let mut file = OpenOptions::new()
            .append(true)
            .open(&self.path)
            .map_err(|e| fail("open", e))?;
        self.n_bytes = file.seek(SeekFrom::End(0)).map_err(|e| fail("open", e))?;
        self.compact_bytes = self.n_bytes;
        self.file = file;
        self.is_poisoned = false;
        Ok(())
    }
}

/// Reads a journal without holding it, as for a listing. No file means an empty state.
pub fn read(path: &Path) -> Result<State, JournalError> {
    match fs::read(path) {
        Ok(bytes) => Ok(parse(path, &bytes)?.0),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(State::default()),
        Err(source) => Err(io_error(path)("read", source)),
    }
}

fn io_error(path: &Path) -> impl Fn(&'static str, io::Error) -> JournalError {
    let path = path.to_owned();
    move |operation, source| JournalError::Io {
        operation,
        path: path.clone(),
        source,
    }
}

fn sum_of(change: &str) -> String {
    Digest::of(change).as_str()[..8].to_owned()
}

fn line_of(change: &Change) -> Vec<u8> {
    let change =
        serde_json::to_string(change).expect("a change has string keys and finite numbers");
    let sum = sum_of(&change);
    format!("{{\"version\":{LINE_VERSION},\"sum\":\"{sum}\",\"change\":{change}}}\n").into_bytes()
}

/// The state after all whole lines, and how many bytes those lines have.
fn parse(path: &Path, bytes: &[u8]) -> Result<(State, usize), JournalError> {
    let mut state = State::default();
    let mut n_good = 0;
    for (idx, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let is_last = n_good + line.len() == bytes.len();
        match parse_line(line) {
            Ok(change) => state.apply(change),
            Err(BadLine::Torn(_)) if is_last => break,
            Err(BadLine::Torn(why) | BadLine::Unknown(why)) => {
                return Err(JournalError::Broken {
                    path: path.to_owned(),
                    line: idx + 1,
                    why,
                });
            }
        }
        n_good += line.len();
    }
    Ok((state, n_good))
}

/// Why a line cannot be read. A torn line was never acknowledged; one of another version was.
enum BadLine {
    Torn(String),
    Unknown(String),
}

fn parse_line(line: &[u8]) -> Result<Change, BadLine> {
    let torn = |why: &str| BadLine::Torn(why.to_owned());
    let text = line
        .strip_suffix(b"\n")
        .ok_or_else(|| torn("it has no end"))?;
    let text = std::str::from_utf8(text).map_err(|error| torn(&error.to_string()))?;
    let (head, rest) = text
        .split_once(",\"change\":")
        .ok_or_else(|| torn("it holds no change"))?;
    let change = rest
        .strip_suffix('}')
        .ok_or_else(|| torn("it has no end"))?;
    let head: Head =
        serde_json::from_str(&format!("{head}}}")).map_err(|error| torn(&error.to_string()))?;
    if head.sum != sum_of(change) {
        return Err(torn("its sum does not fit its content"));
    }
    if head.version != LINE_VERSION {
        let why = format!("version {} is not known here", head.version);
        return Err(BadLine::Unknown(why));
    }
    serde_json::from_str(change).map_err(|error| BadLine::Unknown(error.to_string()))
}
