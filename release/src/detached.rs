//! Starts the supervisor of a standing release as a process that outlives its starter.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use tollgate_gates::Failure;

use crate::remembered::Home;

/// Starts the supervisor as a process that outlives this one and its terminal. One that is at work
/// already stays; the new one ends at once.
pub fn start_supervisor(program: &Path, root: &Path, home: &Home) -> Result<(), Failure> {
    if home.is_supervised() {
        return Ok(());
    }
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(home.folder().join("supervisor.log"))
        .context("cannot open the log of the supervisor")?;
    // The shell ends at once, so that the supervisor does not descend from its starter: the proxy starts
    // it, too, and is stopped with all its descendants.
    let mut command = Command::new("sh");
    command.args(["-c", "\"$@\" &", "sh"]).arg(program);
    if home.settings_file().is_file() {
        command.arg("--settings").arg(home.settings_file());
    }
    command
        .args(["internal", "supervise"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(
            log.try_clone()
                .context("cannot share the supervisor's log")?,
        )
        .stderr(log);
    let status = command.status().context("cannot start the supervisor")?;
    if !status.success() {
        return Err(Failure::environment(anyhow::anyhow!(
            "cannot start the supervisor: `sh` ended with {status}"
        )));
    }
    Ok(())
}
