//! The alert gate: whether each receiver got each alert once.

use serde::{Deserialize, Serialize};
use tollgate_report::{Finding, Outcome, Verdict};

use crate::failure::Failure;
use crate::gate::{Gate, NoSettings, from_json};

/// The alert gate.
#[derive(Debug)]
pub struct Alert;

impl Gate for Alert {
    const NAMES: &'static [&'static str] = &["alert"];
    const INPUT: &'static str = "received";
    type Inputs = Delivered;
    type Settings = NoSettings;

    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure> {
        from_json("the recorded deliveries", bytes)
    }

    fn judge(inputs: &Self::Inputs, _settings: &Self::Settings) -> Result<Verdict, Failure> {
        Ok(judge(inputs))
    }
}

/// A message that a loopback receiver got.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceivedRow {
    pub receiver: String,
    pub count: u64,
    pub first_line: String,
}

/// What the receivers got, and whether something should have come.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivered {
    pub has_alerted: bool,
    pub received: Vec<ReceivedRow>,
}

/// The verdict over the delivery: each receiver exactly once when there was an alert, else none. Pure.
pub fn judge(delivered: &Delivered) -> Verdict {
    let want = u64::from(delivered.has_alerted);
    let wrong: Vec<Finding> = delivered
        .received
        .iter()
        .filter(|row| row.count != want)
        .map(|row| {
            Finding::error(
                "alert-delivery",
                format!(
                    "`{}` got {} messages, {want} was expected",
                    row.receiver, row.count
                ),
            )
        })
        .collect();
    if !wrong.is_empty() {
        return Verdict::from_findings(wrong, "");
    }
    let names: Vec<&str> = delivered
        .received
        .iter()
        .map(|row| row.receiver.as_str())
        .collect();
    let reason = match delivered.has_alerted {
        true => format!("reached once each: {}", names.join(", ")),
        false => "nothing to report, and nothing was sent".to_owned(),
    };
    Verdict::new(Outcome::Pass, reason)
}
