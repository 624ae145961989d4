//! The report of a ship as one HTML file without scripts or outside parts.

use std::fmt::Write;

use tollgate_report::Outcome;

use crate::summary::{CanarySummary, ShipSummary, duration_words};

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1b2430;--soft:#5b6675;--line:#d9dee5;--paper:#fbfcfd;--card:#fff;--good:#137a4b;--warn:#9a6200;--bad:#b3261e;--accent:#2d5bd0}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#98a3b3;--line:#303843;--paper:#12161c;--card:#1a2028;--good:#4cc38a;--warn:#e2a93b;--bad:#ff8a80;--accent:#8fb0ff}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:68rem;margin:0 auto;padding:2rem 1rem 4rem}h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.25rem 0}.soft{color:var(--soft)}.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.25rem 1rem;overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.93rem}th,td{text-align:left;padding:.5rem .75rem .5rem 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}th{color:var(--soft);font-weight:600}td.n{white-space:nowrap;font-variant-numeric:tabular-nums}
code{font:.88em ui-monospace,monospace}.pass{color:var(--good)}.warn,.not_checked,.inconclusive{color:var(--warn)}.fail{color:var(--bad)}
.verdict{font-weight:650;white-space:nowrap}svg{display:block;width:100%;height:auto;margin:.75rem 0}svg text{fill:var(--soft);font:11px system-ui,sans-serif}
";

/// The whole page.
pub fn render(summary: &ShipSummary) -> String {
    let mut page = String::new();
    let title = match summary.outcome {
        Outcome::Fail => "Ship: rolled back or refused",
        Outcome::Inconclusive => "Ship: not decided",
        _ => "Ship: promoted",
    };
    let fault = summary
        .fault
        .as_ref()
        .map(|fault| format!(" · candidate with fault <code>{}</code>", escape(fault)));
    push(
        &mut page,
        format_args!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head><body><main><h1 class=\"{}\">{title}</h1><p class=\"soft\">run <code>{}</code> · revision <code>{}</code> · {} · {}{}</p>",
            class(summary.outcome),
            escape(&summary.run),
            escape(&summary.revision),
            summary.started_at,
            duration_words(summary.duration_ms),
            fault.unwrap_or_default(),
        ),
    );
    gates(&mut page, summary);
    if let Some(canary) = &summary.canary {
        canary_section(&mut page, canary);
    }
    traffic(&mut page, summary);
    steps(&mut page, summary);
    received(&mut page, summary);
    page.push_str("<h2>See for yourself</h2><p>Each verdict can be explained and computed again: <code>{tollgate} explain ID</code>, <code>{tollgate} replay ID</code>.</p></main></body></html>\n");
    page
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a string takes every text");
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Warn => "warn",
        Outcome::NotChecked => "not_checked",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Fail => "fail",
    }
}

fn verdict_cell(outcome: Outcome) -> String {
    format!(
        "<td class=\"verdict {}\">{}</td>",
        class(outcome),
        outcome.word()
    )
}

fn gates(page: &mut String, summary: &ShipSummary) {
    page.push_str("<h2>Gates</h2><div class=\"card\"><table><thead><tr><th>gate</th><th>verdict</th><th>time</th><th>evidence</th><th>why</th></tr></thead><tbody>");
    for gate in &summary.gates {
        push(
            page,
            format_args!(
                "<tr><td>{}</td>{}<td class=\"n\">{}</td><td><code>{}</code></td><td>{}",
                escape(&gate.gate),
                verdict_cell(gate.outcome()),
                duration_words(gate.duration_ms),
                escape(&gate.evidence),
                escape(&gate.verdict.reason),
            ),
        );
        for finding in gate.verdict.findings.iter().take(20) {
            let place = finding
                .place
                .as_ref()
                .map(|place| format!(" <code>{}</code>", escape(&place.to_string())));
            push(
                page,
                format_args!(
                    "<br><span class=\"soft\">{}{}</span>",
                    escape(&finding.message),
                    place.unwrap_or_default()
                ),
            );
        }
        page.push_str("</td></tr>");
    }
    page.push_str("</tbody></table></div>");
}

