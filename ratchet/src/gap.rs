//! What is missing among the reports that the settings name.

use serde::{Deserialize, Serialize};
use tollgate_report::{Finding, Place};

/// How a report is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// No file matches.
    Missing,
    /// Fewer files match than expected.
    Incomplete,
    /// Two files have the same content.
    Repeated,
    /// The file was not written by the last run of the step that writes it, or is too old.
    Stale,
}

impl GapKind {
    /// The code of the finding.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "report-missing",
            Self::Incomplete => "report-incomplete",
            Self::Repeated => "report-repeated",
            Self::Stale => "report-stale",
        }
    }
}

/// A report that should be there and is not, or not this one. What it would measure is unmeasured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportGap {
    /// The entry of `reports` as the settings write it.
    pub report: String,
    /// The file that is wrong; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How it is missing.
    pub kind: GapKind,
    /// A sentence that names the report and what is wrong with it.
    pub message: String,
}

impl ReportGap {
    pub(crate) fn finding(&self, new: fn(String, String) -> Finding) -> Finding {
        let finding = new(self.kind.code().to_owned(), self.message.clone())
            .because("what a missing report would have measured is unmeasured, and the others show too good a value")
            .fix("run the step that writes the report before the ratchet, or correct `reports` in the section [ratchet] of tollgate.toml");
        match &self.file {
            Some(file) => finding.at(Place::file(file)),
            None => finding,
        }
    }
}
