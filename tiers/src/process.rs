//! One command in its own process group: its output is kept, and when it must stop, all that it
//! started stops with it. It must not know steps.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a process gets between the polite and the hard signal.
/// nextest puts each test in a group of its own and needs the polite one to stop them.
const GRACE: Duration = Duration::from_millis(1_500);
/// How often a running command is looked at.
const TICK: Duration = Duration::from_millis(20);
/// How long output is still read from something that outlives the command and holds its pipe.
const DRAIN: Duration = Duration::from_millis(500);

/// A command to run.
#[derive(Debug, Clone)]
pub struct Spawn {
    /// Program and arguments; not empty.
    pub argv: Vec<String>,
    /// Working folder.
    pub folder: PathBuf,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End<S> {
    /// By itself, with this status; `None` when a signal ended it.
    Exited(Option<i32>),
    /// It was stopped, for the reason that `should_stop` gave.
    Stopped(S),
    /// The program is not here.
    Missing,
}

/// Runs a command to its end. Its output goes to `log` and line by line to `on_line`;
/// `should_stop` is asked some 50 times a second.
pub fn run<S>(
    spawn: &Spawn,
    log: &Path,
    mut on_line: impl FnMut(&str),
    should_stop: impl Fn() -> Option<S>,
) -> io::Result<End<S>> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut output = Output {
        log: File::create(log)?,
        line: Vec::new(),
    };
    let (mut child, receiver) = match start(spawn) {
        Ok(started) => started,
        Err(source) if source.kind() == io::ErrorKind::NotFound && spawn.folder.is_dir() => {
            return Ok(End::Missing);
        }
        Err(source) => return Err(source),
    };
    let end = follow(
        &mut child,
        &receiver,
        &mut output,
        &mut on_line,
        should_stop,
    );
    if end.is_err() {
        terminate(&mut child);
    }
    // What the command left in its group would go on beside the next step.
    signal_groups(&BTreeSet::from([child.id()]), Force::Hard);
    drain(&receiver, &mut output, &mut on_line)?;
    output.finish(&mut on_line)?;
    end
}

fn start(spawn: &Spawn) -> io::Result<(Child, Receiver<Vec<u8>>)> {
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new(&spawn.argv[0]);
    command
        .args(&spawn.argv[1..])
        .current_dir(&spawn.folder)
        .env_clear()
        .envs(&spawn.env)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    own_group(&mut command);
    let child = command.spawn()?;
    // The command holds our ends of the pipe; with them open the reader would never see the end.
    drop(command);
    let (sender, receiver) = mpsc::sync_channel(64);
    thread::spawn(move || read_all(reader, &sender));
    Ok((child, receiver))
}

fn read_all(mut reader: io::PipeReader, sender: &mpsc::SyncSender<Vec<u8>>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n_bytes) = reader.read(&mut buffer) {
        if n_bytes == 0 || sender.send(buffer[..n_bytes].to_vec()).is_err() {
            return;
        }
    }
}

fn follow<S>(
    child: &mut Child,
    receiver: &Receiver<Vec<u8>>,
    output: &mut Output,
    on_line: &mut impl FnMut(&str),
    should_stop: impl Fn() -> Option<S>,
) -> io::Result<End<S>> {
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(bytes) => output.take(&bytes, on_line)?,
            Err(RecvTimeoutError::Timeout) => {}
            // All output is there; the command ends now or went on without its pipe.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(Duration::from_millis(1)),
        }
        if let Some(status) = child.try_wait()? {
            return Ok(End::Exited(code(status)));
        }
        if let Some(reason) = should_stop() {
            let groups = terminate_while(child, || drain(receiver, output, on_line));
            signal_groups(&groups, Force::Hard);
            return Ok(End::Stopped(reason));
        }
    }
}

fn code(status: ExitStatus) -> Option<i32> {
    status.code()
}

fn terminate(child: &mut Child) {
    let groups = terminate_while(child, || Ok(()));
    signal_groups(&groups, Force::Hard);
}

