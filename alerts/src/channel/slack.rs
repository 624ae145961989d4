//! Slack's incoming webhook. Its address is a secret and is shown nowhere.

use std::fmt;

use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};
use tollgate_report::Timestamp;

use super::{ChannelError, Outgoing, http};
use crate::outbox::Sent;
use crate::settings;

/// An open Slack receiver.
pub struct Slack {
    url: SecretString,
    client: Client,
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slack").finish_non_exhaustive()
    }
}

impl Slack {
    pub(super) fn open(name: &str, settings: &settings::Slack) -> Result<Self, ChannelError> {
        let url = settings.url.read().map_err(|source| ChannelError::Secret {
            receiver: name.to_owned(),
            source,
        })?;
        let parsed: Url = http::parse_url(name, "url", url.expose_secret())?;
        let client = http::client(name, &parsed, settings.timeout.0)?;
        Ok(Self { url, client })
    }

    pub(super) async fn send(&self, outgoing: &Outgoing<'_>, now: Timestamp) -> Sent {
        let request = self
            .client
            .post(self.url.expose_secret())
            .json(&outgoing.rendered.slack);
        http::read_answer(request.send().await, now)
    }
}
