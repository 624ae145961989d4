//! Running a command and writing a file, with errors that name them.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use tollgate::Failure;

/// Runs a command to its end; what it wrote to standard output.
pub(super) fn run(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let finished = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{name}`"))?;
    let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
    anyhow::ensure!(
        finished.status.success(),
        "`{name}` ended with {}: {said}",
        finished.status
    );
    Ok(String::from_utf8_lossy(&finished.stdout).into_owned())
}

pub(super) fn write(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    tollgate_report::write_atomic(path, contents).map_err(Failure::environment)
}
