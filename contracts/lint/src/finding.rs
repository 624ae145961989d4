//! A finding of a rule with more data for machines: its pointer and the page of the rule.

use tollgate_report::{Finding, Severity};

/// One place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintFinding {
    /// What is wrong, where, why, and how to fix it; its code is the name of the rule.
    pub finding: Finding,
    /// The JSON Pointer of the value in its file.
    pub pointer: String,
    /// Where the rule is described.
    pub documentation: Option<String>,
}

/// Whether findings make the gate fail.
#[must_use]
pub fn has_errors<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> bool {
    findings
        .into_iter()
        .any(|finding| finding.severity == Severity::Error)
}
