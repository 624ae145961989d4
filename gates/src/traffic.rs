//! The traffic gate: what became of each request of the live traffic.

use serde::{Deserialize, Serialize};
use tollgate_report::{Finding, Outcome, Verdict};
use tollgate_stats::sequential::{Trials, rate_lower, rate_upper};

use crate::failure::Failure;
use crate::gate::{Gate, NoSettings, from_json};

/// The traffic gate.
#[derive(Debug)]
pub struct Traffic;

impl Gate for Traffic {
    const NAMES: &'static [&'static str] = &["traffic"];
    const INPUT: &'static str = "traffic";
    type Inputs = TrafficSummary;
    type Settings = NoSettings;

    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure> {
        from_json("the recorded traffic", bytes)
    }

    fn judge(inputs: &Self::Inputs, _settings: &Self::Settings) -> Result<Verdict, Failure> {
        Ok(judge(inputs))
    }
}

/// Every request of the live traffic, accounted for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficSummary {
    pub sent: u64,
    pub ok: u64,
    /// Answered, but with an error status.
    pub errors: u64,
    /// Server errors (5xx) among them.
    #[serde(default)]
    pub server_errors: u64,
    /// Not answered: refused, reset, cut or timed out.
    pub lost: u64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    /// Answered requests by version, counted at the proxy.
    pub by_version: Vec<(String, u64)>,
    /// The stable version's part.
    #[serde(default)]
    pub stable: ArmSummary,
    /// The candidate's part.
    #[serde(default)]
    pub canary: ArmSummary,
    /// The candidate was started with a fault, so that some answers are meant to be errors.
    pub has_fault: bool,
    /// The first lost requests: when and how.
    pub first_lost: Vec<String>,
}

/// Live requests of one version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmSummary {
    /// Answered requests.
    pub n: u64,
    /// Those with an unexpected status.
    pub n_bad: u64,
    /// Requests that the proxy counted without a whole answer of this version: refused, reset, cut,
    /// timed out, given up by the client, or in a tunnel that failed.
    pub n_unanswered: u64,
}

/// The chance that one version's rate is judged wrongly.
const ALPHA: f64 = 1e-4;
/// Server errors and lost requests above this share fail whichever version they came from.
const FLOOR: f64 = 0.05;

/// The verdict over live traffic. What both versions do alike is not held against the release;
/// requests that no version accounts for are, and so is a share of failures that no service should
/// have. Pure.
pub fn judge(summary: &TrafficSummary) -> Verdict {
    let text = format!(
        "{} requests sent, {} answered well, {} with an error, {} lost",
        summary.sent, summary.ok, summary.errors, summary.lost
    );
    if summary.sent == 0 {
        return Verdict::new(Outcome::Inconclusive, "no request was sent");
    }
    let failing = |code: &'static str, why: &str| {
        let finding = Finding::error(code, format!("{text}; {why}"));
        Verdict::from_findings(vec![finding], "")
    };
    let (stable, canary) = (summary.stable, summary.canary);
    let n_explained = stable.n_unanswered + canary.n_unanswered;
    if summary.lost > n_explained {
        let n = summary.lost - n_explained;
        return failing(
            "requests-lost",
            &format!("{n} were lost by neither version"),
        );
    }
    if summary.has_fault {
        return Verdict::new(Outcome::Pass, text);
    }
    let n_failed = summary.lost + summary.server_errors;
    if n_failed as f64 > FLOOR * summary.sent as f64 {
        let why = format!("more than {:.0}% were lost or server errors", FLOOR * 100.0);
        return failing("requests-lost", &why);
    }
    if is_worse(summary) {
        let of = |arm: ArmSummary| {
            let n = arm.n + arm.n_unanswered.min(summary.lost);
            format!("{} of {n}", arm.n_bad + arm.n_unanswered.min(summary.lost))
        };
        let why = format!(
            "{} at the candidate against {} at the stable version",
            of(canary),
            of(stable)
        );
        return failing("requests-lost", &why);
    }
    Verdict::new(Outcome::Pass, text)
}

/// The candidate's rate of failed live requests is above the stable version's. Records from before
/// the versions were told apart fail with their first error.
fn is_worse(summary: &TrafficSummary) -> bool {
    let trials = |arm: ArmSummary| {
        let n_lost = arm.n_unanswered.min(summary.lost);
        Trials {
            n: arm.n + n_lost,
            n_bad: arm.n_bad + n_lost,
        }
    };
    let (stable, canary) = (trials(summary.stable), trials(summary.canary));
    if stable.n == 0 && canary.n == 0 {
        return summary.errors > 0;
    }
    rate_lower(canary, LIKELY, ALPHA) > rate_upper(stable, LIKELY, ALPHA)
}

/// A rate of failures that is usual, see [`rate_lower`].
const LIKELY: f64 = 0.005;

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(stable: (u64, u64), canary: (u64, u64), lost: u64) -> TrafficSummary {
        let arm = |(n, n_bad)| ArmSummary {
            n,
            n_bad,
            n_unanswered: 0,
        };
        let errors = stable.1 + canary.1;
        TrafficSummary {
            sent: stable.0 + canary.0 + lost,
            ok: stable.0 + canary.0 - errors,
            errors,
            lost,
            stable: arm(stable),
            canary: arm(canary),
            ..TrafficSummary::default()
        }
    }

    #[test]
    fn what_both_versions_do_alike_passes_and_what_only_the_candidate_does_fails() {
        let outcome = |summary: &TrafficSummary| judge(summary).outcome;
        assert_eq!(outcome(&summary((600, 12), (150, 3), 0)), Outcome::Pass);
        assert_eq!(outcome(&summary((600, 0), (150, 1), 0)), Outcome::Pass);
        assert_eq!(outcome(&summary((600, 0), (150, 30), 0)), Outcome::Fail);
    }

    #[test]
    fn a_request_that_no_version_accounts_for_fails() {
        let mut lost = summary((600, 0), (150, 0), 1);
        assert_eq!(judge(&lost).outcome, Outcome::Fail);
        lost.stable.n_unanswered = 1;
        assert_eq!(judge(&lost).outcome, Outcome::Pass);
    }

    #[test]
    fn a_share_of_failures_that_no_service_should_have_fails_for_both_alike() {
        let mut both = summary((600, 60), (150, 15), 0);
        both.server_errors = 75;
        assert_eq!(judge(&both).outcome, Outcome::Fail);
    }
}
