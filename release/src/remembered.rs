//! What a standing release remembers, in `.tollgate/release/SERVICE/release.json`: which version
//! serves, where, and what was promoted before it.

use std::fs::{self, File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tollgate_canary::deploy::{Process, ProcessSpec, Readiness};
use tollgate_canary::events::ProcessId;
use tollgate_gates::{Failure, Repository};
use tollgate_report::{Digest, Timestamp, write_atomic};

/// A process and where it listens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    pub process: ProcessId,
    pub addr: SocketAddr,
    pub logs: PathBuf,
}

impl Placed {
    /// Its process, if it still runs.
    pub fn process(&self) -> Option<Process> {
        Process::attach(&self.process, &self.logs)
    }
}

/// One version of the service: how it is started and where it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServedVersion {
    pub label: String,
    pub digest: Digest,
    pub revision: String,
    /// The canary run that promoted it; absent for a version that was there before.
    pub run: Option<String>,
    /// The evidence of that run, once it is recorded.
    pub evidence: Option<String>,
    pub promoted_at: Timestamp,
    pub program: PathBuf,
    pub args: Vec<String>,
    pub key_env: String,
    pub ready: String,
    /// The process at this moment; it keeps its address when it is restarted.
    pub placed: Placed,
    /// How often it was restarted since it was promoted.
    #[serde(default)]
    pub n_restarts: u32,
    /// How it ended last, if it did.
    #[serde(default)]
    pub last_end: Option<String>,
}

/// What is wanted of the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    Running,
    Stopped,
}

/// Why the version before serves again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WentBack {
    pub at: Timestamp,
    pub by: String,
    pub reason: String,
    /// The version that was taken back.
    pub from: String,
}

/// Somebody wants the version before to serve again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoBack {
    pub by: String,
    pub reason: String,
}

/// A release that outlives the command that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingRelease {
    pub version: u32,
    pub service: String,
    pub wanted: Wanted,
    pub proxy: Placed,
    pub control: SocketAddr,
    pub current: ServedVersion,
    pub previous: Option<ServedVersion>,
    /// Until then the version before is kept running, and the current one is watched.
    pub watch_until: Option<Timestamp>,
    pub go_back: Option<GoBack>,
    pub went_back: Option<WentBack>,
}

/// The folder of a service's release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    folder: PathBuf,
}

impl Home {
    #[must_use]
    pub fn of(repository: &Repository) -> Self {
        let name = &repository.settings.service.name;
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "-_".contains(c) {
                c
            } else {
                '_'
            }
        };
        let name: String = name.chars().map(plain).collect();
        Self {
            folder: repository.state_dir.join("release").join(name),
        }
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join("release.json")
    }

    /// The key that probes and live traffic use; the same for all versions.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.folder.join("key")
    }

    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        self.folder.join("proxy.token")
    }

    /// The settings as they were at the last promotion.
    #[must_use]
    pub fn settings_file(&self) -> PathBuf {
        self.folder.join("tollgate.toml")
    }

    /// Where the copy of a program is kept.
    #[must_use]
    pub fn copy_of(&self, program: &Path, digest: &Digest) -> PathBuf {
        let name = program.file_name().unwrap_or_default();
        self.folder.join("bin").join(digest.short()).join(name)
    }

    /// The program; the copy of a script that has been edited since it was promoted.
    fn program_now(&self, program: &Path, digest: &Digest) -> PathBuf {
        let is_promoted = fs::read(program).is_ok_and(|text| Digest::of(text) == *digest);
        let copy = self.copy_of(program, digest);
        match !is_promoted && copy.is_file() {
            true => copy,
            false => program.to_owned(),
        }
    }

    #[must_use]
    pub fn database(&self, service: &str) -> PathBuf {
        self.folder.join(format!("{service}.db"))
    }

    /// The release, if one was ever promoted.
    pub fn load(&self) -> Result<Option<StandingRelease>, Failure> {
        let path = self.path();
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(|| {
                format!("cannot read the release in `{}`", path.display())
            })?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::environment(
                anyhow::Error::new(error).context(format!("cannot read `{}`", path.display())),
            )),
        }
    }

    /// Replaces the release by what `change` makes of it, while no other process does.
    pub fn update(
        &self,
        change: impl FnOnce(Option<StandingRelease>) -> Option<StandingRelease>,
    ) -> Result<(), Failure> {
        let _lock = self.lock("release.lock")?;
        match change(self.load()?) {
            Some(release) => {
                let text = serde_json::to_vec_pretty(&release).expect("a release is JSON");
                write_atomic(&self.path(), &text).map_err(Failure::environment)
            }
            None => match fs::remove_file(self.path()) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(()),
            },
        }
    }

    /// Changes the release, if there is one.
    pub fn edit(&self, change: impl FnOnce(&mut StandingRelease)) -> Result<(), Failure> {
        self.update(|release| {
            release.map(|mut release| {
                change(&mut release);
                release
            })
        })
    }

    fn lock(&self, name: &str) -> Result<File, Failure> {
        let file = self.lock_file(name)?;
        file.lock()
            .with_context(|| format!("cannot lock `{}`", self.folder.join(name).display()))?;
        Ok(file)
    }

    fn lock_file(&self, name: &str) -> Result<File, Failure> {
        let path = self.folder.join(name);
        fs::create_dir_all(&self.folder)
            .and_then(|()| {
                let mut options = OpenOptions::new();
                options.create(true).truncate(false).write(true).open(&path)
            })
            .with_context(|| format!("cannot open `{}`", path.display()))
            .map_err(Failure::environment)
    }

    /// The right to supervise this release, until it is dropped; absent when another process has it.
    pub fn supervise(&self) -> Result<Option<File>, Failure> {
        let file = self.lock_file(SUPERVISOR_LOCK)?;
        Ok(file.try_lock().is_ok().then_some(file))
    }

    /// Whether a supervisor is at work.
    #[must_use]
    pub fn is_supervised(&self) -> bool {
        is_locked(&self.folder.join(SUPERVISOR_LOCK))
    }
}

