//! Readers of report formats: bytes in, a report out, without IO.
//!
//! A reader never panics and never takes zero for a number that is missing. Each format is a file
//! with the two functions `is_it` and `read`, and a row of the table below.

mod encoding;
mod error;
mod input;
mod json;
mod xml;

mod coverage;
mod hits;
mod tests_report;

mod clippy;
mod cobertura;
mod go_cover;
mod junit;
mod lcov;
mod llvm_cov;
mod mutants;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use clippy::{Lint, Lints};
pub use coverage::{Counted, Coverage, FileCoverage};
pub use error::ReadError;
pub use hits::Hits;
pub use mutants::Mutants;
pub use tests_report::{TestCase, TestOutcome, Tests};

use input::{Input, Sample};

/// Makes the kinds of reports and all that depends on the kind from one row for each format:
/// `/// Description.` `Kind("name shown to people"): module => variant of Report,`. The rows are
/// tried in their order when a report is recognised.
macro_rules! formats {
    ($($(#[$doc:meta])+ $kind:ident($title:literal): $module:ident => $report:ident,)+) => {
        /// A report format that can be read.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum ReportKind {
            $($(#[$doc])+ $kind,)+
        }

        impl ReportKind {
            /// All formats, in the order in which they are tried.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The name shown to people.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$kind => $title,)+
                }
            }

            fn is_it(self, sample: &Sample<'_>) -> bool {
                match self {
                    $(Self::$kind => $module::is_it(sample),)+
                }
            }

            fn read(self, input: &Input<'_>) -> Result<Report, ReadError> {
                match self {
                    $(Self::$kind => $module::read(input).map(Report::$report),)+
                }
            }
        }
    };
}

formats! {
    /// LCOV trace file.
    Lcov("LCOV"): lcov => Coverage,
    /// Profile of `go test -coverprofile`.
    GoCover("Go cover"): go_cover => Coverage,
    /// Export of `llvm-cov export -format=text`, as `cargo llvm-cov --json` writes it.
    LlvmCovJson("llvm-cov JSON"): llvm_cov => Coverage,
    /// Cobertura XML of coverage.py, coverlet, gcovr, c8 and others.
    Cobertura("Cobertura XML"): cobertura => Coverage,
    /// JUnit XML of nextest, pytest, surefire, gotestsum, vitest and others.
    Junit("JUnit XML"): junit => Tests,
    /// Lines of `cargo clippy --message-format=json`.
    ClippyJson("clippy JSON"): clippy => Lints,
    /// `outcomes.json` of cargo-mutants.
    CargoMutants("cargo-mutants outcomes"): mutants => Mutants,
}

impl fmt::Display for ReportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// The content of a report.
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
    let text = encoding::text(kind.title(), bytes, file)?;
    kind.read(&Input::new(kind.title(), &text, file)?)
}

/// How many bytes at each end of a report are searched for its kind.
const DETECT_MAX: usize = 64 * 1024;

/// The kind of a report by its content and its file name; absent when no format fits.
#[must_use]
pub fn detect(bytes: &[u8], path: &str) -> Option<ReportKind> {
    let head = encoding::lossy(bytes, &bytes[..bytes.len().min(DETECT_MAX)]);
    // Both ends are cut at an even offset, so that UTF-16 stays aligned.
    let tail = bytes.len().saturating_sub(DETECT_MAX).next_multiple_of(2);
    let tail = encoding::lossy(bytes, &bytes[tail.min(bytes.len())..]);
    let sample = Sample {
        head: head.trim_start_matches('\u{feff}').trim_start(),
        tail: &tail,
        name: path.rsplit(['/', '\\']).next().unwrap_or(path),
    };
    let kinds = ReportKind::ALL.iter().copied();
    kinds.into_iter().find(|kind| kind.is_it(&sample))
}
