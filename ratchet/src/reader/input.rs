//! What a reader gets: the text of a report, and the errors that name a place in it.

use super::error::ReadError;

/// The text of a report, with the names that an error text needs.
pub(super) struct Input<'a> {
    /// The format, as people call it.
    format: &'static str,
    file: &'a str,
    pub(super) text: &'a str,
}

impl<'a> Input<'a> {
    pub(super) fn new(
        format: &'static str,
        text: &'a str,
        file: &'a str,
    ) -> Result<Self, ReadError> {
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(ReadError::form(
                format,
                file,
                1,
                "a report",
                "an empty file",
            ));
        }
        Ok(Self { format, file, text })
    }

    pub(super) fn error(
        &self,
        line: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> ReadError {
        ReadError::form(self.format, self.file, line, expected, found)
    }

    pub(super) fn error_at(
        &self,
        offset: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> ReadError {
        self.error(line_at(self.text.as_bytes(), offset), expected, found)
    }
}

/// The line, from 1, that holds the byte at `offset`.
pub(super) fn line_at(bytes: &[u8], offset: usize) -> usize {
    let before = &bytes[..offset.min(bytes.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// The parts of a report by which its format is recognised.
pub(super) struct Sample<'a> {
    /// The beginning, without a byte order mark and leading white space.
    pub(super) head: &'a str,
    /// The end; the beginning again for a short report.
    pub(super) tail: &'a str,
    /// The name of the file, without its folders.
    pub(super) name: &'a str,
}

impl Sample<'_> {
    /// Whether it seems to be XML.
    pub(super) fn is_xml(&self) -> bool {
        self.head.starts_with('<')
    }

    /// Whether it seems to be a JSON object.
    pub(super) fn is_json(&self) -> bool {
        self.head.starts_with('{')
    }
}
