//! Slack's incoming webhook. Its address is a secret and is shown nowhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tollgate_report::Timestamp;
use tollgate_report::quantity::Span;

use super::contract::{Channel, ChannelError, Opening, Outgoing, Section, Sending, TIMEOUT};
use super::http;
use crate::message::{Rendered, Template};
use crate::secret::SecretSource;
use crate::slack;

/// The sections of a message in Slack's mrkdwn.
pub const TEMPLATE: Template = Template {
    name: "message.slack",
    embedded: include_str!("../../templates/message.slack"),
    escape: slack::escape,
};

/// A Slack incoming webhook. Its address is a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the webhook's address is.
    pub url: SecretSource,
    /// Longest time for one message; default `10s`.
    pub timeout: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: SecretSource::default(),
            timeout: TIMEOUT,
        }
    }
}

impl Section for Settings {
    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Channel>, ChannelError> {
        let url = opening.secret(&self.url)?;
        let endpoint = http::Endpoint::open(opening, "url", url, self.timeout.0)?;
        Ok(Box::new(Slack(endpoint)))
    }
}

#[derive(Debug)]
struct Slack(http::Endpoint);

impl Channel for Slack {
    fn send<'a>(&'a self, outgoing: &'a Outgoing<'a>, now: Timestamp) -> Sending<'a> {
        let request = self.0.post().json(&payload(outgoing.rendered));
        Box::pin(http::send(request, now))
    }
}

/// Slack's JSON, within Slack's limits.
#[must_use]
pub fn payload(rendered: &Rendered) -> Value {
    slack::message(
        &rendered.headline,
        rendered.filled(&TEMPLATE),
        &rendered.notification.id,
        &rendered.program,
    )
}
