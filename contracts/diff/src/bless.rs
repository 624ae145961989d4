//! The local contract against the blessed one: a break needs a new major version.

use tollgate_contracts_model::Contract;
use tollgate_report::{Finding, Outcome, Place, Verdict};

use crate::change::{Change, Level, suggest_bump};
use crate::compare::diff;

/// The command that accepts the local contract.
const BLESS_COMMAND: &str = "{tollgate} contract bless";

/// Passes when nothing breaks or the major version is higher; fails with each breaking change
/// and its place; warns when nothing is blessed yet.
#[must_use]
pub fn check_blessed(blessed: Option<&Contract>, local: &Contract) -> Verdict {
    let Some(blessed) = blessed else {
        let finding = Finding::warning(
            "contract-not-blessed",
            format!("`{}` has no blessed contract yet", local.entry),
        )
        .at(Place::file(local.entry.clone()))
        .because("without a blessed contract breaking changes are not detected")
        .fix_command("bless the contract as it is", BLESS_COMMAND);
        return Verdict::from_findings(vec![finding], "there is no blessed contract yet");
    };
    let changes = diff(blessed, local);
    let is_major =
        major(&local.version) > major(&blessed.version) && major(&blessed.version).is_some();
    let n_breaking = count(&changes, Level::Breaking);
    let mut findings: Vec<Finding> = changes.iter().map(Change::finding).collect();
    if is_major {
        findings.iter_mut().for_each(soften);
        findings.sort();
        let mut verdict = Verdict::new(
            Outcome::Pass,
            format!(
                "{n_breaking} breaking changes with a new major version, `{}` after `{}`",
                local.version, blessed.version
            ),
        );
        verdict.findings = findings;
        return verdict;
    }
    for finding in &mut findings {
        if finding.severity == tollgate_report::Severity::Error {
            finding.fix = Some(tollgate_report::Fix {
                description: format!(
                    "revert the change, or raise the major version `{}` and bless the contract",
                    blessed.version
                ),
                command: Some(BLESS_COMMAND.to_owned()),
            });
        }
    }
    let clean = match changes.len() {
        0 => "nothing changed since it was blessed".to_owned(),
        n => format!(
            "nothing breaks; changes since it was blessed: {n}, which require a {} version",
            suggest_bump(&changes).word()
        ),
    };
    Verdict::from_findings(findings, clean)
}

fn count(changes: &[Change], level: Level) -> usize {
    changes
        .iter()
        .filter(|change| change.level == level)
        .count()
}

/// A break that the version announces is information.
fn soften(finding: &mut Finding) {
    finding.severity = tollgate_report::Severity::Info;
}

/// The number before the first dot, without a leading `v`.
fn major(version: &str) -> Option<u64> {
    let version = version.trim().trim_start_matches(['v', 'V']);
    version.split(['.', '-', '+']).next()?.parse().ok()
}
