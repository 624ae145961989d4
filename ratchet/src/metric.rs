//! Metrics: id, unit and direction. It must not know where a value comes from.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::suggest::nearest;

use crate::settings::RatchetSettings;

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
    /// It stays at zero.
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

/// A unit such as `%`, `s`, `ms`, `MB`, `count` or `ratio`: 1 to 16 printable
/// characters, no blanks, quotes or backslashes.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct Unit(String);

/// The text is not a unit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "read `{0}` as a unit: 1 to 16 characters without blanks were expected, such as `%`, `ms` or `count`"
)]
pub struct UnitError(String);

impl Unit {
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
    /// The floor of the reference system; absent when a repository has to measure its own.
    pub default_floor: Option<f64>,
    /// For noisy metrics: how far, in percent of the floor, a value may be worse without failing.
    pub tolerance_percent: Option<f64>,
}

type BuiltIn = (
    &'static str,
    &'static str,
    Direction,
    Option<f64>,
    Option<f64>,
);

/// Built-in metrics: id, unit, direction, default floor, tolerance in percent.
/// The first eight are those of the reference system.
const BUILT_IN: [BuiltIn; 14] = [
    ("coverage_percent_min", "%", Direction::Up, Some(70.0), None),
    ("mutation_score_min", "%", Direction::Up, Some(60.0), None),
    (
        "test_execution_time_max",
        "s",
        Direction::Down,
        Some(60.0),
        Some(10.0),
    ),
    (
        "performance_p95_max",
        "ms",
        Direction::Down,
        Some(500.0),
        Some(5.0),
    ),
    (
        "memory_usage_mb_max",
        "MB",
        Direction::Down,
        Some(500.0),
        Some(5.0),
    ),
    (
        "flaky_test_count_max",
        "count",
        Direction::Down,
        Some(2.0),
        None,
    ),
    (
        "security_issues_max",
        "count",
        Direction::Zero,
        Some(0.0),
        None,
    ),
    (
        "technical_debt_ratio_max",
        "ratio",
        Direction::Down,
        Some(0.05),
        None,
    ),
    ("lint_warnings_max", "count", Direction::Down, None, None),
    ("test_count_min", "count", Direction::Up, None, None),
    ("tier0_time_max", "s", Direction::Down, None, Some(10.0)),
    ("tier1_time_max", "s", Direction::Down, None, Some(10.0)),
    ("tier2_time_max", "s", Direction::Down, None, Some(10.0)),
    ("tier3_time_max", "s", Direction::Down, None, Some(10.0)),
];

/// All metrics that a repository knows: the built-in ones and those of its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    metrics: BTreeMap<String, Metric>,
}

impl Catalogue {
    /// The built-in metrics, overlaid with the user's.
    #[must_use]
    pub fn new(settings: &RatchetSettings) -> Self {
        let built_in =
            BUILT_IN.map(
                |(id, unit, direction, default_floor, tolerance_percent)| Metric {
                    id: id.to_owned(),
                    unit: Unit(unit.to_owned()),
                    direction,
                    default_floor,
                    tolerance_percent,
                },
            );
        let own = settings.metrics.iter().map(|(id, own)| Metric {
            id: id.clone(),
            unit: own.unit.clone(),
            direction: own.direction,
            default_floor: own.floor,
            tolerance_percent: own.tolerance.map(|tolerance| tolerance.0 * 100.0),
        });
        Self {
            metrics: built_in
                .into_iter()
                .chain(own)
                .map(|metric| (metric.id.clone(), metric))
                .collect(),
        }
    }

    /// The metric of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Metric> {
        self.metrics.get(id)
    }

    /// The known id nearest to `id`, when it is near enough to be a slip.
    #[must_use]
    pub fn did_you_mean(&self, id: &str) -> Option<&str> {
        nearest(id, self.metrics.keys().map(String::as_str))
    }

    /// All metrics by id.
    pub fn iter(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.values()
    }
}

/// A number as people read it: at most four decimals, no trailing zeros.
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
