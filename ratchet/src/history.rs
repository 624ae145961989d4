//! Recorded values of past runs: `.tollgate/ratchet-history.ndjson`, append-only, one on each line.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tollgate_report::append_log::{self, AppendLog, Lines, Lock, LogKind, has_end};
use tollgate_report::{AppendLogError, Timestamp};

use crate::measurement::Measurement;
use crate::metric::Unit;

/// Version of a line's form.
pub const HISTORY_VERSION: u32 = 1;

const KIND: LogKind = LogKind {
    // A last line that lacks only its line feed is kept.
    is_complete: |line| has_end(line) || serde_json::from_slice::<HistoryEntry>(line).is_ok(),
    ..LogKind::new(Lock::Wait)
};

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
    /// The branch that it is of; absent in lines of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit that it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
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
            branch: None,
            revision: None,
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

/// The history cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be read or written.
    #[error("the history of the ratchet cannot be used")]
    Log(#[from] AppendLogError),
    /// A line that is not the last is not a record.
    #[error(
        "cannot read the history in `{file}:{line}`: {why}\n\nhint: delete that line; the floors do not depend on it"
    )]
    Form {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

impl History {
    /// Reads the lines. A last line without its line end that is not complete is torn, not an error.
    pub fn parse(text: &str, file: &str) -> Result<Self, HistoryError> {
        Self::of_lines(&Lines::parse(Path::new(file), text.into(), KIND)?, file)
    }

    /// Loads the file; a missing one is an empty history.
    pub fn load(path: &Path) -> Result<Self, HistoryError> {
        Self::of_lines(&append_log::read(path, KIND)?, &path.to_string_lossy())
    }

    fn of_lines(lines: &Lines, file: &str) -> Result<Self, HistoryError> {
        let mut history = Self {
            entries: Vec::new(),
            torn_line: lines.torn_line(),
        };
        for line in lines.iter() {
            if line.bytes.trim_ascii().is_empty() {
                continue;
            }
            let entry = serde_json::from_slice(line.bytes);
            history
                .entries
                .push(entry.map_err(|error| HistoryError::Form {
                    file: file.to_owned(),
                    line: line.number,
                    why: error.to_string(),
                })?);
        }
        Ok(history)
    }

    /// The union of two histories: each value once, oldest first. Commutative and associative.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut entries: Vec<HistoryEntry> =
            self.entries.iter().chain(&other.entries).cloned().collect();
        entries.sort_by(order);
        entries.dedup();
        Self {
            entries,
            torn_line: None,
        }
    }

    /// The file's text, as [`append`] writes it.
    #[must_use]
    pub fn render(&self) -> String {
        let line = |entry| serde_json::to_string(entry).expect("an entry is JSON") + "\n";
        self.entries.iter().map(line).collect()
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

/// By time, then by run, metric, unit and value.
fn order(left: &HistoryEntry, right: &HistoryEntry) -> std::cmp::Ordering {
    let key = |entry: &HistoryEntry| {
        (
            entry.at,
            entry.run.clone(),
            entry.metric.clone(),
            entry.unit.clone(),
        )
    };
    key(left)
        .cmp(&key(right))
        .then(left.value.total_cmp(&right.value))
}

/// Appends entries and syncs them; a torn last line is cut off first. Creates missing folders.
pub fn append(path: &Path, entries: &[HistoryEntry]) -> Result<(), HistoryError> {
    let line = |entry| serde_json::to_vec(entry).expect("an entry is JSON");
    let mut log = AppendLog::open(path, KIND)?;
    Ok(log.append_all(entries.iter().map(line))?)
}
