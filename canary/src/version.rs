//! The places that a version can have while it is released.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a version is: behind the proxy, or just taken from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionName {
    /// Receives all traffic except the canary's share.
    Stable,
    /// Receives the canary's share.
    Canary,
    /// Was stable before the last swap and receives no new requests.
    Retired,
}

impl VersionName {
    /// `stable`, `canary` or `retired`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Canary => "canary",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
