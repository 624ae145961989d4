//! Checks one answer against what the contract declares for it.

use serde_json::Value;
use tollgate_contracts_instance::Validator;
use tollgate_report::Place;

use crate::operation::{Header, Operation, Response, essence, is_json};
use crate::request::Answer;

/// Something that is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The check, such as `server-error`.
    pub(crate) check: &'static str,
    /// Distinguishes this cause from the other causes of the same check.
    pub(crate) cause: String,
    pub(crate) message: String,
    /// The declared answer that it was checked against, or the operation if there is none.
    pub(crate) place: Option<Place>,
}

/// Texts that only the internals of a program produce, each with its meaning.
const INTERNALS: [(&str, &str); 24] = [
    ("Traceback (most recent call last)", "a Python stack trace"),
    ("panicked at ", "a Rust panic"),
    ("stack backtrace:", "a Rust stack trace"),
    ("goroutine ", "a Go stack trace"),
    ("runtime error: ", "a Go panic"),
    ("at java.", "a Java stack trace"),
    ("Caused by: java", "a Java stack trace"),
    (".java:", "a Java stack trace"),
    ("at Object.<anonymous>", "a Node.js stack trace"),
    ("node_modules/", "a Node.js path"),
    ("node:internal/", "a Node.js stack trace"),
    (".js:", "a JavaScript stack trace"),
    ("System.NullReferenceException", "a .NET stack trace"),
    ("   at System.", "a .NET stack trace"),
    ("Stack trace:\n#0", "a PHP stack trace"),
    ("Fatal error: Uncaught", "a PHP error"),
    (".rb:in `", "a Ruby stack trace"),
    ("SQLSTATE[", "an SQL error"),
    ("You have an error in your SQL syntax", "an SQL error"),
    ("syntax error at or near", "an SQL error"),
    ("sqlite3.OperationalError", "an SQL error"),
    ("ORA-00", "an SQL error"),
    (".rs:", "a Rust source place"),
    (".py\", line ", "a Python stack trace"),
];

/// The declared answer for a status: exact, its range, or `default`.
pub(crate) fn response_for(operation: &Operation, status: u16) -> Option<&Response> {
    let range = format!("{}XX", status / 100);
    let exact = status.to_string();
    [exact.as_str(), &range, "default"]
        .iter()
        .find_map(|wanted| {
            operation
                .responses
                .iter()
                .find(|response| response.status.eq_ignore_ascii_case(wanted))
        })
}

/// Everything that is wrong with an answer on its own.
pub(crate) fn judge(operation: &Operation, answer: &Answer) -> Vec<Fault> {
    let mut faults = Vec::new();
    let status = answer.status;
    if status >= 500 {
        // A declared 503 is the service's word for "not now"; 501 for "not this".
        let is_said = matches!(status, 501 | 503)
            && operation
                .responses
                .iter()
                .any(|response| response.status == status.to_string());
        if !is_said {
            faults.push(fault(
                "server-error",
                status.to_string(),
                format!("the service failed with {status}"),
            ));
        }
    }
    faults.extend(leak(answer));
    let Some(response) = response_for(operation, status) else {
        let known: Vec<&str> = operation
            .responses
            .iter()
            .map(|response| response.status.as_str())
            .collect();
        let message = format!(
            "status {status} is not declared; declared are {}",
            known.join(", ")
        );
        faults.push(fault("status-undeclared", status.to_string(), message));
        return faults;
    };
    let before = faults.len();
    faults.extend(judge_headers(response, answer));
    if operation.method != "HEAD" {
        faults.extend(judge_body(response, answer));
    }
    for fault in &mut faults[before..] {
        fault.place = Some(response.place.clone());
    }
    faults
}

fn fault(check: &'static str, cause: String, message: String) -> Fault {
    Fault {
        check,
        cause,
        message,
        place: None,
    }
}

/// Reports internals of the program in an error that clients can read.
fn leak(answer: &Answer) -> Option<Fault> {
    if answer.status < 400 {
        return None;
    }
    let body = String::from_utf8_lossy(&answer.body);
    let (text, what) = INTERNALS.iter().find(|(text, _)| body.contains(text))?;
    let cause = format!("{} {what}", answer.status);
    let message = format!(
        "the answer with {} shows {what} (`{}`)",
        answer.status,
        text.trim()
    );
    Some(fault("internals-leaked", cause, message))
}

