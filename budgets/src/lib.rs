//! Budgets: promises about latency, errors, throughput and size, and whether measurements keep them.
//!
//! Every limit has a target and a critical value. A verdict requires enough data; how much that is
//! follows from the percentile. A budget compares with a promise; the values of yesterday are a
//! matter of `tollgate-ratchet`. Only `BudgetFile::load` does IO.

pub mod settings;
pub mod unit;

pub mod limits;
pub mod loosened;
pub mod operations;
pub mod prometheus;
pub mod tier_times;

pub mod histogram;
pub mod measurement;

pub mod check;
pub mod evaluate;
pub mod objective;
pub mod slo;

pub use check::{CheckInput, Checked, Row, check, show};
pub use evaluate::{BudgetVerdict, Estimate, Standing, evaluate};
pub use histogram::LatencyHistogram;
pub use limits::{Bound, BudgetFile, Limit, LimitsError, Statistic};
pub use loosened::{loosened, reclassified};
pub use measurement::{Measurement, MeasurementsError, parse_measurements};
pub use objective::{ObjectiveRow, evaluate_objective};
pub use operations::{Operations, check_operations};
pub use prometheus::prometheus_rules;
pub use settings::BudgetSettings;
pub use slo::{BurnRule, BurnVerdict, SloError, SloSettings, WindowCount, burn_rate};
pub use tier_times::{TierTime, check_tier_times};
pub use unit::Unit;
