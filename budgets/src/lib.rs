//! Budgets: promises about latency, errors, throughput and size, and what a measurement says of them.
//!
//! Every limit has a target and a critical value. A verdict is given only with enough data; how
//! much that is follows from the percentile. This crate must not know tokio, a socket, the system
//! clock, or any floor of the ratchet: a budget compares with a promise, a ratchet with yesterday.
//! Only `BudgetFile::load` does IO.

pub mod settings;
pub mod unit;

pub mod limits;
pub mod operations;

pub mod histogram;
pub mod measurement;

pub mod check;
pub mod evaluate;
pub mod slo;

pub use check::{CheckInput, Checked, Row, check, show};
pub use evaluate::{BudgetVerdict, Estimate, Standing, evaluate};
pub use histogram::LatencyHistogram;
pub use limits::{Bound, BudgetFile, Limit, LimitsError, Statistic};
pub use measurement::{Measurement, MeasurementsError, parse_measurements};
pub use operations::{Operations, check_operations};
pub use settings::BudgetSettings;
pub use slo::{BurnRule, BurnVerdict, SloError, SloSettings, WindowCount, burn_rate};
pub use unit::Unit;
