//! What changed between two contracts, for whom it breaks, and which version it asks for. It
//! compares meaning: resolved schemas, by direction. It must not know files or commands.

mod agreement;
mod aliases;
mod asyncapi;
mod bodies;
mod flat;
mod http;
mod limits;
mod oasdiff;
mod properties;
mod schema;
mod security;
mod settings;
mod unions;
mod walk;

use serde_json::{Value, json};
use tollgate_report::{Finding, Place, Severity};

use crate::document::Contract;

pub use agreement::{CaseResult, judge_case};
pub use oasdiff::{PeerFinding, Rule, peer_counts, peer_findings, rule, rules};
pub use settings::{Day, DayError, DiffSettings, Stability};
pub use walk::oasdiff_alias;

/// How bad a change is for those who rely on the old contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Compatible.
    Info,
    /// It may break somebody; look.
    Warning,
    /// It breaks somebody who kept to the old contract.
    Breaking,
}

/// One change of meaning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Stable name; oasdiff's where oasdiff has the rule.
    pub code: String,
    /// oasdiff's id for the same rule, for its ignore files.
    pub alias_oasdiff: Option<String>,
    /// How bad it is.
    pub level: Level,
    /// `GET /orders`, or the id of an `AsyncAPI` operation.
    pub operation: Option<String>,
    /// Where in the contract, as a pointer through references.
    pub path: String,
    /// Where it stood.
    pub place_old: Option<Place>,
    /// Where it stands.
    pub place_new: Option<Place>,
    /// What changed: lower case, no full stop, values in backticks.
    pub message: String,
    /// Whom it breaks and why; absent when it breaks nobody.
    pub breaks: Option<String>,
}

/// The part of a version that changes ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bump {
    /// Nothing changed.
    None,
    /// Only wording or details that nobody can rely on.
    Patch,
    /// Something was added.
    Minor,
    /// Somebody breaks.
    Major,
}

impl Level {
    /// The word shown to people and stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Breaking => "breaking",
        }
    }
}

impl Bump {
    /// The word shown to people and stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

impl Change {
    /// The change as a finding: breaking is an error. It points into the new contract, else into
    /// the old one.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let severity = match self.level {
            Level::Breaking => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Info => Severity::Info,
        };
        let message = match &self.operation {
            Some(operation) => format!("{operation}: {}", self.message),
            None => self.message.clone(),
        };
        let mut finding = Finding::new(severity, self.code.clone(), message);
        finding.place = self.place_new.clone().or_else(|| self.place_old.clone());
        finding.why = self.breaks.clone();
        finding
    }
}

/// Every change of meaning from `old` to `new`, worst first, then by operation and path. Two
/// equal contracts have none; neither has moving a schema behind a `$ref`, or another order.
#[must_use]
pub fn diff(old: &Contract, new: &Contract) -> Vec<Change> {
    let mut walk = walk::Walk::new(old, new);
    match (old.kind.is_async(), new.kind.is_async()) {
        (false, false) => http::compare(&mut walk),
        (true, true) => asyncapi::compare(&mut walk),
        _ => walk.kind_changed(),
    }
    walk.finish()
}

/// The version bump that changes ask for: major when somebody breaks, minor when something else
/// changed that can be seen, none for none.
#[must_use]
pub fn suggest_bump(changes: &[Change]) -> Bump {
    let worst = changes.iter().map(|change| change.level).max();
    match worst {
        None => Bump::None,
        Some(Level::Breaking) => Bump::Major,
        Some(_) if changes.iter().all(|change| is_wording(&change.code)) => Bump::Patch,
        Some(_) => Bump::Minor,
    }
}

fn is_wording(code: &str) -> bool {
    code.starts_with("api-tag-") || code == "endpoint-reactivated"
}

/// The stored form of a diff, version 1.
#[must_use]
pub fn diff_json(changes: &[Change]) -> Value {
    let place = |place: &Option<Place>| place.as_ref().map(ToString::to_string);
    let rows: Vec<Value> = changes
        .iter()
        .map(|change| {
            json!({
                "code": change.code,
                "level": change.level.word(),
                "aliases": {"oasdiff": change.alias_oasdiff},
                "operation": change.operation,
                "path": change.path,
                "place": {"old": place(&change.place_old), "new": place(&change.place_new)},
                "message": change.message,
                "breaks": change.breaks,
            })
        })
        .collect();
    json!({"version": 1, "bump": suggest_bump(changes).word(), "changes": rows})
}
