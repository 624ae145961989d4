//! The facts that an engine reports about a request and its answer. Values only.

use http::{HeaderMap, Method, header};

/// The head of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestHead<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    /// The protocol to which the client wants to switch.
    pub(crate) upgrade: Option<&'a str>,
}

/// The head of an answer, as far as it is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AnswerHead {
    pub(crate) status: u16,
    /// The content type without its parameters; absent when the header is missing.
    pub(crate) content_type: Option<String>,
    /// The content coding, empty without one.
    pub(crate) coding: String,
    /// It names another address.
    pub(crate) has_location: bool,
    /// A header that must occur once occurs more often.
    pub(crate) has_repeated: bool,
    /// The status of a gRPC call that failed before its first message.
    pub(crate) grpc_status: Option<u32>,
    /// The name of the server, such as `uvicorn`.
    pub(crate) server: Option<String>,
}

impl AnswerHead {
    pub(crate) fn new(status: u16, headers: &HeaderMap) -> Self {
        let text = |name: header::HeaderName| {
            let value = headers.get(name)?.to_str().ok()?;
            let essence = value.split(';').next().unwrap_or_default().trim();
            Some(essence.to_ascii_lowercase())
        };
        let once = [
            header::CONTENT_TYPE,
            header::LOCATION,
            header::ETAG,
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
        ];
        Self {
            status,
            content_type: text(header::CONTENT_TYPE),
            coding: text(header::CONTENT_ENCODING).unwrap_or_default(),
            has_location: headers.contains_key(header::LOCATION),
            has_repeated: once
                .iter()
                .any(|name| headers.get_all(name).iter().count() > 1),
            grpc_status: grpc_status(headers),
            server: headers
                .get(header::SERVER)
                .and_then(|value| value.to_str().ok())
                .map(|value| value.chars().take(80).collect()),
        }
    }
}

/// `grpc-status`, which is a header of an answer without messages, and a trailer of others.
pub(crate) fn grpc_status(headers: &HeaderMap) -> Option<u32> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// How a request ended, other than by its client going away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The whole answer was passed on.
    Whole,
    /// The connection could not be made.
    Refused,
    /// The connection broke before the answer began.
    Reset,
    /// The answer broke off in its body.
    Cut,
    /// No answer began in time.
    Timeout,
    /// It switched protocols and continues as a tunnel.
    Switched,
}
