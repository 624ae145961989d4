//! The report of a ship as one HTML file without scripts or outside parts. The page itself is the
//! template `templates/report.html`, which escapes every value.

use std::fmt::Write;

use serde_json::{Value, json};
use tera::{Context, Tera};
use tollgate_gates::Decision;
use tollgate_report::{Finding, Outcome};

use crate::summary::{ShipSummary, StepRow, duration_words};

const TEMPLATE: &str = include_str!("../templates/report.html");

/// The findings of one gate that the page lists.
const FINDINGS_MAX: usize = 20;

/// The whole page; its commands have the program's name.
pub fn render(summary: &ShipSummary, program: &str) -> Result<String, tera::Error> {
    let title = match summary.outcome {
        Outcome::Fail => "Ship: rolled back or refused",
        Outcome::Inconclusive => "Ship: not decided",
        _ => "Ship: promoted",
    };
    let has_messages = summary.received.iter().any(|row| row.count > 0);
    let traffic = summary.traffic.as_ref().map(|traffic| {
        json!({
            "sent": traffic.sent, "ok": traffic.ok, "errors": traffic.errors, "lost": traffic.lost,
            "p50": format!("{:.1}", traffic.p50_ms), "p95": format!("{:.1}", traffic.p95_ms),
        })
    });
    let chart = summary
        .canary
        .as_ref()
        .map(|canary| weight_chart(&canary.weights));
    let values = json!({
        "title": title,
        "outcome": outcome(summary.outcome),
        "run": summary.run,
        "revision": summary.revision,
        "started_at": summary.started_at.to_string(),
        "duration": duration_words(summary.duration_ms),
        "fault": summary.fault,
        "gates": summary.gates.iter().map(gate).collect::<Vec<_>>(),
        "canary": summary.canary,
        "chart": chart,
        "traffic": traffic,
        "steps": summary.steps.iter().map(step).collect::<Vec<_>>(),
        "received": has_messages.then_some(&summary.received),
        "program": program,
    });
    let mut tera = Tera::default();
    // The name's ending makes tera escape every value.
    tera.add_raw_template("report.html", TEMPLATE)?;
    tera.render("report.html", &Context::from_value(values)?)
}

fn outcome(outcome: Outcome) -> Value {
    let class = match outcome {
        Outcome::Pass => "pass",
        Outcome::Warn => "warn",
        Outcome::NotChecked => "not_checked",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Fail => "fail",
    };
    json!({ "class": class, "word": outcome.word() })
}

fn gate(gate: &Decision) -> Value {
    let findings = gate.verdict.findings.iter().take(FINDINGS_MAX);
    json!({
        "gate": gate.gate,
        "outcome": outcome(gate.outcome()),
        "duration": duration_words(gate.duration_ms),
        "evidence": gate.evidence,
        "reason": gate.verdict.reason,
        "findings": findings.map(finding).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Value {
    let place = finding.place.as_ref().map(ToString::to_string);
    json!({ "message": finding.message, "place": place })
}

fn step(step: &StepRow) -> Value {
    json!({
        "name": step.name,
        "outcome": outcome(step.outcome),
        "how": step.how,
        "duration": duration_words(step.duration_ms),
        "cause": step.cause,
    })
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a string takes every text");
}

/// The canary's observed weight over time, as steps.
fn weight_chart(weights: &[(f64, f64)]) -> String {
    let (Some(first), Some(last)) = (weights.first(), weights.last()) else {
        return String::new();
    };
    let mut page = String::new();
    let (width, height, left, bottom) = (760.0, 150.0, 40.0, 22.0);
    let seconds = (last.0 - first.0).max(0.001);
    let x = |second: f64| left + (second - first.0) / seconds * (width - left - 10.0);
    let y = |percent: f64| 8.0 + (100.0 - percent) / 100.0 * (height - bottom - 8.0);
    let mut path = String::new();
    for (idx, (second, percent)) in weights.iter().enumerate() {
        if idx == 0 {
            push(
                &mut path,
                format_args!("M{:.1} {:.1}", x(*second), y(*percent)),
            );
        } else {
            push(
                &mut path,
                format_args!("H{:.1}V{:.1}", x(*second), y(*percent)),
            );
        }
    }
    push(
        &mut page,
        format_args!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"the canary's observed share of the traffic over time\">"
        ),
    );
    for percent in [0.0, 50.0, 100.0] {
        push(
            &mut page,
            format_args!(
                "<line x1=\"{left}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"var(--line)\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{percent}%</text>",
                width - 10.0,
                left - 6.0,
                y(percent) + 4.0,
                y = y(percent),
            ),
        );
    }
    push(
        &mut page,
        format_args!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"var(--accent)\" stroke-width=\"2.5\"/><text x=\"{left}\" y=\"{t}\">0 s</text><text x=\"{}\" y=\"{t}\" text-anchor=\"end\">{seconds:.0} s</text></svg>",
            width - 10.0,
            t = height - 6.0,
        ),
    );
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::CanarySummary;
    use tollgate_report::Timestamp;

    #[test]
    fn text_of_a_candidate_cannot_become_markup() {
        let summary = ShipSummary {
            version: 1,
            run: "ship-1".into(),
            revision: "abc".into(),
            fault: Some("<script>".into()),
            outcome: Outcome::Fail,
            started_at: Timestamp::EPOCH,
            duration_ms: 61_000,
            gates: Vec::new(),
            steps: Vec::new(),
            canary: Some(CanarySummary {
                reason: "got `<img onerror=x>`".into(),
                weights: vec![(0.0, 0.0), (2.0, 10.0)],
                ..Default::default()
            }),
            traffic: None,
            received: Vec::new(),
            report: String::new(),
        };
        let page = render(&summary, "tollgate").expect("the template is valid");
        assert!(
            !page.contains("<script") && !page.contains("<img"),
            "{page}"
        );
        assert!(page.contains("1 min 1 s"));
        assert!(page.contains("<svg "), "the chart is markup: {page}");
        assert!(page.contains("tollgate explain ID"));
    }
}
