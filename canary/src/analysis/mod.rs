//! Events and samples in, alarms and claims out. Pure: no clock, no socket, no file.

pub mod bound;
pub mod coin;
mod evidence;
mod rules;
pub(crate) mod words;

pub use evidence::{ArmTotals, Evidence};
pub(crate) use evidence::{Sampled, e_text, seconds};
pub use rules::{ERROR_RULE_BAD_MIN, ERROR_RULE_REQUESTS_MIN, Lookback};
pub use words::{Alarm, Cause, Metric, MetricReading, Promotion};
