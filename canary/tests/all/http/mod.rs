//! The embedded proxy against the rules of HTTP (RFC 9110, 9112, 9113), over raw sockets.

mod http2;
mod interim;
mod rules;
mod service;
mod shifts;
