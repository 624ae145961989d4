//! Calls git. None of the calls writes to the user's index or working tree.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// git could not answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// git could not be started.
    #[error("cannot start `git`\n\nhint: install git and put it on PATH")]
    Start(#[source] io::Error),
    /// git ended with an error.
    #[error("`git {command}` failed: {message}")]
    Failed {
        /// The arguments.
        command: String,
        /// What git said.
        message: String,
    },
}

/// The repository that git uses: the folder it is started in, and the variables that override it.
#[derive(Debug, Clone, Default)]
pub struct Git {
    /// Working folder.
    pub folder: PathBuf,
    /// Variables such as `GIT_INDEX_FILE`.
    pub env: Vec<(&'static str, OsString)>,
    /// Whether the variables by which a hook names its repository are removed.
    pub without_variables: bool,
}

/// Variables that name a repository or a part of it, as `git rev-parse --local-env-vars` lists them.
const LOCAL_VARIABLES: [&str; 15] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
];

impl Git {
    /// git in a folder, as the user would call it there.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            ..Self::default()
        }
    }

    /// git in a folder, whatever repository the variables of a hook name.
    #[must_use]
    pub fn without_variables(folder: &Path) -> Self {
        Self {
            without_variables: true,
            ..Self::at(folder)
        }
    }

    /// Runs git and gives its standard output.
    pub fn output(&self, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
        let mut command = Command::new("git");
        if self.without_variables {
            for name in LOCAL_VARIABLES {
                command.env_remove(name);
            }
        }
        let output = command
            .args(["--no-optional-locks", "-c", "core.fsmonitor=false"])
            .args(arguments)
            .current_dir(&self.folder)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .map_err(GitError::Start)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(GitError::Failed {
            command: arguments.join(" "),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Standard output as one line of text.
    pub fn line(&self, arguments: &[&str]) -> Result<String, GitError> {
        let output = self.output(arguments)?;
        Ok(String::from_utf8_lossy(&output).trim_end().to_owned())
    }

    /// Standard output as paths separated by NUL. Paths that are not UTF-8 are shown with `\u{fffd}`.
    pub fn paths(&self, arguments: &[&str]) -> Result<BTreeSet<String>, GitError> {
        Ok(split_nul(&self.output(arguments)?))
    }
}

fn split_nul(bytes: &[u8]) -> BTreeSet<String> {
    bytes
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
        .map(|path| String::from_utf8_lossy(path).into_owned())
        .collect()
}

/// The files that differ from `revision` in the working tree, untracked ones included,
/// relative to `root`.
pub fn touched_since(git: &Git, revision: &str) -> Result<BTreeSet<String>, GitError> {
    let mut touched = git.paths(&[
        "diff",
        "--name-only",
        "--relative",
        "--no-renames",
        "-z",
        revision,
        "--",
    ])?;
    touched.extend(git.paths(&["ls-files", "-z", "--others", "--exclude-standard"])?);
    touched.retain(|path| !path.starts_with(".tollgate/"));
    Ok(touched)
}
