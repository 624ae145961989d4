//! The command line of Tollgate: it parses arguments, calls the gates and prints what they decide.
//!
//! Only this crate and the workshop of this repository print. No rule of a gate is here: those are
//! in the crates that it calls.

mod cli;
pub mod commands;
mod context;
mod failure;
mod narrator;
mod output;
pub mod program;
pub mod tools;

pub mod run;

pub use cli::{Cli, Color, Command, Format, Global};
pub use context::Context;
pub use failure::{CommandResult, Failure};
pub use output::{Bar, Output};
pub use program::Program;
