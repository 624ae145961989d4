//! Why a snapshot of what is staged could not be made, and the file operations that report it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tollgate_report::atomic::WriteError;

use crate::git::GitError;

/// The snapshot could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StagedError {
    /// The root is not in a git repository.
    #[error("cannot find what is staged: `{root}` is not in a git repository")]
    NoRepository {
        /// The folder.
        root: PathBuf,
        /// What git said.
        #[source]
        source: GitError,
    },
    /// The index has conflicts.
    #[error(
        "cannot read what is staged\n\nhint: if a merge is in progress, resolve its conflicts and `git add` the files"
    )]
    Index(#[source] GitError),
    /// git could not fill the snapshot.
    #[error("cannot fill the snapshot `{folder}`")]
    Fill {
        /// The snapshot's folder.
        folder: PathBuf,
        /// What git said.
        #[source]
        source: GitError,
    },
    /// A submodule's commit is not there.
    #[error(
        "cannot check out the staged commit of the submodule `{path}`\n\nhint: git submodule update --init {path}"
    )]
    Submodule {
        /// The submodule.
        path: String,
        /// What git said.
        #[source]
        source: Box<StagedError>,
    },
    /// What a step rewrote could not be compared or staged.
    #[error("cannot compare or stage what a step rewrote")]
    Rewritten(#[source] GitError),
    /// A file of the snapshot could not be handled.
    #[error("cannot {operation} `{path}`")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file could not be replaced.
    #[error("cannot write a file of the snapshot")]
    Write(#[from] WriteError),
}

pub(crate) fn io_error(
    operation: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> StagedError {
    let path = path.to_owned();
    move |source| StagedError::Io {
        operation,
        path,
        source,
    }
}

pub(crate) fn make_folder(path: &Path) -> Result<(), StagedError> {
    fs::create_dir_all(path).map_err(io_error("make the folder", path))
}

/// Removes a file, such as a lock of git that a killed run left; our own lock excludes other runs.
pub(crate) fn remove(path: &Path) -> Result<(), StagedError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", path)(source))
        }
        _ => Ok(()),
    }
}
