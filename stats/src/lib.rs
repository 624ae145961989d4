//! Statistics of the gates: distributions, ranks, sequential tests and one random generator.
//!
//! Functions of numbers only. Every verdict that rests on a number of this crate has to come out
//! the same on every machine and in every replay, so there is no clock, no I/O and no state apart
//! from the generator's own. A function returns NaN outside its domain, as those of `f64` do.

pub mod binomial;
pub mod calibrate;
pub mod order;
pub mod random;
pub mod rank;
pub mod sequential;
pub mod special;

mod bisect;
mod integral;

pub use random::Rng;
