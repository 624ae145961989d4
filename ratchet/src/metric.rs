//! What a metric is: its id, unit and direction, and how its values are shown.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which way is better.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better: the floor is the least that passes.
    Up,
    /// Less is better: the floor is the most that passes.
    Down,
    /// The value has to stay at zero.
    Zero,
}

impl Direction {
    /// The arrow shown to people.
    #[must_use]
    pub fn arrow(self) -> &'static str {
        match self {
            Self::Up => "↑",
            Self::Down => "↓",
            Self::Zero => "0",
        }
    }

    /// Whether `value` is on the bad side of `floor`.
    #[must_use]
    pub fn is_worse(self, value: f64, floor: f64) -> bool {
        match self {
            Self::Up => value < floor,
            Self::Down | Self::Zero => value > floor,
        }
    }

    /// The stricter of two floors.
    #[must_use]
    pub fn stricter(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Up => left.max(right),
            Self::Down | Self::Zero => left.min(right),
        }
    }
}

/// A unit such as `%`, `s`, `ms`, `MB`, `count` or `ratio`: 1 to 16 printable characters other than
/// spaces, quotes and backslashes.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct Unit(String);

/// The text is not a unit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a unit: a unit has 1 to 16 characters and no spaces, such as `%`, `ms` or `count`"
)]
pub struct UnitError(String);

impl Unit {
    /// The unit of a built-in metric or measurement.
    ///
    /// # Panics
    /// When the text is not a unit.
    pub(crate) fn built_in(text: &str) -> Self {
        Self::try_from(text).expect("a built-in unit is a unit")
    }

    /// The text of the unit.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Unit {
    type Error = UnitError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let n_characters = text.chars().count();
        let is_plain = text
            .chars()
            .all(|c| !c.is_whitespace() && !c.is_control() && !"\"\\".contains(c));
        if (1..=16).contains(&n_characters) && is_plain {
            Ok(Self(text))
        } else {
            Err(UnitError(text))
        }
    }
}

impl TryFrom<&str> for Unit {
    type Error = UnitError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        Self::try_from(text.to_owned())
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> Self {
        unit.0
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is measured, in which unit, and which way is better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Stable id such as `coverage_percent_min`.
    pub id: String,
    /// Unit of its values.
    pub unit: Unit,
    /// Which way is better.
    pub direction: Direction,
    /// The floor of the reference system; absent when each repository has to measure its own.
    pub default_floor: Option<f64>,
    /// For noisy metrics: how far, in percent of the floor, a value may be worse without failing.
    pub tolerance_percent: Option<f64>,
}

/// A number for people: at most four decimals, without trailing zeros.
#[must_use]
pub fn shown(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}
