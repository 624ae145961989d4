//! A compiler or a driver in a process of its own: bounded in time and memory, everything it
//! started ends with it. It must not know what it runs.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often a running process is looked at.
const TICK: Duration = Duration::from_millis(15);
/// How much of each output is kept, in bytes; answers of drivers are not cut.
const TEXT_MAX_BYTES: usize = 256 << 10;

/// What a process may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub time: Duration,
    /// The resident memory of the process and all that it started, in bytes.
    pub memory_bytes: u64,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status; `None` when a signal ended it.
    Exited(Option<i32>),
    OverTime,
    OverMemory,
    /// The program is not here.
    Missing,
}

/// What a process did.
#[derive(Debug, Clone)]
pub struct Ran {
    pub end: End,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub duration: Duration,
    /// The most resident memory that was seen at once; 0 where it can't be seen.
    pub peak_bytes: u64,
}

impl Ran {
    pub fn is_success(&self) -> bool {
        self.end == End::Exited(Some(0))
    }

    /// What went wrong, in a few words, without the output.
    pub fn reason(&self, limits: &Limits) -> String {
        match self.end {
            End::Exited(Some(code)) => format!("exit code {code}"),
            End::Exited(None) => "ended by a signal".to_owned(),
            End::OverTime => format!("stopped after {} s", limits.time.as_secs()),
            End::OverMemory => format!("stopped at {} MiB", limits.memory_bytes >> 20),
            End::Missing => "the program is not here".to_owned(),
        }
    }

    /// Both outputs as text.
    pub fn text(&self) -> String {
        let both = [&self.stdout, &self.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        let cut = |text: &str| text.chars().take(TEXT_MAX_BYTES).collect::<String>();
        format!("{}{}", cut(&both[0]), cut(&both[1]))
    }
}

/// The process groups that run.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A process group that ends at the latest with this value, or with a signal that ends us.
struct Group(u32);

impl Group {
    /// Starts the command; a signal that comes meanwhile waits until it is known.
    fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        let mut running = running();
        let child = command.spawn()?;
        running.insert(child.id());
        let group = Self(child.id());
        Ok((child, group))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        running().remove(&self.0);
    }
}

fn running() -> std::sync::MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on Ctrl-C and `kill` end what runs here too: its groups are not ours, so that no
/// signal of the terminal reaches them.
fn end_with_us() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Some(code) = runtime
                .ok()
                .and_then(|runtime| runtime.block_on(told_to_end()))
            else {
                return;
            };
            // Held to the end, so that nothing new starts.
            let groups = running();
            groups.iter().for_each(|group| kill_group(*group));
            std::process::exit(code);
        });
    });
}

/// Waits for a signal that ends the process, and gives the exit code of a shell for it.
#[cfg(unix)]
async fn told_to_end() -> Option<i32> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup()).ok()?;
    let mut terminate = signal(SignalKind::terminate()).ok()?;
    let mut interrupt = signal(SignalKind::interrupt()).ok()?;
    let kind = tokio::select! {
        _ = hangup.recv() => SignalKind::hangup(),
        _ = terminate.recv() => SignalKind::terminate(),
        _ = interrupt.recv() => SignalKind::interrupt(),
    };
    Some(128 + kind.as_raw_value())
}

#[cfg(not(unix))]
async fn told_to_end() -> Option<i32> {
    tokio::signal::ctrl_c().await.ok()?;
    Some(130)
}

