//! Tollgate as processes, over real files and sockets: one module a chapter. One binary, so that
//! the tests are linked once.

mod alerts;
mod bad_input;
mod budgets;
mod canary;
mod conform;
mod contract;
mod dashboard;
mod evidence;
mod examples;
mod merges;
mod models;
mod probes;
mod ratchet;
mod release;
mod schema;
mod story;
mod swift_grammar;
mod tiers;
