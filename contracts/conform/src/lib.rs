//! Conformance: requests derived from a contract, and checks of the answers against it.
//!
//! [`Session`] is a conversation that the caller carries out: it returns a request, takes the
//! answer, and returns the next request until its bound is reached. It first sends each operation a
//! valid request. Then it creates, reads, changes and deletes resources, and reads lists page by
//! page. After that it alternates invalid, unusual and random values. The same contract, seed and
//! answers give the same requests. [`talks`] does the same for the messages of a WebSocket.

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
