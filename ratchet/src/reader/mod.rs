//! Readers of report formats: bytes in, a report out. They must not touch a file, and they never
//! panic or take zero for something that is not there.

mod clippy;
mod coverage;
mod error;
mod json;
mod junit;
mod lcov;
mod llvm_cov;
mod mutants;
mod tests_report;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use clippy::{Lint, Lints};
pub use coverage::{Coverage, FileCoverage};
pub use error::ReadError;
pub use mutants::Mutants;
pub use tests_report::{TestCase, TestOutcome, Tests};

/// A report format that can be read.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// LCOV trace file.
    Lcov,
    /// Export of `llvm-cov export -format=text`, as `cargo llvm-cov --json` writes it.
    LlvmCovJson,
    /// JUnit XML of nextest, pytest, surefire, gotestsum, vitest and others.
    Junit,
    /// `outcomes.json` of cargo-mutants.
    CargoMutants,
    /// Lines of `cargo clippy --message-format=json`.
    ClippyJson,
}

impl fmt::Display for ReportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lcov => "LCOV",
            Self::LlvmCovJson => "llvm-cov JSON",
            Self::Junit => "JUnit XML",
            Self::CargoMutants => "cargo-mutants outcomes",
            Self::ClippyJson => "clippy JSON",
        })
    }
}

/// What a report says.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// Which lines ran.
    Coverage(Coverage),
    /// Which tests ran and how they ended.
    Tests(Tests),
    /// Which mutants were found.
    Mutants(Mutants),
    /// Which lints were reported.
    Lints(Lints),
}

/// Reads a report of a known kind; `file` is its name in error texts.
pub fn read(kind: ReportKind, bytes: &[u8], file: &str) -> Result<Report, ReadError> {
    let input = Input::new(kind, bytes, file)?;
    match kind {
        ReportKind::Lcov => lcov::read(&input).map(Report::Coverage),
        ReportKind::LlvmCovJson => llvm_cov::read(&input).map(Report::Coverage),
        ReportKind::Junit => junit::read(&input).map(Report::Tests),
        ReportKind::CargoMutants => mutants::read(&input).map(Report::Mutants),
        ReportKind::ClippyJson => clippy::read(&input).map(Report::Lints),
    }
}

/// How many bytes are looked at to tell the kind of a report.
const DETECT_MAX: usize = 64 * 1024;

/// The kind of a report by its content, helped by its file name. Absent when it is none of ours.
#[must_use]
pub fn detect(bytes: &[u8], path: &str) -> Option<ReportKind> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(DETECT_MAX)]);
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    if head.starts_with('<') {
        let is_junit = head.contains("<testsuite");
        return is_junit.then_some(ReportKind::Junit);
    }
    if head.starts_with('{') {
        let first_line = head.lines().next().unwrap_or_default();
        let tail = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(DETECT_MAX)..]);
        if head.contains("\"llvm.coverage.json.export\"")
            || tail.contains("\"llvm.coverage.json.export\"")
        {
            return Some(ReportKind::LlvmCovJson);
        }
        if first_line.contains("\"reason\":") {
            return Some(ReportKind::ClippyJson);
        }
        let is_outcomes = head.contains("\"outcomes\"") && head.contains("\"scenario\"");
        return (is_outcomes || name == "outcomes.json").then_some(ReportKind::CargoMutants);
    }
    let is_lcov_name = name.ends_with(".lcov") || name.ends_with("lcov.info");
    let is_lcov = ["TN:", "SF:"].iter().any(|tag| head.starts_with(tag));
    (is_lcov || is_lcov_name).then_some(ReportKind::Lcov)
}

/// The text of a report with what error texts need to know.
struct Input<'a> {
    kind: ReportKind,
    file: &'a str,
    text: &'a str,
}

impl<'a> Input<'a> {
    fn new(kind: ReportKind, bytes: &'a [u8], file: &'a str) -> Result<Self, ReadError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let n_good = error.valid_up_to();
            ReadError::form(
                kind,
                file,
                line_at(bytes, n_good),
                "UTF-8 text",
                "other bytes",
            )
        })?;
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(ReadError::form(kind, file, 1, "a report", "an empty file"));
        }
        Ok(Self { kind, file, text })
    }

    fn error(
        &self,
        line: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> ReadError {
        ReadError::form(self.kind, self.file, line, expected, found)
    }

    fn error_at(
        &self,
        offset: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> ReadError {
        self.error(line_at(self.text.as_bytes(), offset), expected, found)
    }
}

/// The line, from 1, that holds the byte at `offset`.
fn line_at(bytes: &[u8], offset: usize) -> usize {
    let before = &bytes[..offset.min(bytes.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
