//! Why a report could not be read. It must not know any one format.

use super::ReportKind;

/// Longest piece of a report that an error text repeats, in characters.
const FOUND_MAX: usize = 80;

/// A report is not of the form that its kind has. Names the file, the line and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "read {kind} report `{file}:{line}`: {expected} was expected, but found {found}\n\nhint: run the tool that writes it again, or name the right file under `reports` in [ratchet]"
)]
pub struct ReadError {
    /// The kind that was expected.
    pub kind: ReportKind,
    /// The file as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What was expected there.
    pub expected: String,
    /// What is there instead.
    pub found: String,
}

impl ReadError {
    pub(super) fn form(
        kind: ReportKind,
        file: &str,
        line: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            file: file.to_owned(),
            line,
            expected: expected.into(),
            found: found.into(),
        }
    }
}

/// A piece of the report in backticks, cut when long.
pub(super) fn quoted(text: &str) -> String {
    let text = tollgate_report::render::printable(text.trim());
    if text.is_empty() {
        return "nothing".to_owned();
    }
    let cut: String = text.chars().take(FOUND_MAX).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("`{cut}{more}`")
}
