//! What commands return.

use tollgate_report::ExitCode;

pub use tollgate_gates::Failure;

/// The exit code of a command that could look, or why it could not.
pub type CommandResult = Result<ExitCode, Failure>;
