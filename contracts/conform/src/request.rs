//! Requests and answers as values: how parameters and bodies are written, and a request as a `curl`
//! command. It does not send anything.

use std::fmt::Write as _;

use tollgate_contracts_instance::Json;

use crate::operation::{Body, BodyKind, Location, Operation, Parameter};

/// One request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// Path and query below the base address, already encoded; starts with `/`.
    pub target: String,
    /// Names in lower case; without the ones that the caller adds to every request.
    pub headers: Vec<(String, String)>,
    /// Headers of the caller that are left out of this request.
    pub without: Vec<String>,
    /// The body.
    pub body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the status is of the 200 class.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The content of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A value, written in the format of the body's media type.
    Value(Json),
    /// A text as it is under a media type.
    Raw { media: String, text: String },
}

/// The values of one request before they are written.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Values {
    /// By the number of the parameter.
    pub(crate) parameters: Vec<(usize, Json)>,
    pub(crate) body: Option<Content>,
}

impl Values {
    /// Gives a parameter a value instead of the one it has.
    pub(crate) fn set(&mut self, idx: usize, value: Json) {
        self.unset(idx);
        self.parameters.push((idx, value));
    }

    pub(crate) fn unset(&mut self, idx: usize) {
        self.parameters.retain(|(known, _)| *known != idx);
    }
}

/// Writes a request; none when a value cannot be written in its place.
pub(crate) fn request_of(operation: &Operation, values: &Values) -> Option<Request> {
    let mut path = operation.path.clone();
    let mut query: Vec<String> = Vec::new();
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut cookies: Vec<String> = Vec::new();
    for (idx, value) in &values.parameters {
        let parameter = operation.parameters.get(*idx)?;
        match parameter.location {
            Location::Path => {
                let text = text_of(parameter, value);
                // An empty or dotted segment would lead to another path.
                if text.is_empty() || text == "." || text == ".." {
                    return None;
                }
                path = path.replace(&format!("{{{}}}", parameter.name), &encode(&text, b""));
            }
            Location::Query => query.extend(query_of(parameter, value)),
            Location::Header => {
                let text = text_of(parameter, value);
                let is_plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
                if !is_plain || text.trim() != text {
                    return None;
                }
                headers.push((parameter.name.to_ascii_lowercase(), text));
            }
            Location::Cookie => {
                cookies.push(format!(
                    "{}={}",
                    parameter.name,
                    encode(&text_of(parameter, value), b"")
                ));
            }
        }
    }
    if path.contains('{') {
        return None;
    }
    if !cookies.is_empty() {
        headers.push(("cookie".to_owned(), cookies.join("; ")));
    }
    let mut body = None;
    match &values.body {
        None => {}
        Some(Content::Raw { media, text }) => {
            headers.push(("content-type".to_owned(), media.clone()));
            body = Some(text.clone().into_bytes());
        }
        Some(Content::Value(value)) => {
            let spec = operation.body.as_ref()?;
            let (media, bytes) = body_bytes(spec, value);
            headers.push(("content-type".to_owned(), media));
            body = Some(bytes);
        }
    }
    let target = if query.is_empty() {
        path
    } else {
        format!("{path}?{}", query.join("&"))
    };
    Some(Request {
        method: operation.method.clone(),
        target,
        headers,
        without: Vec::new(),
        body,
    })
}

/// A scalar as text, without quotes.
pub(crate) fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value in the `simple` style, or as one text.
fn text_of(parameter: &Parameter, value: &Json) -> String {
    if parameter.is_json {
        return value.to_string();
    }
    match value {
        Json::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        Json::Object(entries) => {
            let sign = if parameter.is_exploded { "=" } else { "," };
            let parts = entries
                .iter()
                .map(|(key, value)| format!("{key}{sign}{}", plain(value)));
            parts.collect::<Vec<_>>().join(",")
        }
        other => plain(other),
    }
}

