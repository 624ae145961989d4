//! The canary from outside: laws of the controller, error rates of the analysis, the proxy on
//! loopback, other providers and deployers, and whole runs.
#![expect(clippy::unwrap_used, reason = "in a test a failed step ends the test")]

mod controller;
mod http;
mod provider;
mod proxy;
mod slow;