/// The mark that the candidate of a run and all that it starts carry.
pub(crate) fn candidate_mark(run: &str) -> String {
    format!("{run}-candidate")
}

/// The lock that a supervisor holds, in the folder of the release.
pub const SUPERVISOR_LOCK: &str = "supervisor.lock";

/// Whether a process holds this lock.
#[must_use]
pub fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| {
        matches!(
            file.try_lock_shared(),
            Err(std::fs::TryLockError::WouldBlock)
        )
    })
}

impl ServedVersion {
    /// How it is started at the address that it has.
    pub fn spec(
        &self,
        home: &Home,
        ready_within: std::time::Duration,
    ) -> Result<ProcessSpec, Failure> {
        let key = fs::read_to_string(home.key_file())
            .with_context(|| format!("cannot read the key `{}`", home.key_file().display()))?;
        let port = self.placed.addr.port().to_string();
        Ok(ProcessSpec {
            program: home.program_now(&self.program, &self.digest),
            args: self
                .args
                .iter()
                .map(|arg| arg.replace("{port}", &port))
                .collect(),
            env: vec![(self.key_env.clone(), format!("tg_{}", key.trim()))],
            folder: None,
            log_folder: self.placed.logs.clone(),
            readiness: Readiness::Http {
                path: self.ready.clone(),
            },
            ready_within,
        })
    }

    /// Whether its process runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.placed.process.is_running()
    }
}

impl StandingRelease {
    /// Whether this process belongs to the release while it is wanted.
    #[must_use]
    pub fn owns(&self, placed: &Placed) -> bool {
        self.owns_process(&placed.process)
    }

    /// The same for a process that is known by its id.
    #[must_use]
    pub fn owns_process(&self, process: &ProcessId) -> bool {
        let previous = self.previous.as_ref().map(|version| &version.placed);
        let own = [&self.proxy, &self.current.placed];
        let mut own = own.into_iter().chain(previous);
        self.wanted == Wanted::Running && own.any(|own| own.process == *process)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standing::take_binary;

    #[test]
    fn a_script_runs_where_it_is_until_it_is_edited_and_a_compiled_program_from_its_copy() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let home = Home {
            folder: root.join("home"),
        };
        let (script, compiled) = (root.join("shop.py"), root.join("shop"));
        fs::write(&script, "#!/usr/bin/env python3\n").unwrap();
        fs::write(&compiled, "\x7fELF").unwrap();
        let copy = take_binary(&home, &compiled).unwrap();
        assert_eq!(copy, home.copy_of(&compiled, &Digest::of("\x7fELF")));
        assert_eq!(take_binary(&home, &script).unwrap(), script);
        let digest = Digest::of("#!/usr/bin/env python3\n");
        assert_eq!(home.program_now(&script, &digest), script);
        fs::write(&script, "#!/usr/bin/env python3\nedited\n").unwrap();
        assert_eq!(
            home.program_now(&script, &digest),
            home.copy_of(&script, &digest)
        );
    }
}
