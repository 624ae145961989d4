//! What every command is given: where it is, its settings, its voice, its clock.

use std::path::PathBuf;

use anyhow::Context as _;
use tollgate_report::{Clock, EvidenceLog, SystemClock};

use crate::cli::Global;
use crate::failure::Failure;
use crate::git;
use crate::output::Output;
use crate::settings::{self, Settings};

/// The surroundings of one command.
#[derive(Debug)]
pub struct Context {
    /// The folder in which the command was typed; names on the command line start there.
    pub here: PathBuf,
    /// The repository's root.
    pub root: PathBuf,
    /// `.tollgate` below it.
    pub state_dir: PathBuf,
    pub settings: Settings,
    pub output: Output,
    pub clock: SystemClock,
    /// The running executable, asked for before anything could replace it.
    exe: PathBuf,
}

impl Context {
    /// Finds the repository around the current folder and reads its settings.
    pub fn new(global: &Global) -> Result<Self, Failure> {
        let here = std::env::current_dir()?;
        let root = git::root_of(&here);
        // Names in findings and records are relative to the root, wherever the command was typed.
        std::env::set_current_dir(&root)?;
        let flag = global.settings.as_ref().map(|path| here.join(path));
        let settings = settings::load(&root, flag.as_deref())?;
        Ok(Self {
            state_dir: settings::state_dir(&root),
            here,
            root,
            settings,
            output: Output::new(global),
            clock: SystemClock::new(),
            exe: std::env::current_exe()?,
        })
    }

    /// Opens the evidence log, and says so when a torn last line was cut off.
    pub fn evidence(&self) -> Result<EvidenceLog, Failure> {
        let log = EvidenceLog::open(&self.state_dir)?;
        let ignore = self.state_dir.join(".gitignore");
        if !ignore.exists() {
            // What is kept here is of this machine; `git add --all` must not take it.
            std::fs::write(&ignore, "*\n")
                .with_context(|| format!("write `{}`", ignore.display()))?;
        }
        if log.n_torn_bytes > 0 {
            self.output.progress(format!(
                "note: the last line of {} was torn by a crash; its {} bytes were cut off, nothing before it is lost",
                log.path().display(),
                log.n_torn_bytes
            ));
        }
        Ok(log)
    }

    /// The running executable, under a name that a rebuild of it does not take away: a link in
    /// `.tollgate/bin`.
    pub fn executable(&self) -> Result<PathBuf, Failure> {
        let folder = self.state_dir.join("bin");
        std::fs::create_dir_all(&folder)?;
        let name = format!("tollgate{}", std::env::consts::EXE_SUFFIX);
        let (link, fresh) = (
            folder.join(&name),
            folder.join(format!("{name}.{}", std::process::id())),
        );
        if std::fs::hard_link(&self.exe, &fresh).is_err() {
            std::fs::copy(&self.exe, &fresh)?;
        }
        std::fs::rename(&fresh, &link)?;
        // Renaming a link over another link to the same file leaves both; one is enough.
        let _ = std::fs::remove_file(&fresh);
        Ok(link)
    }

    /// A new run id: the time in UTC and the process, so that ids sort by time and don't collide.
    pub fn new_run_id(&self, what: &str) -> String {
        let digits: String = self
            .clock
            .now()
            .to_string()
            .chars()
            .take(19)
            .filter(char::is_ascii_digit)
            .collect();
        format!("{what}-{digits}-{}", std::process::id())
    }
}
