//! The webhook, Slack and ntfy receivers: HTTP/1.1 by hyper. They check what the real receivers
//! check: a webhook's signature, and the limits of Slack and ntfy.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::RETRY_AFTER;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::record::{Failure, IDLE, Inner, Received, SIZE_LIMIT, Which};
use crate::channel::ntfy::MESSAGE_BYTES_MAX;
use crate::sign::{ID_HEADER, SIGNATURE_HEADER, Signed, TIMESTAMP_HEADER, verify};
use crate::slack::violation;

/// The answer is lost: the connection ends without one.
#[derive(Debug, thiserror::Error)]
#[error("the script closes the connection without an answer")]
struct Closed;

pub(super) async fn serve(stream: TcpStream, which: Which, inner: Arc<Inner>) -> io::Result<()> {
    let service = service_fn(move |request| answer(request, which, Arc::clone(&inner)));
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}

async fn answer(
    request: Request<Incoming>,
    which: Which,
    inner: Arc<Inner>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let failure = inner.next_failure(which);
    if failure == Some(Failure::Close) {
        return Err(Closed);
    }
    let (parts, body) = request.into_parts();
    let headers: BTreeMap<String, String> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let read = tokio::time::timeout(
        Duration::from_secs(10),
        Limited::new(body, SIZE_LIMIT).collect(),
    );
    let Ok(Ok(body)) = read.await else {
        return Ok(reply(413, "too large or too slow"));
    };
    let body = body.to_bytes();
    match failure {
        Some(Failure::Code(code)) => return Ok(reply(code, "scripted failure")),
        Some(Failure::RetryAfter(seconds)) => {
            let mut response = reply(429, "slow down");
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
            return Ok(response);
        }
        Some(Failure::LoseAnswer | Failure::Close) | None => {}
    }
    if parts.method != Method::POST {
        return Ok(reply(405, "only POST"));
    }
    let taken = match which {
        Which::Slack => take_slack(parts.uri.path(), &body, headers, &inner),
        Which::Ntfy => take_ntfy(&body, headers, &inner),
        Which::Webhook | Which::Smtp => take_webhook(&body, headers, &inner),
    };
    let response = match taken {
        Ok(received) => {
            inner.record(received);
            reply(200, "ok")
        }
        Err((code, why)) => reply(code, &why),
    };
    if failure == Some(Failure::LoseAnswer) {
        Err(Closed)
    } else {
        Ok(response)
    }
}

type Refusal = (u16, String);

fn take_webhook(
    body: &Bytes,
    headers: BTreeMap<String, String>,
    inner: &Inner,
) -> Result<Received, Refusal> {
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let (id, timestamp) = (header(ID_HEADER), header(TIMESTAMP_HEADER));
    let signed = Signed {
        id: &id,
        timestamp: &timestamp,
        body,
    };
    let at = inner.clock.now();
    verify(&inner.secret, &signed, &header(SIGNATURE_HEADER), at)
        .map_err(|error| (401, error.to_string()))?;
    let json: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| (400, error.to_string()))?;
    Ok(Received {
        receiver: Which::Webhook,
        at,
        first_line: json["data"]["headline"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        body: String::from_utf8_lossy(body).into_owned(),
        id,
        headers,
    })
}

fn take_slack(
    path: &str,
    body: &Bytes,
    headers: BTreeMap<String, String>,
    inner: &Inner,
) -> Result<Received, Refusal> {
    if path.strip_prefix("/services/") != Some(inner.token.as_str()) {
        return Err((404, "no_service".to_owned()));
    }
    let json: serde_json::Value =
        serde_json::from_slice(body).map_err(|_| (400, "invalid_payload".to_owned()))?;
    if let Some(why) = violation(&json) {
        return Err((400, format!("invalid_blocks: {why}")));
    }
    let last = json["blocks"].as_array().and_then(|blocks| blocks.last());
    let id = last
        .and_then(|block| block["elements"][0]["text"].as_str())
        .unwrap_or_default();
    Ok(Received {
        receiver: Which::Slack,
        at: inner.clock.now(),
        id: id.trim_start_matches("message ").to_owned(),
        first_line: json["blocks"][0]["text"]["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        body: String::from_utf8_lossy(body).into_owned(),
        headers,
    })
}

fn take_ntfy(
    body: &Bytes,
    headers: BTreeMap<String, String>,
    inner: &Inner,
) -> Result<Received, Refusal> {
    let json: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| (400, error.to_string()))?;
    if json["topic"] != inner.token.as_str() {
        return Err((403, "forbidden".to_owned()));
    }
    let message = json["message"].as_str().unwrap_or_default();
    let is_valid = (1..=MESSAGE_BYTES_MAX).contains(&message.len())
        && json["priority"]
            .as_u64()
            .is_some_and(|n| (1..=5).contains(&n));
    if !is_valid {
        return Err((400, "invalid request".to_owned()));
    }
    let id = message.lines().last().unwrap_or_default();
    Ok(Received {
        receiver: Which::Ntfy,
        at: inner.clock.now(),
        id: id.trim_start_matches("message ").to_owned(),
        first_line: json["title"].as_str().unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(body).into_owned(),
        headers,
    })
}

fn reply(code: u16, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() =
        hyper::StatusCode::from_u16(code).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    response
}
