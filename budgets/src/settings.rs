//! The `[budgets]` section of `tollgate.toml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::Day;
use tollgate_report::quantity::Percent;

use crate::slo::SloSettings;

/// Settings of the budgets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetSettings {
    /// The promises. Default `budgets/performance_sla.json`.
    pub file: String,
    /// Confidence of each bound of an interval, above 50% and below 100%. Default 95%; a higher
    /// one needs more samples for the same percentile.
    pub confidence: Percent,
    /// Service level objectives by name; `budget check` judges them. Default none.
    pub slo: BTreeMap<String, SloSettings>,
    /// What may be unmeasured under `CI=true` and `--strict`, and the last day of that: a limit, an
    /// operation or an objective, such as `"ai.first_token" = "2026-12-31"`, `operation.listRuns` or
    /// `slo.api`. Default none.
    pub unmeasured: BTreeMap<String, Day>,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            file: "budgets/performance_sla.json".to_owned(),
            confidence: Percent(0.95),
            slo: BTreeMap::new(),
            unmeasured: BTreeMap::new(),
        }
    }
}
