//! Events to WebSockets: one broadcaster follows the database, one session serves each client.

mod broadcaster;
mod event;
mod mailbox;
mod rate;
mod session;
mod topics;
mod wire;

pub use broadcaster::{Broadcaster, TOKEN_REVOKED, follow};
pub use session::{SessionContext, SessionLimits, serve};
