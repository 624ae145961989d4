//! A release from build to promotion or rollback: the gates before it, the processes of its stage,
//! the canary, what its alert contains, what the dashboard shows, and the report.
//!
//! Nothing is printed here: what happens goes to a [`Narrator`], which the command line implements.

pub mod alerting;
pub mod build;
pub mod hub;
pub mod proxy;
pub mod remembered;
pub mod runs;
pub mod ship;
pub mod stage;
pub mod standing;
pub mod summary;

mod before;
mod context;
mod detached;
mod evidence;
mod html;
mod judged;
mod progress;
mod queries;
mod release;
mod show;

pub use alerting::deliver;
pub use context::{Context, HubBinary, Narrator};
pub use judged::{canary_summary, judge_release};
pub use release::{Begin, Release, Released, release};
