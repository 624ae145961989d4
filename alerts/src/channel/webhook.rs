//! The signed webhook; see [`crate::sign`] for what a receiver checks.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tollgate_report::Timestamp;
use tollgate_report::quantity::Span;

use super::contract::{Channel, ChannelError, Opening, Outgoing, Section, Sending, TIMEOUT};
use super::http;
use crate::message::Rendered;
use crate::secret::SecretSource;
use crate::sign::{ID_HEADER, SIGNATURE_HEADER, Signed, TIMESTAMP_HEADER, sign};

/// A signed HTTP request; see [`crate::sign`] for its form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address that gets a POST.
    pub url: String,
    /// Where the signing secret is.
    pub secret: SecretSource,
    /// Longest time for one message; default `10s`.
    pub timeout: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: String::new(),
            secret: SecretSource::default(),
            timeout: TIMEOUT,
        }
    }
}

impl Section for Settings {
    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Channel>, ChannelError> {
        let secret = opening.secret(&self.secret)?;
        let url = SecretString::from(self.url.as_str());
        let endpoint = http::Endpoint::open(opening, "url", url, self.timeout.0)?;
        Ok(Box::new(Webhook { endpoint, secret }))
    }
}

#[derive(Debug)]
struct Webhook {
    endpoint: http::Endpoint,
    secret: SecretString,
}

impl Channel for Webhook {
    fn send<'a>(&'a self, outgoing: &'a Outgoing<'a>, now: Timestamp) -> Sending<'a> {
        let body = payload(outgoing.rendered).to_string();
        let timestamp = now.as_micros().div_euclid(1_000_000).to_string();
        let signed = Signed {
            id: &outgoing.row.id,
            timestamp: &timestamp,
            body: body.as_bytes(),
        };
        let signature = sign(&self.secret, &signed);
        let request = self
            .endpoint
            .post()
            .header("content-type", "application/json")
            .header(ID_HEADER, signed.id)
            .header(TIMESTAMP_HEADER, signed.timestamp)
            .header(SIGNATURE_HEADER, signature)
            .body(body);
        Box::pin(http::send(request, now))
    }
}

/// The webhook's JSON, version 1.
#[must_use]
pub fn payload(rendered: &Rendered) -> Value {
    let notification = &rendered.notification;
    json!({
        "version": 1,
        "type": "tollgate.alert",
        "timestamp": notification.at,
        "data": {
            "notification": notification.id,
            "kind": notification.kind,
            "component": notification.component,
            "severity": notification.severity,
            "headline": rendered.headline,
            "alerts": notification.alerts,
            "overflow": notification.overflow,
        },
    })
}
