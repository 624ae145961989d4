//! Files are replaced whole or not at all. The one place that replaces a file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file could not be replaced; the old content is untouched.
#[derive(Debug, thiserror::Error)]
#[error("{operation} `{path}`")]
pub struct WriteError {
    /// What was tried: `create folder`, `write`, `sync` or `replace`.
    pub operation: &'static str,
    /// The file that was meant to be written.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

static N_WRITES: AtomicU64 = AtomicU64::new(0);

/// Replaces `path` with `bytes`: written beside it, synced, renamed over it, folder synced.
/// After a crash the file has either its old or its new content. Makes missing folders.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    put(path, bytes, true)
}

/// As [`write_atomic`], for files that a command can make again: a reader sees the old or the new
/// content, but nothing waits for the disk, so after a power cut the file may have to be made
/// again.
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
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(fail("create folder for"))?;
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
        // The half-written file is ours; leaving it behind would only confuse.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
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
