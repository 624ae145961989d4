//! Child processes of this machine: groups, limits, ends, and what a killed process leaves.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "in a test a failed step ends the test")]

mod families;
mod limits;
mod slow;
mod support;
