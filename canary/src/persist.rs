//! A run on disk: `state.json`, `events.ndjson`, the lock with its fencing token, the abort
//! request.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tollgate_report::append_log::{AppendLog, Lines, Lock as LogLock, LogKind};
use tollgate_report::atomic::WriteError;
use tollgate_report::{AppendLogError, Digest, Timestamp, write_atomic};

use crate::controller::{Identity, Record, State};
use crate::events::{Event, Moment};
use crate::settings::Plan;

/// Form of the evidence file.
pub const EVENTS_VERSION: u32 = 1;

/// One controller at a time writes events: the lock of the service's canary guards them.
const EVENTS: LogKind = LogKind::new(LogLock::External);

/// A run's files could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PersistError {
    /// The state could not be replaced.
    #[error("cannot write the canary's state")]
    Write(#[from] WriteError),
    /// A file could not be read or written.
    #[error("cannot {operation} `{path}`")]
    Io {
        /// `read`, `lock` and so on.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The events could not be read or appended to.
    #[error(transparent)]
    Log(#[from] AppendLogError),
    /// The evidence file has no header.
    #[error("cannot read `{path}`: its first line is not the header of a canary run")]
    NoHeader {
        /// The file.
        path: PathBuf,
    },
    /// The run's id was used before.
    #[error(
        "cannot start a run in `{path}`: a run was started there before\n\nhint: run `{{tollgate}} canary resume` to continue it"
    )]
    Exists {
        /// The run's folder.
        path: PathBuf,
    },
    /// Another controller runs.
    #[error(
        "cannot lock `{path}`: another controller holds the lock\n\nhint: run `{{tollgate}} canary status` to show its run, or `{{tollgate}} canary abort` to end it"
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PersistError {
    let path = path.to_owned();
    move |source| PersistError::Io {
        operation,
        path,
        source,
    }
}

/// One line of `events.ndjson`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// The first line.
    Header(Box<Header>),
    /// Something happened.
    Event {
        /// Counted from 1.
        seq: u64,
        /// When.
        now: Moment,
        /// What.
        event: Event,
    },
    /// Something was decided.
    Record(Record),
}

/// What a replay starts from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Form of the file, see [`EVENTS_VERSION`].
    pub version: u32,
    /// The run.
    pub run: String,
    /// When it began.
    pub at: Timestamp,
    /// The fencing token.
    pub epoch: u64,
    /// The frozen plan.
    pub plan: Plan,
    /// Its digest.
    pub plan_digest: Digest,
    /// The version that serves.
    pub stable: Identity,
    /// The version on trial.
    pub candidate: Identity,
}

/// The right to control one service's canary, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    /// The fencing token: larger than that of every controller before.
    pub epoch: u64,
}

/// Takes the lock of `folder` (`.tollgate/canary`) and draws the next fencing token.
pub fn lock(folder: &Path) -> Result<Lock, PersistError> {
    let path = folder.join("lock");
    fs::create_dir_all(folder).map_err(failed("make the folder of", &path))?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(PersistError::Locked { path }),
        Err(TryLockError::Error(source)) => return Err(failed("lock", &path)(source)),
    }
    let epoch_path = folder.join("epoch");
    let before = match fs::read_to_string(&epoch_path) {
        Ok(text) => text.trim().parse::<u64>().unwrap_or(0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(source) => return Err(failed("read", &epoch_path)(source)),
    };
    let epoch = before + 1;
    write_atomic(&epoch_path, epoch.to_string().as_bytes())?;
    Ok(Lock { _file: file, epoch })
}

