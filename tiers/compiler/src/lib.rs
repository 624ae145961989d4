//! The wrapped compiler: one build of the workspace's own crates that lints them and instruments
//! them for coverage.
//!
//! Cargo calls a `RUSTC_WORKSPACE_WRAPPER` in the compiler's place for workspace crates only, so
//! dependencies are shared with every other build. The wrapper is a hard link to a program that
//! calls [`is_call`] and [`run`] first. The crate has no dependencies, so that a
//! launcher can build with the same wrapper: what it builds is then what the tests link.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The variable that names the wrapper to Cargo.
pub const CARGO_ENV: &str = "RUSTC_WORKSPACE_WRAPPER";
/// Set to `1` when clippy takes the compiler's place.
pub const CLIPPY_ENV: &str = "TOLLGATE_RUSTC_CLIPPY";
/// Set to `1` for the wrapped compiler.
pub const WRAPPER_ENV: &str = "TOLLGATE_RUSTC_COVERAGE";
/// The wrapper's file name.
pub const FILE: &str = if cfg!(windows) {
    "tollgate-rustc.exe"
} else {
    "tollgate-rustc"
};
/// The exit code of a problem of the machine; see `tollgate_report::ExitCode::Environment`.
const ENVIRONMENT: u8 = 6;

/// Whether Cargo calls this process as the wrapped compiler: the arguments then start with the
/// compiler's path. Tests under coverage have the variable too, so it alone does not decide.
#[must_use]
pub fn is_call(arguments: &[OsString]) -> bool {
    let first = arguments.get(1).map(Path::new);
    let is_compiler = first
        .and_then(Path::file_stem)
        .is_some_and(|stem| stem == "rustc" || stem == "clippy-driver");
    is_compiler && is_set(WRAPPER_ENV)
}

/// Acts as the compiler: `arguments` are those of the process, its own name first.
#[must_use]
pub fn run(arguments: &[OsString]) -> ExitCode {
    let follows = |name: &str| {
        arguments
            .iter()
            .skip_while(move |word| *word != name)
            .nth(1)
    };
    // Cargo asks about the target with a crate of this name.
    let is_crate = follows("--crate-name").is_some_and(|name| name != "___");
    let mut command = if is_crate && is_set(CLIPPY_ENV) {
        let mut command = Command::new(clippy_driver());
        command.arg(&arguments[1]);
        command
    } else {
        Command::new(&arguments[1])
    };
    command.args(&arguments[2..]);
    if arguments.iter().any(|argument| argument == "--crate-name") {
        command.args(["-C", "instrument-coverage"]);
    }
    replace_process(command)
}

/// Links the program into the folder under a name that stays, and returns its path: Cargo rebuilds
/// when the wrapper's path changes, and building the workspace replaces the running executable.
///
/// # Errors
///
/// When the link cannot be written.
pub fn link(program: &Path, folder: &Path) -> io::Result<PathBuf> {
    let wrapper = folder.join(FILE);
    if wrapper.exists() {
        fs::remove_file(&wrapper)?;
    }
    if fs::hard_link(program, &wrapper).is_err() {
        fs::copy(program, &wrapper)?;
    }
    Ok(wrapper)
}

/// The environment of a build with the wrapper.
#[must_use]
pub fn environment(wrapper: &Path, has_clippy: bool) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::from([
        (CARGO_ENV.to_owned(), wrapper.display().to_string()),
        (WRAPPER_ENV.to_owned(), "1".to_owned()),
    ]);
    if has_clippy {
        variables.insert(CLIPPY_ENV.to_owned(), "1".to_owned());
    }
    variables
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| value == "1")
}

/// clippy's compiler next to Cargo, which names itself to the processes that it starts.
fn clippy_driver() -> PathBuf {
    let name = format!("clippy-driver{}", env::consts::EXE_SUFFIX);
    env::var_os("CARGO")
        .map(|cargo| PathBuf::from(cargo).with_file_name(&name))
        .filter(|driver| driver.is_file())
        .unwrap_or_else(|| PathBuf::from(name))
}

#[cfg(unix)]
fn replace_process(mut command: Command) -> ExitCode {
    use std::os::unix::process::CommandExt;
    // Returns only when the compiler could not be started; Cargo then shows its own message.
    drop(command.exec());
    ExitCode::from(ENVIRONMENT)
}

#[cfg(not(unix))]
fn replace_process(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(_) => ExitCode::from(ENVIRONMENT),
    }
}
