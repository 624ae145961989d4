//! Renders a tier's report as text.

use std::io::{self, Write};
use std::time::Duration;

use tollgate_report::Outcome;
use tollgate_report::quantity::Span;
use tollgate_report::render::{Paint, printable, render_table};

use crate::record::{How, StepReport, TierRecord, TierReport};
use crate::stopped::Stopped;

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub struct Detail {
    /// Whether text may carry colour.
    pub paint: Paint,
    /// Say for every step why it ran, was cached or was skipped.
    pub explain: bool,
}

/// Writes the report: what may be missing first, a table of steps, the runners' closing lines,
/// what was not checked, and failing steps last with their cause.
pub fn render_text(out: &mut dyn Write, report: &TierReport, detail: Detail) -> io::Result<()> {
    let record = &report.record;
    if record.is_ci {
        render_allowed(out, record)?;
    }
    for note in &report.notes {
        writeln!(out, "note: {note}")?;
    }
    render_steps(out, report, detail)?;
    for step in &record.steps {
        for line in &step.closing_lines {
            writeln!(out, "{}: {}", step.name, printable(line))?;
        }
    }
    for step in &record.steps {
        for line in &step.left_behind {
            let name = &step.name;
            writeln!(out, "left running by `{name}`: {}", printable(line))?;
        }
    }
    let not_checked = record.not_checked();
    if !not_checked.is_empty() {
        writeln!(out, "\nnot checked:")?;
        for line in not_checked {
            writeln!(out, "  {}", printable(&line))?;
        }
    }
    for step in &record.steps {
        if step.outcome == Outcome::Fail || step.outcome == Outcome::Inconclusive {
            render_failure(out, step, detail)?;
        }
    }
    render_end(out, report, detail)
}

/// In CI the first lines list the missing tools that the settings allow.
fn render_allowed(out: &mut dyn Write, record: &TierRecord) -> io::Result<()> {
    for step in &record.steps {
        let name = &step.name;
        if let Some(tool) = step.missing.as_deref().filter(|_| record.may_miss(step)) {
            writeln!(
                out,
                "not checked: {name}: `{tool}` is missing, which the settings allow"
            )?;
        }
        for line in &step.not_checked {
            writeln!(out, "not checked: {name}: {}", printable(line))?;
        }
    }
    Ok(())
}

fn render_steps(out: &mut dyn Write, report: &TierReport, detail: Detail) -> io::Result<()> {
    let mut rows = Vec::new();
    for step in &report.record.steps {
        let mut row = vec![
            step.name.clone(),
            detail.paint.outcome(step.outcome),
            how(step),
            time(step),
        ];
        if detail.explain {
            row.push(printable(&step.explanation));
        }
        rows.push(row);
    }
    let mut header = vec!["step", "outcome", "how", "time"];
    if detail.explain {
        header.push("why");
    }
    render_table(out, &header, &rows)
}

fn how(step: &StepReport) -> String {
    let (n_run, n_cached) = (step.crates_run.len(), step.crates_cached.len());
    let mut text = step.how.word().to_owned();
    if n_run > 0 {
        text.push_str(&format!(" ({n_run} of {} crates)", n_run + n_cached));
    }
    if let Some(counts) = step.counts {
        text.push_str(&format!(", {} tests", counts.run));
    }
    text
}

fn time(step: &StepReport) -> String {
    if step.how != How::Ran {
        return "-".to_owned();
    }
    let warm = Span(Duration::from_millis(
        step.duration_ms - step.cold_ms.min(step.duration_ms),
    ));
    if step.cold_ms == 0 {
        return warm.to_string();
    }
    let cold = Span(Duration::from_millis(step.cold_ms));
    format!("{warm} + {cold} cold")
}

fn render_failure(out: &mut dyn Write, step: &StepReport, detail: Detail) -> io::Result<()> {
    let cause = step.cause.as_deref().unwrap_or(&step.explanation);
    writeln!(
        out,
        "\n{}: {}",
        detail.paint.outcome(step.outcome),
        detail
            .paint
            .bold(&format!("step `{}`: {}", step.name, printable(cause)))
    )?;
    for line in &step.excerpt {
        writeln!(out, "  | {}", printable(line))?;
    }
    if let Some(stopped) = &step.stopped {
        render_stopped(out, stopped)?;
    }
    if let Some(log) = &step.log {
        writeln!(out, "  log: {log}")?;
    }
    match (&step.hint, step.command.is_empty()) {
        (Some(hint), _) => writeln!(out, "  hint: {}", printable(hint)),
        (None, false) => writeln!(out, "  hint: {}", printable(&step.command.join(" "))),
        (None, true) => Ok(()),
    }
}

fn render_stopped(out: &mut dyn Write, stopped: &Stopped) -> io::Result<()> {
    for name in &stopped.progress.running {
        writeln!(out, "  was running: {}", printable(name))?;
    }
    if let Some(name) = stopped.progress.last.last() {
        writeln!(out, "  ended last: {}", printable(name))?;
    }
    Ok(())
}

fn render_end(out: &mut dyn Write, report: &TierReport, detail: Detail) -> io::Result<()> {
    let record = &report.record;
    let cold = if record.cold_ms == 0 {
        String::new()
    } else {
        let cold = Span(Duration::from_millis(record.cold_ms));
        format!(" (and {cold} cold, not judged)")
    };
    writeln!(
        out,
        "\n{} {}: {}{cold}",
        record.tier.word(),
        detail.paint.outcome(report.verdict.outcome),
        printable(&report.verdict.reason)
    )
}
