//! Probes, load and live traffic against real servers on loopback.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

mod load;
mod probes;
mod support;