fn canary_section(page: &mut String, canary: &CanarySummary) {
    push(
        page,
        format_args!(
            "<h2>Canary: {}</h2><p>{}</p>",
            escape(&canary.phase),
            escape(&canary.reason)
        ),
    );
    weight_chart(page, &canary.weights);
    if !canary.numbers.is_empty() {
        page.push_str("<ul>");
        for number in &canary.numbers {
            push(page, format_args!("<li>{}</li>", escape(number)));
        }
        page.push_str("</ul>");
    }
    page.push_str("<div class=\"card\"><table><thead><tr><th>when</th><th>phase</th><th>what</th></tr></thead><tbody>");
    for row in &canary.timeline {
        push(
            page,
            format_args!(
                "<tr><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>",
                row.at,
                escape(&row.phase),
                escape(&row.message)
            ),
        );
    }
    page.push_str("</tbody></table></div>");
}

/// The canary's observed weight over time, as steps.
fn weight_chart(page: &mut String, weights: &[(f64, f64)]) {
    let (Some(first), Some(last)) = (weights.first(), weights.last()) else {
        return;
    };
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
        page,
        format_args!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"the canary's observed share of the traffic over time\">"
        ),
    );
    for percent in [0.0, 50.0, 100.0] {
        push(
            page,
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
        page,
        format_args!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"var(--accent)\" stroke-width=\"2.5\"/><text x=\"{left}\" y=\"{t}\">0 s</text><text x=\"{}\" y=\"{t}\" text-anchor=\"end\">{seconds:.0} s</text></svg>",
            width - 10.0,
            t = height - 6.0,
        ),
    );
}

fn traffic(page: &mut String, summary: &ShipSummary) {
    let Some(traffic) = &summary.traffic else {
        return;
    };
    let lost = if traffic.lost == 0 { "pass" } else { "fail" };
    push(
        page,
        format_args!(
            "<h2>Live traffic</h2><p>{} requests sent · {} answered well · {} answered with an error · <strong class=\"{lost}\">{} lost</strong> · p50 {:.1} ms · p95 {:.1} ms</p>",
            traffic.sent, traffic.ok, traffic.errors, traffic.lost, traffic.p50_ms, traffic.p95_ms
        ),
    );
}

fn steps(page: &mut String, summary: &ShipSummary) {
    if summary.steps.is_empty() {
        return;
    }
    page.push_str("<h2>Tier 0</h2><div class=\"card\"><table><thead><tr><th>step</th><th>verdict</th><th>how</th><th>time</th><th>cause</th></tr></thead><tbody>");
    for step in &summary.steps {
        push(
            page,
            format_args!(
                "<tr><td>{}</td>{}<td>{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
                escape(&step.name),
                verdict_cell(step.outcome),
                escape(&step.how),
                duration_words(step.duration_ms),
                escape(&step.cause)
            ),
        );
    }
    page.push_str("</tbody></table></div>");
}

fn received(page: &mut String, summary: &ShipSummary) {
    if summary.received.iter().all(|row| row.count == 0) {
        return;
    }
    page.push_str("<h2>Alert, as received</h2><div class=\"card\"><table><thead><tr><th>receiver</th><th>messages</th><th>first line</th></tr></thead><tbody>");
    for row in &summary.received {
        push(
            page,
            format_args!(
                "<tr><td>{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
                escape(&row.receiver),
                row.count,
                escape(&row.first_line)
            ),
        );
    }
    page.push_str("</tbody></table></div>");
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let page = render(&summary);
        assert!(
            !page.contains("<script") && !page.contains("<img"),
            "{page}"
        );
        assert!(page.contains("1 min 1 s"));
    }
}
