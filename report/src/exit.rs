//! The exit codes of every command, in one enum.

use crate::Outcome;

/// What a command's exit status means. The numbers are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Every gate passed.
    Pass = 0,
    /// The command line was wrong.
    Usage = 2,
    /// A gate found something that must be fixed, or a canary was rolled back.
    Findings = 3,
    /// Committed generated files differ from what the contract generates now.
    Stale = 4,
    /// The settings or a contract could not be understood.
    Settings = 5,
    /// Network, disk, port or a missing tool: the machine, not the change.
    Environment = 6,
    /// There was not enough evidence to decide.
    Inconclusive = 7,
    /// A bug of Tollgate.
    Bug = 70,
}

impl ExitCode {
    /// The process status.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The code for the worst outcome of a run.
    #[must_use]
    pub fn from_outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass | Outcome::Warn | Outcome::NotChecked => Self::Pass,
            Outcome::Inconclusive => Self::Inconclusive,
            Outcome::Fail => Self::Findings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_gate_exits_three_and_an_undecided_one_seven() {
        assert_eq!(ExitCode::from_outcome(Outcome::Fail).code(), 3);
        assert_eq!(ExitCode::from_outcome(Outcome::Inconclusive).code(), 7);
        assert_eq!(ExitCode::from_outcome(Outcome::Warn).code(), 0);
    }
}
