//! Lines of `cargo clippy --message-format=json`. Form: the Cargo book, "External tools".

use std::collections::BTreeSet;

use serde::Deserialize;

use super::error::{ReadError, quoted};
use super::input::{Input, Sample};
use super::json;
use crate::measurement::Measurement;

/// One lint at one place. The same lint from the library and from its test build is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lint {
    /// File as the compiler names it; empty for a lint without a place.
    pub file: String,
    /// Line from 1; 0 without a place.
    pub line: u32,
    /// Column from 1; 0 without a place.
    pub column: u32,
    /// Name such as `clippy::needless_return`.
    pub code: String,
    /// Its text.
    pub message: String,
}

/// The lints of a run, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lints {
    /// Sorted by place.
    pub lints: BTreeSet<Lint>,
}

impl Lints {
    /// Unites two reports.
    pub fn add(&mut self, more: &Self) {
        self.lints.extend(more.lints.iter().cloned());
    }

    /// `lint_warnings_max`.
    #[must_use]
    pub fn measurement(&self) -> Measurement {
        let n_lints = self.lints.len();
        let detail = match self.lints.first() {
            Some(lint) => format!(
                "{n_lints} lints, the first `{}` at {}:{}",
                lint.code, lint.file, lint.line
            ),
            None => "no lints".to_owned(),
        };
        Measurement::new("lint_warnings_max", "count", n_lints as f64, detail)
    }
}

#[derive(Deserialize)]
struct Line {
    reason: String,
    message: Option<Message>,
    success: Option<bool>,
}

#[derive(Deserialize)]
struct Message {
    message: String,
    level: String,
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u32,
    column_start: u32,
    is_primary: bool,
}

/// Recognises a first line with a `reason`.
pub(super) fn is_it(sample: &Sample<'_>) -> bool {
    let first_line = sample.head.lines().next().unwrap_or_default();
    sample.is_json() && first_line.contains("\"reason\":")
}

pub(super) fn read(input: &Input<'_>) -> Result<Lints, ReadError> {
    let mut lints = Lints::default();
    let mut is_finished = false;
    let mut n_lines = 0;
    for (line_idx, text) in input.text.lines().enumerate() {
        n_lines = line_idx + 1;
        if text.trim().is_empty() {
            continue;
        }
        let expected = "a line of `cargo clippy --message-format=json`";
        let line: Line = json::parse_at(input, text, line_idx, expected)?;
        match (line.reason.as_str(), line.message) {
            ("compiler-message", Some(message)) => {
                if let Some(lint) = lint(input, n_lines, &message)? {
                    lints.lints.insert(lint);
                }
            }
            ("compiler-message", None) => {
                return Err(input.error(n_lines, "`message` in a compiler message", "none"));
            }
            ("build-finished", _) => {
                is_finished = true;
                // A build that failed skipped crates, so its lints are fewer than there are.
                if line.success != Some(true) {
                    let expected =
                        "a build that went through all crates (run it without `-D warnings`)";
                    return Err(input.error(n_lines, expected, "one that failed"));
                }
            }
            _ => {}
        }
    }
    if is_finished {
        Ok(lints)
    } else {
        let found = "the end of the file; the build was cut short";
        Err(input.error(n_lines, "a last line with `build-finished`", found))
    }
}

/// The lint of a message; absent for notes and for summaries such as "3 warnings emitted".
fn lint(input: &Input<'_>, line: usize, message: &Message) -> Result<Option<Lint>, ReadError> {
    if !matches!(
        message.level.as_str(),
        "warning" | "error" | "error: internal compiler error"
    ) {
        return Ok(None);
    }
    let code = message.code.as_ref().map(|code| code.code.as_str());
    let is_compile_error = match code {
        // Rust's own errors are E0001 and so on; an error without code and place is a summary.
        Some(code) => code.len() == 5 && code.starts_with('E') && code[1..].parse::<u32>().is_ok(),
        None => message.level != "warning" && !message.spans.is_empty(),
    };
    if is_compile_error {
        let expected = "code that compiles, so that its lints can be counted";
        return Err(input.error(line, expected, quoted(&message.message)));
    }
    let Some(code) = code else { return Ok(None) };
    let place = message.spans.iter().find(|span| span.is_primary);
    Ok(Some(Lint {
        file: place
            .map(|span| span.file_name.replace('\\', "/"))
            .unwrap_or_default(),
        line: place.map_or(0, |span| span.line_start),
        column: place.map_or(0, |span| span.column_start),
        code: code.to_owned(),
        message: message.message.clone(),
    }))
}
