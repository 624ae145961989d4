//! The shared code of the generated handlers: reading and refusing requests, and writing answers.
#![allow(
    clippy::allow_attributes,
    clippy::result_large_err,
    dead_code,
    reason = "not every contract uses all of it"
)]

use std::error::Error as _;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use models_crate::support::{Decode, Path, Violation};
use serde::Serialize;
use serde_json::{Value, json};

use super::api::OperationInfo;

/// An answer that rejects a request: a problem document (RFC 9457).
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The status, 400 to 599.
    pub status: StatusCode,
    /// Headers in addition to the content type, such as `WWW-Authenticate` or `Retry-After`.
    pub headers: HeaderMap,
    /// The problem document.
    pub problem: Value,
}

impl Refusal {
    /// A problem document of one's own; the status is 500 when it is not one of HTTP.
    pub fn new(status: u16, problem: &impl Serialize) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: HeaderMap::new(),
            problem: serde_json::to_value(problem).unwrap_or(Value::Null),
        }
    }

    /// A problem with a stable name, and the fields that are not valid.
    #[must_use]
    pub fn problem(status: u16, name: &str, detail: &str, violations: &[Violation]) -> Self {
        let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut problem = json!({
            "type": format!("/problems/{name}"),
            "title": code.canonical_reason().unwrap_or("Refused"),
            "status": code.as_u16(),
            "detail": detail,
        });
        if !violations.is_empty() {
            let errors = violations
                .iter()
                .map(|violation| json!({"path": violation.path, "message": violation.message}));
            problem["errors"] = errors.collect();
        }
        Self::new(status, &problem)
    }

    /// The same refusal with a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    fn invalid(operation: &OperationInfo, statuses: &[u16], violations: &[Violation]) -> Self {
        let detail = match violations.first() {
            Some(violation) => violation.to_string(),
            None => "the request is not valid".to_owned(),
        };
        Self::problem(operation.declared(statuses), "invalid-request", &detail, violations)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.problem.to_string()).into_response();
        response.headers_mut().extend(self.headers);
        let media = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, media);
        response
    }
}

impl OperationInfo {
    /// The first of these statuses that the operation declares, else the first.
    fn declared(&self, statuses: &[u16]) -> u16 {
        let declared = statuses.iter().find(|status| self.statuses.contains(status));
        declared.or(statuses.first()).copied().unwrap_or(400)
    }
}

/// How the text of a parameter becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// As it is.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// JSON when it is, else text.
    Json,
}

/// How often a parameter is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Once.
    One(Scalar),
    /// Once for each item.
    Repeated(Scalar),
    /// Once, items separated by commas.
    Commas(Scalar),
}

/// The place of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
}

impl Place {
    fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// The parts of a request, taken apart but not yet typed.
#[derive(Debug)]
pub struct Input {
    operation: &'static OperationInfo,
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
}

impl Input {
    /// Takes path, query and headers apart.
    pub fn read(operation: &'static OperationInfo, parts: Parts) -> Result<Self, Refusal> {
        let path = captures(operation.path, parts.uri.path()).unwrap_or_default();
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(query) = query.map_err(|error| {
            let violation = Violation::new(&Path::Root.field("query"), error.to_string());
            Refusal::invalid(operation, &[400, 422], &[violation])
        })?;
        Ok(Self { operation, path, query, headers: parts.headers })
    }

    fn texts(&self, place: Place, name: &str) -> Vec<&str> {
        let named = |pairs: &'_ [(String, String)]| -> Vec<usize> {
            let is_named = |(_, (key, _)): &(usize, &(String, String))| key == name;
            pairs.iter().enumerate().filter(is_named).map(|(index, _)| index).collect()
        };
        match place {
            Place::Path => named(&self.path).into_iter().map(|index| self.path[index].1.as_str()).collect(),
            Place::Query => named(&self.query).into_iter().map(|index| self.query[index].1.as_str()).collect(),
            Place::Header => {
                let values = self.headers.get_all(name).iter();
                values.filter_map(|value| value.to_str().ok()).collect()
            }
            Place::Cookie => {
                let cookies = self.headers.get_all(header::COOKIE).iter();
                let pairs = cookies.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
                pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
            }
        }
    }

