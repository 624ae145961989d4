//! Append-only logs with one record on each line.
//!
//! A line that [`AppendLog::append`] has acknowledged survives a crash. A crash in the middle of a
//! write leaves a torn last line, which was never acknowledged: the next [`AppendLog::open`] cuts
//! it off and reports its size. The crate that owns a log defines what its lines hold.

mod error;
mod kind;
mod lines;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub use error::AppendLogError;
pub use kind::{LINE_BYTES_MAX, Lock, LogKind, has_end};
pub use lines::{Line, Lines, read};

use crate::atomic::{folder_of, sync_folder, write_atomic};
use error::failed;

/// An open log. Its lock is held until it is dropped.
#[derive(Debug)]
pub struct AppendLog {
    path: PathBuf,
    kind: LogKind,
    file: File,
    // Held for its lock, which the system releases when the process ends, however it ends.
    _lock: Option<File>,
    n_bytes: u64,
    n_torn_bytes: u64,
    is_damaged: bool,
}

impl AppendLog {
    /// Opens the log at `path`, or creates it and its folder. Cuts off a torn last line, and adds
    /// a line feed to a complete last line that lacks only that.
    pub fn open(path: &Path, kind: LogKind) -> Result<Self, AppendLogError> {
        let folder = folder_of(path);
        fs::create_dir_all(folder).map_err(failed("create the folder of", path))?;
        let lock = match kind.lock {
            Lock::Hold => Some(hold(path)?),
            Lock::Wait | Lock::External => None,
        };
        let file = open_file(path)?;
        if kind.lock == Lock::Wait {
            file.lock().map_err(failed("lock", path))?;
        }
        let n_bytes = file.metadata().map_err(failed("read", path))?.len();
        if n_bytes == 0 {
            // The name of a new file has to survive as well as its lines.
            sync_folder(folder).map_err(failed("sync the folder of", path))?;
        }
        let mut log = Self {
            path: path.to_owned(),
            kind,
            file,
            _lock: lock,
            n_bytes,
            n_torn_bytes: 0,
            is_damaged: false,
        };
        log.repair()?;
        Ok(log)
    }

    /// The log's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Size of the file.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Size of the torn last line that [`Self::open`] cut off; 0 if there was none.
    #[must_use]
    pub fn n_torn_bytes(&self) -> u64 {
        self.n_torn_bytes
    }

    fn repair(&mut self) -> Result<(), AppendLogError> {
        let last = self.tail()?;
        if last.is_empty() {
            return Ok(());
        }
        if !(self.kind.is_complete)(&last) {
            self.n_torn_bytes = last.len() as u64;
            self.n_bytes -= self.n_torn_bytes;
            return self
                .file
                .set_len(self.n_bytes)
                .and_then(|()| self.file.sync_data())
                .map_err(failed("repair", &self.path));
        }
        if !has_end(&last) {
            self.write(b"\n")?;
            self.sync()?;
        }
        Ok(())
    }

    /// The last line, complete or torn, with its line feed if it has one.
    fn tail(&self) -> Result<Vec<u8>, AppendLogError> {
        let mut n_wanted = 16 * 1024;
        loop {
            let from = self.n_bytes.saturating_sub(n_wanted);
            let mut tail = Vec::new();
            let mut file = &self.file;
            file.seek(SeekFrom::Start(from))
                .and_then(|_| file.take(self.n_bytes - from).read_to_end(&mut tail))
                .map_err(failed("read", &self.path))?;
            let content = tail.strip_suffix(b"\n").unwrap_or(&tail);
            if let Some(position) = content.iter().rposition(|byte| *byte == b'\n') {
                tail.drain(..=position);
                return Ok(tail);
            }
            if from == 0 {
                return Ok(tail);
            }
            n_wanted *= 4;
        }
    }