/// Runs a command to its end with this input.
pub fn run(mut command: Command, input: Vec<u8>, limits: &Limits) -> io::Result<Ran> {
    end_with_us();
    own_group(&mut command);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = Instant::now();
    let (mut child, _group) = match Group::start(&mut command) {
        Ok(started) => started,
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
    let mut stdin = child.stdin.take().expect("the input is a pipe");
    // A driver that ends early closes the pipe; what it answered says the rest.
    thread::spawn(move || stdin.write_all(&input));
    let stdout = reader(
        child.stdout.take().expect("the output is a pipe"),
        usize::MAX,
    );
    let stderr = reader(
        child.stderr.take().expect("the errors are a pipe"),
        TEXT_MAX_BYTES,
    );
    let (end, peak_bytes) = follow(&mut child, started, limits)?;
    let joined = |thread: thread::JoinHandle<(Vec<u8>, Instant)>| {
        thread.join().unwrap_or_else(|_| (Vec::new(), started))
    };
    let ((stdout, ended), (stderr, ended_too)) = (joined(stdout), joined(stderr));
    Ok(Ran {
        end,
        stdout,
        stderr,
        // The pipes close with the process, between two looks at it.
        duration: ended.max(ended_too).saturating_duration_since(started),
        peak_bytes,
    })
}

/// Reads a pipe to its end, keeps the first bytes, and says when it ended.
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

fn follow(child: &mut Child, started: Instant, limits: &Limits) -> io::Result<(End, u64)> {
    let mut peak_bytes = 0;
    let mut tick = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            // What it left in its group would hold the pipes open.
            kill_group(child.id());
            return Ok((End::Exited(status.code()), peak_bytes));
        }
        let bytes = group_bytes(child.id());
        peak_bytes = peak_bytes.max(bytes);
        let over = if started.elapsed() > limits.time {
            Some(End::OverTime)
        } else if bytes > limits.memory_bytes {
            Some(End::OverMemory)
        } else {
            None
        };
        if let Some(end) = over {
            kill_group(child.id());
            child.kill()?;
            child.wait()?;
            return Ok((end, peak_bytes));
        }
        thread::sleep(tick);
        tick = (tick * 2).min(TICK);
    }
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_command: &mut Command) {}

#[cfg(unix)]
fn kill_group(id: u32) {
    let Some(group) = i32::try_from(id)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    else {
        return;
    };
    // A group that has ended can't be signalled; that is what is wanted.
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
}

#[cfg(not(unix))]
fn kill_group(_id: u32) {}

/// The resident memory of a process group, in bytes, from `/proc`; 0 where there is none.
fn group_bytes(id: u32) -> u64 {
    let Ok(entries) = fs::read_dir("/proc") else {
        return 0;
    };
    let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(is_number))
        .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
        .filter_map(|stat| group_and_pages(&stat))
        .filter(|(group, _)| *group == id)
        .map(|(_, n_pages)| n_pages * PAGE_BYTES)
        .sum()
}

/// The usual page; where pages are larger, memory is told too small.
const PAGE_BYTES: u64 = 4096;

/// Process group and resident pages of a line of `/proc/PID/stat`; proc(5) numbers them 5 and 24,
/// counted behind the name, which may hold blanks and brackets.
fn group_and_pages(stat: &str) -> Option<(u32, u64)> {
    let behind_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = behind_name.split_ascii_whitespace();
    let group = fields.nth(2)?.parse().ok()?;
    let n_pages = fields.nth(18)?.parse().ok()?;
    Some((group, n_pages))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        time: Duration::from_secs(20),
        memory_bytes: 1 << 30,
    };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_process_gets_its_input_and_gives_its_output() {
        let ran = run(
            shell("cat; echo no >&2; exit 3"),
            b"yes\n".to_vec(),
            &LIMITS,
        )
        .unwrap();
        assert_eq!(ran.end, End::Exited(Some(3)));
        assert_eq!(
            (ran.stdout, ran.stderr),
            (b"yes\n".to_vec(), b"no\n".to_vec())
        );
    }

    #[test]
    fn a_process_that_goes_on_too_long_ends_with_all_it_started() {
        let limits = Limits {
            time: Duration::from_millis(50),
            ..LIMITS
        };
        let ran = run(shell("sleep 600 & sleep 600"), Vec::new(), &limits).unwrap();
        assert_eq!(ran.end, End::OverTime);
    }

    #[test]
    fn a_program_that_is_not_here_is_said_so() {
        let ran = run(Command::new("no-such-program"), Vec::new(), &LIMITS).unwrap();
        assert_eq!(ran.end, End::Missing);
    }

    #[test]
    fn a_line_of_proc_gives_group_and_memory() {
        let stat = "12 (a) b) S 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9 1000 42 18446";
        assert_eq!(group_and_pages(stat), Some((77, 42)));
    }
}
