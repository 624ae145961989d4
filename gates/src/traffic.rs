//! The traffic gate: what became of each request of the live traffic.

use serde::{Deserialize, Serialize};
use tollgate_report::{Finding, Outcome, Verdict};

use crate::failure::Failure;
use crate::gate::{Gate, NoSettings, from_json};

/// The traffic gate.
#[derive(Debug)]
pub struct Traffic;

impl Gate for Traffic {
    const NAMES: &'static [&'static str] = &["traffic"];
    const INPUT: &'static str = "traffic";
    type Inputs = TrafficSummary;
    type Settings = NoSettings;

    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure> {
        from_json("the recorded traffic", bytes)
    }

    fn judge(inputs: &Self::Inputs, _settings: &Self::Settings) -> Result<Verdict, Failure> {
        Ok(judge(inputs))
    }
}

/// Every request of the live traffic, accounted for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficSummary {
    pub sent: u64,
    pub ok: u64,
    /// Answered, but with an error status.
    pub errors: u64,
    /// Not answered: refused, reset, cut or timed out.
    pub lost: u64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    /// Answered requests by version, counted at the proxy.
    pub by_version: Vec<(String, u64)>,
    /// The candidate was started with a fault, so that some answers are meant to be errors.
    pub has_fault: bool,
    /// The first lost requests: when and how.
    pub first_lost: Vec<String>,
}

/// The verdict over live traffic: lost requests fail it. Pure.
pub fn judge(summary: &TrafficSummary) -> Verdict {
    let text = format!(
        "{} requests sent, {} answered well, {} with an error, {} lost",
        summary.sent, summary.ok, summary.errors, summary.lost
    );
    let is_bad = summary.lost > 0 || (summary.errors > 0 && !summary.has_fault);
    match (summary.sent, is_bad) {
        (0, _) => Verdict::new(Outcome::Inconclusive, "no request was sent"),
        (_, true) => Verdict::from_findings(vec![Finding::error("requests-lost", text)], ""),
        (_, false) => Verdict::new(Outcome::Pass, text),
    }
}
