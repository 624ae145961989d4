//! Results as a table, JSON, JUnit and Prometheus text. It writes to a writer and prints nothing.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use tollgate_report::render::{Paint, printable, render_table};
use tollgate_report::{Outcome, Verdict};

use crate::metrics::text::{Exposition, Sample, render as render_exposition};
use crate::result::{ProbeResult, State};

/// A table for people: one line a probe, its cause below it.
pub fn table(out: &mut dyn Write, results: &[ProbeResult], paint: Paint) -> io::Result<()> {
    let rows: Vec<Vec<String>> = results.iter().map(|result| row(result, paint)).collect();
    render_table(
        out,
        &["probe", "kind", "state", "time", "phases", "cause"],
        &rows,
    )
}

fn row(result: &ProbeResult, paint: Paint) -> Vec<String> {
    let state = match result.state {
        State::Pass => paint.outcome(Outcome::Pass),
        State::Fail => paint.outcome(Outcome::Fail),
        State::Degraded | State::Error => result.state.word().to_owned(),
    };
    let phases = result
        .phases_us
        .iter()
        .map(|(name, us)| format!("{name} {}", ms(*us)));
    let n_attempts = result.attempts.len();
    let attempts = if n_attempts > 1 {
        format!(" (attempt {n_attempts})")
    } else {
        String::new()
    };
    let cause = result.failure.as_ref().map_or(String::new(), |cause| {
        printable(&format!(
            "{}: expected {}, got {}",
            cause.what, cause.expected, cause.got
        ))
        .replace('\n', " ")
    });
    vec![
        printable(&result.name),
        result.kind.to_string(),
        format!("{state}{attempts}"),
        ms(result.duration_us),
        phases.collect::<Vec<_>>().join(", "),
        cause,
    ]
}

fn ms(us: u64) -> String {
    format!("{:.1}ms", us as f64 / 1000.0)
}

/// A JSON array of results, indented; each carries its version.
pub fn json(out: &mut dyn Write, results: &[ProbeResult]) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, results)?;
    writeln!(out)
}

/// JUnit XML: a fail is a `failure`, an error an `error`; degraded passes with a note.
pub fn junit(out: &mut dyn Write, results: &[ProbeResult]) -> io::Result<()> {
    let count = |state: State| {
        results
            .iter()
            .filter(|result| result.state == state)
            .count()
    };
    let total: u64 = results.iter().map(|result| result.duration_us).sum();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuite name="probes" tests="{}" failures="{}" errors="{}" time="{}">"#,
        results.len(),
        count(State::Fail),
        count(State::Error),
        seconds(total)
    )?;
    for result in results {
        writeln!(
            out,
            r#"  <testcase classname="probes.{}" name="{}" time="{}">"#,
            result.kind,
            xml(&result.name),
            seconds(result.duration_us)
        )?;
        if let Some(cause) = &result.failure {
            let tag = if result.state == State::Error {
                "error"
            } else {
                "failure"
            };
            let message = format!(
                "{}: expected {}, got {}",
                cause.what, cause.expected, cause.got
            );
            writeln!(
                out,
                r#"    <{tag} type="{}" message="{}"/>"#,
                xml(&cause.code),
                xml(&message)
            )?;
        }
        if result.state == State::Degraded {
            writeln!(
                out,
                "    <system-out>degraded: slower than its target</system-out>"
            )?;
        }
        writeln!(out, "  </testcase>")?;
    }
    writeln!(out, "</testsuite>")
}

fn seconds(us: u64) -> String {
    format!("{:.6}", Duration::from_micros(us).as_secs_f64())
}

/// Escaped for an attribute; characters that XML 1.0 can't hold become `?`.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            character if character.is_control() => escaped.push('?'),
            character => escaped.push(character),
        }
    }
    escaped
}

/// Prometheus text. `tollgate_probe_success` has no sample for an error: we don't know.
pub fn prometheus(out: &mut dyn Write, results: &[ProbeResult]) -> io::Result<()> {
    out.write_all(render_exposition(&exposition(results)).as_bytes())
}

fn exposition(results: &[ProbeResult]) -> Exposition {
    let mut exposition = Exposition::default();
    for (name, help) in [
        (
            "tollgate_probe_success",
            "1 when the probe passed, 0 when the target failed it.",
        ),
        ("tollgate_probe_error", "1 when the probe could not look."),
        (
            "tollgate_probe_degraded",
            "1 when it passed but slower than its target.",
        ),
        (
            "tollgate_probe_duration_seconds",
            "Time of the last attempt.",
        ),
        (
            "tollgate_probe_phase_seconds",
            "Time of one phase of the last attempt.",
        ),
        (
            "tollgate_probe_measurement",
            "A number that the probe measured.",
        ),
    ] {
        exposition.types.insert(name.to_owned(), "gauge".to_owned());
        exposition.help.insert(name.to_owned(), help.to_owned());
    }
    let flag = |is_set: bool| f64::from(u8::from(is_set));
    let mut push = |name: &str, result: &ProbeResult, more: Option<(&str, &str)>, value: f64| {
        let mut labels = BTreeMap::from([
            ("probe".to_owned(), result.name.clone()),
            ("kind".to_owned(), result.kind.to_string()),
        ]);
        labels.extend(more.map(|(label, text)| (label.to_owned(), text.to_owned())));
        exposition.samples.push(Sample {
            name: name.to_owned(),
            labels,
            value,
            timestamp_ms: None,
        });
    };
    for result in results.iter().filter(|result| result.state != State::Error) {
        push(
            "tollgate_probe_success",
            result,
            None,
            flag(result.state != State::Fail),
        );
    }
    for result in results {
        push(
            "tollgate_probe_error",
            result,
            None,
            flag(result.state == State::Error),
        );
    }
    for result in results {
        push(
            "tollgate_probe_degraded",
            result,
            None,
            flag(result.state == State::Degraded),
        );
    }
    for result in results {
        push(
            "tollgate_probe_duration_seconds",
            result,
            None,
            result.duration_us as f64 / 1e6,
        );
    }
    for result in results {
        for (phase, us) in &result.phases_us {
            push(
                "tollgate_probe_phase_seconds",
                result,
                Some(("phase", phase)),
                *us as f64 / 1e6,
            );
        }
    }
    for result in results {
        for (name, value) in &result.measurements {
            push(
                "tollgate_probe_measurement",
                result,
                Some(("name", name)),
                *value,
            );
        }
    }
    exposition
}

/// The verdict of a gate over results: a fail fails, an error is not checked, degraded warns.
#[must_use]
pub fn verdict(results: &[ProbeResult]) -> Verdict {
    let mut outcome = Outcome::Pass;
    let mut findings = Vec::new();
    for result in results {
        outcome = outcome.worst(match result.state {
            State::Pass => Outcome::Pass,
            State::Degraded => Outcome::Warn,
            State::Error => Outcome::NotChecked,
            State::Fail => Outcome::Fail,
        });
        findings.extend(
            result
                .failure
                .as_ref()
                .map(|cause| cause.to_finding(&result.name)),
        );
    }
    findings.sort();
    if results.is_empty() {
        outcome = Outcome::NotChecked;
    }
    let count = |state: State| {
        results
            .iter()
            .filter(|result| result.state == state)
            .count()
    };
    let reason = format!(
        "{} of {} probes pass, {} degraded, {} fail, {} could not look",
        count(State::Pass),
        results.len(),
        count(State::Degraded),
        count(State::Fail),
        count(State::Error)
    );
    Verdict {
        outcome,
        reason,
        findings,
    }
}

#[cfg(test)]
mod tests;
