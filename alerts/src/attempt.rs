//! How an attempt to send a message ended.

use std::time::Duration;

/// How an attempt ended. `why` never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The receiver accepted the message.
    Taken,
    /// The receiver did not accept it; another attempt may succeed.
    Later {
        /// Why.
        why: String,
        /// How long the receiver requires to wait.
        retry_after: Option<Duration>,
    },
    /// The receiver rejected the message for good.
    Refused {
        /// Why.
        why: String,
    },
}

impl Sent {
    /// A failure that may pass.
    pub(crate) fn later(why: impl Into<String>) -> Self {
        Self::Later {
            why: why.into(),
            retry_after: None,
        }
    }
}
