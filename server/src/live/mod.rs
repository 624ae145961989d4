//! Events to WebSockets: one broadcaster follows the database, one session serves each client.
//! It must not know what an event is about.

mod broadcaster;
mod mailbox;
mod rate;
mod session;
mod topics;
mod wire;

pub use broadcaster::{Broadcaster, TOKEN_REVOKED, follow};
pub use session::{SessionContext, SessionLimits, serve};
