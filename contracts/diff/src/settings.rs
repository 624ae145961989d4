//! The settings of a comparison: the day, deprecation windows, stability.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::Day;

/// The stability that an operation declares (`x-stability-level`), least stable first.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stability {
    /// Nobody may rely on it.
    Draft,
    /// It may change.
    Alpha,
    /// It changes with notice.
    #[default]
    Beta,
    /// It stays.
    Stable,
}

impl Stability {
    /// The word in a document.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Alpha => "alpha",
            Self::Beta => "beta",
            Self::Stable => "stable",
        }
    }

    /// The level of a word; none for any other word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let all = [Self::Draft, Self::Alpha, Self::Beta, Self::Stable];
        all.into_iter().find(|level| level.word() == word)
    }
}

/// The settings of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiffSettings {
    /// The day of the comparison; without it no sunset is judged.
    pub today: Option<Day>,
    /// Days between deprecation and sunset of what is beta; 0 requires no sunset.
    pub deprecation_days_beta: u32,
    /// Days between deprecation and sunset of what is stable; 0 requires no sunset.
    pub deprecation_days_stable: u32,
    /// Operations below this level may change as they like.
    pub stability_level: Stability,
    /// The maximum number of breaking changes of schemas for which a witness is searched.
    pub witnesses_max: usize,
}
