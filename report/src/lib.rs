//! The words every gate shares: findings, verdicts, evidence, time, digests and exit codes.
//!
//! The crates of the gates do not depend on each other; they share only this crate, which opens no
//! socket and uses no async runtime.

pub mod append_log;
pub mod atomic;
pub mod clock;
pub mod day;
pub mod digest;
pub mod evidence;
pub mod exit;
pub mod finding;
pub mod json;
pub mod program;
pub mod quantity;
pub mod render;
pub mod suggest;
pub mod threads;
pub mod unchecked;
pub mod verdict;

pub use append_log::{AppendLog, AppendLogError, LogKind};
pub use atomic::{replace, write_atomic};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use day::{Day, DayError};
pub use digest::Digest;
pub use evidence::{EvidenceError, EvidenceLog, Record, RecordDraft};
pub use exit::ExitCode;
pub use finding::{Finding, Fix, Place, Severity};
pub use threads::{both, in_threads};
pub use unchecked::not_checked;
pub use verdict::{Outcome, Verdict};
