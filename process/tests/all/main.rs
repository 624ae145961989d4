//! Child processes of this machine: groups, limits, ends, and what a killed process leaves.
#![cfg(unix)]

mod families;
mod limits;
mod slow;
mod support;
