//! A ship on its way: what was requested and what is known so far.

use std::time::Duration;

use tollgate_gates::{Decision, Failure, Inputs, record};
use tollgate_report::quantity::Span;
use tollgate_report::{Clock, EvidenceLog, Outcome, Verdict};

use crate::context::Context;
use crate::hub::Shown;
use crate::summary::ShipSummary;

/// The project under which a ship shows itself at the hub.
pub(crate) const PROJECT: &str = "tollgate";

/// What a ship is asked for.
#[derive(Debug, Clone, Default)]
pub struct ShipRequest {
    /// How the candidate misbehaves; absent for an honest one.
    pub fault: Option<&'static str>,
    /// The port of the embedded proxy; 0 takes a free one.
    pub port: u16,
    /// The port of the dashboard; 0 takes a free one.
    pub dashboard_port: u16,
    /// Run every step, whatever the cache holds.
    pub all: bool,
    /// Keep the dashboard open this long after the end.
    pub hold: Option<Span>,
}

/// A ship on its way: what is known so far.
pub(crate) struct Ship<'a> {
    pub context: Context<'a>,
    pub evidence: EvidenceLog,
    pub run: String,
    pub started: Duration,
    pub summary: ShipSummary,
    /// What the dashboard is shown once it is up.
    pub shown: Vec<Shown>,
    pub is_stale: bool,
}

impl Ship<'_> {
    /// Records a gate, reports it, and returns whether the ship continues.
    pub fn passed(&mut self, gate: Decision) -> bool {
        self.context.narrator.decided(&gate);
        let goes_on = !matches!(gate.outcome(), Outcome::Fail | Outcome::Inconclusive);
        if !goes_on {
            self.context.narrator.findings(&gate.verdict.findings);
        }
        self.summary.gates.push(gate);
        goes_on
    }

    pub fn record(
        &self,
        subject: (&str, &str),
        inputs: Inputs,
        verdict: Verdict,
        since: Duration,
    ) -> Result<Decision, Failure> {
        let duration = self.context.clock.monotonic().saturating_sub(since);
        record(
            &self.context,
            &self.evidence,
            &self.run,
            subject,
            inputs,
            verdict,
            duration,
        )
    }
}
