//! Runs a command with an input to its end, within limits of time and memory, and keeps what it
//! wrote.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::running::{End, Running};
use crate::table::group_resident_bytes;

/// How often a running command is checked; more often in its first milliseconds.
const TICK: Duration = Duration::from_millis(15);

/// What a command may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest time from start to end.
    pub time: Duration,
    /// Resident memory of the command and all that runs in its group, in bytes. Not enforced
    /// where the system does not report it.
    pub memory_bytes: u64,
    /// How much of its standard output is kept, in bytes.
    pub stdout_max_bytes: usize,
    /// How much of its error output is kept, in bytes.
    pub stderr_max_bytes: usize,
}

/// Which limit a command exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It took longer.
    Time,
    /// It held more memory.
    Memory,
}

/// What a command did.
#[derive(Debug, Clone)]
pub struct Ran {
    /// How it ended.
    pub end: End<Over>,
    /// The beginning of its standard output, up to the limit.
    pub stdout: Vec<u8>,
    /// The beginning of its error output, up to the limit.
    pub stderr: Vec<u8>,
    /// From start to the end of both outputs.
    pub duration: Duration,
    /// The most resident memory that was measured at once, in bytes; 0 where it is not reported.
    pub peak_bytes: u64,
}

impl Ran {
    /// Whether it ended by itself with exit code 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.end == End::Exited(Some(0))
    }

    /// What went wrong, in a few words, without the output.
    #[must_use]
    pub fn reason(&self, limits: &Limits) -> String {
        match self.end {
            End::Exited(Some(code)) => format!("exit code {code}"),
            End::Exited(None) => "ended by a signal".to_owned(),
            End::Stopped(Over::Time) => format!("stopped after {} s", limits.time.as_secs()),
            End::Stopped(Over::Memory) => format!("stopped at {} MiB", limits.memory_bytes >> 20),
            End::Missing => "the program was not found".to_owned(),
        }
    }

    /// Both outputs as text, standard output first.
    #[must_use]
    pub fn text(&self) -> String {
        let [stdout, stderr] =
            [&self.stdout, &self.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        format!("{stdout}{stderr}")
    }
}

/// Runs a command to its end with this input. When it exceeds a limit, its whole group is killed.
///
/// # Errors
/// When the command cannot be started or waited for. A missing program is not an error, see
/// [`End::Missing`].
pub fn run(mut command: Command, input: Vec<u8>, limits: &Limits) -> io::Result<Ran> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = Instant::now();
    let mut running = match Running::start(command) {
        Ok(running) => running,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Ran {
                end: End::Missing,
                stdout: Vec::new(),
                stderr: Vec::new(),
                duration: Duration::ZERO,
                peak_bytes: 0,
            });
        }
        Err(error) => return Err(error),
    };
    let mut stdin = running.take_stdin().expect("the input is a pipe");
    // A command that ends early closes the pipe; its exit code and output tell why.
    thread::spawn(move || stdin.write_all(&input));
    let stdout = reader(
        running.take_stdout().expect("the output is a pipe"),
        limits.stdout_max_bytes,
    );
    let stderr = reader(
        running.take_stderr().expect("the error output is a pipe"),
        limits.stderr_max_bytes,
    );
    let (end, peak_bytes) = wait_within(&mut running, started, limits)?;
    let joined = |thread: thread::JoinHandle<(Vec<u8>, Instant)>| {
        thread.join().unwrap_or_else(|_| (Vec::new(), started))
    };
    let ((stdout, ended), (stderr, ended_too)) = (joined(stdout), joined(stderr));
    Ok(Ran {
        end,
        stdout,
        stderr,
        // The pipes close with the process, between two checks.
        duration: ended.max(ended_too).saturating_duration_since(started),
        peak_bytes,
    })
}

fn wait_within(
    running: &mut Running,
    started: Instant,
    limits: &Limits,
) -> io::Result<(End<Over>, u64)> {
    let pid = running.pid();
    let mut peak_bytes = 0;
    let mut tick = Duration::ZERO;
    let end = running.wait_unless(
        Duration::ZERO,
        || {
            thread::sleep(tick);
            tick = (tick * 2).clamp(Duration::from_millis(1), TICK);
            Ok(())
        },
        || {
            let bytes = group_resident_bytes(pid);
            peak_bytes = peak_bytes.max(bytes);
            if started.elapsed() > limits.time {
                Some(Over::Time)
            } else {
                (bytes > limits.memory_bytes).then_some(Over::Memory)
            }
        },
    )?;
    Ok((end, peak_bytes))
}

/// Reads a pipe to its end, keeps the first bytes, and returns when it ended.
fn reader(
    mut pipe: impl Read + Send + 'static,
    max_bytes: usize,
) -> thread::JoinHandle<(Vec<u8>, Instant)> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        while let Ok(n_bytes) = pipe.read(&mut buffer) {
            if n_bytes == 0 {
                break;
            }
            let n_room = max_bytes.saturating_sub(kept.len()).min(n_bytes);
            kept.extend_from_slice(&buffer[..n_room]);
        }
        (kept, Instant::now())
    })
}
