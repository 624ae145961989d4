//! Tiers: steps become a graph, the graph runs in parallel, cached by content, inside a time budget.
//!
//! Every step is a command; the gates of the command line are steps whose command starts with
//! `{tollgate}`. This crate depends on none of the gates and on no async runtime, and it does not
//! print.

pub mod builtin;
pub mod defaults;
mod fill;
pub mod graph;
pub mod plan;
pub mod settings;

pub mod crates;
pub mod environment;
pub mod files;
pub mod git;
pub mod history;
pub mod key;
pub mod memo;
pub mod outputs;
mod outward;
pub mod stat;
pub mod store;
pub mod tools;
pub mod walk;

pub mod cold;
pub mod context;
pub mod counts;
pub mod load;
pub mod machine;
mod noop;
pub mod pace;
mod probe;
pub mod process;
mod profiles;
pub mod run;
mod schedule;
mod step;
pub mod stopped;

pub mod coverage;
mod links;
mod private_git;
pub mod record;
pub mod render;
mod slot;
pub mod staged;
mod staged_error;

pub use context::{Context, Event, Mode, TierError};
pub use machine::{Gauge, SystemGauge};
pub use plan::{Plan, PlanError, plan};
pub use record::OverTime;
pub use record::{TierRecord, TierReport, verdict};
pub use render::render_text;
pub use run::run;
pub use settings::Settings;
