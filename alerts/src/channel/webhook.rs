//! The signed webhook; see [`crate::sign`] for what a receiver checks.

use std::fmt;

use reqwest::{Client, Url};
use secrecy::SecretString;
use tollgate_report::Timestamp;

use super::{ChannelError, Outgoing, http};
use crate::outbox::Sent;
use crate::settings;
use crate::sign::{ID_HEADER, SIGNATURE_HEADER, Signed, TIMESTAMP_HEADER, sign};

/// An open webhook receiver.
pub struct Webhook {
    url: Url,
    secret: SecretString,
    client: Client,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

impl Webhook {
    pub(super) fn open(name: &str, settings: &settings::Webhook) -> Result<Self, ChannelError> {
        let secret = settings
            .secret
            .read()
            .map_err(|source| ChannelError::Secret {
                receiver: name.to_owned(),
                source,
            })?;
        let url = http::parse_url(name, "url", &settings.url)?;
        let client = http::client(name, &url, settings.timeout.0)?;
        Ok(Self {
            url,
            secret,
            client,
        })
    }

    pub(super) async fn send(&self, outgoing: &Outgoing<'_>, now: Timestamp) -> Sent {
        let body = outgoing.rendered.webhook.to_string();
        let timestamp = now.as_micros().div_euclid(1_000_000).to_string();
        let signed = Signed {
            id: &outgoing.row.id,
            timestamp: &timestamp,
            body: body.as_bytes(),
        };
        let signature = sign(&self.secret, &signed);
        let request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header(ID_HEADER, signed.id)
            .header(TIMESTAMP_HEADER, signed.timestamp)
            .header(SIGNATURE_HEADER, signature)
            .body(body);
        http::read_answer(request.send().await, now)
    }
}
