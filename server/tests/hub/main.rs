//! The hub over real TCP: what it keeps, refuses, streams and survives.

mod accepting;
mod drill;
mod evidence;
mod harness;
mod keys;
mod process;
mod streams;
