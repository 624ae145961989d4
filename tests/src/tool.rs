//! The binaries under test: built once a run, kept apart from later builds, run in a folder with a
//! clean environment.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use crate::process;

/// The root of the workspace under test.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the workspace")
}

/// The folder with `tollgate` and `tollgate-hub`, as the sources are now.
///
/// # Panics
/// When the build fails; its output is in the message.
#[must_use]
pub fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = kept_folder();
        once_a_run(&folder, "built", || {
            build(&["--package", "tollgate", "--package", "tollgate-server"]);
            keep("tollgate", &folder.join("tollgate"));
            keep("tollgate-hub", &folder.join("tollgate-hub"));
        });
        folder
    })
}

/// The hub that misbehaves when it is asked to; it is built beside the one that can't.
///
/// # Panics
/// When the build fails; its output is in the message.
#[must_use]
pub fn drill_hub() -> PathBuf {
    let folder = built();
    let path = folder.join("tollgate-hub-drill");
    once_a_run(folder, "drill", || {
        let hub = ["--package", "tollgate-server", "--bin", "tollgate-hub"];
        build(&[&hub[..], &["--features", "drill"]].concat());
        keep("tollgate-hub", &path);
        // Whoever looks into Cargo's folder finds the hub that can't misbehave.
        build(&["--package", "tollgate", "--package", "tollgate-server"]);
    });
    path
}

/// Cargo's folder of this profile, such as `target/debug`: two above the test itself.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its file");
    test.parent()
        .and_then(Path::parent)
        .expect("a test is in `target/PROFILE/deps`")
        .to_path_buf()
}

fn kept_folder() -> PathBuf {
    let folder = profile_folder().join("tollgate-tests");
    fs::create_dir_all(&folder).expect("Cargo's folder can be written");
    folder
}

/// Runs `work` once for all tests of a run: nextest gives each test a process of its own.
fn once_a_run(folder: &Path, name: &str, work: impl FnOnce()) {
    let lock = File::create(folder.join("lock")).expect("the lock can be made");
    lock.lock().expect("the lock can be had");
    let stamp = folder.join(format!("{name}.run"));
    let run = std::env::var("NEXTEST_RUN_ID").ok();
    if run.is_some() && run == fs::read_to_string(&stamp).ok() {
        return;
    }
    work();
    if let Some(run) = run {
        fs::write(stamp, run).expect("the stamp can be written");
    }
}

fn build(args: &[&str]) {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let profile = profile_folder();
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--target-dir"])
        .arg(profile.parent().expect("a profile is in the target folder"))
        .args(args)
        .current_dir(workspace());
    if profile.ends_with("release") {
        command.arg("--release");
    }
    // What the tiers compiled is compiled the same way here, or all of it would be built again.
    let folder = workspace().join(".tollgate/coverage");
    let wrapper = folder.join(tollgate_compiler::FILE);
    if wrapper.is_file() {
        command.envs(tollgate_compiler::environment(&wrapper, true));
    }
    // Cargo's description of this package would make build scripts run again.
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    let output = command.output().expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Copies a built binary, so that a build during the tests does not take it away. A running copy
/// keeps its file: the new one only gets its name.
fn keep(name: &str, to: &Path) {
    let fresh = to.with_extension("fresh");
    fs::copy(profile_folder().join(name), &fresh).expect("the binary was built");
    fs::rename(fresh, to).expect("a file can be renamed");
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

    /// Fails unless all of these are in what was printed.
    ///
    /// # Panics
    /// When one is not.
    #[track_caller]
    pub fn expect_says(&self, parts: &[&str]) -> &Self {
        let all = self.all();
        for part in parts {
            assert!(all.contains(part), "`{part}` is not in:\n{all}");
        }
        self
    }

    /// Standard output and standard error.
    #[must_use]
    pub fn all(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    /// Standard output as JSON.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// The evidence id that was printed last.
    ///
    /// # Panics
    /// When none was.
    #[must_use]
    #[track_caller]
    pub fn evidence(&self) -> String {
        let (_, rest) = self
            .stdout
            .rsplit_once("evidence ")
            .unwrap_or_else(|| panic!("no evidence id in:\n{}", self.stdout));
        rest.chars().take_while(char::is_ascii_hexdigit).collect()
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
        let is_ours = name.starts_with("TOLLGATE_") || name.starts_with("GIT_");
        if is_ours || name == "CI" || name == "GITHUB_ACTIONS" {
            command.env_remove(name);
        }
    }
    process::mark(folder, &mut command);
    command
}

/// Runs `tollgate` to its end.
///
/// # Panics
/// When it can't be started.
#[must_use]
pub fn run(folder: &Path, args: &[&str]) -> Run {
    run_with(folder, args, &[])
}

/// Runs `tollgate` to its end with these variables set.
///
/// # Panics
/// When it can't be started.
#[must_use]
pub fn run_with(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Run {
    let mut command = command(folder, args);
    command.envs(env.iter().copied());
    finish(&command.output().expect("the binary was built"))
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
