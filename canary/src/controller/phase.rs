//! The phases of a run, and the stages within promoting and rolling back.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The progress of a run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[expect(
    missing_docs,
    reason = "the words of the product, each its own description"
)]
pub enum Phase {
    Pending,
    Progressing,
    Promoting,
    Succeeded,
    RollingBack,
    RolledBack,
    Inconclusive,
    Aborted,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Phase {
    /// No further event changes it. `Inconclusive` is final too once the weight is back at 0; a
    /// held one is told apart by [`super::State::is_over`].
    #[must_use]
    pub(super) fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::RolledBack | Self::Aborted)
    }
}

/// Where within promoting or rolling back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The weight is being set and observed.
    Shift,
    /// The canary has all of the traffic, and the gates judge the closed evidence.
    Confirm,
    /// The proxy makes the canary stable.
    Swap,
    /// The version that leaves has requests left.
    Drain,
    /// Its process is being stopped.
    Stop,
    /// Nothing is left to do.
    Done,
}
