//! A shell script as a command, and one way to wait.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tollgate_process::ProcessId;

/// How long anything may take here; far more than it needs, on a machine with other work too.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// A shell script without pipes to this test.
pub fn silent(script: &str) -> Command {
    let mut command = shell(script);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        std::thread::yield_now();
    }
}

#[track_caller]
pub fn expect_gone(processes: &[ProcessId]) {
    until(&format!("the end of {processes:?}"), || {
        (!processes.iter().any(ProcessId::is_running)).then_some(())
    });
}
