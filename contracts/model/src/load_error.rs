//! Why a contract could not be loaded.

use crate::source_error::SourceError;

/// Why a contract could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file can't be read.
    #[error("cannot read `{file}`; check that the file exists and is readable")]
    Read {
        /// The file, as given.
        file: String,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// The file is larger than we read.
    #[error(
        "cannot read `{file}`: it has {size_bytes} bytes, and the limit is {max_bytes}; split the file"
    )]
    TooLarge {
        /// The file, as given.
        file: String,
        /// Its size.
        size_bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The bytes are not text.
    #[error(
        "cannot read `{file}:{line}:{column}`: the byte at offset {offset} is not {encoding}; save the file as UTF-8"
    )]
    NotText {
        /// The file, as given.
        file: String,
        /// The line of the first wrong byte, from 1.
        line: u32,
        /// Its column in characters, from 1.
        column: u32,
        /// How many bytes are before it.
        offset: usize,
        /// The encoding that the file seems to have.
        encoding: &'static str,
    },
    /// The text is not JSON or YAML.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The document is not of a kind that we support.
    #[error("cannot read `{file}` as a contract: the document is {found}; {hint}")]
    UnknownKind {
        /// The file, as given.
        file: String,
        /// What the document is instead.
        found: String,
        /// What to do.
        hint: &'static str,
    },
}
