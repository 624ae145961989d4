//! The folder of one snapshot, which one run holds at a time.
//!
//! The lock is inherited by all that a run starts. When a run is killed and something that it
//! started still writes, the folder stays locked, and the next run takes another one.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tollgate_process::{ProcessId, share_with_children};

use crate::staged_error::{StagedError, io_error, make_folder};

/// Time between two tries to lock a folder.
const PAUSE: Duration = Duration::from_millis(20);
/// Tries after which what a killed run left is no longer waited for: 3 s. The guardian of a killed
/// run ends its groups within 2 s.
const TRIES_MAX: u32 = 150;

/// A folder that this run holds until the value is dropped and all that it started has ended.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The folder.
    pub folder: PathBuf,
    _lock: File,
}

/// Takes a folder below `parent`. Waits while another run holds the first one; passes over those
/// that are held by what a killed run left.
pub(crate) fn take(parent: &Path) -> Result<Slot, StagedError> {
    let mut n = 1;
    loop {
        let folder = parent.join(n.to_string());
        make_folder(&folder)?;
        if let Some(slot) = take_one(folder)? {
            return Ok(slot);
        }
        n += 1;
    }
}

fn take_one(folder: PathBuf) -> Result<Option<Slot>, StagedError> {
    let path = folder.join("lock");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(io_error("open", &path))?;
    let abandoned = folder.join("abandoned");
    let mut n_tries = 0;
    while file.try_lock().is_err() {
        // What an earlier run of this very process left is not waited for without end.
        let other = owner(&mut file).filter(|owner| owner.pid != std::process::id());
        if other.is_some_and(|owner| owner.is_running()) {
            n_tries = 0;
        } else if abandoned.exists() {
            return Ok(None);
        } else if n_tries == TRIES_MAX {
            // The next run need not wait again.
            File::create(&abandoned).map_err(io_error("write", &abandoned))?;
            return Ok(None);
        }
        n_tries += 1;
        thread::sleep(PAUSE);
    }
    if abandoned.exists() {
        fs::remove_file(&abandoned).map_err(io_error("remove", &abandoned))?;
    }
    write_owner(&mut file).map_err(io_error("write", &path))?;
    share_with_children(&file).map_err(io_error("share", &path))?;
    Ok(Some(Slot {
        folder,
        _lock: file,
    }))
}

fn owner(file: &mut File) -> Option<ProcessId> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write_owner(file: &mut File) -> std::io::Result<()> {
    let owner = ProcessId::of(std::process::id());
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(serde_json::to_string(&owner)?.as_bytes())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn what_a_killed_run_left_keeps_its_folder_and_the_next_run_takes_another() {
        let parent = tempfile::tempdir().unwrap();
        let slot = take(parent.path()).unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        // As if this run had been killed: its lock is closed, and its owner no longer runs.
        let dead = r#"{"pid":1,"start_ticks":1}"#;
        fs::write(slot.folder.join("lock"), dead).unwrap();
        fs::write(slot.folder.join("abandoned"), "").unwrap();
        let first = slot.folder.clone();
        drop(slot);
        let second = take(parent.path()).unwrap();
        assert_ne!(second.folder, first);
        drop(child.stdin.take());
        child.wait().unwrap();
        let mut n_tries = 0;
        // Another test's child may hold it until it starts its own program.
        let third = loop {
            let slot = take(parent.path()).unwrap();
            if slot.folder == first || n_tries > 100 {
                break slot;
            }
            n_tries += 1;
        };
        assert_eq!(third.folder, first, "it is free again");
    }
}
