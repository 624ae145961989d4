//! One change between two contracts, how bad it is, and the version bump that changes require.

use tollgate_report::{Finding, Place, Severity};

/// How bad a change is for users of the old contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Compatible.
    Info,
    /// It may break someone and should be reviewed.
    Warning,
    /// It breaks someone who followed the old contract.
    Breaking,
}

/// Whether a value shows that the change breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Witness {
    /// No value was searched for, or the change is not in a schema.
    NotAsked,
    /// A value that one side accepts and the other rejects, as JSON.
    Found {
        /// The value, as JSON text.
        instance: String,
        /// True when the old side accepts it and the new one rejects it.
        is_refused_by_new: bool,
    },
    /// None was found within the bound.
    NotFound,
    /// None was searched for, because too many other changes break.
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
    /// Where it was.
    pub place_old: Option<Place>,
    /// Where it is.
    pub place_new: Option<Place>,
    /// What changed: lower case, no full stop, values in backticks.
    pub message: String,
    /// Whom it breaks and why; absent when it breaks nobody.
    pub breaks: Option<String>,
    /// A value that shows the break.
    pub witness: Witness,
}

/// The part of a version that changes require to be raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bump {
    /// Nothing changed.
    None,
    /// Only texts or details that nobody can rely on changed.
    Patch,
    /// Something was added.
    Minor,
    /// Something breaks.
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

/// The version bump that changes require: major when something breaks, patch when only texts
/// changed, minor for other changes, and none without changes.
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

/// How many breaking changes of schemas have a witness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WitnessShare {
    /// Breaking changes with a value that shows it.
    pub n_found: usize,
    /// Breaking changes for which a witness was searched.
    pub n_sought: usize,
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
