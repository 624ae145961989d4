//! State that the parts of the comparison share: the current position and the findings.

use std::collections::BTreeMap;

use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{Contract, Located, Node};
use tollgate_report::Place;

use super::builder::Builder;
use super::rules::rule;
use crate::change::Level;
use crate::settings::DiffSettings;

/// One finding as oasdiff counts it: once for each operation, media type, status and property.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerFinding {
    /// How bad it is for oasdiff.
    pub level: Level,
    /// Its id; one of [`rules()`].
    pub id: &'static str,
    /// `GET`; empty outside operations.
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
    /// Where it was.
    pub place_old: Option<Place>,
    /// Where it is.
    pub place_new: Option<Place>,
}

/// The input of one comparison.
pub(super) struct Cx<'a, 's> {
    pub(super) builder: Builder<'a>,
    pub(super) settings: &'s DiffSettings,
}

/// Collects findings.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) findings: Vec<PeerFinding>,
    pub(super) here: Here,
}

/// The current position of the comparison.
#[derive(Clone, Debug, Default)]
pub(super) struct Here {
    pub(super) operation: String,
    pub(super) pointer: String,
    pub(super) scope: String,
    pub(super) old: Option<Place>,
    pub(super) new: Option<Place>,
}

impl Sink {
    /// Moves the position to an operation, or outside all operations when there is none.
    pub(super) fn enter(
        &mut self,
        operation: Option<(&str, &str)>,
        old: Option<Place>,
        new: Option<Place>,
    ) {
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

    /// Adds a finding if oasdiff has the rule. Returns whether it has.
    pub(super) fn push(&mut self, id: &str, at: &At<'_>, args: Vec<String>) -> bool {
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

/// The current operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
}

impl At<'static> {
    /// Outside all operations.
    pub(super) const DOCUMENT: Self = Self {
        method: "",
        path: "",
    };
}

/// The entries of an object by key, each behind its reference.
pub(super) fn entries<'a>(
    contract: &'a Contract,
    file: &'a str,
    node: Option<&'a Node>,
) -> BTreeMap<&'a str, Located<'a>> {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries
        .map(|entry| (entry.key.as_str(), contract.follow(file, &entry.node)))
        .collect()
}

/// The words in ids for what is required and what is optional.
pub(super) fn need(is_required: bool) -> &'static str {
    if is_required { "required" } else { "optional" }
}