fn judge_headers(response: &Response, answer: &Answer) -> Vec<Fault> {
    let mut faults = Vec::new();
    for header in &response.headers {
        match answer.header(&header.name) {
            None if header.is_required => faults.push(fault(
                "header-missing",
                format!("{} {}", answer.status, header.name),
                format!(
                    "the answer with {} has no header `{}`",
                    answer.status, header.name
                ),
            )),
            Some(text) if !header_holds(header, text) => faults.push(fault(
                "header-invalid",
                format!("{} {}", answer.status, header.name),
                format!(
                    "the header `{}` with `{text}` does not match its schema",
                    header.name
                ),
            )),
            _ => {}
        }
    }
    faults
}

fn header_holds(header: &Header, text: &str) -> bool {
    let Some(validator) = &header.validator else {
        return true;
    };
    readings(text).iter().any(|value| validator.is_valid(value))
}

/// The values that a text without quotes can mean.
pub(crate) fn readings(text: &str) -> Vec<Value> {
    let mut found = vec![Value::String(text.to_owned())];
    if let Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Null)) =
        serde_json::from_str(text)
    {
        found.push(value);
    }
    if text.contains(',') {
        let items = text
            .split(',')
            .map(|item| Value::String(item.trim().to_owned()));
        found.push(Value::Array(items.collect()));
    }
    found.push(Value::Array(vec![Value::String(text.to_owned())]));
    found
}

fn judge_body(response: &Response, answer: &Answer) -> Vec<Fault> {
    if response.contents.is_empty() {
        return Vec::new();
    }
    let status = answer.status;
    let Some(given) = answer.header("content-type").map(essence) else {
        if answer.body.is_empty() && matches!(status, 204 | 304) {
            return Vec::new();
        }
        let message = if answer.body.is_empty() {
            format!("the answer with {status} has no body, and one is declared")
        } else {
            format!("the answer with {status} has a body without `content-type`")
        };
        return vec![fault("content-type-missing", status.to_string(), message)];
    };
    let Some((_, validator)) = response
        .contents
        .iter()
        .find(|(range, _)| covers(range, &given))
    else {
        let known: Vec<&str> = response
            .contents
            .iter()
            .map(|(range, _)| range.as_str())
            .collect();
        let message = format!(
            "the answer with {status} is `{given}`; declared is {}",
            known.join(", ")
        );
        return vec![fault(
            "content-type-undeclared",
            format!("{status} {given}"),
            message,
        )];
    };
    match (is_json(&given), validator) {
        (true, validator) => judge_json(answer, validator.as_ref()),
        (false, Some(validator)) => {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            match validator.validate(&Value::String(text)) {
                Err(error) if given.starts_with("text/") && readings_fail(validator, answer) => {
                    let message = format!("the body of the answer with {status}: {error}");
                    vec![fault("body-invalid", status.to_string(), cut(&message))]
                }
                _ => Vec::new(),
            }
        }
        (false, None) => Vec::new(),
    }
}

fn readings_fail(validator: &Validator, answer: &Answer) -> bool {
    let text = String::from_utf8_lossy(&answer.body);
    !readings(&text)
        .iter()
        .any(|value| validator.is_valid(value))
}

/// Whether a media range such as `application/*` holds a media type.
fn covers(range: &str, given: &str) -> bool {
    if range == "*/*" || range == given {
        return true;
    }
    range
        .strip_suffix('*')
        .is_some_and(|start| given.starts_with(start))
}

fn judge_json(answer: &Answer, validator: Option<&Validator>) -> Vec<Fault> {
    let status = answer.status;
    let value: Value = match serde_json::from_slice(&answer.body) {
        Ok(value) => value,
        Err(error) => {
            let message = format!("the body of the answer with {status} is not JSON: {error}");
            return vec![fault("body-not-json", status.to_string(), message)];
        }
    };
    let Some(validator) = validator else {
        return Vec::new();
    };
    let mut faults: Vec<Fault> = Vec::new();
    for error in validator.iter_errors(&value).take(20) {
        let at = error.instance_path().as_str();
        let cause = format!(
            "{status} {} {}",
            without_numbers(at),
            error.kind().keyword()
        );
        if faults.iter().any(|known| known.cause == cause) {
            continue;
        }
        let shown = if at.is_empty() {
            "the body".to_owned()
        } else {
            format!("`{at}`")
        };
        let message = cut(&format!("in the answer with {status}, {shown}: {error}"));
        faults.push(fault("body-invalid", cause, message));
    }
    faults
}

/// A pointer in which the indexes of lists are replaced by `*`.
pub(crate) fn without_numbers(pointer: &str) -> String {
    let tokens = pointer.split('/').map(|token| {
        if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit()) {
            "*"
        } else {
            token
        }
    });
    tokens.collect::<Vec<_>>().join("/")
}

/// A message of limited length, without line breaks.
pub(crate) fn cut(text: &str) -> String {
    let mut short: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(400)
        .collect();
    if short.len() < text.len() && text.chars().count() > 400 {
        short.push('…');
    }
    short
}
