//! JSON into typed values, with the line of the error.

use serde::de::DeserializeOwned;
use tollgate_report::json::message;

use super::error::ReadError;
use super::input::Input;

/// Parses the whole text.
pub(super) fn parse<T: DeserializeOwned>(
    input: &Input<'_>,
    expected: &str,
) -> Result<T, ReadError> {
    parse_at(input, input.text, 0, expected)
}

/// Parses a piece of the text that begins after `n_lines_before` lines.
pub(super) fn parse_at<T: DeserializeOwned>(
    input: &Input<'_>,
    text: &str,
    n_lines_before: usize,
    expected: &str,
) -> Result<T, ReadError> {
    serde_json::from_str(text).map_err(|error| {
        let found = message(&error);
        let line = n_lines_before + error.line().max(1);
        input.error(
            line,
            expected,
            format!("{found} (column {})", error.column()),
        )
    })
}