fn query_of(parameter: &Parameter, value: &Json) -> Vec<String> {
    let name = encode(&parameter.name, b"[]");
    let pair = |key: &str, text: &str| format!("{key}={}", encode(text, b""));
    if parameter.is_json {
        return vec![pair(&name, &value.to_string())];
    }
    match value {
        Json::Array(items) if parameter.is_exploded => {
            items.iter().map(|item| pair(&name, &plain(item))).collect()
        }
        Json::Array(items) => {
            let sign = match parameter.style.as_str() {
                "spaceDelimited" => "%20",
                "pipeDelimited" => "%7C",
                _ => ",",
            };
            let parts: Vec<String> = items.iter().map(|item| encode(&plain(item), b"")).collect();
            vec![format!("{name}={}", parts.join(sign))]
        }
        Json::Object(entries) if parameter.style == "deepObject" => entries
            .iter()
            .map(|(key, value)| pair(&format!("{name}[{}]", encode(key, b"")), &plain(value)))
            .collect(),
        Json::Object(entries) if parameter.is_exploded => entries
            .iter()
            .map(|(key, value)| pair(&encode(key, b""), &plain(value)))
            .collect(),
        Json::Object(_) => vec![pair(&name, &text_of(parameter, value))],
        other => vec![pair(&name, &plain(other))],
    }
}

/// Percent-encoding of everything but unreserved characters (RFC 3986) and `keep`.
pub(crate) fn encode(text: &str, keep: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The border between the parts of a multipart body.
const BOUNDARY: &str = "tollgate-conform-7c1f0b";

fn body_bytes(spec: &Body, value: &Json) -> (String, Vec<u8>) {
    match (spec.kind, value) {
        (BodyKind::Form, Json::Object(entries)) => {
            let mut pairs = Vec::new();
            for (key, value) in entries {
                let items: Vec<&Json> = match value {
                    Json::Array(items) => items.iter().collect(),
                    other => vec![other],
                };
                for item in items {
                    pairs.push(format!(
                        "{}={}",
                        encode(key, b""),
                        encode(&plain(item), b"")
                    ));
                }
            }
            (spec.media.clone(), pairs.join("&").into_bytes())
        }
        (BodyKind::Multipart, Json::Object(entries)) => {
            let mut text = String::new();
            for (key, value) in entries {
                let key = key.replace(['"', '\r', '\n'], "_");
                // Writing to a text does not fail.
                let _ = write!(
                    text,
                    "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{key}\"\r\n\r\n{}\r\n",
                    plain(value)
                );
            }
            let _ = write!(text, "--{BOUNDARY}--\r\n");
            (
                format!("multipart/form-data; boundary={BOUNDARY}"),
                text.into_bytes(),
            )
        }
        (BodyKind::Text, Json::String(text)) => (spec.media.clone(), text.clone().into_bytes()),
        (_, value) => (spec.media.clone(), value.to_string().into_bytes()),
    }
}

/// The request as a command that can be pasted. Headers that the caller adds are named, and their
/// values come from variables, so that no secret is printed.
#[must_use]
pub fn curl(base: &str, request: &Request, caller_headers: &[String]) -> String {
    let quote = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let mut out = format!(
        "curl -sS -i -X {} {}",
        request.method,
        quote(&format!("{base}{}", request.target))
    );
    for (name, value) in &request.headers {
        let _ = write!(out, " -H {}", quote(&format!("{name}: {value}")));
    }
    for name in caller_headers {
        let is_sent = !request.without.contains(name)
            && !request.headers.iter().any(|(known, _)| known == name);
        if is_sent {
            let variable = name.replace('-', "_").to_ascii_uppercase();
            let _ = write!(out, " -H \"{name}: ${variable}\"");
        }
    }
    if let Some(body) = &request.body {
        let text = String::from_utf8_lossy(body);
        let _ = write!(out, " --data-raw {}", quote(&text));
    }
    out
}
