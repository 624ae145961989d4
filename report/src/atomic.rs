//! Replaces a file completely or not at all. No other code replaces files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file could not be replaced; the old content is untouched.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} `{path}`")]
pub struct WriteError {
    /// What was tried: `create the folder of`, `write`, `sync` or `replace`.
    pub operation: &'static str,
    /// The file that was meant to be written.
    pub path: PathBuf,
    /// The error of the system.
    #[source]
    pub source: io::Error,
}

static N_WRITES: AtomicU64 = AtomicU64::new(0);

/// Replaces `path` with `bytes`: writes a file next to it, syncs it, renames it over `path` and
/// syncs the folder. After a crash the file has either its old or its new content. Creates missing
/// folders.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    put(path, bytes, true)
}

/// As [`write_atomic`], for files that a command can create again: a reader gets the old or the new
/// content, but nothing waits for the disk, so the file may be damaged after a power cut.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    put(path, bytes, false)
}

fn put(path: &Path, bytes: &[u8], is_synced: bool) -> Result<(), WriteError> {
    let fail = |operation| {
        move |source| WriteError {
            operation,
            path: path.to_owned(),
            source,
        }
    };
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(fail("create the folder of"))?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let unique = N_WRITES.fetch_add(1, Ordering::Relaxed);
    let beside = folder.join(format!(".{name}.{}.{unique}.tmp", process::id()));
    let written = (|| {
        let mut file = File::create(&beside).map_err(fail("write"))?;
        file.write_all(bytes).map_err(fail("write"))?;
        if is_synced {
            file.sync_all().map_err(fail("sync"))?;
        }
        if let Ok(metadata) = fs::metadata(path) {
            file.set_permissions(metadata.permissions())
                .map_err(fail("keep the permissions of"))?;
        }
        fs::rename(&beside, path).map_err(fail("replace"))?;
        if is_synced {
            sync_folder(folder).map_err(fail("sync the folder of"))?;
        }
        Ok(())
    })();
    if written.is_err() {
        // Nobody else needs the unfinished file.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// The folder of a file.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Waits until the names in a folder are on disk.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Does nothing: this system keeps names with the files.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_cannot_be_done_keeps_the_old_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("floor.json");
        write_atomic(&path, b"old").unwrap();
        fs::create_dir(folder.path().join("taken")).unwrap();
        let error = write_atomic(&folder.path().join("taken"), b"new").unwrap_err();
        assert_eq!(error.operation, "replace");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        let names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 2, "no temporary file stays behind: {names:?}");
    }
}
