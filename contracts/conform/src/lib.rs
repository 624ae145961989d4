//! Conformance: requests derived from a contract, and whether the answers keep to it.
//!
//! [`Session`] is a conversation that someone else carries out: it gives a request, takes the
//! answer, and gives the next one, until its bound. Each operation is asked as the contract allows
//! first, then things are made, read, changed and deleted, lists are read page by page, and then
//! come broken, odd and drawn values in turns. The same contract, seed and answers give the same
//! requests. [`talks`] does the same for the messages of a WebSocket.

mod checks;
mod fill;
mod follow;
mod judge;
mod messages;
mod odd;
mod operation;
mod pages;
mod plan;
mod recipe;
mod report;
mod request;
mod resources;
mod same;
mod session;
mod shrink;
mod step;

pub use messages::{Heard, Line, MessageFailure, Talk, judge as judge_messages, talks};
pub use report::{Failure, MessageReport, Report, findings, report_json};
pub use request::{Answer, Request, curl};
pub use session::{ConformSettings, Session};
