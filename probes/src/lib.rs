//! Synthetic probes and load: one format, one runner, used by the command line and the canary.
//!
//! A probe looks at a target from outside and says `pass`, `degraded`, `fail` or `error`; an
//! `error` means that we could not look and is never a fail of the target. This crate must not
//! know contracts (schemas come in through [`SchemaSource`]), weights or alerts, and it never
//! sends a request twice without showing both attempts.

pub mod settings;

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