    /// The last line, without its line feed.
    pub fn last_line(&self) -> Result<Option<Vec<u8>>, AppendLogError> {
        let mut last = self.tail()?;
        Ok(last.pop().map(|_| last))
    }

    /// All lines.
    pub fn lines(&self) -> Result<Lines, AppendLogError> {
        read(&self.path, self.kind)
    }

    /// Appends a line and syncs it. When this returns `Ok` the line survives a crash; when it
    /// returns an error the log is as it was before.
    pub fn append(&mut self, line: &[u8]) -> Result<(), AppendLogError> {
        self.append_all([line])
    }

    /// Appends several lines and syncs them once, as [`Self::append`].
    pub fn append_all<L: AsRef<[u8]>>(
        &mut self,
        lines: impl IntoIterator<Item = L>,
    ) -> Result<(), AppendLogError> {
        let bytes = self.joined(lines)?;
        self.write(&bytes)?;
        self.sync().inspect_err(|_| self.undo(bytes.len() as u64))
    }

    /// Appends a line that survives the end of this process at once, and a power cut after
    /// [`Self::sync`].
    pub fn append_unsynced(&mut self, line: &[u8]) -> Result<(), AppendLogError> {
        let bytes = self.joined([line])?;
        self.write(&bytes)
    }

    /// Waits until all appended lines are on disk.
    pub fn sync(&self) -> Result<(), AppendLogError> {
        self.file.sync_data().map_err(failed("sync", &self.path))
    }

    /// Replaces the whole log atomically. Only for logs that no other process waits for.
    pub fn replace<L: AsRef<[u8]>>(
        &mut self,
        lines: impl IntoIterator<Item = L>,
    ) -> Result<(), AppendLogError> {
        debug_assert_ne!(
            self.kind.lock,
            Lock::Wait,
            "a waiting process would get the lock of the replaced file"
        );
        let bytes = self.joined(lines)?;
        write_atomic(&self.path, &bytes).map_err(AppendLogError::Replace)?;
        // Until the new file is open, a write would go to the old one and be lost.
        self.is_damaged = true;
        self.file = open_file(&self.path)?;
        self.n_bytes = bytes.len() as u64;
        self.is_damaged = false;
        Ok(())
    }

    fn joined<L: AsRef<[u8]>>(
        &self,
        lines: impl IntoIterator<Item = L>,
    ) -> Result<Vec<u8>, AppendLogError> {
        let mut bytes = Vec::new();
        for line in lines {
            let line = line.as_ref();
            if line.len() > self.kind.line_bytes_max {
                return Err(AppendLogError::TooLong {
                    path: self.path.clone(),
                    n_bytes: line.len(),
                    n_bytes_max: self.kind.line_bytes_max,
                });
            }
            if line.contains(&b'\n') {
                return Err(AppendLogError::LineFeed {
                    path: self.path.clone(),
                });
            }
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        Ok(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), AppendLogError> {
        if self.is_damaged {
            return Err(AppendLogError::Damaged {
                path: self.path.clone(),
            });
        }
        let written = self
            .file
            .seek(SeekFrom::End(0))
            .and_then(|_| self.file.write_all(bytes));
        if let Err(source) = written {
            self.undo(0);
            return Err(failed("append to", &self.path)(source));
        }
        self.n_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Cuts off what a failed write left behind, and the last `n_bytes` that were not synced.
    fn undo(&mut self, n_bytes: u64) {
        self.n_bytes -= n_bytes;
        let undone = self.file.set_len(self.n_bytes);
        self.is_damaged = undone.and_then(|()| self.file.sync_data()).is_err();
    }
}

/// Takes the lock of a log that one process keeps open.
fn hold(path: &Path) -> Result<File, AppendLogError> {
    let lock = open_file(&path.with_extension("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(AppendLogError::Busy {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failed("lock", path)(source)),
    }
}

fn open_file(path: &Path) -> Result<File, AppendLogError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed("open", path))
}

#[cfg(test)]
mod tests;
