//! Why an append-only log could not be read or written; each text names the file.

use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::WriteError;

/// A log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AppendLogError {
    /// A file operation failed.
    #[error("cannot {operation} `{path}`")]
    Io {
        /// What was tried, such as `open` or `append to`.
        operation: &'static str,
        /// The log.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// Another process holds the log.
    #[error("cannot open `{path}`: another process uses it")]
    Busy {
        /// The log.
        path: PathBuf,
    },
    /// A line is not a valid record.
    #[error("cannot read line {line} of `{path}`")]
    Malformed {
        /// The log.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A stored line is longer than lines of this log can be.
    #[error("cannot read line {line} of `{path}`: it is longer than {n_bytes_max} bytes")]
    LongLine {
        /// The log.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Longest line, without its line feed.
        n_bytes_max: usize,
    },
    /// A new line is longer than lines of this log can be.
    #[error(
        "cannot append a line of {n_bytes} bytes to `{path}`: the limit is {n_bytes_max} bytes"
    )]
    TooLong {
        /// The log.
        path: PathBuf,
        /// Size of the line.
        n_bytes: usize,
        /// Longest line, without its line feed.
        n_bytes_max: usize,
    },
    /// A new line has a line feed in it.
    #[error("cannot append to `{path}`: the line contains a line feed")]
    LineFeed {
        /// The log.
        path: PathBuf,
    },
    /// An earlier write failed halfway and could not be undone.
    #[error(
        "cannot append to `{path}`: an earlier write failed and could not be undone\n\nhint: start the program again, which cuts off the torn line"
    )]
    Damaged {
        /// The log.
        path: PathBuf,
    },
    /// The log could not be replaced; the old one stays.
    #[error(transparent)]
    Replace(WriteError),
}

pub(super) fn failed(
    operation: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> AppendLogError + use<> {
    let path = path.to_owned();
    move |source| AppendLogError::Io {
        operation,
        path,
        source,
    }
}
