//! What all gates have in common.

use serde::de::{DeserializeOwned, IgnoredAny};
use tollgate_report::Verdict;

use crate::failure::Failure;

/// The settings of a gate whose verdict follows from its inputs alone.
pub type NoSettings = IgnoredAny;

/// A gate: the verdict over recorded inputs and settings.
pub trait Gate {
    /// The names under which its verdicts are recorded, such as `contract`.
    const NAMES: &'static [&'static str];
    /// The name of the recorded input that the verdict follows from.
    const INPUT: &'static str;
    /// What is judged.
    type Inputs;
    /// The settings that the verdict depends on, as they are recorded.
    type Settings: DeserializeOwned;

    /// Reads the recorded input.
    ///
    /// # Errors
    /// The bytes are not what this gate records.
    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure>;

    /// The verdict. Pure.
    ///
    /// # Errors
    /// The inputs can't be judged, such as a contract that can't be read.
    fn judge(inputs: &Self::Inputs, settings: &Self::Settings) -> Result<Verdict, Failure>;
}

/// Reads a recorded input that is JSON.
pub(crate) fn from_json<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        Failure::environment(anyhow::Error::new(error).context(format!("cannot read {what}")))
    })
}
