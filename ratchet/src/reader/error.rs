//! Why a report could not be read.

/// Longest piece of a report that an error text repeats, in characters.
const FOUND_MAX: usize = 80;

/// A report does not have the form of its format. The text names the file, the line and what was
/// expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot read the {format} report `{file}:{line}`: expected {expected}, found {found}\n\nhint: run the tool that writes the report again, or correct `reports` in the section [ratchet] of tollgate.toml"
)]
pub struct ReadError {
    /// The format that was expected, as people call it.
    pub format: &'static str,
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
        format: &'static str,
        file: &str,
        line: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            format,
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
