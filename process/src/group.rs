//! Process groups: a command is put into one, the whole group is signalled, and a [`Group`] value
//! ends it.

use std::process::Command;

use crate::guardian;

/// How strongly a group is signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// SIGTERM: each process of the group may clean up and end by itself.
    Polite,
    /// SIGKILL: the group ends now.
    Hard,
}

#[cfg(unix)]
impl Force {
    fn signal(self) -> rustix::process::Signal {
        match self {
            Self::Polite => rustix::process::Signal::TERM,
            Self::Hard => rustix::process::Signal::KILL,
        }
    }
}

/// Makes the command the leader of a new process group, whose id is its process id. Signals of the
/// terminal do not reach it.
pub fn own_group(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Leaves the session of the terminal, so that closing it does not reach this process. To be called
/// by a process that does not lead a group.
///
/// # Errors
/// When it leads one.
pub fn own_session() -> std::io::Result<()> {
    #[cfg(unix)]
    rustix::process::setsid()?;
    Ok(())
}

/// Signals all processes of a group. A group without processes is not an error.
pub fn signal_group(group: u32, force: Force) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, kill_process_group};
        if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
            // Fails when the group has ended already, which is what was wanted.
            let _ = kill_process_group(group, force.signal());
        }
    }
    #[cfg(not(unix))]
    let _ = (group, force);
}

/// Signals one process, not its group. A process that has ended is not an error.
pub fn signal_process(pid: u32, force: Force) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, kill_process};
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            // Fails when it has ended already, which is what was wanted.
            let _ = kill_process(pid, force.signal());
        }
    }
    #[cfg(not(unix))]
    let _ = (pid, force);
}

/// The process group of a command that somebody else waits for. The group is killed when this
/// value is dropped, and also when this process ends without dropping it.
#[derive(Debug)]
pub struct Group {
    id: Option<u32>,
}

impl Group {
    /// Takes over the group that a command leads after [`own_group`]. Call it right after the
    /// start: a group is only guarded from here on.
    #[must_use]
    pub fn guard(leader: u32) -> Self {
        guardian::watch(leader);
        Self { id: Some(leader) }
    }

    /// Whether the group ends with this value: it was neither ended nor released.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.id.is_some()
    }

    /// Signals the group.
    pub fn signal(&self, force: Force) {
        if let Some(id) = self.id {
            signal_group(id, force);
        }
    }

    /// Kills what is left of the group. To be called when the leader has been waited for.
    pub fn end(&mut self) {
        if let Some(id) = self.id.take() {
            signal_group(id, Force::Hard);
            guardian::forget(id);
        }
    }

    /// Lets the group live on after this value and this process.
    pub fn release(&mut self) {
        if let Some(id) = self.id.take() {
            guardian::forget(id);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}
