//! Reports what oasdiff (4553c69d) reports between two contracts: its ids, levels and counts. Its
//! ignore files work here, and agreement can be measured. The verdicts are those of oasdiff; our
//! own are in the rest of `diff`.

mod body;
mod builder;
mod contents;
mod delta;
mod document;
mod facts;
mod lifecycle;
mod lists;
mod media;
mod operations;
mod parameters;
mod paths;
mod place;
mod responses;
mod rules;
mod security;
mod sink;
mod transitions;
mod types;
mod version;
mod view;
mod window;

use std::collections::BTreeMap;

use tollgate_contracts_model::Contract;

use crate::change::Level;
use crate::settings::DiffSettings;
use sink::Sink;

pub use rules::{Rule, rule, rules};
pub use sink::PeerFinding;

/// Every finding of oasdiff, worst first. Deprecation windows and stability levels come from the
/// settings.
#[must_use]
pub fn peer_findings(old: &Contract, new: &Contract, settings: &DiffSettings) -> Vec<PeerFinding> {
    let mut sink = Sink::default();
    if !old.kind.is_async() && !new.kind.is_async() {
        document::compare(old, new, settings, &mut sink);
    }
    let mut findings = sink.findings;
    findings.sort_by(|left, right| {
        right
            .level
            .cmp(&left.level)
            .then_with(|| left.path.cmp(&right.path))
            .then_with(|| left.cmp(right))
    });
    findings
}

/// How often each id is reported, worst first, then in alphabetical order.
#[must_use]
pub fn peer_counts(findings: &[PeerFinding]) -> BTreeMap<&'static str, (Level, usize)> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        counts.entry(finding.id).or_insert((finding.level, 0)).1 += 1;
    }
    counts
}
