//! What a channel implements, and what it is opened with.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use secrecy::SecretString;
use tollgate_report::Timestamp;
use tollgate_report::quantity::Span;

use crate::attempt::Sent;
use crate::change::Row;
use crate::message::Rendered;
use crate::secret::{SecretError, SecretSource};

/// Longest time for one message, by default.
pub(super) const TIMEOUT: Span = Span(Duration::from_secs(10));

/// The settings of one kind of receiver.
pub(super) trait Section {
    /// Opens the receiver: reads its secrets and creates its client; sends nothing.
    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Channel>, ChannelError>;
}

/// An open receiver.
pub trait Channel: Debug + Send + Sync {
    /// Renders one message in the form of this channel and sends it within the receiver's timeout.
    fn send<'a>(&'a self, outgoing: &'a Outgoing<'a>, now: Timestamp) -> Sending<'a>;
}

/// A message that is being sent.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Sent> + Send + 'a>>;

/// What a receiver is opened with.
pub(super) struct Opening<'a> {
    /// Name of the receiver in the settings.
    pub(super) name: &'a str,
    /// Opens the console of the command that runs.
    pub(super) console: &'a dyn Fn() -> Box<dyn Channel>,
}

/// One message for one receiver.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// The outbox row; the receiver gets its id.
    pub row: &'a Row,
    /// The message.
    pub rendered: &'a Rendered,
}

impl Opening<'_> {
    pub(super) fn secret(&self, source: &SecretSource) -> Result<SecretString, ChannelError> {
        source.read().map_err(|source| ChannelError::Secret {
            receiver: self.name.to_owned(),
            source,
        })
    }

    pub(super) fn wrong(&self, key: &'static str, expected: &'static str) -> ChannelError {
        ChannelError::Value {
            receiver: self.name.to_owned(),
            key,
            expected,
        }
    }
}

/// A receiver of the settings cannot be used. The text never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// Its secret cannot be read.
    #[error("cannot read the secret of `alerts.receivers.{receiver}`")]
    Secret {
        /// The receiver's name.
        receiver: String,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// A value of the settings cannot be used.
    #[error("`alerts.receivers.{receiver}.{key}` is not {expected}")]
    Value {
        /// The receiver's name.
        receiver: String,
        /// The key.
        key: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS for `alerts.receivers.{receiver}`")]
    Tls {
        /// The receiver's name.
        receiver: String,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The HTTP client cannot be created.
    #[error("cannot create an HTTP client for `alerts.receivers.{receiver}`")]
    Http {
        /// The receiver's name.
        receiver: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The mail client cannot be created.
    #[error("cannot create a mail client for `alerts.receivers.{receiver}`")]
    Email {
        /// The receiver's name.
        receiver: String,
        /// Why.
        #[source]
        source: lettre::transport::smtp::Error,
    },
}
