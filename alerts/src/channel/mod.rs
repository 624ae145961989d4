//! Channels: the thin shells that hand a rendered message to the world. They decide nothing
//! but how an answer is read: taken, later, or refused. They must not know why a message is sent.

mod console;
mod email;
mod http;
mod slack;
mod webhook;

use tollgate_report::Timestamp;

pub use console::{Console, paint};

use crate::change::{Notification, Row};
use crate::message::Rendered;
use crate::outbox::Sent;
use crate::secret::SecretError;
use crate::settings::Receiver;

/// One message for one receiver.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// The outbox row; its id is what the receiver sees.
    pub row: &'a Row,
    /// What it is about.
    pub notification: &'a Notification,
    /// Its words.
    pub rendered: &'a Rendered,
}

/// A receiver of the settings cannot be used. Its text never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// Its secret could not be had.
    #[error("open the receiver `{receiver}`")]
    Secret {
        /// The receiver's name.
        receiver: String,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// An address of the settings is none.
    #[error("open the receiver `{receiver}`: `{key}` is not {expected}")]
    Value {
        /// The receiver's name.
        receiver: String,
        /// The key.
        key: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// TLS could not be set up.
    #[error("open the receiver `{receiver}`: set up TLS")]
    Tls {
        /// The receiver's name.
        receiver: String,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The HTTP client could not be made.
    #[error("open the receiver `{receiver}`: make an HTTP client")]
    Http {
        /// The receiver's name.
        receiver: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The mail client could not be made.
    #[error("open the receiver `{receiver}`: make a mail client")]
    Email {
        /// The receiver's name.
        receiver: String,
        /// Why.
        #[source]
        source: lettre::transport::smtp::Error,
    },
}

/// An open receiver.
#[derive(Debug)]
pub enum Channel {
    /// The terminal or log.
    Console(Console),
    /// Email by SMTP.
    Email(email::Email),
    /// A Slack incoming webhook.
    Slack(slack::Slack),
    /// A signed HTTP request.
    Webhook(webhook::Webhook),
}

impl Channel {
    /// Opens the receiver `name`: reads its secret and makes its client; sends nothing.
    pub fn open(name: &str, receiver: &Receiver, console: &Console) -> Result<Self, ChannelError> {
        Ok(match receiver {
            Receiver::Console(_) => Self::Console(console.clone()),
            Receiver::Email(settings) => Self::Email(email::Email::open(name, settings)?),
            Receiver::Slack(settings) => Self::Slack(slack::Slack::open(name, settings)?),
            Receiver::Webhook(settings) => Self::Webhook(webhook::Webhook::open(name, settings)?),
        })
    }

    /// Sends one message within the receiver's timeout.
    pub async fn send(&self, outgoing: &Outgoing<'_>, now: Timestamp) -> Sent {
        match self {
            Self::Console(channel) => channel.send(outgoing),
            Self::Email(channel) => channel.send(outgoing).await,
            Self::Slack(channel) => channel.send(outgoing, now).await,
            Self::Webhook(channel) => channel.send(outgoing, now).await,
        }
    }
}
