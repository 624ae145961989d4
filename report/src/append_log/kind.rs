//! The properties of a kind of log: how processes share it, and which lines are complete.

/// Longest line of most logs: 256 MiB. A longer one is an error, both in a write and in a read.
pub const LINE_BYTES_MAX: usize = 256 << 20;

/// How processes share a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// The log itself is locked while it is open, and opening it waits for the lock. For logs that
    /// several processes append to, each of which opens the log for one append.
    Wait,
    /// A file `<name>.lock` next to the log is locked while it is open, and opening a log that is
    /// open elsewhere fails. For logs that one process keeps open.
    Hold,
    /// The owner of the log has a lock of its own.
    External,
}

/// The properties of one kind of log.
#[derive(Debug, Clone, Copy)]
pub struct LogKind {
    /// How processes share it.
    pub lock: Lock,
    /// Whether a last line, with its line feed if it has one, was written completely.
    pub is_complete: fn(&[u8]) -> bool,
    /// Longest line, without its line feed.
    pub line_bytes_max: usize,
}

impl LogKind {
    /// A log whose last line is complete when it ends with a line feed.
    #[must_use]
    pub const fn new(lock: Lock) -> Self {
        Self {
            lock,
            is_complete: has_end,
            line_bytes_max: LINE_BYTES_MAX,
        }
    }
}

/// Whether a line ends with its line feed.
#[must_use]
pub fn has_end(line: &[u8]) -> bool {
    line.ends_with(b"\n")
}
