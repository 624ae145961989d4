//! The lines of an append-only log, read without opening it for writing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::error::{AppendLogError, failed};
use super::kind::LogKind;

/// The complete lines of a log, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    path: PathBuf,
    bytes: Vec<u8>,
    torn_line: Option<usize>,
}

/// One line of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    path: &'a Path,
    /// Its number, from 1.
    pub number: usize,
    /// Its content, without the line feed.
    pub bytes: &'a [u8],
}

/// Reads the complete lines of a log, which another process may be writing. A torn last line is
/// left out; a missing file has no lines.
pub fn read(path: &Path, kind: LogKind) -> Result<Lines, AppendLogError> {
    match fs::read(path) {
        Ok(bytes) => Lines::parse(path, bytes, kind),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Lines::parse(path, Vec::new(), kind)
        }
        Err(source) => Err(failed("read", path)(source)),
    }
}

impl Lines {
    /// Splits the content of a log; errors name `path`.
    pub fn parse(path: &Path, mut bytes: Vec<u8>, kind: LogKind) -> Result<Self, AppendLogError> {
        let mut torn_line = None;
        let mut n_complete_bytes = 0;
        for (idx, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let is_last = n_complete_bytes + line.len() == bytes.len();
            if is_last && !(kind.is_complete)(line) {
                torn_line = Some(idx + 1);
                break;
            }
            if line.len() > kind.line_bytes_max + 1 {
                return Err(AppendLogError::LongLine {
                    path: path.to_owned(),
                    line: idx + 1,
                    n_bytes_max: kind.line_bytes_max,
                });
            }
            n_complete_bytes += line.len();
        }
        bytes.truncate(n_complete_bytes);
        Ok(Self {
            path: path.to_owned(),
            bytes,
            torn_line,
        })
    }

    /// The number of the torn last line that is left out, if there is one.
    #[must_use]
    pub fn torn_line(&self) -> Option<usize> {
        self.torn_line
    }

    /// The lines in order.
    pub fn iter(&self) -> impl Iterator<Item = Line<'_>> {
        let lines = self.bytes.split_inclusive(|byte| *byte == b'\n');
        lines.enumerate().map(|(idx, line)| Line {
            path: &self.path,
            number: idx + 1,
            bytes: line.strip_suffix(b"\n").unwrap_or(line),
        })
    }
}

impl Line<'_> {
    /// The line as a JSON record.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, AppendLogError> {
        serde_json::from_slice(self.bytes).map_err(|source| AppendLogError::Malformed {
            path: self.path.to_owned(),
            line: self.number,
            source,
        })
    }
}
