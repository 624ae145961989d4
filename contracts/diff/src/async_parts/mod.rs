//! Servers, channel parameters, bindings, security, headers, correlation ids and content types of
//! two `AsyncAPI` contracts of version 2 or 3. Payloads are compared elsewhere.

mod channels;
mod common;
mod messages;
mod operations;
mod servers;

pub(crate) use channels::channel;
pub(crate) use messages::message;
pub(crate) use operations::operation;
pub(crate) use servers::servers;
