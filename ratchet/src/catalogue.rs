//! The metrics that exist: one row for each built-in metric, and those of the settings.

use std::collections::BTreeMap;

use tollgate_report::suggest::nearest;

use crate::metric::{Direction, Metric, Unit};
use crate::settings::RatchetSettings;

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

/// All metrics of a repository: the built-in ones and those of its settings.
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
                    unit: Unit::built_in(unit),
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

    /// The id nearest to `id`, when it is near enough to be a typing mistake.
    #[must_use]
    pub fn did_you_mean(&self, id: &str) -> Option<&str> {
        nearest(id, self.metrics.keys().map(String::as_str))
    }

    /// All metrics by id.
    pub fn iter(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.values()
    }
}
