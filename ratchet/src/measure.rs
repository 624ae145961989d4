//! From reports to measured values of metrics. It must not know the floors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::Unit;
use crate::reader::{Coverage, Lints, Mutants, Report, Tests};

/// One measured value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// Id of the metric.
    pub metric: String,
    /// Unit of the value; must be the floor's.
    pub unit: Unit,
    /// The value, finite.
    pub value: f64,
    /// The numbers behind it, for people, such as `410 of 500 lines`.
    pub detail: String,
}

impl Measurement {
    /// A measurement; `unit` is one of the built-in units.
    ///
    /// # Panics
    /// When `unit` is not a unit; built-in units are.
    #[must_use]
    pub fn new(metric: &str, unit: &str, value: f64, detail: impl Into<String>) -> Self {
        Self {
            metric: metric.to_owned(),
            unit: Unit::try_from(unit).expect("a built-in unit is a unit"),
            value,
            detail: detail.into(),
        }
    }
}

/// The measurements that these reports hold together: line hits are united by file, tests, mutants
/// and lints are added up. What no report measured is absent, never zero.
#[must_use]
pub fn measure(reports: &[Report]) -> Vec<Measurement> {
    let mut coverage: Option<Coverage> = None;
    let mut tests: Option<Tests> = None;
    let mut mutants: Option<Mutants> = None;
    let mut lints: Option<Lints> = None;
    for report in reports {
        match report {
            Report::Coverage(more) => coverage.get_or_insert_default().add(more),
            Report::Tests(more) => tests.get_or_insert_default().add(more),
            Report::Mutants(more) => mutants.get_or_insert_default().add(more),
            Report::Lints(more) => lints.get_or_insert_default().add(more),
        }
    }
    let mut measurements = Vec::new();
    measurements.extend(coverage.and_then(|coverage| coverage.measurement()));
    measurements.extend(tests.iter().flat_map(Tests::measurements));
    measurements.extend(mutants.and_then(|mutants| mutants.measurement()));
    measurements.extend(lints.map(|lints| lints.measurement()));
    measurements.sort_by(|left, right| left.metric.cmp(&right.metric));
    measurements
}
