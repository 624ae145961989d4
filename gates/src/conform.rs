//! The conform gate: what a running service answered, against its contract.

use serde::{Deserialize, Serialize};
use tollgate_report::{Finding, Verdict};

use crate::failure::Failure;
use crate::gate::{Gate, NoSettings, from_json};

/// The conform gate.
#[derive(Debug)]
pub struct Conform;

impl Gate for Conform {
    const NAMES: &'static [&'static str] = &["conform"];
    const INPUT: &'static str = "conform";
    type Inputs = Found;
    type Settings = NoSettings;

    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure> {
        from_json("the recorded findings", bytes)
    }

    fn judge(inputs: &Self::Inputs, _settings: &Self::Settings) -> Result<Verdict, Failure> {
        Ok(judge(inputs))
    }
}

/// What is recorded: the findings, so that `replay` can reach the verdict again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    pub findings: Vec<Finding>,
    pub n_requests: usize,
    pub n_operations: usize,
}

/// The verdict over what was found. Pure.
#[must_use]
pub fn judge(found: &Found) -> Verdict {
    let clean = format!(
        "{} requests to {} operations, and every answer conforms to the contract",
        found.n_requests, found.n_operations
    );
    Verdict::from_findings(found.findings.clone(), clean)
}
