//! A topic of an ntfy server, which notifies phones and desktops (<https://docs.ntfy.sh/publish/>).
//! Whoever has the topic's name can read it, so the name is a secret.

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tollgate_report::Timestamp;
use tollgate_report::quantity::Span;

use super::contract::{Channel, ChannelError, Opening, Outgoing, Section, Sending, TIMEOUT};
use super::http;
use crate::Severity;
use crate::change::Kind;
use crate::message::Rendered;
use crate::secret::SecretSource;

/// A server turns a longer message into an attached file, which phones do not show.
pub const MESSAGE_BYTES_MAX: usize = 4_096;

/// A topic of an ntfy server. The topic's name is a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address of the server; default `https://ntfy.sh`.
    pub server: String,
    /// Where the topic's name is.
    pub topic: SecretSource,
    /// Where the access token is, if the server requires one; default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretSource>,
    /// Longest time for one message; default `10s`.
    pub timeout: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            server: "https://ntfy.sh".to_owned(),
            topic: SecretSource::default(),
            token: None,
            timeout: TIMEOUT,
        }
    }
}

impl Section for Settings {
    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Channel>, ChannelError> {
        let topic = opening.secret(&self.topic)?;
        let token = self.token.as_ref().map(|token| opening.secret(token));
        let server = SecretString::from(self.server.as_str());
        Ok(Box::new(Ntfy {
            endpoint: http::Endpoint::open(opening, "server", server, self.timeout.0)?,
            topic,
            token: token.transpose()?,
        }))
    }
}

#[derive(Debug)]
struct Ntfy {
    endpoint: http::Endpoint,
    topic: SecretString,
    token: Option<SecretString>,
}

impl Channel for Ntfy {
    fn send<'a>(&'a self, outgoing: &'a Outgoing<'a>, now: Timestamp) -> Sending<'a> {
        let mut payload = payload(outgoing.rendered);
        payload["topic"] = self.topic.expose_secret().into();
        let mut request = self.endpoint.post().json(&payload);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        Box::pin(http::send(request, now))
    }
}

/// The message as JSON, without its topic. ntfy shows the text as it is: no Markdown, no links.
#[must_use]
pub fn payload(rendered: &Rendered) -> Value {
    let notification = &rendered.notification;
    let (priority, tag) = match (notification.kind, notification.severity) {
        (Kind::Resolved, _) => (3, "white_check_mark"),
        (Kind::Sample, _) => (3, "test_tube"),
        (_, Severity::Critical) => (5, "rotating_light"),
        (_, Severity::Warning) => (4, "warning"),
        (_, Severity::Info) => (2, "information_source"),
    };
    json!({
        "title": rendered.subject,
        "message": clipped(rendered.text(), MESSAGE_BYTES_MAX),
        "priority": priority,
        "tags": [tag],
    })
}

/// The text, cut to at most `n_bytes` bytes at a character.
fn clipped(text: &str, n_bytes: usize) -> String {
    if text.len() <= n_bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(n_bytes - "…".len());
    format!("{}…", &text[..end])
}
