//! The hub over real TCP: what it keeps, refuses, streams and survives.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

mod accepting;
mod annotations;
mod drill;
mod evidence;
mod harness;
mod keys;
mod process;
mod streams;
