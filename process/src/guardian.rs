//! One small shell per process that ends the groups which the process leaves when it is killed.
//!
//! The guardian reads group ids from a pipe. Only this process holds the other end, so that the
//! guardian notices every end, SIGKILL included. It needs `sh` and nothing else; where there is no
//! `sh`, groups end with the values that hold them and not with a killed process.

#[cfg(unix)]
pub(crate) use unix::{forget, start, sweep, watch};

#[cfg(not(unix))]
pub(crate) use elsewhere::{forget, sweep, watch};

/// On Windows a job object ends with the process that holds it.
#[cfg(not(unix))]
mod elsewhere {
    pub(crate) fn watch(_group: u32) {}
    pub(crate) fn forget(_group: u32) {}
    pub(crate) fn sweep(_mark: &str) {}
}

#[cfg(unix)]
mod unix {
    use std::collections::BTreeSet;
    use std::io::{self, PipeWriter, Write};
    use std::process::{Command, Stdio};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    const SCRIPT: &str = include_str!("guardian.sh");

    struct Guardian {
        groups: BTreeSet<u32>,
        marks: BTreeSet<String>,
        pipe: Option<PipeWriter>,
    }

    static GUARDIAN: Mutex<Guardian> = Mutex::new(Guardian {
        groups: BTreeSet::new(),
        marks: BTreeSet::new(),
        pipe: None,
    });

    fn guardian() -> MutexGuard<'static, Guardian> {
        GUARDIAN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the guardian now, so that it does not inherit what is shared with children later.
    pub(crate) fn start() {
        guardian().send("\n");
    }

    /// Ends this group when this process ends before [`forget`].
    pub(crate) fn watch(group: u32) {
        let mut guardian = guardian();
        guardian.groups.insert(group);
        guardian.send(&format!("watch {group}\n"));
    }

    /// The group has ended, or may outlive us.
    pub(crate) fn forget(group: u32) {
        let mut guardian = guardian();
        if guardian.groups.remove(&group) {
            guardian.send(&format!("forget {group}\n"));
        }
    }

    /// Ends all processes whose environment contains this text when this process ends.
    pub(crate) fn sweep(mark: &str) {
        let mut guardian = guardian();
        guardian.marks.insert(mark.to_owned());
        guardian.send(&format!("sweep {mark}\n"));
    }

    impl Guardian {
        /// A guardian that does not run (the first call, or it was killed) gets the whole list.
        fn send(&mut self, line: &str) {
            if let Some(pipe) = &mut self.pipe
                && pipe.write_all(line.as_bytes()).is_ok()
            {
                return;
            }
            self.pipe = self.start().ok();
        }

        fn start(&self) -> io::Result<PipeWriter> {
            let (reader, mut writer) = io::pipe()?;
            let mut command = Command::new("sh");
            // Without our environment it carries no mark of a family and is not found as a member.
            command
                .args(["-c", SCRIPT])
                .env_clear()
                .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
                .current_dir("/")
                .stdin(reader)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
            // Not waited for: it ends after us.
            command.spawn()?;
            let mut text = String::new();
            for group in &self.groups {
                text.push_str(&format!("watch {group}\n"));
            }
            for mark in &self.marks {
                text.push_str(&format!("sweep {mark}\n"));
            }
            writer.write_all(text.as_bytes())?;
            Ok(writer)
        }
    }
}
