//! The repository that gates check: where it is, its settings, its folder for evidence, the clock.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tollgate_report::{Clock, EvidenceLog, SystemClock};

use crate::failure::Failure;
use crate::git;
use crate::settings::{self, Settings};

/// A repository with its settings.
#[derive(Debug)]
pub struct Repository {
    /// The folder in which the command was typed; paths on the command line start there.
    pub here: PathBuf,
    /// The repository's root.
    pub root: PathBuf,
    /// `.tollgate` below it.
    pub state_dir: PathBuf,
    pub settings: Settings,
    /// The file of the settings, from the root; absent when it is elsewhere.
    pub settings_file: Option<String>,
    pub clock: SystemClock,
    /// The revision of `--against`, whose merge base with the change is its base.
    pub against: Option<String>,
    /// Whether what was not measured fails: in CI, and with `--strict`.
    pub is_strict: bool,
    /// The running executable, found before anything could replace it.
    exe: PathBuf,
}

impl Repository {
    /// Finds the repository around the current folder, makes its root the current folder and reads
    /// its settings, from `flag` where a file is named.
    pub fn open(flag: Option<&Path>) -> Result<Self, Failure> {
        let here = std::env::current_dir()?;
        let root = git::root_of(&here);
        // Names in findings and records are relative to the root, wherever the command was typed.
        std::env::set_current_dir(&root)?;
        let flag = flag.map(|path| here.join(path));
        let settings = settings::load(&root, flag.as_deref())?;
        let settings_file = match &flag {
            None => Some(settings::FILE.to_owned()),
            Some(path) => path
                .strip_prefix(&root)
                .ok()
                .map(|path| path.display().to_string().replace('\\', "/")),
        };
        Ok(Self {
            state_dir: settings::state_dir(&root),
            here,
            root,
            settings,
            settings_file,
            clock: SystemClock::new(),
            against: None,
            is_strict: tollgate_report::unchecked::is_ci(),
            exe: std::env::current_exe()?,
        })
    }

    /// Opens the evidence log; a torn last line was cut off when its `n_torn_bytes` is not 0.
    pub fn open_evidence(&self) -> Result<EvidenceLog, Failure> {
        let log = EvidenceLog::open(&self.state_dir)?;
        let ignore = self.state_dir.join(".gitignore");
        if !ignore.exists() {
            // What is kept here belongs to this machine; `git add --all` must not take it.
            std::fs::write(&ignore, "*\n")
                .with_context(|| format!("cannot write `{}`", ignore.display()))?;
        }
        Ok(log)
    }

    /// What was cut off when the log was opened; absent when nothing was.
    pub fn torn_note(log: &EvidenceLog) -> Option<String> {
        (log.n_torn_bytes > 0).then(|| {
            format!(
                "note: the last line of {} was torn by a crash; its {} bytes were cut off, nothing before it is lost",
                log.path().display(),
                log.n_torn_bytes
            )
        })
    }

    /// The running executable, at a path that a rebuild does not replace: a link in
    /// `.tollgate/bin`.
    pub fn executable(&self) -> Result<PathBuf, Failure> {
        let folder = self.state_dir.join("bin");
        let name = format!("tollgate{}", std::env::consts::EXE_SUFFIX);
        if is_same_file(&self.exe, &folder.join(&name)) {
            return Ok(folder.join(&name));
        }
        let cannot = || format!("cannot put the running program into `{}`", folder.display());
        std::fs::create_dir_all(&folder).with_context(cannot)?;
        let (link, fresh) = (
            folder.join(&name),
            folder.join(format!("{name}.{}", std::process::id())),
        );
        if std::fs::hard_link(&self.exe, &fresh).is_err() {
            std::fs::copy(&self.exe, &fresh).with_context(cannot)?;
        }
        std::fs::rename(&fresh, &link).with_context(cannot)?;
        // Renaming a link over another link to the same file leaves both; one is enough.
        let _ = std::fs::remove_file(&fresh);
        Ok(link)
    }

    /// The folder of the running executable.
    pub fn exe_folder(&self) -> &Path {
        self.exe.parent().unwrap_or(&self.root)
    }

    /// A file in the folder of the running executable.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.exe.with_file_name(name)
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

/// Whether two paths are names of one file.
#[cfg(unix)]
fn is_same_file(left: &Path, right: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |path: &Path| std::fs::metadata(path).map(|found| (found.dev(), found.ino()));
    matches!((id(left), id(right)), (Ok(left), Ok(right)) if left == right)
}

#[cfg(not(unix))]
fn is_same_file(_left: &Path, _right: &Path) -> bool {
    false
}
