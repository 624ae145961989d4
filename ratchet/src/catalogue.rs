//! The metrics that exist: one row for each built-in metric, and those of the settings.

use std::collections::{BTreeMap, BTreeSet};

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
const BUILT_IN: [BuiltIn; 16] = [
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
    (
        "failed_test_count_max",
        "count",
        Direction::Zero,
        Some(0.0),
        None,
    ),
    (
        "skipped_test_count_max",
        "count",
        Direction::Down,
        None,
        None,
    ),
    ("tier0_time_max", "s", Direction::Down, None, Some(10.0)),
    ("tier1_time_max", "s", Direction::Down, None, Some(10.0)),
    ("tier2_time_max", "s", Direction::Down, None, Some(10.0)),
    ("tier3_time_max", "s", Direction::Down, None, Some(10.0)),
];

/// Between a metric and the folder or file that it is measured in.
pub const SCOPE_MARK: char = '@';

/// The metrics that can be measured in a folder or file.
const SCOPED: [&str; 1] = ["coverage_percent_min"];

/// A metric and its folder or file: `coverage_percent_min@src/parser` has the scope `src/parser`.
#[must_use]
pub fn scope_of(id: &str) -> (&str, Option<&str>) {
    match id.split_once(SCOPE_MARK) {
        Some((metric, scope)) => (metric, Some(scope)),
        None => (id, None),
    }
}

/// All metrics of a repository: the built-in ones and those of its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    metrics: BTreeMap<String, Metric>,
    noisy: BTreeSet<String>,
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
        let is_noisy = |metric: &&Metric| metric.tolerance_percent.is_some();
        let mut noisy: BTreeSet<String> = built_in
            .iter()
            .filter(is_noisy)
            .map(|metric| metric.id.clone())
            .collect();
        // A tolerance does not make a built-in metric noisy: the lines of one run are exact.
        let exact = |metric: &Metric| built_in.iter().any(|known| known.id == metric.id);
        let own: Vec<Metric> = own.collect();
        let own_noisy = own.iter().filter(is_noisy).filter(|metric| !exact(metric));
        noisy.extend(own_noisy.map(|metric| metric.id.clone()));
        Self {
            metrics: built_in
                .into_iter()
                .chain(own)
                .map(|metric| (metric.id.clone(), metric))
                .collect(),
            noisy,
        }
    }

    /// The metric of this id, or the metric that a folder or file has its own floor of.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Metric> {
        let (metric, scope) = scope_of(id);
        let can_have_scope =
            scope.is_none_or(|scope| !scope.is_empty() && SCOPED.contains(&metric));
        self.metrics.get(metric).filter(|_| can_have_scope)
    }

    /// Whether values of the metric differ from run to run when nothing changed.
    #[must_use]
    pub fn is_noisy(&self, id: &str) -> bool {
        self.noisy.contains(scope_of(id).0)
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