/// Whether a controller holds the lock of `folder` now.
#[must_use]
pub fn is_locked(folder: &Path) -> bool {
    File::open(folder.join("lock"))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// The files of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The run `id` below `folder` (`.tollgate/canary`).
    #[must_use]
    pub fn new(folder: &Path, id: &str) -> Self {
        Self {
            path: folder.join(id),
        }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The replayable evidence file.
    #[must_use]
    pub fn events_path(&self) -> PathBuf {
        self.path.join("events.ndjson")
    }

    fn state_path(&self) -> PathBuf {
        self.path.join("state.json")
    }

    /// Replaces the state, synced.
    pub fn save(&self, state: &State) -> Result<(), PersistError> {
        let bytes = serde_json::to_vec(state).expect("a state is JSON");
        Ok(write_atomic(&self.state_path(), &bytes)?)
    }

    /// Reads the state as it was last saved.
    pub fn load(&self) -> Result<State, PersistError> {
        let path = self.state_path();
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        serde_json::from_slice(&bytes).map_err(|source| {
            PersistError::Log(AppendLogError::Malformed {
                line: source.line(),
                path,
                source,
            })
        })
    }

    /// Requests the controller of this run to abort; it checks for requests several times a second.
    /// When no controller runs (see [`is_locked`]), [`crate::resume_canary`] carries the request out.
    pub fn request_abort(&self, by: &str, reason: &str) -> Result<(), PersistError> {
        let event = Event::AbortRequested {
            by: by.to_owned(),
            reason: reason.to_owned(),
        };
        self.request("abort.json", &event)
    }

    /// Approves the promotion of this run. The controller takes it as it takes a request to abort.
    pub fn request_approval(&self, by: &str, reason: &str) -> Result<(), PersistError> {
        let event = Event::Approved {
            by: by.to_owned(),
            reason: reason.to_owned(),
        };
        self.request("approve.json", &event)
    }

    fn request(&self, name: &str, event: &Event) -> Result<(), PersistError> {
        let bytes = serde_json::to_vec(event).expect("an event is JSON");
        Ok(write_atomic(&self.path.join(name), &bytes)?)
    }

    /// Takes a request to abort, if there is one. One that cannot be read still aborts.
    #[must_use]
    pub fn take_abort(&self) -> Option<Event> {
        let bytes = self.take("abort.json")?;
        Some(
            serde_json::from_slice(&bytes).unwrap_or_else(|_| Event::AbortRequested {
                by: "unknown".to_owned(),
                reason: "an abort file that cannot be read".to_owned(),
            }),
        )
    }

    /// Takes an approval, if there is one. One that cannot be read approves nothing.
    #[must_use]
    pub fn take_approval(&self) -> Option<Event> {
        let event = serde_json::from_slice(&self.take("approve.json")?).ok()?;
        matches!(event, Event::Approved { .. }).then_some(event)
    }

    fn take(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.path.join(name);
        let bytes = fs::read(&path).ok()?;
        let _ = fs::remove_file(path);
        Some(bytes)
    }

    /// Opens the evidence file for appending; a torn last line is cut off first.
    pub fn events(&self) -> Result<EventFile, PersistError> {
        let log = AppendLog::open(&self.events_path(), EVENTS)?;
        if log.n_torn_bytes() > 0 {
            tracing::warn!(path = %log.path().display(), "cut off a last line that was torn by a crash");
        }
        Ok(EventFile { log })
    }

    /// All complete lines of the evidence file. A torn last line is left out.
    pub fn lines(&self) -> Result<Vec<Line>, PersistError> {
        read_lines(&self.events_path())
    }
}

/// All complete lines of an evidence file; a last line without its end is left out.
pub fn read_lines(path: &Path) -> Result<Vec<Line>, PersistError> {
    let bytes = fs::read(path).map_err(failed("read", path))?;
    parse_lines(bytes, path)
}

fn parse_lines(bytes: Vec<u8>, path: &Path) -> Result<Vec<Line>, PersistError> {
    let lines = Lines::parse(path, bytes, EVENTS)?;
    lines.iter().map(|line| Ok(line.json()?)).collect()
}

/// An evidence file being written.
#[derive(Debug)]
pub struct EventFile {
    log: AppendLog,
}

impl EventFile {
    /// Appends a line. It is on disk for certain after [`EventFile::sync`].
    pub fn append(&mut self, line: &Line) -> Result<(), PersistError> {
        let line = serde_json::to_vec(line).expect("a line is JSON");
        Ok(self.log.append_unsynced(&line)?)
    }

    /// Waits until all appended lines are on disk.
    pub fn sync(&self) -> Result<(), PersistError> {
        Ok(self.log.sync()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> Line {
        Line::Event {
            seq: 1,
            now: Moment {
                at: Timestamp::EPOCH,
                mono_ms: 0,
            },
            event: Event::Start,
        }
    }

    #[test]
    fn a_line_torn_by_a_crash_is_left_out_and_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path(), "run-1");
        run.events().unwrap().append(&started()).unwrap();
        let mut bytes = fs::read(run.events_path()).unwrap();
        bytes.extend_from_slice(br#"{"kind":"event","seq":2,"no"#);
        fs::write(run.events_path(), bytes).unwrap();
        assert_eq!(run.lines().unwrap(), [started()]);
        run.events().unwrap().append(&started()).unwrap();
        assert_eq!(run.lines().unwrap(), [started(), started()]);
    }

    #[test]
    fn events_cut_at_any_byte_keep_the_lines_before_and_the_form_of_earlier_versions() {
        let earlier = r#"{"kind":"event","seq":1,"now":{"at":"1970-01-01T00:00:00.000000Z","mono_ms":0},"event":{"type":"start"}}"#;
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path(), "run-1");
        run.events().unwrap().append(&started()).unwrap();
        let written = fs::read_to_string(run.events_path()).unwrap();
        assert_eq!(written, format!("{earlier}\n"));
        for cut in 0..written.len() {
            fs::write(run.events_path(), format!("{written}{}", &written[..cut])).unwrap();
            run.events().unwrap().append(&started()).unwrap();
            assert_eq!(run.lines().unwrap(), [started(), started()], "cut at {cut}");
        }
    }

    #[test]
    fn a_broken_line_is_named_by_its_number() {
        let error = parse_lines(b"{}\n".to_vec(), Path::new("events.ndjson")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read line 1 of `events.ndjson`");
    }

    #[test]
    fn one_controller_at_a_time_and_each_has_a_higher_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock(folder.path()).unwrap();
        assert!(is_locked(folder.path()));
        assert!(matches!(
            lock(folder.path()).unwrap_err(),
            PersistError::Locked { .. }
        ));
        let epoch = first.epoch;
        drop(first);
        assert!(!is_locked(folder.path()));
        assert!(lock(folder.path()).unwrap().epoch > epoch);
    }

    #[test]
    fn an_approval_is_taken_once_and_anything_else_approves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path(), "run-1");
        run.request_approval("me", "the numbers are good").unwrap();
        let approved = Event::Approved {
            by: "me".to_owned(),
            reason: "the numbers are good".to_owned(),
        };
        assert_eq!(run.take_approval(), Some(approved));
        assert_eq!(run.take_approval(), None);
        for text in [r#"{"type":"start"}"#, "", "{"] {
            fs::write(run.path().join("approve.json"), text).unwrap();
            assert_eq!(run.take_approval(), None, "{text}");
        }
    }

    #[test]
    fn a_request_to_abort_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path(), "run-1");
        run.request_abort("me", "why not").unwrap();
        assert!(matches!(
            run.take_abort(),
            Some(Event::AbortRequested { .. })
        ));
        assert_eq!(run.take_abort(), None);
    }
}
