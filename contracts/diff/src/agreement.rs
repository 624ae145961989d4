//! Compares our findings with the cases of a folder of vectors (old, new, expected ids, counts).

use std::collections::BTreeSet;

use serde_json::Value;
use tollgate_contracts_model::Contract;
use tollgate_report::Day;

use crate::change::Level;
use crate::oasdiff::{PeerFinding, peer_findings, rule};
use crate::settings::{DiffSettings, Stability};

/// Days between deprecation and sunset (beta, stable) to try when a case sets them without naming
/// the values.
const WINDOWS: &[(u32, u32)] = &[(0, 0), (0, 10), (31, 180), (10, 10), (30, 100), (365, 3650)];

/// Ids that judge the version against the other changes; cases are made without them.
const VERSION_IDS: &[&str] = &[
    "api-version-not-bumped",
    "api-version-decreased",
    "api-major-version-not-bumped",
];

/// The result of one case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseResult {
    /// Expected ids.
    pub n_ids: usize,
    /// Expected ids that are found.
    pub n_found: usize,
    /// The differences in words; empty when everything agrees.
    pub differences: Vec<String>,
    /// Why no result could agree with the case: it contradicts itself.
    pub contradiction: Option<&'static str>,
}

/// Judges one case of `pairs_expected.json`: ids that must be reported, ids that must not, counts,
/// and the operation of each named change. Only the rules in the scope of the case count.
#[must_use]
pub fn judge_case(case: &Value, old: &Contract, new: &Contract, today: Day) -> CaseResult {
    if let Some(contradiction) = contradiction(case, old, new) {
        return CaseResult {
            contradiction: Some(contradiction),
            ..CaseResult::default()
        };
    }
    // A case with two levels runs twice, the second time from new to old.
    let runs = case["level"].as_array().map_or(1, Vec::len);
    let mut best: Option<CaseResult> = None;
    for settings in candidates(case, today) {
        let mut findings = peer_findings(old, new, &settings);
        if runs > 1 {
            findings.extend(peer_findings(new, old, &settings));
        }
        let result = judge(case, &in_scope(case, findings));
        let is_better = best
            .as_ref()
            .is_none_or(|best| result.differences.len() < best.differences.len());
        if is_better {
            best = Some(result);
        }
    }
    best.unwrap_or_default()
}

fn contradiction(case: &Value, old: &Contract, new: &Contract) -> Option<&'static str> {
    let n_wanted = texts(case, "expect_ids").len();
    let text = |contract: &Contract| contract.documents[&contract.entry].text.clone();
    let lengths = case["expect_len"].as_array().into_iter().flatten();
    let longest = lengths.filter_map(Value::as_u64).max();
    if n_wanted > 0 && text(old) == text(new) {
        return Some("both sides are the same document");
    }
    longest
        .is_some_and(|longest| longest < n_wanted as u64)
        .then_some("it expects more ids than findings")
}

/// The settings that a case may mean: it names an option, not its value.
fn candidates(case: &Value, today: Day) -> Vec<DiffSettings> {
    let has_window = texts(case, "opts").contains("WithDeprecation");
    let windows = if has_window { WINDOWS } else { &WINDOWS[..1] };
    let ids = texts(case, "expect_ids");
    let levels: &[Stability] = if ids.iter().any(|id| id.contains("stability")) {
        &[
            Stability::Beta,
            Stability::Draft,
            Stability::Alpha,
            Stability::Stable,
        ]
    } else {
        &[Stability::Beta]
    };
    let each = |(beta, stable): &(u32, u32)| {
        let (deprecation_days_beta, deprecation_days_stable) = (*beta, *stable);
        levels.iter().map(move |stability_level| DiffSettings {
            today: Some(today),
            deprecation_days_beta,
            deprecation_days_stable,
            stability_level: *stability_level,
            witnesses_max: 0,
        })
    };
    windows.iter().flat_map(each).collect()
}

fn texts(case: &Value, key: &str) -> BTreeSet<String> {
    let items = case[key].as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The findings in the scope of a case: those of its checks, at or above its level.
fn in_scope(case: &Value, findings: Vec<PeerFinding>) -> Vec<PeerFinding> {
    let scope = texts(case, "scope_ids");
    let wanted = texts(case, "expect_ids");
    // A case that expects what is compatible looks at everything, whatever level it names.
    let expects_info = wanted
        .iter()
        .any(|id| rule(id).is_some_and(|rule| rule.level == Level::Info));
    let least = if expects_info || texts(case, "level").contains("INFO") {
        Level::Info
    } else {
        Level::Warning
    };
    let mut findings = findings;
    findings.retain(|finding| {
        let is_version = VERSION_IDS.contains(&finding.id) && !wanted.contains(finding.id);
        let is_policy = finding.id.contains("stability");
        let is_named = scope.is_empty() || scope.contains(finding.id);
        let is_named = is_named || is_policy || wanted.contains(finding.id);
        finding.level >= least && is_named && !is_version
    });
    findings
}

fn judge(case: &Value, findings: &[PeerFinding]) -> CaseResult {
    let got: BTreeSet<&str> = findings.iter().map(|finding| finding.id).collect();
    let wanted = texts(case, "expect_ids");
    let mut differences = Vec::new();
    for id in &wanted {
        if !got.contains(id.as_str()) {
            differences.push(format!("`{id}` is not found"));
        }
        if let Some(level) = level_asserted(case)
            && rule(id).is_some_and(|rule| rule.level < level)
        {
            differences.push(format!("`{id}` is below the level of the case"));
        }
    }
    for id in texts(case, "absent_ids") {
        if got.contains(id.as_str()) {
            differences.push(format!("`{id}` is found"));
        }
    }
    if case["expect_empty"].as_bool() == Some(true) {
        differences.extend(got.iter().map(|id| format!("`{id}` is found")));
    }
    let counts: Vec<usize> = case["expect_len"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|n| usize::try_from(n.as_u64()?).ok())
        .collect();
    if !counts.is_empty() && !counts.contains(&findings.len()) {
        differences.push(format!(
            "{} findings instead of {}: {}",
            findings.len(),
            counts[0],
            got.iter().copied().collect::<Vec<_>>().join(", ")
        ));
    }
    for change in case["changes"].as_array().into_iter().flatten() {
        differences.extend(missing_change(change, findings));
    }
    CaseResult {
        n_ids: wanted.len(),
        n_found: wanted.iter().filter(|id| got.contains(id.as_str())).count(),
        differences,
        contradiction: None,
    }
}

fn level_asserted(case: &Value) -> Option<Level> {
    let levels = texts(case, "level");
    match levels.iter().next().map(String::as_str) {
        Some("ERR") if levels.len() == 1 => Some(Level::Breaking),
        Some("WARN") if levels.len() == 1 => Some(Level::Warning),
        _ => None,
    }
}

/// A change that names its operation must be found there.
fn missing_change(change: &Value, findings: &[PeerFinding]) -> Option<String> {
    let text = |key: &str| change[key].as_str().unwrap_or_default();
    let (id, method, path) = (text("id"), text("operation"), text("path"));
    let is_known = rule(id).is_some() && !method.is_empty() && !path.is_empty();
    let is_found = findings.iter().any(|finding| {
        finding.id == id && finding.path == path && finding.method.eq_ignore_ascii_case(method)
    });
    (is_known && !is_found).then(|| format!("`{id}` is not found at {method} {path}"))
}
