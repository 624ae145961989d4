//! A standing release: the promoted version and the proxy serve on after the command, under a
//! supervisor of their own, until the next release replaces them.
//!
//! Three processes, none of which needs the others to serve on: the version, the proxy, and the
//! supervisor, which restarts both. The proxy starts the supervisor again when it is gone.
//! `release.json` is all that they share, and every change of it comes before its effect.

mod handover;
mod logs;
mod supervisor;
mod swap;
mod watch;

pub use handover::{Standing, ensure, forget_promotion, keep_evidence, revive, take_binary};
pub use supervisor::supervise;
pub use swap::RecordedTraffic;