    /// A parameter that may be absent.
    pub fn optional<T: Decode>(&self, place: Place, name: &str, form: Form) -> Result<Option<T>, Refusal> {
        let texts = self.texts(place, name);
        let Some(first) = texts.first() else {
            return Ok(None);
        };
        let value = match form {
            Form::One(scalar) => read_scalar(first, scalar),
            Form::Repeated(scalar) => texts.iter().map(|text| read_scalar(text, scalar)).collect(),
            Form::Commas(_) if first.is_empty() => Value::Array(Vec::new()),
            Form::Commas(scalar) => first.split(',').map(|text| read_scalar(text, scalar)).collect(),
        };
        let root = Path::Root.field(place.word());
        match T::decode(value, &root.field(name)) {
            Ok(value) => Ok(Some(value)),
            Err(violation) => Err(self.refuse(place, violation)),
        }
    }

    /// A parameter that must be present.
    pub fn required<T: Decode>(&self, place: Place, name: &str, form: Form) -> Result<T, Refusal> {
        self.optional(place, name, form)?.ok_or_else(|| {
            let root = Path::Root.field(place.word());
            self.refuse(place, Violation::new(&root.field(name), "is required"))
        })
    }

    fn refuse(&self, place: Place, violation: Violation) -> Refusal {
        // A path that can't name anything names nothing, where the contract has no 400.
        let statuses: &[u16] = if place == Place::Path { &[422, 400, 404] } else { &[422, 400] };
        Refusal::invalid(self.operation, statuses, &[violation])
    }

    /// Refuses a request that is well formed and outside the contract's bounds.
    pub fn check(&self, violations: &[Violation]) -> Result<(), Refusal> {
        if violations.is_empty() {
            return Ok(());
        }
        let is_path = violations.iter().all(|violation| violation.path.starts_with("/path/"));
        let statuses: &[u16] = if is_path { &[422, 400, 404] } else { &[422, 400] };
        Err(Refusal::invalid(self.operation, statuses, violations))
    }

    /// The whole body, within the operation's limit; nothing when it is empty.
    pub async fn bytes(&self, body: Body, media: &str) -> Result<Option<Bytes>, Refusal> {
        let limit = self.operation.body_size_max_bytes;
        let bytes = to_bytes(body, limit).await.map_err(|error| {
            let is_limit = error
                .source()
                .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
            if is_limit {
                let detail = format!("the body has more than {limit} bytes");
                Refusal::problem(413, "too-large", &detail, &[])
            } else {
                Refusal::problem(400, "invalid-request", "the body ended early", &[])
            }
        })?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let content_type = self.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or("");
        let essence = content_type.split(';').next().unwrap_or("").trim();
        let wanted = media.split(';').next().unwrap_or("").trim();
        let is_range = wanted.strip_suffix('*').is_some_and(|range| {
            range == "*/" || essence.get(..range.len()).is_some_and(|start| start.eq_ignore_ascii_case(range))
        });
        if is_range || essence.eq_ignore_ascii_case(wanted) {
            return Ok(Some(bytes));
        }
        let detail = format!("the body is `{essence}`, and only `{media}` is accepted");
        let status = self.operation.declared(&[415, 400]);
        Err(Refusal::problem(status, "unsupported-media-type", &detail, &[]))
    }

