//! What a probe found, as a record.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::{Finding, Timestamp};

use crate::load::LoadReport;
use crate::micros::micros;
use crate::settings::Kind;

/// Version of [`ProbeResult`].
pub const RESULT_VERSION: u32 = 1;

/// How a probe ended, from best to worst.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// All that was expected holds, within the target.
    Pass,
    /// All that was expected holds, but slower than the target.
    Degraded,
    /// The probe could not run: wrong settings, no DNS, no program. Never a failure of the target.
    Error,
    /// The target did not do what was expected.
    Fail,
}

impl State {
    /// The word shown to people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Degraded => "degraded",
            Self::Error => "error",
            Self::Fail => "fail",
        }
    }
}

/// Who a failure belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The target: the state is `fail`.
    Target,
    /// This machine: the probe could not run, the state is `error`.
    Prober,
}

/// Why a probe did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Stable name: `status`, `schema`, `timeout`, `connect`, `reset`, `settings` and so on.
    pub code: String,
    /// Who it belongs to.
    pub blame: Blame,
    /// What was checked, such as ``status of `GET /health` ``.
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What came instead; never a whole body, never a secret.
    pub got: String,
}

impl Cause {
    /// The target did not do what was expected.
    #[must_use]
    pub fn target(
        code: &str,
        what: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self {
            code: code.to_owned(),
            blame: Blame::Target,
            what: what.into(),
            expected: expected.into(),
            got: got.into(),
        }
    }

    /// The probe could not run.
    #[must_use]
    pub fn prober(
        code: &str,
        what: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self {
            blame: Blame::Prober,
            ..Self::target(code, what, expected, got)
        }
    }

    /// The cause as a finding: an error for a fail, a warning when the probe could not run.
    #[must_use]
    pub fn to_finding(&self, probe: &str) -> Finding {
        let message = format!(
            "probe `{probe}`: {}: expected {}, got {}",
            self.what, self.expected, self.got
        );
        let code = format!("probe-{}", self.code);
        match self.blame {
            Blame::Target => Finding::error(code, message),
            Blame::Prober => Finding::warning(code, message),
        }
    }
}

/// One attempt of a probe. Repeated attempts are shown, not hidden.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// How it ended.
    pub state: State,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Why it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Cause>,
}

/// One request of a journey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepResult {
    /// Name of the step.
    pub name: String,
    /// Whether it belongs to the clean-up.
    pub is_cleanup: bool,
    /// How it ended; absent when it was skipped because nothing was captured for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Why it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Cause>,
}

/// What one run of a probe found. The record that is stored, shown and counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeResult {
    /// Form of this record, see [`RESULT_VERSION`].
    pub version: u32,
    /// Name of the probe.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// How it ended: the state of the last attempt.
    pub state: State,
    /// When it started, wall time.
    pub at: Timestamp,
    /// How long the last attempt took, in microseconds.
    pub duration_us: u64,
    /// Phases of the last attempt in microseconds: `dns`, `connect`, `tls`, `first_byte`, `body`,
    /// `handshake`, `message`. Summed over the steps of a journey.
    pub phases_us: BTreeMap<String, u64>,
    /// Numbers by name; sizes in bytes, times in seconds unless the name ends otherwise.
    pub measurements: BTreeMap<String, f64>,
    /// The steps of a journey; empty for other kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepResult>,
    /// The result of a load probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Box<LoadReport>>,
    /// Why it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Cause>,
    /// All attempts in order, the last included.
    pub attempts: Vec<Attempt>,
}

/// What an attempt has seen so far. It outlives a timeout, so that phases are not lost.
#[derive(Debug, Default)]
pub(crate) struct Observation {
    pub(crate) phases_us: BTreeMap<String, u64>,
    pub(crate) measurements: BTreeMap<String, f64>,
    pub(crate) steps: Vec<StepResult>,
    pub(crate) load: Option<Box<LoadReport>>,
    /// The time that is compared with the target, where it is not the whole attempt.
    pub(crate) judged: Option<Duration>,
}

impl Observation {
    /// Adds to a phase.
    pub(crate) fn phase(&mut self, name: &str, duration: Duration) {
        *self.phases_us.entry(name.to_owned()).or_default() += micros(duration);
    }
}

/// The cause of an attempt that took too long. Without the phase `dns` the name was never found,
/// which is ours.
pub(crate) fn timed_out(what: String, limit: Duration, seen: &Observation) -> Cause {
    let phases: Vec<&str> = seen.phases_us.keys().map(String::as_str).collect();
    let expected = format!("its end within {limit:?}");
    if phases.is_empty() {
        return Cause::prober("dns", what, expected, "no address for the name yet");
    }
    let got = format!("only the phases {}", phases.join(", "));
    Cause::target("timeout", what, expected, got)
}
