//! What a change loosens: `tollgate.toml` and the promises, compared with the base of the change.
//! Each loosening is a finding with both values and its place, and passes only with a waiver.

mod before;
mod compared;
mod diff;
mod waiver;

mod command;
mod compare;
mod judge;
mod probe;
mod steps;
mod values;

pub use compared::{Compared, Section, Versions, compared, compared_at};
pub use judge::{judge, tier_times};

#[cfg(test)]
mod tests;
