//! Follows a command to its end: both outputs arrive in one stream, in the order in which they
//! were written.

use std::io::{self, PipeReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::running::{End, Running};

/// How often a running command is checked.
const TICK: Duration = Duration::from_millis(20);
/// How long output is still read from a process that outlives the command and holds its pipe.
const DRAIN: Duration = Duration::from_millis(500);

/// Runs a command without input to its end. What it writes goes to `on_output` as it arrives;
/// `should_stop` is called some 50 times a second, and the command and all that it started are
/// stopped when it gives a reason: politely, and after `grace` hard.
///
/// # Errors
/// When the command cannot be started or `on_output` fails.
pub fn follow<S>(
    mut command: Command,
    grace: Duration,
    mut on_output: impl FnMut(&[u8]) -> io::Result<()>,
    should_stop: impl FnMut() -> Option<S>,
) -> io::Result<End<S>> {
    let (reader, writer) = io::pipe()?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    // The command holds our ends of the pipe. `start` drops it: with them open the reader would
    // never reach the end.
    let has_folder = command
        .get_current_dir()
        .is_none_or(std::path::Path::is_dir);
    let mut running = match Running::start(command) {
        Ok(running) => running,
        Err(error) if error.kind() == io::ErrorKind::NotFound && has_folder => {
            return Ok(End::Missing);
        }
        Err(error) => return Err(error),
    };
    let (sender, receiver) = mpsc::sync_channel(64);
    thread::spawn(move || read_all(reader, &sender));
    let end = running.wait_unless(
        grace,
        || match receiver.recv_timeout(TICK) {
            Ok(bytes) => on_output(&bytes),
            Err(RecvTimeoutError::Timeout) => Ok(()),
            // All output has arrived; the command ends now or goes on without its pipe.
            Err(RecvTimeoutError::Disconnected) => {
                thread::sleep(Duration::from_millis(1));
                Ok(())
            }
        },
        should_stop,
    );
    drain(&receiver, &mut on_output)?;
    end
}

fn read_all(mut reader: PipeReader, sender: &mpsc::SyncSender<Vec<u8>>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n_bytes) = reader.read(&mut buffer) {
        if n_bytes == 0 || sender.send(buffer[..n_bytes].to_vec()).is_err() {
            return;
        }
    }
}

fn drain(
    receiver: &Receiver<Vec<u8>>,
    on_output: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let started = Instant::now();
    while started.elapsed() < DRAIN {
        match receiver.recv_timeout(Duration::from_millis(5)) {
            Ok(bytes) => on_output(&bytes)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
    Ok(())
}
