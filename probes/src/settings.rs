//! The probe format: entries of `[[probes]]` in `tollgate.toml`.
//!
//! The kind of a probe is the name of its table, so that an unknown key is reported on its line:
//!
//! ```toml
//! [[probes]]
//! name = "health"
//! target = "200ms"
//! [probes.http]
//! path = "/health"
//! operation = "getHealth"
//! ```

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::Span;

mod check;
mod defaults;
mod kinds;

pub use check::check;
pub use kinds::{
    Capture, CommandCheck, Comparison, Expect, HttpCheck, JourneyCheck, JsonExpect, LoadBudget,
    LoadCheck, MetricCheck, MetricsCheck, TcpCheck, WebsocketCheck,
};

/// One probe: what all kinds share, and the check itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Entry", into = "Entry")]
#[schemars(with = "Entry")]
pub struct Probe {
    /// Unique name.
    pub name: String,
    /// Time from one run to the next.
    pub every: Span,
    /// Longest time of one attempt.
    pub timeout: Span,
    /// A pass slower than this is degraded.
    pub target: Option<Span>,
    /// How often a failed attempt is repeated; each attempt is shown.
    pub retries: u32,
    /// Failures in a row before the target counts as down.
    pub failures_before_down: u32,
    /// Passes in a row before it counts as up again.
    pub passes_before_up: u32,
    /// Variable to the environment variable that holds its secret value.
    pub secret_env: BTreeMap<String, String>,
    /// What is done and expected.
    pub check: Check,
}

/// What the settings of a kind require beyond their types.
pub(crate) trait CheckSettings {
    /// Adds a message for each thing that is wrong.
    fn problems(&self, messages: &mut Vec<String>);
}

macro_rules! declare {
    ($($(#[$doc:meta])* $kind:ident $word:ident $check:ty,)*) => {
        /// What a probe does, by kind.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Check {
            $($(#[$doc])* $kind($check),)*
        }

        /// The kinds of probes.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All kinds, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The word that settings and tables use.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$kind => stringify!($word),)*
                }
            }
        }

        impl Check {
            /// The kind of this check.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$kind(_) => Kind::$kind,)*
                }
            }

            /// What is wrong with the settings of this check.
            fn problems(&self) -> Vec<String> {
                let mut messages = Vec::new();
                match self {
                    $(Self::$kind(check) => check.problems(&mut messages),)*
                }
                messages
            }
        }

        /// One entry of `[[probes]]` as it is written: exactly one of the kind tables is set.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(rename = "Probe")]
        struct Entry {
            /// Unique name, shown in results and alerts.
            name: String,
            /// Time from one run to the next (default 30s).
            #[serde(default = "defaults::every")]
            every: Span,
            /// Longest time of one attempt (default 10s); over it the probe fails.
            #[serde(default = "defaults::timeout")]
            timeout: Span,
            /// A pass slower than this is degraded (default: none). For `load`, compared with p95.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            target: Option<Span>,
            /// How often a failed attempt is repeated at once (default 0); each attempt is shown.
            #[serde(default)]
            retries: u32,
            /// Failures in a row before the target counts as down (default 3).
            #[serde(default = "defaults::failures_before_down")]
            failures_before_down: u32,
            /// Passes in a row before it counts as up again (default 1).
            #[serde(default = "defaults::passes_before_up")]
            passes_before_up: u32,
            /// Secrets: variable name to the environment variable that holds it; never shown.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            secret_env: BTreeMap<String, String>,
            $(
                $(#[$doc])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                $word: Option<$check>,
            )*
        }

        impl TryFrom<Entry> for Probe {
            type Error = KindError;

            fn try_from(entry: Entry) -> Result<Self, KindError> {
                let mut checks: Vec<Check> = Vec::new();
                $(checks.extend(entry.$word.map(Check::$kind));)*
                let n_kinds = checks.len();
                let (Some(check), 1) = (checks.pop(), n_kinds) else {
                    return Err(KindError {
                        name: entry.name,
                        n_kinds,
                    });
                };
                Ok(Self {
                    name: entry.name,
                    every: entry.every,
                    timeout: entry.timeout,
                    target: entry.target,
                    retries: entry.retries,
                    failures_before_down: entry.failures_before_down,
                    passes_before_up: entry.passes_before_up,
                    secret_env: entry.secret_env,
                    check,
                })
            }
        }

        impl From<Probe> for Entry {
            fn from(probe: Probe) -> Self {
                let mut entry = Self {
                    name: probe.name,
                    every: probe.every,
                    timeout: probe.timeout,
                    target: probe.target,
                    retries: probe.retries,
                    failures_before_down: probe.failures_before_down,
                    passes_before_up: probe.passes_before_up,
                    secret_env: probe.secret_env,
                    $($word: None,)*
                };
                match probe.check {
                    $(Check::$kind(check) => entry.$word = Some(check),)*
                }
                entry
            }
        }
    };
}

probe_kinds!(declare);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Probe {
    /// A probe of a check with every shared setting at its default.
    #[must_use]
    pub fn new(name: impl Into<String>, check: Check) -> Self {
        Self {
            name: name.into(),
            every: defaults::every(),
            timeout: defaults::timeout(),
            target: None,
            retries: 0,
            failures_before_down: defaults::failures_before_down(),
            passes_before_up: defaults::passes_before_up(),
            secret_env: BTreeMap::new(),
            check,
        }
    }
}

/// An entry did not name exactly one kind.
#[derive(Debug, thiserror::Error)]
#[error(
    "probe `{name}` must have exactly one of the tables {}; it has {n_kinds}",
    words()
)]
pub struct KindError {
    name: String,
    n_kinds: usize,
}

fn words() -> String {
    let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests;
