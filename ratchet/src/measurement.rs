//! One measured value of a metric, with the numbers behind it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::Unit;

/// One measured value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// Id of the metric.
    pub metric: String,
    /// Unit of the value; it has to be the unit of the floor.
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
            unit: Unit::built_in(unit),
            value,
            detail: detail.into(),
        }
    }
}
