//! Synthetic probes and load: one format, one runner, used by the command line and the canary.
//!
//! A probe checks a target from outside and reports `pass`, `degraded`, `fail` or `error`; an
//! `error` means that the probe could not run and is never a failure of the target.

#[macro_use]
mod kinds;

pub mod settings;

mod micros;

pub mod attempt;
pub mod context;
pub mod result;
pub mod run;
pub mod schedule;
pub mod track;

pub mod command;
pub mod converse;
pub mod http;
pub mod journey;
pub mod load;
pub mod metrics;
pub mod tcp;
pub mod traffic;
pub mod websocket;

pub mod json;
pub mod render;

pub use context::{Context, NoSchemas, SchemaSource};
pub use result::{Cause, ProbeResult, State};
pub use run::{run_all, run_probe};
pub use schedule::Scheduler;
pub use settings::{Check, Kind, Probe};
pub use track::{Tracker, track};
pub use traffic::{Traffic, TrafficCounts};