/// Stops the child: politely, then hard. Gives the process groups that it and its descendants had.
fn terminate_while(
    child: &mut Child,
    mut meanwhile: impl FnMut() -> io::Result<()>,
) -> BTreeSet<u32> {
    // Looked up first: once a parent is dead, its children no longer lead back to it.
    let mut groups = descendant_groups(child.id());
    signal_groups(&BTreeSet::from([child.id()]), Force::Polite);
    let asked = Instant::now();
    while asked.elapsed() < GRACE {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return groups;
        }
        // A log that cannot be written must not keep the process alive.
        let _ = meanwhile();
        thread::sleep(Duration::from_millis(5));
    }
    groups.extend(descendant_groups(child.id()));
    signal_groups(&groups, Force::Hard);
    // SIGKILL cannot be refused, so this waits only for the system.
    let _ = child.kill();
    let _ = child.wait();
    groups
}

fn drain(
    receiver: &Receiver<Vec<u8>>,
    output: &mut Output,
    on_line: &mut impl FnMut(&str),
) -> io::Result<()> {
    let started = Instant::now();
    while started.elapsed() < DRAIN {
        match receiver.recv_timeout(Duration::from_millis(5)) {
            Ok(bytes) => output.take(&bytes, on_line)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
    Ok(())
}

/// The log, and the line that is not yet whole.
struct Output {
    log: File,
    line: Vec<u8>,
}

impl Output {
    fn take(&mut self, bytes: &[u8], on_line: &mut impl FnMut(&str)) -> io::Result<()> {
        self.log.write_all(bytes)?;
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                on_line(String::from_utf8_lossy(&self.line).trim_end());
                self.line.clear();
            }
        }
        Ok(())
    }

    fn finish(mut self, on_line: &mut impl FnMut(&str)) -> io::Result<()> {
        if !self.line.is_empty() {
            on_line(String::from_utf8_lossy(&self.line).trim_end());
        }
        self.log.flush()
    }
}

#[derive(Debug, Clone, Copy)]
enum Force {
    Polite,
    Hard,
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_command: &mut Command) {}

#[cfg(unix)]
fn signal_groups(groups: &BTreeSet<u32>, force: Force) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = match force {
        Force::Polite => Signal::TERM,
        Force::Hard => Signal::KILL,
    };
    for group in groups {
        let pid = i32::try_from(*group).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // A group that is already gone is what we want.
            let _ = kill_process_group(pid, signal);
        }
    }
}

#[cfg(not(unix))]
fn signal_groups(_groups: &BTreeSet<u32>, _force: Force) {}

/// The process groups of a process and of all its descendants that are not our own group.
fn descendant_groups(pid: u32) -> BTreeSet<u32> {
    let table = process_table();
    let own_group = table
        .iter()
        .find(|process| process.pid == std::process::id())
        .map(|process| process.group);
    let mut family = BTreeSet::from([pid]);
    loop {
        let more: Vec<u32> = table
            .iter()
            .filter(|process| family.contains(&process.parent) && !family.contains(&process.pid))
            .map(|process| process.pid)
            .collect();
        if more.is_empty() {
            break;
        }
        family.extend(more);
    }
    let mut groups: BTreeSet<u32> = table
        .iter()
        .filter(|process| family.contains(&process.pid) && Some(process.group) != own_group)
        .map(|process| process.group)
        .collect();
    groups.insert(pid);
    groups
}

struct Process {
    pid: u32,
    parent: u32,
    group: u32,
}

fn process_table() -> Vec<Process> {
    let from_proc: Vec<Process> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            parse_proc_stat(&stat)
        })
        .collect();
    if from_proc.is_empty() {
        process_table_by_ps()
    } else {
        from_proc
    }
}

/// `pid (name) state parent group …`; the name may hold blanks and parentheses.
fn parse_proc_stat(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(" (")?;
    let mut fields = rest.rsplit_once(") ")?.1.split(' ').skip(1);
    Some(Process {
        pid: pid.parse().ok()?,
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
    })
}

fn process_table_by_ps() -> Vec<Process> {
    let output = Command::new("ps")
        .args(["-axo", "pid=,ppid=,pgid="])
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    output
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            Some(Process {
                pid: fields.next()?.parse().ok()?,
                parent: fields.next()?.parse().ok()?,
                group: fields.next()?.parse().ok()?,
            })
        })
        .collect()
}
