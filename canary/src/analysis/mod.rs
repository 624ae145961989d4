//! Events and samples in, alarms and claims out. Pure: no clock, no socket, no file.

pub mod bound;
pub mod coin;
mod evidence;
mod gamma;
mod integral;
mod rules;
pub mod slope;

pub use evidence::{Alarm, ArmTotals, Cause, Evidence, Metric, MetricReading, Promotion};
pub(crate) use evidence::{Sampled, e_text, seconds};
pub use rules::{ERROR_RULE_BAD_MIN, ERROR_RULE_REQUESTS_MIN, Lookback};
