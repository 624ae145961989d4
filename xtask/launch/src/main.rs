//! What the alias `cargo xtask` runs: starts `xtask`, and builds it first only when its sources
//! changed. With one small dependency, so that Cargo has two units to check instead of three hundred.
//!
//! It builds as the tiers do, instrumented and with clippy as the compiler: a fresh clone compiles
//! the workspace's own crates once.
#![expect(
    clippy::print_stderr,
    reason = "this program runs before the one that owns the output"
)]

mod stamp;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use stamp::Stamp;

/// What receives the counts of an instrumented program outside the tests.
const NOWHERE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    if tollgate_compiler::is_call(&arguments) {
        return tollgate_compiler::run(&arguments);
    }
    let Ok(launcher) = env::current_exe() else {
        return fail("cannot find the folder of the running program");
    };
    let folder = launcher.parent().unwrap_or(Path::new("."));
    let program = folder.join(format!("xtask{}", env::consts::EXE_SUFFIX));
    let stamp = Stamp::beside(&program);
    if let Err(reason) = stamp.is_fresh() {
        if env::var_os("XTASK_LAUNCH_EXPLAIN").is_some() {
            eprintln!("xtask is built: {reason}");
        }
        if let Err(code) = build(&stamp, &launcher) {
            return code;
        }
    }
    start(&program)
}

/// Builds `xtask` in the profile and the target folder of the launcher.
fn build(stamp: &Stamp, launcher: &Path) -> Result<(), ExitCode> {
    let began = stamp.begin();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = without_package(Command::new(cargo));
    match wrapper(launcher) {
        Ok(wrapper) => command.envs(tollgate_compiler::environment(&wrapper, true)),
        // Without the wrapper the tiers compile again, which is slower and right.
        Err(error) => {
            eprintln!("note: xtask is built without the wrapped compiler: {error}");
            &mut command
        }
    };
    let status = command
        .args(["build", "--package", "xtask", "--bin", "xtask"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    match status {
        Ok(status) if status.success() => {
            if let Err(error) = began.and_then(|()| stamp.end()) {
                // Without the stamp the next start asks Cargo again, which is slower and right.
                eprintln!("note: cannot remember that xtask is built: {error}");
            }
            Ok(())
        }
        Ok(status) => {
            stamp.abandon();
            Err(status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .map_or(ExitCode::FAILURE, ExitCode::from))
        }
        Err(error) => {
            stamp.abandon();
            Err(fail(&format!("cannot start cargo: {error}")))
        }
    }
}

/// This program as the compiler's wrapper, in the place where the tiers put it.
fn wrapper(launcher: &Path) -> io::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let folder = root.join(".tollgate/coverage");
    fs::create_dir_all(&folder)?;
    tollgate_compiler::link(launcher, &folder)
}

/// The command without the variables by which Cargo describes the package that it runs. Build
/// scripts, such as that of `ring`, run again when those change, and all that depends on them is
/// compiled again.
fn without_package(mut command: Command) -> Command {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let is_of_package = text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || ["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "OUT_DIR"].contains(&text.as_ref());
        if is_of_package {
            command.env_remove(&name);
        }
    }
    command
}

#[cfg(unix)]
fn start(program: &Path) -> ExitCode {
    use std::os::unix::process::CommandExt;
    // Returns only when the program could not be started.
    let error = without_package(Command::new(program))
        .args(env::args_os().skip(1))
        .env("LLVM_PROFILE_FILE", profile())
        .exec();
    fail(&format!("cannot start `{}`: {error}", program.display()))
}

#[cfg(not(unix))]
fn start(program: &Path) -> ExitCode {
    let mut command = without_package(Command::new(program));
    command.env("LLVM_PROFILE_FILE", profile());
    match command.args(env::args_os().skip(1)).status() {
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => fail(&format!("cannot start `{}`: {error}", program.display())),
    }
}

/// Where the program writes its counts: nowhere, unless a coverage run names a file.
fn profile() -> OsString {
    env::var_os("LLVM_PROFILE_FILE").unwrap_or_else(|| NOWHERE.into())
}

fn fail(text: &str) -> ExitCode {
    eprintln!("error: {text}");
    // The exit code of a problem of the machine; see `tollgate_report::ExitCode::Environment`.
    ExitCode::from(6)
}
