//! Recorded values of past runs: `.tollgate/ratchet-history.ndjson`, append-only, one a line.
//! It must not judge them.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;

use crate::measure::Measurement;
use crate::metric::Unit;

/// Version of a line's form.
pub const HISTORY_VERSION: u32 = 1;

/// One recorded value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryEntry {
    /// Form of the line.
    pub version: u32,
    /// When it was measured.
    pub at: Timestamp,
    /// Id of the metric.
    pub metric: String,
    /// Unit of the value.
    pub unit: Unit,
    /// The value.
    pub value: f64,
    /// The run that measured it.
    pub run: String,
}

impl HistoryEntry {
    /// The line of a measurement.
    #[must_use]
    pub fn new(measurement: &Measurement, at: Timestamp, run: &str) -> Self {
        Self {
            version: HISTORY_VERSION,
            at,
            metric: measurement.metric.clone(),
            unit: measurement.unit.clone(),
            value: measurement.value,
            run: run.to_owned(),
        }
    }
}

/// Recorded values, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// The values in the order of the file.
    pub entries: Vec<HistoryEntry>,
    /// The line, from 1, of a last line that a crash cut short; it is left out.
    pub torn_line: Option<usize>,
}

/// The history can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file can't be read or written.
    #[error("{operation} the history in `{path}`")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A line that is not the last is not a record.
    #[error(
        "read the history in `{file}:{line}`\n\nhint: delete that line; the floors don't depend on it"
    )]
    Form {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl History {
    /// Reads the lines. A last line without its line end that is not whole is torn, not an error.
    pub fn parse(text: &str, file: &str) -> Result<Self, HistoryError> {
        let mut history = Self::default();
        for (line_idx, line) in text.split_inclusive('\n').enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            match serde_json::from_str(line) {
                Ok(entry) => history.entries.push(entry),
                Err(_) if !line.ends_with('\n') => history.torn_line = Some(line_idx + 1),
                Err(source) => {
                    return Err(HistoryError::Form {
                        file: file.to_owned(),
                        line: line_idx + 1,
                        source,
                    });
                }
            }
        }
        Ok(history)
    }

    /// Loads the file; a missing one is an empty history.
    pub fn load(path: &Path) -> Result<Self, HistoryError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(io_error("read", path)(source)),
        };
        // A torn line may end inside a character.
        Self::parse(&String::from_utf8_lossy(&bytes), &path.to_string_lossy())
    }

    /// The values of one metric in one unit, oldest first.
    #[must_use]
    pub fn values(&self, metric: &str, unit: &Unit) -> Vec<f64> {
        self.entries
            .iter()
            .filter(|entry| {
                entry.metric == metric && entry.unit == *unit && entry.value.is_finite()
            })
            .map(|entry| entry.value)
            .collect()
    }
}

/// Appends lines and syncs them; a torn last line is cut off first. Makes missing folders.
pub fn append(path: &Path, entries: &[HistoryEntry]) -> Result<(), HistoryError> {
    let mut lines = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut lines, entry).expect("an entry is JSON");
        lines.push(b'\n');
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io_error("create the folder of", path))?;
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(io_error("open", path))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(io_error("read", path))?;
    let n_whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    if serde_json::from_slice::<HistoryEntry>(&bytes[n_whole..]).is_ok() {
        // Only the line end is missing: the line itself is whole and is kept.
        lines.insert(0, b'\n');
    } else {
        file.set_len(n_whole as u64)
            .map_err(io_error("mend", path))?;
    }
    file.seek(SeekFrom::End(0))
        .map_err(io_error("append to", path))?;
    file.write_all(&lines)
        .map_err(io_error("append to", path))?;
    file.sync_data().map_err(io_error("sync", path))
}

fn io_error(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> HistoryError {
    let path = path.to_owned();
    move |source| HistoryError::Io {
        operation,
        path,
        source,
    }
}
