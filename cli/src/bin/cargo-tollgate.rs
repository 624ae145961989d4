//! The binary `cargo-tollgate`, so that `cargo tollgate …` works in any repository. It starts the
//! `tollgate` next to it, which does all the work, so that there is one large binary and not two.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let mut command = Command::new(tollgate());
    command.args(arguments());
    let error = start(&mut command);
    complain(&error)
}

/// Cargo passes the name of the subcommand first, and `tollgate` recognises a call by cargo by it. A
/// call without cargo lacks it.
fn arguments() -> Vec<OsString> {
    let mut args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_none_or(|arg| arg != "tollgate") {
        args.insert(0, "tollgate".into());
    }
    args
}

/// The program next to this one; else the one that the search path has.
fn tollgate() -> PathBuf {
    let name = format!("tollgate{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe()
        .ok()
        .map(|this| this.with_file_name(&name));
    beside
        .filter(|path| path.is_file())
        .unwrap_or_else(|| name.into())
}

/// Becomes the program; the error when it can't.
#[cfg(unix)]
fn start(command: &mut Command) -> std::io::Error {
    std::os::unix::process::CommandExt::exec(command)
}

/// Runs the program and ends with its exit code; the error when it can't.
#[cfg(not(unix))]
fn start(command: &mut Command) -> std::io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

#[expect(
    clippy::print_stderr,
    reason = "this binary has no other way to report"
)]
fn complain(error: &std::io::Error) -> ExitCode {
    eprintln!(
        "error: `tollgate` cannot be started: {error}\n\nhint: install it next to `cargo-tollgate`: `cargo install tollgate` installs both"
    );
    ExitCode::from(6)
}
