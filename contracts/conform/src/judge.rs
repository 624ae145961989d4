//! Checks one answer against the purpose of its request.

use crate::checks::{self, Fault};
use crate::operation::Operation;
use crate::step::{Intent, Step};

use crate::request::Answer;

/// Checks the answer against the declaration and against the purpose of the request.
pub(crate) fn judge(operation: &Operation, step: &Step, answer: &Answer) -> Vec<Fault> {
    let status = answer.status;
    let fault = |check, cause: &str, message: String| Fault {
        check,
        cause: cause.to_owned(),
        message,
        place: None,
    };
    if step.method.is_some() {
        // The path has no such operation: of the declaration only the general rules hold.
        let mut faults: Vec<Fault> = checks::judge(operation, answer)
            .into_iter()
            .filter(|fault| matches!(fault.check, "server-error" | "internals-leaked"))
            .collect();
        let method = step.method.unwrap_or_default();
        if !matches!(status, 405 | 501 | 401 | 403 | 404) && status < 500 {
            let message =
                format!("`{method}` is not declared and was answered with {status}, not 405");
            faults.push(fault("method-accepted", method, message));
        } else if status == 405 && answer.header("allow").is_none() {
            let message = "the answer with 405 has no `allow` header (RFC 9110, 15.5.6)".to_owned();
            faults.push(fault("allow-missing", "", message));
        }
        return faults;
    }
    let mut faults = checks::judge(operation, answer);
    match &step.intent {
        Intent::Valid { is_known } => {
            let is_fine = matches!(status, 401..=404 | 408..=410 | 412 | 423 | 424 | 425 | 428 | 429 | 451)
                || !(400..500).contains(&status);
            if !is_fine {
                let what = if *is_known {
                    "a request"
                } else {
                    "a request for something unknown"
                };
                let said = checks::cut(&String::from_utf8_lossy(&answer.body));
                let message =
                    format!("{what} that the contract allows was rejected with {status}: {said}");
                faults.push(fault("valid-refused", &status.to_string(), message));
            }
        }
        Intent::Invalid { part, why, .. } => {
            if answer.is_success() {
                let part = checks::without_numbers(part);
                let message = format!("{part} breaks `{why}` and was taken with {status}");
                faults.push(fault("invalid-accepted", &format!("{part} {why}"), message));
            }
        }
        Intent::Refused(how) => {
            if answer.is_success() {
                let message = format!("a request {how} was answered with {status}, not 401 or 403");
                faults.push(fault("auth-ignored", how, message));
            }
        }
        Intent::NoMethod | Intent::Odd => {}
    }
    faults
}
