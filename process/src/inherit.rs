//! Files that children share with this process.

use std::fs::File;
use std::io;

/// Lets every command that is started from now on hold the file open, too: a lock on it lasts until
/// the last of them has ended, also when this process is killed. The guardian is no such command.
///
/// # Errors
/// When the system refuses. Where files are not inherited, nothing happens.
#[cfg(unix)]
pub fn share_with_children(file: &File) -> io::Result<()> {
    crate::guardian::start();
    Ok(rustix::io::fcntl_setfd(file, rustix::io::FdFlags::empty())?)
}

/// Files are not inherited here; a job object ends the children together with this process.
#[cfg(not(unix))]
pub fn share_with_children(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_lock_lasts_until_the_last_child_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let file = File::create(&path).unwrap();
        file.lock().unwrap();
        share_with_children(&file).unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        drop(file);
        let other = File::open(&path).unwrap();
        assert!(other.try_lock().is_err(), "the child holds it");
        drop(child.stdin.take());
        child.wait().unwrap();
        // Another test's child may have been forked meanwhile; it closes the file when it starts.
        other.lock().unwrap();
    }
}
