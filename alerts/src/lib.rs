//! Alerts: from an event to a message that a person can act on, once, and never lost.
//!
//! ```text
//! sample → rule → event → alert → dedup, group → inhibit → silence → limit → outbox → channel
//!          rules          pipeline (one `now`)                       limit   outbox   channel
//! ```
//!
//! `rules`, `pipeline`, `limit` and `outbox` are pure: state + input + now → a [`change::Change`].
//! `journal` keeps changes on disk (one line, one fsync, one transaction); `channel` sends;
//! `dispatcher` joins them. This crate depends on no crate that raises events.

mod attempt;
pub mod change;
pub mod channel;
mod delivery;
pub mod dispatcher;
pub mod event;
pub mod journal;
pub mod limit;
pub mod loopback;
pub mod message;
mod notification;
pub mod outbox;
pub mod pipeline;
pub mod retry;
pub mod rulebook;
pub mod rules;
pub mod secret;
pub mod settings;
mod shared;
pub mod sign;
pub mod silence;
pub mod slack;
mod view;

pub use attempt::Sent;
pub use dispatcher::{Dispatcher, PROGRAM, Setup};
pub use event::{Action, AlertEvent, EventState, Fingerprint, Number, Severity};
pub use settings::Settings;
pub use shared::{Delivery, DispatcherError};
