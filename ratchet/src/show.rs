//! The table of floors as text, for any writer.

use std::io::{self, Write};

use tollgate_report::render::{Paint, printable, render_table};

use crate::check::{Checked, Judgement};
use crate::history::History;
use crate::metric::shown;
use crate::tighten::Tightened;

/// Newest values that a sparkline shows.
const SPARK_MAX: usize = 20;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Writes the table (metric, verdict, floor, now, delta, trend), the reason of each floor that does
/// not pass, and the waivers in force.
pub fn show(
    out: &mut dyn Write,
    checked: &Checked,
    history: &History,
    paint: Paint,
) -> io::Result<()> {
    let rows: Vec<Vec<String>> = checked
        .judgements
        .iter()
        .map(|judgement| row(judgement, history, paint))
        .collect();
    render_table(
        out,
        &["metric", "verdict", "floor", "now", "delta", "trend"],
        &rows,
    )?;
    for judgement in &checked.judgements {
        if judgement.status != crate::Status::Pass {
            let word = judgement.status.word();
            writeln!(
                out,
                "{word}: {}: {}",
                judgement.metric,
                printable(&judgement.reason)
            )?;
        }
    }
    for change in &checked.behind {
        writeln!(
            out,
            "behind: {}: floor {}, value {}; `{{tollgate}} ratchet tighten` raises the floor",
            change.metric,
            change.before.map_or_else(|| "none".to_owned(), shown),
            shown(change.after)
        )?;
    }
    writeln!(out, "live waivers: {}", checked.live_waivers.len())?;
    for waiver in &checked.live_waivers {
        let until = waiver.expires.as_deref().unwrap_or_default();
        writeln!(
            out,
            "  {}{} until {until}, {}: {} ({})",
            waiver.metric,
            waiver.limit.map_or_else(String::new, |limit| format!(
                ", no worse than {},",
                shown(limit)
            )),
            printable(&waiver.owner),
            printable(&waiver.reason),
            waiver.file
        )?;
    }
    Ok(())
}

fn row(judgement: &Judgement, history: &History, paint: Paint) -> Vec<String> {
    let floor = &judgement.floor;
    let mut values = history.values(&judgement.metric, &floor.unit);
    values.extend(judgement.now);
    let delta = judgement.now.map(|now| now - floor.floor);
    let sign = |delta: f64| if delta > 0.0 { "+" } else { "" };
    // A waived floor is coloured as its outcome and keeps its own word.
    let word = judgement.status.word();
    let outcome = judgement.status.outcome();
    vec![
        judgement.metric.clone(),
        paint.outcome(outcome).replace(outcome.word(), word),
        format!(
            "{} {} {}",
            floor.direction.arrow(),
            shown(floor.floor),
            floor.unit
        ),
        judgement.now.map_or_else(|| "–".to_owned(), shown),
        delta.map_or_else(
            || "–".to_owned(),
            |delta| format!("{}{}", sign(delta), shown(delta)),
        ),
        sparkline(&values),
    ]
}

/// The newest values as bars between their least and greatest; equal values are bars of one height.
#[must_use]
pub fn sparkline(values: &[f64]) -> String {
    let values = &values[values.len().saturating_sub(SPARK_MAX)..];
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = most - least;
    values
        .iter()
        .map(|value| {
            let share = if range > 0.0 {
                (value - least) / range
            } else {
                0.5
            };
            BARS[((share * 7.0).round() as usize).min(7)]
        })
        .collect()
}

/// Writes what tightening changed and what it waits for.
pub fn show_tightened(out: &mut dyn Write, tightened: &Tightened) -> io::Result<()> {
    if tightened.changes.is_empty() {
        writeln!(out, "no floor changed")?;
    }
    for change in &tightened.changes {
        let before = change.before.map_or_else(|| "none".to_owned(), shown);
        let after = shown(change.after);
        writeln!(
            out,
            "{}: {before} → {after} ({})",
            change.metric,
            printable(&change.reason)
        )?;
    }
    for (metric, missing) in &tightened.waiting {
        writeln!(out, "{metric}: seems better, not confirmed: {missing}")?;
    }
    Ok(())
}
