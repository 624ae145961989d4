//! Results as a table, JSON, JUnit and Prometheus text. It writes to a writer and prints nothing.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use tollgate_report::render::{Paint, printable, render_table};
use tollgate_report::{Finding, Outcome, Verdict};

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
        let n = results
            .iter()
            .filter(|result| result.state == state)
            .count();
        n.to_string()
    };
    let total: u64 = results.iter().map(|result| result.duration_us).sum();
    let mut writer = Writer::new_with_indent(&mut *out, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer
        .create_element("testsuite")
        .with_attributes([
            ("name", "probes"),
            ("tests", results.len().to_string().as_str()),
            ("failures", count(State::Fail).as_str()),
            ("errors", count(State::Error).as_str()),
            ("time", seconds(total).as_str()),
        ])
        .write_inner_content(|writer| results.iter().try_for_each(|result| case(writer, result)))?;
    writeln!(writer.into_inner())
}

fn case<W: Write>(writer: &mut Writer<W>, result: &ProbeResult) -> io::Result<()> {
    let element = writer.create_element("testcase").with_attributes([
        ("classname", format!("probes.{}", result.kind).as_str()),
        ("name", legal(&result.name).as_str()),
        ("time", seconds(result.duration_us).as_str()),
    ]);
    if result.failure.is_none() && result.state != State::Degraded {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
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
            writer
                .create_element(tag)
                .with_attributes([
                    ("type", legal(&cause.code).as_str()),
                    ("message", legal(&message).as_str()),
                ])
                .write_empty()?;
        }
        if result.state == State::Degraded {
            writer
                .create_element("system-out")
                .write_text_content(BytesText::new("degraded: slower than its target"))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn seconds(us: u64) -> String {
    format!("{:.6}", Duration::from_micros(us).as_secs_f64())
}

/// The text with `?` for characters that XML 1.0 does not allow, escaped or not.
fn legal(text: &str) -> String {
    let is_legal = |character: char| {
        matches!(character, '\n' | '\t')
            || !(character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}'))
    };
    let characters = text.chars();
    characters
        .map(|character| if is_legal(character) { character } else { '?' })
        .collect()
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
        (
            "tollgate_probe_error",
            "1 when the probe could not measure.",
        ),
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
    let mut findings: Vec<Finding> = results
        .iter()
        .filter_map(|result| Some(result.failure.as_ref()?.to_finding(&result.name)))
        .collect();
    findings.sort();
    let states: Vec<State> = results.iter().map(|result| result.state).collect();
    let of_state = |state| match state {
        State::Pass => ("pass", Outcome::Pass),
        State::Degraded => ("degraded", Outcome::Warn),
        State::Error => ("could not measure", Outcome::NotChecked),
        State::Fail => ("failed", Outcome::Fail),
    };
    let others = [State::Fail, State::Error, State::Degraded];
    let good = (State::Pass, "probes pass");
    let counted = Verdict::of_rows(&states, good, &others, of_state, Vec::new());
    Verdict {
        findings,
        ..counted
    }
}

#[cfg(test)]
mod tests;
