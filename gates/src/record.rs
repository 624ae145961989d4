//! Keeps the inputs and the verdict of a gate as evidence.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tollgate_report::{Clock, EvidenceLog, Outcome, RecordDraft, Verdict};

use crate::failure::Failure;
use crate::repository::Repository;

/// The inputs of a gate: the bytes by name and the settings, enough to compute the verdict again.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    pub files: BTreeMap<String, Vec<u8>>,
    pub settings: Value,
}

impl Inputs {
    /// Inputs under one name, as JSON.
    pub fn json(name: &str, value: &impl Serialize) -> Self {
        Self::default().with_json(name, value)
    }

    /// The same inputs and these bytes.
    #[must_use]
    pub fn with(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(name.to_owned(), bytes.into());
        self
    }

    /// The same inputs and this value as JSON.
    #[must_use]
    pub fn with_json(self, name: &str, value: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec_pretty(value)
            .expect("inputs have only string keys and finite numbers");
        self.with(name, bytes)
    }

    /// The same inputs and these settings.
    #[must_use]
    pub fn with_settings(mut self, settings: &impl Serialize) -> Self {
        self.settings = serde_json::to_value(settings).expect("settings have only string keys");
        self
    }
}

/// What a gate decided: one row of the report.
#[derive(Debug, Clone, Serialize)]
pub struct Decision {
    /// The gate's name, such as `contract`.
    pub gate: String,
    /// What was judged.
    pub subject: String,
    /// How it ended and why.
    pub verdict: Verdict,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The evidence id for `explain` and `replay`.
    pub evidence: String,
}

impl Decision {
    pub fn outcome(&self) -> Outcome {
        self.verdict.outcome
    }
}

/// Keeps a verdict and its inputs. When this returns, both survive a crash.
pub fn record(
    repository: &Repository,
    evidence: &EvidenceLog,
    run: &str,
    (gate, subject): (&str, &str),
    inputs: Inputs,
    verdict: Verdict,
    duration: Duration,
) -> Result<Decision, Failure> {
    let mut digests = BTreeMap::new();
    for (name, bytes) in &inputs.files {
        digests.insert(name.clone(), evidence.keep_input(bytes)?);
    }
    let record = evidence.append(RecordDraft {
        at: repository.clock.now(),
        run: run.to_owned(),
        gate: gate.to_owned(),
        subject: subject.to_owned(),
        inputs: digests,
        settings: inputs.settings,
        verdict: verdict.clone(),
    })?;
    Ok(Decision {
        gate: gate.to_owned(),
        subject: subject.to_owned(),
        verdict,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        evidence: record.id,
    })
}

/// The worst outcome of some gates; pass when there are none.
pub fn worst(gates: &[Decision]) -> Outcome {
    gates
        .iter()
        .map(Decision::outcome)
        .fold(Outcome::Pass, Outcome::worst)
}
