//! What channels over HTTP share: an address with its client, and how an answer is read.

use std::fmt;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use tollgate_report::Timestamp;

use super::contract::{ChannelError, Opening};
use crate::attempt::Sent;
use crate::retry::parse_retry_after;

/// An address, which may be a secret, and the client that posts to it.
pub(super) struct Endpoint {
    url: SecretString,
    client: Client,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

impl Endpoint {
    /// The address that the settings hold under `key`.
    pub(super) fn open(
        opening: &Opening<'_>,
        key: &'static str,
        url: SecretString,
        timeout: Duration,
    ) -> Result<Self, ChannelError> {
        let parsed = Url::parse(url.expose_secret())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| opening.wrong(key, "an http or https address"))?;
        let client = client(opening.name, &parsed, timeout)?;
        Ok(Self { url, client })
    }

    pub(super) fn post(&self) -> RequestBuilder {
        self.client.post(self.url.expose_secret())
    }
}

/// A client for `url`: rustls with ring and Mozilla's roots, no redirects (a signed body goes where
/// it was meant to go), and no proxy for this machine itself.
fn client(receiver: &str, url: &Url, timeout: Duration) -> Result<Client, ChannelError> {
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

/// Sends a request and reads the answer. 408, 425, 429 and 5xx are tried again; other refusals are
/// final. The text holds neither address nor body, as both may hold secrets.
pub(super) async fn send(request: RequestBuilder, now: Timestamp) -> Sent {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => {
            let what = match (error.is_timeout(), error.is_connect()) {
                (true, _) => "no answer in time",
                (_, true) => "no connection",
                _ => "the connection broke",
            };
            return Sent::later(what);
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
