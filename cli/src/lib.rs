//! The command line of Tollgate: it parses arguments, calls the gates and prints what they decide.
//!
//! Only this crate and the workshop of this repository print. The rules of the gates are in the
//! crates that it calls.

mod cli;
pub mod commands;
mod context;
mod dispatch;
mod failure;
mod global;
mod narrator;
mod output;
pub mod program;
mod runtime;
pub mod tools;

pub mod run;

pub use cli::{Cli, Command};
pub use context::Context;
pub use dispatch::run as run_command;
pub use failure::{CommandResult, Failure};
pub use global::{Color, Format, Global};
pub use output::{Bar, Output};
pub use program::Program;
