//! What changed between two contracts, for whom it breaks, and which version it asks for. It
//! compares meaning: resolved schemas, by direction. It must not know files or commands.

mod agreement;
mod aliases;
mod allow;
mod async_parts;
mod asyncapi;
mod bodies;
mod called;
mod flat;
mod grouping;
mod http;
mod keywords;
mod leaf;
mod limits;
mod oasdiff;
mod properties;
mod schema;
mod security;
mod settings;
mod unions;
mod variants;
mod walk;
mod witness;

use serde_json::{Value, json};
use tollgate_report::{Finding, Place, Severity, both};

use crate::document::Contract;

pub use agreement::{CaseResult, judge_case};
pub use allow::{Allowed, CompareSettings, take_allowed, take_ignored};
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

/// Whether somebody was shown what breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Witness {
    /// Nobody looked, or the change is not one of a schema.
    NotAsked,
    /// A value that one side accepts and the other refuses, as JSON.
    Found {
        /// The value, as JSON text.
        instance: String,
        /// True when the old side accepts it and the new one refuses it.
        is_refused_by_new: bool,
    },
    /// None was found within the bound.
    NotFound,
    /// None was sought, as so many other changes break.
    BeyondBound,
}

/// One change of meaning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// How bad it is.
    pub level: Level,
    /// Stable name; oasdiff's where oasdiff has the rule.
    pub code: String,
    /// `GET /orders`, or the id of an `AsyncAPI` operation; the first of [`Change::operations`].
    pub operation: Option<String>,
    /// Where in the contract, as a pointer through references, in that operation.
    pub path: String,
    /// All operations that the edit touches, sorted.
    pub operations: Vec<String>,
    /// oasdiff's id for the same rule, for its ignore files.
    pub alias_oasdiff: Option<String>,
    /// Where it stood.
    pub place_old: Option<Place>,
    /// Where it stands.
    pub place_new: Option<Place>,
    /// What changed: lower case, no full stop, values in backticks.
    pub message: String,
    /// Whom it breaks and why; absent when it breaks nobody.
    pub breaks: Option<String>,
    /// A value that shows the break.
    pub witness: Witness,
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
    /// A name of the change that stays when lines move: 12 hexadecimal digits over code,
    /// operation, path and message.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let operation = self.operation.as_deref().unwrap_or_default();
        let text = [&self.code, operation, &self.path, &self.message].join("\n");
        tollgate_report::Digest::of(text).short().to_owned()
    }

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
            Some(operation) if self.operations.len() > 1 => format!(
                "{operation} and {} more: {}",
                self.operations.len() - 1,
                self.message
            ),
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
/// equal contracts have none; neither has moving a schema behind a `$ref`, or another order. One
/// edit of a shared schema is one change with the operations that it touches.
#[must_use]
pub fn diff(old: &Contract, new: &Contract) -> Vec<Change> {
    diff_with(old, new, &DiffSettings::default())
}

/// As [`diff`], with the day, deprecation windows and stability levels.
#[must_use]
pub fn diff_with(old: &Contract, new: &Contract, settings: &DiffSettings) -> Vec<Change> {
    diff_and_peer(old, new, settings).0
}

/// As [`diff_with`], with what oasdiff would report, which is made on the way.
#[must_use]
pub fn diff_and_peer(
    old: &Contract,
    new: &Contract,
    settings: &DiffSettings,
) -> (Vec<Change>, Vec<PeerFinding>) {
    // The two comparisons know nothing of each other.
    let (peer, mut found) = both(
        || peer_findings(old, new, settings),
        || own_findings(old, new),
    );
    grouping::add_peer(&mut found, &peer, (old, new), settings);
    let mut groups = grouping::group(found);
    witness::find(&mut groups, old, new, settings.witnesses_max);
    let changes = groups.into_iter().map(|found| found.change);
    (changes.collect(), peer)
}

fn own_findings<'a>(old: &'a Contract, new: &'a Contract) -> Vec<walk::Found<'a>> {
    let mut walk = walk::Walk::new(old, new);
    match (old.kind.is_async(), new.kind.is_async()) {
        (false, false) => http::compare(&mut walk),
        (true, true) => asyncapi::compare(&mut walk),
        _ => walk.kind_changed(),
    }
    walk.changes
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

/// The stored form of a diff, version 1. `peer` is what oasdiff would report.
#[must_use]
pub fn diff_json(changes: &[Change], peer: &[PeerFinding]) -> Value {
    let rows: Vec<Value> = changes.iter().map(change_json).collect();
    let counts: Vec<Value> = peer_counts(peer)
        .into_iter()
        .map(|(id, (level, n))| json!({"id": id, "level": level.word(), "count": n}))
        .collect();
    json!({
        "version": 1,
        "bump": suggest_bump(changes).word(),
        "changes": rows,
        "witnesses": witness_share(changes).json(),
        "oasdiff": counts,
    })
}

fn change_json(change: &Change) -> Value {
    let place = |place: &Option<Place>| place.as_ref().map(ToString::to_string);
    let level = change.alias_oasdiff.as_deref().and_then(rule);
    let witness = match &change.witness {
        Witness::NotAsked => Value::Null,
        Witness::NotFound => json!({"found": false}),
        Witness::BeyondBound => json!({"found": false, "sought": false}),
        Witness::Found {
            instance,
            is_refused_by_new,
        } => json!({
            "found": true,
            "instance": serde_json::from_str::<Value>(instance).unwrap_or(Value::Null),
            "refused_by": if *is_refused_by_new { "new" } else { "old" },
        }),
    };
    json!({
        "code": change.code,
        "level": change.level.word(),
        "aliases": {
            "oasdiff": change.alias_oasdiff,
            "oasdiff_level": level.map(|rule| rule.level.word()),
        },
        "operation": change.operation,
        "operations": change.operations,
        "path": change.path,
        "place": {"old": place(&change.place_old), "new": place(&change.place_new)},
        "message": change.message,
        "breaks": change.breaks,
        "fingerprint": change.fingerprint(),
        "witness": witness,
    })
}

/// How many breaking changes of schemas have a witness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WitnessShare {
    /// Breaking changes with a value that shows it.
    pub n_found: usize,
    /// Breaking changes for which one was sought.
    pub n_sought: usize,
}

impl WitnessShare {
    fn json(self) -> Value {
        json!({"found": self.n_found, "sought": self.n_sought})
    }
}

/// The share of breaking changes that have a witness.
#[must_use]
pub fn witness_share(changes: &[Change]) -> WitnessShare {
    let count = |wanted: &dyn Fn(&Witness) -> bool| {
        changes
            .iter()
            .filter(|change| wanted(&change.witness))
            .count()
    };
    WitnessShare {
        n_found: count(&|witness| matches!(witness, Witness::Found { .. })),
        n_sought: count(&|witness| !matches!(witness, Witness::NotAsked | Witness::BeyondBound)),
    }
}
