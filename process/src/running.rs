//! One running command, its group and its pipes.

use std::collections::BTreeSet;
use std::io;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::group::{Force, Group, own_group, signal_group};
use crate::identity::ProcessId;
use crate::table::groups_of;

#[cfg(unix)]
type Child = std::process::Child;
#[cfg(windows)]
type Child = Box<dyn process_wrap::std::ChildWrapper>;

/// How often a process that is being stopped is checked for its end.
const STOP_TICK: Duration = Duration::from_millis(5);

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End<S> {
    /// By itself, with this exit code; `None` when a signal ended it.
    Exited(Option<i32>),
    /// It was stopped for this reason.
    Stopped(S),
    /// The program was not found.
    Missing,
}

/// A started command. Dropping it kills its whole group, unless it was released.
#[derive(Debug)]
pub struct Running {
    child: Child,
    group: Group,
    id: ProcessId,
}

impl Running {
    /// Starts a command in a group of its own. The group ends with this value, and with this
    /// process when that ends first, for whatever cause.
    ///
    /// # Errors
    /// When the program cannot be started; of kind `NotFound` when it does not exist.
    pub fn start(mut command: Command) -> io::Result<Self> {
        own_group(&mut command);
        let child = spawn(command)?;
        let group = Group::guard(child.id());
        let id = ProcessId::of(child.id());
        Ok(Self { child, group, id })
    }

    /// Starts a command in a group of its own that lives on when this value or this process ends.
    ///
    /// # Errors
    /// When the program cannot be started; of kind `NotFound` when it does not exist.
    pub fn start_released(command: Command) -> io::Result<Self> {
        let mut running = Self::start(command)?;
        running.release();
        Ok(running)
    }

    /// From now on the process lives on when this value or this process ends.
    pub fn release(&mut self) {
        self.group.release();
    }

    /// The process.
    #[must_use]
    pub fn id(&self) -> &ProcessId {
        &self.id
    }

    /// Its id, which is also the id of its group.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.id.pid
    }

    /// Its input, once, when it was piped.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        #[cfg(unix)]
        return self.child.stdin.take();
        #[cfg(windows)]
        return self.child.stdin().take();
    }

    /// Its output, once, when it was piped.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        #[cfg(unix)]
        return self.child.stdout.take();
        #[cfg(windows)]
        return self.child.stdout().take();
    }

    /// Its error output, once, when it was piped.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        #[cfg(unix)]
        return self.child.stderr.take();
        #[cfg(windows)]
        return self.child.stderr().take();
    }

    /// How it ended; `None` while it runs.
    ///
    /// # Errors
    /// When the system cannot report it.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the system cannot report it.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Signals the whole group, if the process has not ended.
    pub fn signal(&mut self, force: Force) {
        if !matches!(self.try_wait(), Ok(None)) {
            return;
        }
        signal_group(self.id.pid, force);
        #[cfg(windows)]
        let _ = self.child.start_kill();
    }

    /// Kills the group and waits for the process.
    pub fn kill(&mut self) {
        self.signal(Force::Hard);
        // SIGKILL cannot be refused, so this waits only for the system.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.group.end();
    }

    /// Stops the process and all that it started, in whatever group: politely, and after `grace`
    /// hard. `meanwhile` is called while it ends, such as to read its output.
    pub fn stop(&mut self, grace: Duration, mut meanwhile: impl FnMut()) {
        // Looked up first: once a parent has ended, its children no longer lead back to it.
        let mut groups = groups_of(self.id.pid);
        self.signal(Force::Polite);
        let started = Instant::now();
        while started.elapsed() < grace {
            if matches!(self.try_wait(), Ok(Some(_))) {
                return end_all(&groups);
            }
            meanwhile();
            std::thread::sleep(STOP_TICK);
        }
        groups.extend(groups_of(self.id.pid));
        end_all(&groups);
        self.kill();
    }

    /// Waits for the end, or stops the command when `should_stop` gives a reason. `pause` is called
    /// between two checks; it waits a moment, and may read output meanwhile.
    ///
    /// # Errors
    /// When the system cannot report the state of the process, or `pause` fails; the command has
    /// been stopped then.
    pub fn wait_unless<S>(
        &mut self,
        grace: Duration,
        mut pause: impl FnMut() -> io::Result<()>,
        mut should_stop: impl FnMut() -> Option<S>,
    ) -> io::Result<End<S>> {
        let result = loop {
            if let Err(error) = pause() {
                break Err(error);
            }
            match self.try_wait() {
                Ok(Some(status)) => break Ok(End::Exited(status.code())),
                Ok(None) => {}
                Err(error) => break Err(error),
            }
            if let Some(reason) = should_stop() {
                // Output that cannot be stored must not keep the process alive.
                self.stop(grace, || drop(pause()));
                break Ok(End::Stopped(reason));
            }
        };
        if result.is_err() {
            self.stop(grace, || ());
        }
        // What the command left in its group would go on next to what runs after it.
        self.group.end();
        result
    }
}

fn end_all(groups: &BTreeSet<u32>) {
    for group in groups {
        signal_group(*group, Force::Hard);
    }
}

#[cfg(unix)]
fn spawn(mut command: Command) -> io::Result<Child> {
    command.spawn()
}

#[cfg(windows)]
fn spawn(command: Command) -> io::Result<Child> {
    use process_wrap::std::{CommandWrap, JobObject};
    CommandWrap::from(command).wrap(JobObject).spawn()
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.group.is_guarded() {
            self.kill();
        }
    }
}
