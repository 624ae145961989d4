//! The gates of Tollgate, one file each: the inputs of a gate, its verdict as a pure function of
//! them, and the same verdict computed again from a record.
//!
//! This crate reads the repository and keeps evidence. It does not print and does not parse
//! arguments; the command line does.

pub mod alert;
pub mod base;
pub mod budget;
pub mod build;
pub mod canary;
pub mod conform;
pub mod contract;
pub mod contracts;
pub mod gate;
pub mod git;
pub mod history;
pub mod line;
pub mod list;
pub mod loosened;
pub mod models;
pub mod objects;
pub mod probe;
pub mod ratchet;
pub mod record;
pub mod reports;
pub mod ruleset;
pub mod schemas;
pub mod settings;
pub mod tier;
pub mod traffic;

mod failure;
mod repository;

pub use failure::Failure;
pub use gate::Gate;
pub use list::{Row, all, replay};
pub use record::{Decision, Inputs, record, worst};
pub use repository::Repository;
pub use settings::{Settings, settings_schema};
