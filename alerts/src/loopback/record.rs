//! What reached the loopback receivers, and the failures that they are to play.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Notify;
use tollgate_report::{Clock, Timestamp};

/// Longest message that a receiver takes, in bytes.
pub(super) const SIZE_LIMIT: usize = 1 << 20;
/// Most messages that are recorded; the oldest are forgotten.
pub(super) const N_RECORDED: usize = 10_000;
/// How long a client may keep a connection without a complete request.
pub(super) const IDLE: Duration = Duration::from_secs(30);

/// Which of the loopback receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// Signed HTTP requests.
    Webhook,
    /// Slack's incoming webhook.
    Slack,
    /// Mail.
    Smtp,
    /// A topic of an ntfy server.
    Ntfy,
}

impl Which {
    /// The receiver's name in [`Loopback::receivers`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Smtp => "email",
            Self::Ntfy => "ntfy",
        }
    }
}

/// How a receiver fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Answers with this HTTP or SMTP code.
    Code(u16),
    /// Answers 429 with `Retry-After` in seconds (HTTP), or 451 (SMTP).
    RetryAfter(u64),
    /// Takes and records the message, then breaks the connection without an answer.
    LoseAnswer,
    /// Closes the connection at once.
    Close,
}

/// A message that reached a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Who received it.
    pub receiver: Which,
    /// When.
    pub at: Timestamp,
    /// `webhook-id`, `Message-ID`, or the id in Slack's last block.
    pub id: String,
    /// The mail's subject as it came, or the first line of the message.
    pub first_line: String,
    /// The raw body; for mail without its headers.
    pub body: String,
    /// Headers, names in lower case; of several of one name the last.
    pub headers: BTreeMap<String, String>,
}

#[derive(Default)]
pub(super) struct Script {
    pub(super) left: u64,
    pub(super) failure: Option<Failure>,
}

pub(super) struct Inner {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) secret: SecretString,
    /// Unguessable part of Slack's address, and the topic at ntfy.
    pub(super) token: String,
    pub(super) received: Mutex<Vec<Received>>,
    pub(super) scripts: Mutex<BTreeMap<Which, Script>>,
    pub(super) arrived: Notify,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    pub(super) fn record(&self, received: Received) {
        let mut all = lock(&self.received);
        if all.len() >= N_RECORDED {
            all.remove(0);
        }
        all.push(received);
        drop(all);
        self.arrived.notify_waiters();
    }

    /// The failure that the next message meets, if any.
    pub(super) fn next_failure(&self, which: Which) -> Option<Failure> {
        let mut scripts = lock(&self.scripts);
        let script = scripts.get_mut(&which)?;
        if script.left == 0 {
            return None;
        }
        script.left = script.left.saturating_sub(1);
        script.failure
    }
}
