//! A release that is promoted on evidence and rolled back in seconds.
//!
//! The analysis and the controller are pure: events in, verdicts and actions out. The embedded
//! proxy splits the traffic and holds the canary's weight only while the controller lives. The
//! deployer starts and stops processes. A thin shell joins them, and every event is kept, so that a
//! replay gives the same verdict byte for byte.

pub mod analysis;
pub mod controller;
pub mod deploy;
pub mod deployer;
pub mod events;
mod exchange;
pub mod fault;
mod ledger;
mod numbers;
pub mod persist;
pub mod proxy;
pub mod replay;
pub mod report;
pub mod settings;
pub mod shell;
pub mod traffic;
pub mod version;
mod weight;

pub use controller::{Action, Phase, State, step};
pub use events::{Event, Moment};
pub use persist::{PersistError, RunFolder};
pub use replay::{Replay, replay, replay_lines};
pub use report::{CanaryReport, render_text};
pub use settings::{Plan, Settings};
pub use shell::{CanaryContext, CanaryError, Finished, Progress, resume_canary, run_canary};
pub use weight::{Weight, WeightError};
