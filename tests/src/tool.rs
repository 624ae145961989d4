//! The binary under test: built once, run in a folder with a clean environment.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

/// The root of the workspace under test.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the workspace")
}

/// The folder of built binaries, after `cargo build` of the named packages.
///
/// # Panics
/// When the build fails; its output is in the message.
#[must_use]
pub fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let output = Command::new(cargo)
            .args([
                "build",
                "--quiet",
                "--package",
                "tollgate",
                "--package",
                "tollgate-server",
            ])
            .current_dir(workspace())
            .output()
            .expect("cargo starts");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| workspace().join("target"), PathBuf::from);
        target.join("debug")
    })
}

/// What a finished run left.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Fails with all that was printed unless the exit code is this one.
    ///
    /// # Panics
    /// When the exit code differs.
    #[track_caller]
    pub fn expect_code(&self, want: i32) -> &Self {
        assert_eq!(
            self.code,
            Some(want),
            "\nstdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Standard output and standard error, for `contains`.
    #[must_use]
    pub fn all(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

/// `tollgate` with these arguments in `folder`; variables that could change its mind are removed.
#[must_use]
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(built().join("tollgate"));
    command
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("NO_COLOR", "1");
    for (name, _) in std::env::vars() {
        if name.starts_with("TOLLGATE_") || name == "CI" || name == "GITHUB_ACTIONS" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs `tollgate` to its end.
///
/// # Panics
/// When it can't be started.
#[must_use]
pub fn run(folder: &Path, args: &[&str]) -> Run {
    finish(
        &command(folder, args)
            .output()
            .expect("the binary was built"),
    )
}

/// What an output says, as text.
#[must_use]
pub fn finish(output: &Output) -> Run {
    Run {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Starts `tollgate` and leaves it running.
///
/// # Panics
/// When it can't be started.
#[must_use]
pub fn start(folder: &Path, args: &[&str]) -> Child {
    command(folder, args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built")
}
