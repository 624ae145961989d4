//! What a change loosens: `tollgate.toml` and the promises, compared with the base of the change.
//! Each loosening is a finding with both values and its place, and passes only with a waiver.

mod compared;
mod diff;
mod waiver;

mod compare;
mod judge;
mod steps;

pub use compared::{Compared, Section, Versions, compared};
pub use judge::{judge, tier_times};

#[cfg(test)]
mod tests;
