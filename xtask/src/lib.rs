//! The command line of Tollgate: it parses, calls the gates, records what they decide, and prints.
//!
//! Only this crate prints. It holds no rule of any gate: those are in the crates it calls.

mod cli;
mod commands;
mod context;
mod failure;
mod gate;
mod git;
mod hub;
mod mutate;
mod output;
mod schemas;
mod settings;
mod ship;
mod swift;

pub mod run;

pub use settings::{Settings, settings_schema};
