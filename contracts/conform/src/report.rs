//! The result of a run: as values, as JSON and as findings.

use std::collections::BTreeMap;

use serde::Serialize;
use tollgate_report::{Finding, Place};

use crate::messages::MessageFailure;
use crate::request::{Request, curl};

/// One way in which the service violates the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was checked, such as `body-invalid`.
    pub check: String,
    /// The operation's id.
    pub operation: String,
    /// The method that was used.
    pub method: String,
    /// The path as the contract writes it.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// The status of the answer; absent when none came.
    pub status: Option<u16>,
    /// The declaration that is violated.
    pub place: Place,
    /// The smallest request that shows it.
    pub request: Option<Request>,
    /// The number of the request that first showed it, from 1.
    pub number: usize,
}

/// The result of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Requests that were sent.
    pub n_requests: usize,
    /// Those of them that made failures smaller.
    pub n_shrinks: usize,
    /// Requests without an answer.
    pub n_lost: usize,
    /// Operations of the contract, without those that open a WebSocket.
    pub n_operations: usize,
    /// Operations that were requested at least once.
    pub n_asked: usize,
    /// Operations that never answered with success.
    pub not_reached: Vec<String>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, usize>,
    /// Each failure once by operation, check and cause, in the order of the document.
    pub failures: Vec<Failure>,
    /// The result of the WebSocket part, if there was one.
    pub messages: Option<MessageReport>,
}

/// The result of the messages of a WebSocket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageReport {
    /// Messages that were sent.
    pub n_sent: usize,
    /// Messages that came.
    pub n_heard: usize,
    /// Each failure once.
    pub failures: Vec<MessageFailure>,
}

/// A failure in the form that programs read.
#[derive(Debug, Serialize)]
struct FailureJson<'a> {
    check: &'a str,
    operation: &'a str,
    method: &'a str,
    path: &'a str,
    status: Option<u16>,
    message: &'a str,
    place: &'a Place,
    curl: Option<String>,
    request_number: usize,
}

/// The JSON of a report: `version` 1, described in `docs/REFERENCE.md`. `base` is the address of
/// the service, `caller_headers` the names of the headers that were added to each request.
#[must_use]
pub fn report_json(report: &Report, base: &str, caller_headers: &[String]) -> serde_json::Value {
    let failures: Vec<FailureJson<'_>> = report
        .failures
        .iter()
        .map(|failure| FailureJson {
            check: &failure.check,
            operation: &failure.operation,
            method: &failure.method,
            path: &failure.path,
            status: failure.status,
            message: &failure.message,
            place: &failure.place,
            curl: failure
                .request
                .as_ref()
                .map(|request| curl(base, request, caller_headers)),
            request_number: failure.number,
        })
        .collect();
    let messages = report.messages.as_ref().map(|messages| {
        let failures: Vec<serde_json::Value> = messages
            .failures
            .iter()
            .map(|failure| {
                serde_json::json!({
                    "check": failure.check, "channel": failure.channel, "message": failure.message,
                    "sent": failure.sent, "place": failure.place,
                })
            })
            .collect();
        serde_json::json!({
            "sent": messages.n_sent, "received": messages.n_heard, "failures": failures,
        })
    });
    serde_json::json!({
        "version": 1,
        "seed": report.seed,
        "requests": report.n_requests,
        "requests_for_shrinking": report.n_shrinks,
        "requests_without_answer": report.n_lost,
        "operations": report.n_operations,
        "operations_asked": report.n_asked,
        "operations_without_success": report.not_reached,
        "statuses": report.statuses,
        "failures": failures,
        "messages": messages,
    })
}

/// The failures of a report as findings, each with the command that reproduces it.
#[must_use]
pub fn findings(report: &Report, base: &str, caller_headers: &[String]) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for failure in &report.failures {
        let text = format!("{} {}: {}", failure.method, failure.path, failure.message);
        let code = format!("conform-{}", failure.check);
        let mut finding = Finding::error(&code, text)
            .at(failure.place.clone())
            .because("clients that rely on the contract fail here");
        if let Some(request) = &failure.request {
            let command = curl(base, request, caller_headers);
            finding = finding.fix_command("send the request again", &command);
        }
        found.push(finding);
    }
    for failure in report
        .messages
        .iter()
        .flat_map(|messages| &messages.failures)
    {
        let text = if failure.sent.is_empty() {
            format!("channel `{}`: {}", failure.channel, failure.message)
        } else {
            format!(
                "channel `{}`: {} (after `{}`)",
                failure.channel, failure.message, failure.sent
            )
        };
        let code = format!("conform-{}", failure.check);
        found.push(
            Finding::error(&code, text)
                .at(failure.place.clone())
                .because("clients that rely on the contract fail here"),
        );
    }
    found
}
