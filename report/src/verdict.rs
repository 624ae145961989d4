//! The outcome of a gate, as a value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Finding, Severity};

/// How a gate or a step ended, ordered from best to worst.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that was checked is good.
    Pass,
    /// Good enough to continue; a person should check it.
    Warn,
    /// The check could not run, as a tool is missing; never the same as a pass.
    NotChecked,
    /// The check ran, and there was not enough evidence.
    Inconclusive,
    /// The change or release must not continue.
    Fail,
}

impl Outcome {
    /// The word shown to people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::NotChecked => "not checked",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }

    /// The worse of two outcomes.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        self.max(other)
    }
}

/// What a gate decided and why. Pure gates return this; the command line records it as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// How the gate ended.
    pub outcome: Outcome,
    /// One sentence, lower case, no full stop: why it ended so, with its numbers.
    pub reason: String,
    /// What was found, worst first; empty when nothing was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// The verdict over a table: the worst outcome of its rows, and a failure when a finding is an
    /// error. Without any row nothing was checked. The reason counts the rows that are `good` as
    /// `hold` puts it ("floors hold"), then those of each state in `others` that occurs, and ends
    /// with the first error. `of_state` gives the word of a state and what it does to the gate.
    #[must_use]
    pub fn of_rows<S: Copy + PartialEq>(
        rows: &[S],
        (good, hold): (S, &str),
        others: &[S],
        of_state: impl Fn(S) -> (&'static str, Outcome),
        findings: Vec<Finding>,
    ) -> Self {
        let count = |state: S| rows.iter().filter(|row| **row == state).count();
        let mut reason = format!("{} of {} {hold}", count(good), rows.len());
        for state in others {
            match count(*state) {
                0 => {}
                n => reason.push_str(&format!(", {n} {}", of_state(*state).0)),
            }
        }
        let error = findings
            .iter()
            .find(|finding| finding.severity == Severity::Error);
        if let Some(error) = error {
            reason.push_str(&format!("; {}", error.message));
        }
        let of_rows = rows.iter().map(|row| of_state(*row).1);
        let worst = of_rows.chain(error.map(|_| Outcome::Fail)).max();
        let least = if rows.is_empty() {
            Outcome::NotChecked
        } else {
            Outcome::Pass
        };
        Self {
            outcome: worst.unwrap_or(least).worst(least),
            reason,
            findings,
        }
    }

    /// The same verdict with more findings: an error among them fails and is named in the reason, a
    /// warning warns.
    #[must_use]
    pub fn with_findings(self, more: Vec<Finding>) -> Self {
        let worst = more.iter().map(|finding| finding.severity).max();
        let first = more.iter().find(|it| Some(it.severity) == worst);
        let (outcome, reason) = match (worst, first) {
            (Some(Severity::Error), Some(first)) => {
                (Outcome::Fail, format!("{}; {}", first.message, self.reason))
            }
            (Some(Severity::Warning), Some(first)) => (
                self.outcome.worst(Outcome::Warn),
                format!("{}; {}", self.reason, first.message),
            ),
            _ => (self.outcome, self.reason),
        };
        let mut findings = self.findings;
        findings.extend(more);
        findings.sort();
        Self {
            outcome,
            reason,
            findings,
        }
    }

    /// A verdict without findings.
    #[must_use]
    pub fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            reason: reason.into(),
            findings: Vec::new(),
        }
    }

    /// The verdict that follows from findings: an error fails, a warning warns, else pass.
    #[must_use]
    pub fn from_findings(mut findings: Vec<Finding>, reason_when_clean: impl Into<String>) -> Self {
        findings.sort();
        let n_errors = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .count();
        let n_warnings = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Warning)
            .count();
        let (outcome, reason) = match (n_errors, n_warnings) {
            (0, 0) => (Outcome::Pass, reason_when_clean.into()),
            (0, n) => (
                Outcome::Warn,
                format!("{} (warnings: {n})", reason_when_clean.into()),
            ),
            (n, _) => {
                let first = findings
                    .iter()
                    .find(|finding| finding.severity == Severity::Error);
                let first = first
                    .map(|finding| finding.message.clone())
                    .unwrap_or_default();
                (
                    Outcome::Fail,
                    if n == 1 {
                        first
                    } else {
                        format!("{n} errors, the first: {first}")
                    },
                )
            }
        };
        Self {
            outcome,
            reason,
            findings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_among_warnings_fails_and_is_named_in_the_reason() {
        let verdict = Verdict::from_findings(
            vec![
                Finding::warning("a", "small"),
                Finding::error("b", "`x` is gone"),
            ],
            "clean",
        );
        assert_eq!(verdict.outcome, Outcome::Fail);
        assert_eq!(verdict.reason, "`x` is gone");
        assert_eq!(verdict.findings[0].code, "b", "the worst comes first");
    }

    #[test]
    fn rows_are_counted_by_state_and_the_worst_decides() {
        let judge = |rows: &[u8], findings| {
            let of_state = |state| match state {
                0 => ("good", Outcome::Pass),
                1 => ("waived", Outcome::Warn),
                _ => ("over", Outcome::Fail),
            };
            Verdict::of_rows(rows, (0, "floors hold"), &[2, 1], of_state, findings)
        };
        assert_eq!(
            judge(&[0, 1, 1], Vec::new()),
            Verdict::new(Outcome::Warn, "1 of 3 floors hold, 2 waived")
        );
        assert_eq!(
            judge(&[], Vec::new()),
            Verdict::new(Outcome::NotChecked, "0 of 0 floors hold")
        );
        let verdict = judge(&[0], vec![Finding::error("a", "`x` is gone")]);
        assert_eq!(verdict.outcome, Outcome::Fail);
        assert_eq!(verdict.reason, "1 of 1 floors hold; `x` is gone");
    }

    #[test]
    fn a_step_that_was_not_checked_is_worse_than_a_warning() {
        assert_eq!(
            Outcome::Warn.worst(Outcome::NotChecked),
            Outcome::NotChecked
        );
        assert_eq!(Outcome::Fail.worst(Outcome::Pass), Outcome::Fail);
    }
}