    /// The body as JSON of a type; nothing when it is empty.
    pub async fn json<T: Decode>(&self, body: Body, media: &str) -> Result<Option<T>, Refusal> {
        let Some(bytes) = self.bytes(body, media).await? else {
            return Ok(None);
        };
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
            let detail = format!("the body is not JSON: {error}");
            Refusal::problem(self.operation.declared(&[400]), "invalid-json", &detail, &[])
        })?;
        T::decode(value, &Path::Root)
            .map(Some)
            .map_err(|violation| Refusal::invalid(self.operation, &[422, 400], &[violation]))
    }

    /// The body as a form with these fields; nothing when it is empty.
    pub async fn form<T: Decode>(&self, body: Body, media: &str, fields: &[(&str, Form)]) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(body, media).await? else {
            return Ok(None);
        };
        let mut object = serde_json::Map::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let [key, value] = [key, value].map(|text| decoded(&text.replace('+', " ")));
            let form = fields.iter().find(|(name, _)| *name == key).map_or(Form::One(Scalar::Text), |(_, form)| *form);
            match (form, object.get_mut(&key)) {
                (Form::Repeated(scalar), Some(Value::Array(items))) => items.push(read_scalar(&value, scalar)),
                (Form::Repeated(scalar), _) => drop(object.insert(key, Value::Array(vec![read_scalar(&value, scalar)]))),
                (Form::One(scalar) | Form::Commas(scalar), _) => drop(object.insert(key, read_scalar(&value, scalar))),
            }
        }
        T::decode(Value::Object(object), &Path::Root)
            .map(Some)
            .map_err(|violation| Refusal::invalid(self.operation, &[422, 400], &[violation]))
    }

    /// The body as text; nothing when it is empty.
    pub async fn text(&self, body: Body, media: &str) -> Result<Option<String>, Refusal> {
        let Some(bytes) = self.bytes(body, media).await? else {
            return Ok(None);
        };
        String::from_utf8(bytes.to_vec()).map(Some).map_err(|error| {
            let detail = format!("the body is not UTF-8: {error}");
            Refusal::problem(self.operation.declared(&[400]), "invalid-request", &detail, &[])
        })
    }

    /// The refusal of a request without the body it needs.
    #[must_use]
    pub fn no_body(&self) -> Refusal {
        let violation = Violation::new(&Path::Root, "a body is required");
        Refusal::invalid(self.operation, &[400, 422], &[violation])
    }
}

/// The values of a template's parameters in a path, percent-decoded; nothing when it does not
/// fit. A segment may hold text and several parameters, as in `{base}...{head}`.
#[must_use]
pub fn captures(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let template = template.split(['?', '#']).next().unwrap_or(template);
    let mut wanted = template.trim_start_matches('/').split('/');
    let mut given = path.trim_start_matches('/').split('/');
    let mut found = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(found),
            (Some(wanted), Some(given)) => segment(wanted, given, &mut found)?,
            _ => return None,
        }
    }
}

fn segment(template: &str, mut given: &str, found: &mut Vec<(String, String)>) -> Option<()> {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, tail)) = after.split_once('}') else { break };
        given = given.strip_prefix(before)?;
        let literal = tail.split('{').next().unwrap_or(tail);
        let end = match literal {
            "" if tail.is_empty() => given.len(),
            "" => given.chars().next().map_or(0, char::len_utf8),
            // The last text of a segment ends it; text between two parameters is found first.
            literal if tail.len() == literal.len() => given.strip_suffix(literal)?.len(),
            literal => given.find(literal)?,
        };
        if end == 0 {
            return None;
        }
        found.push((name.to_owned(), decoded(&given[..end])));
        given = &given[end..];
        rest = tail;
    }
    (given == rest || decoded(given) == rest).then_some(())
}

/// Text without its percent-encoding; what is not UTF-8 after it is replaced.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let digits = text.get(index + 1..index + 3).filter(|_| bytes[index] == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                index += 3;
            }
            None => {
                plain.push(bytes[index]);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn read_scalar(text: &str, scalar: Scalar) -> Value {
    let is_wanted = |value: &Value| match scalar {
        Scalar::Text => false,
        Scalar::Number => value.is_number(),
        Scalar::Boolean => value.is_boolean(),
        Scalar::Json => true,
    };
    let value: Option<Value> = serde_json::from_str(text).ok();
    value.filter(is_wanted).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// An answer with JSON.
pub fn json_response(status: u16, media: &'static str, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => bytes_response(status, media, bytes.into()),
        Err(_) => Refusal::problem(500, "internal", "the answer can't be written as JSON", &[]).into_response(),
    }
}

/// An answer with any other body.
pub fn bytes_response(status: u16, media: &'static str, body: Bytes) -> Response {
    let mut response = empty_response(status);
    *response.body_mut() = Body::from(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// An answer without a body.
pub fn empty_response(status: u16) -> Response {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

/// The same answer with a header; an answer 500 when the value can't be one.
pub fn with_header(mut response: Response, name: &'static str, value: &str) -> Response {
    match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
        (Ok(name), Ok(value)) => {
            response.headers_mut().insert(name, value);
            response
        }
        _ => Refusal::problem(500, "internal", "a header of the answer is not valid", &[]).into_response(),
    }
}

/// The answer to a method that the path does not have.
pub fn method_not_allowed(allow: &'static str) -> Response {
    Refusal::problem(405, "method-not-allowed", &format!("the path supports only {allow}"), &[])
        .header(header::ALLOW, HeaderValue::from_static(allow))
        .into_response()
}
