//! What a ship has to say at its end: one value, shown as table, JSON and HTML alike.

use std::io::{self, Write};

use serde::Serialize;
use tollgate_report::render::{Paint, printable, render_table};
use tollgate_report::{Outcome, Timestamp};

use tollgate_gates::Decision;
use tollgate_gates::alert::ReceivedRow;
use tollgate_gates::traffic::TrafficSummary;

/// The whole run.
#[derive(Debug, Clone, Serialize)]
pub struct ShipSummary {
    pub version: u32,
    pub run: String,
    /// The commit that was shipped.
    pub revision: String,
    pub fault: Option<String>,
    pub outcome: Outcome,
    pub started_at: Timestamp,
    pub duration_ms: u64,
    pub gates: Vec<Decision>,
    pub steps: Vec<StepRow>,
    pub canary: Option<CanarySummary>,
    pub traffic: Option<TrafficSummary>,
    pub received: Vec<ReceivedRow>,
    pub report: String,
}

/// A step of tier 0.
#[derive(Debug, Clone, Serialize)]
pub struct StepRow {
    pub name: String,
    pub outcome: Outcome,
    /// `ran`, `cached` or `skipped`.
    pub how: String,
    pub duration_ms: u64,
    pub cause: String,
}

/// What became of the candidate.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CanarySummary {
    pub id: String,
    pub phase: String,
    pub reason: String,
    pub weight_observed: f64,
    /// Numbers against limits, such as `errors e-value 12.0 of 1000`.
    pub numbers: Vec<String>,
    /// When, phase and words, oldest first.
    pub timeline: Vec<TimelineRow>,
    /// Seconds since the start and the canary's observed weight in percent.
    pub weights: Vec<(f64, f64)>,
    /// From the first bad answer to the rollback, in milliseconds.
    pub first_bad_to_rollback_ms: Option<u64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TimelineRow {
    pub at: Timestamp,
    pub phase: String,
    pub message: String,
}

/// A duration as people read it.
pub fn duration_words(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", ms as f64 / 1_000.0),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// The tables at the end of a ship.
pub fn render_text(out: &mut dyn Write, summary: &ShipSummary, paint: Paint) -> io::Result<()> {
    let rows: Vec<Vec<String>> = summary
        .gates
        .iter()
        .map(|gate| {
            vec![
                gate.gate.clone(),
                paint.outcome(gate.outcome()),
                duration_words(gate.duration_ms),
                gate.evidence.clone(),
                printable(&gate.verdict.reason),
            ]
        })
        .collect();
    writeln!(out)?;
    render_table(out, &["gate", "verdict", "time", "evidence", "why"], &rows)?;
    if let Some(traffic) = &summary.traffic {
        let versions: Vec<String> = traffic
            .by_version
            .iter()
            .map(|(name, n)| format!("{name} {n}"))
            .collect();
        writeln!(
            out,
            "\nlive traffic: {} requests sent, {} answered well, {} answered with an error, {} lost; p50 {:.1} ms, p95 {:.1} ms; by version: {}",
            traffic.sent,
            traffic.ok,
            traffic.errors,
            traffic.lost,
            traffic.p50_ms,
            traffic.p95_ms,
            versions.join(", ")
        )?;
    }
    if let Some(canary) = &summary.canary {
        writeln!(
            out,
            "canary: {} — {}",
            canary.phase,
            printable(&canary.reason)
        )?;
        let percent = canary.weight_observed * 100.0;
        match canary.phase.as_str() {
            "Succeeded" => writeln!(
                out,
                "observed at the proxy: the promoted version is the stable one, with all of the traffic"
            )?,
            _ => writeln!(
                out,
                "observed at the proxy: the candidate's weight is {percent}%"
            )?,
        }
        if let Some(ms) = canary.first_bad_to_rollback_ms {
            writeln!(out, "first bad answer to rollback: {}", duration_words(ms))?;
        }
        for number in &canary.numbers {
            writeln!(out, "  {}", printable(number))?;
        }
    }
    if summary.received.iter().any(|row| row.count > 0) {
        writeln!(out, "\nreceivers (on loopback, started by this command):")?;
        let rows: Vec<Vec<String>> = summary
            .received
            .iter()
            .map(|row| {
                vec![
                    row.receiver.clone(),
                    row.count.to_string(),
                    printable(&row.first_line),
                ]
            })
            .collect();
        render_table(out, &["receiver", "messages", "first line"], &rows)?;
    }
    writeln!(out)?;
    writeln!(out, "report: {}", summary.report)?;
    if let Some(gate) = summary
        .gates
        .iter()
        .rev()
        .find(|gate| gate.outcome() == Outcome::Fail)
        .or(summary.gates.iter().find(|gate| gate.gate == "canary"))
    {
        writeln!(
            out,
            "next: {{tollgate}} explain {id} · {{tollgate}} replay {id}",
            id = gate.evidence
        )?;
    }
    let total = duration_words(summary.duration_ms);
    writeln!(out, "\n{} in {total}", paint.outcome(summary.outcome))
}
