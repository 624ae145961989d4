//! What Slack and webhooks share: a client with rustls, and how an answer is read.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url, redirect};
use tollgate_report::Timestamp;

use super::ChannelError;
use crate::outbox::Sent;
use crate::retry::parse_retry_after;

/// A client for `url`: rustls with ring and Mozilla's roots, no redirects (a signed body goes where
/// it was meant to go), and no proxy for this machine itself.
pub(super) fn client(receiver: &str, url: &Url, timeout: Duration) -> Result<Client, ChannelError> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| ChannelError::Tls {
            receiver: receiver.to_owned(),
            source,
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")));
    let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let builder = if is_here { builder.no_proxy() } else { builder };
    builder.build().map_err(|source| ChannelError::Http {
        receiver: receiver.to_owned(),
        source: source.without_url(),
    })
}

/// Reads an address; the address itself may be a secret, so an error does not show it.
pub(super) fn parse_url(
    receiver: &str,
    key: &'static str,
    text: &str,
) -> Result<Url, ChannelError> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| ChannelError::Value {
        receiver: receiver.to_owned(),
        key,
        expected: "an http or https address",
    })
}

/// Reads an answer. 408, 425, 429 and 5xx may pass; other refusals will not.
/// Neither address nor body is in the text: both may hold secrets.
pub(super) fn read_answer(answer: Result<Response, reqwest::Error>, now: Timestamp) -> Sent {
    let response = match answer {
        Ok(response) => response,
        Err(error) => {
            let what = match (error.is_timeout(), error.is_connect()) {
                (true, _) => "no answer in time",
                (_, true) => "no connection",
                _ => "the connection broke",
            };
            return Sent::Later {
                why: what.to_owned(),
                retry_after: None,
            };
        }
    };
    let status = response.status();
    if status.is_success() {
        return Sent::Taken;
    }
    let why = format!("the answer was {}", status.as_u16());
    let header = response.headers().get(reqwest::header::RETRY_AFTER);
    let retry_after = header
        .and_then(|value| value.to_str().ok())
        .and_then(|text| parse_retry_after(text, now));
    let passing = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if status.is_server_error() || passing.contains(&status) {
        Sent::Later { why, retry_after }
    } else {
        Sent::Refused { why }
    }
}
