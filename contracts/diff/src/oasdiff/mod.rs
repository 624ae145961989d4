//! What oasdiff (4553c69d) reports between two contracts: its ids, levels and counts, so that its
//! ignore files and habits work here and agreement can be measured. Its judgement, not ours: ours
//! is the rest of `diff`.

mod body;
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
mod responses;
mod rules;
mod security;
mod transitions;
mod types;
mod version;
mod view;

use std::collections::BTreeMap;

pub use rules::{Rule, rule, rules};

use tollgate_report::Place;

use crate::{DiffSettings, Level};
use delta::Builder;
use tollgate_contracts_model::Contract;
use tollgate_contracts_model::Located;
use tollgate_contracts_model::source::{Node, escape_token};

/// One finding as oasdiff counts it: once for each operation, media type, status and property.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerFinding {
    /// How bad it is for oasdiff.
    pub level: Level,
    /// Its id; one of [`rules()`].
    pub id: &'static str,
    /// `GET`; empty for what stands outside operations.
    pub method: String,
    /// The path of the operation as the old contract writes it.
    pub path: String,
    /// The values that its message names, in order of use.
    pub args: Vec<String>,
    /// `GET /orders` as the new contract writes it; empty outside operations.
    pub operation: String,
    /// Where in the contract, as a pointer through references.
    pub pointer: String,
    /// The pointer of the body, response or parameters that it belongs to; may be empty.
    pub scope: String,
    /// Where it stood.
    pub place_old: Option<Place>,
    /// Where it stands.
    pub place_new: Option<Place>,
}

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

/// How often each id is reported, worst first within the alphabet.
#[must_use]
pub fn peer_counts(findings: &[PeerFinding]) -> BTreeMap<&'static str, (Level, usize)> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        counts.entry(finding.id).or_insert((finding.level, 0)).1 += 1;
    }
    counts
}

/// What one comparison holds.
struct Cx<'a, 's> {
    builder: Builder<'a>,
    settings: &'s DiffSettings,
}

/// Where findings gather.
#[derive(Default)]
struct Sink {
    findings: Vec<PeerFinding>,
    here: Here,
}

/// Where the comparison stands.
#[derive(Clone, Debug, Default)]
struct Here {
    operation: String,
    pointer: String,
    scope: String,
    old: Option<Place>,
    new: Option<Place>,
}

impl Sink {
    /// Goes on at an operation, or outside of all when there is none.
    fn enter(&mut self, operation: Option<(&str, &str)>, old: Option<Place>, new: Option<Place>) {
        let (operation, pointer) = operation.map_or_else(Default::default, |(method, path)| {
            let pointer = format!("/paths/{}/{method}", escape_token(path));
            (format!("{} {path}", method.to_uppercase()), pointer)
        });
        self.here = Here {
            operation,
            pointer,
            scope: String::new(),
            old,
            new,
        };
    }

    /// Adds a finding when oasdiff has the rule; says whether it has.
    fn push(&mut self, id: &str, at: &At<'_>, args: Vec<String>) -> bool {
        let Some(rule) = rule(id) else {
            return false;
        };
        self.findings.push(PeerFinding {
            level: rule.level,
            id: rule.id,
            method: at.method.to_uppercase(),
            path: at.path.to_owned(),
            args,
            operation: self.here.operation.clone(),
            pointer: self.here.pointer.clone(),
            scope: self.here.scope.clone(),
            place_old: self.here.old.clone(),
            place_new: self.here.new.clone(),
        });
        true
    }
}

/// The operation at hand.
#[derive(Clone, Copy, Debug)]
struct At<'a> {
    method: &'a str,
    path: &'a str,
}

impl At<'static> {
    /// Outside all operations.
    const DOCUMENT: Self = Self {
        method: "",
        path: "",
    };
}

/// The entries of an object by key, each behind its reference.
fn entries<'a>(
    contract: &'a Contract,
    file: &'a str,
    node: Option<&'a Node>,
) -> BTreeMap<&'a str, Located<'a>> {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries
        .map(|entry| (entry.key.as_str(), contract.follow(file, &entry.node)))
        .collect()
}

/// How ids call what must be there and what may.
fn need(is_required: bool) -> &'static str {
    if is_required { "required" } else { "optional" }
}
