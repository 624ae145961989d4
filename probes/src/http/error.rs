//! What can go wrong between us and a target.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::result::{Blame, Cause};

/// An exchange did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetError {
    #[error("the name `{host}` was not resolved")]
    Resolve {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("no connection to `{address}`")]
    Connect {
        address: String,
        #[source]
        source: io::Error,
    },
    #[error("no TLS session with `{host}`")]
    Tls {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("no HTTP connection")]
    Handshake(#[source] hyper::Error),
    #[error("no answer")]
    Answer(#[source] hyper::Error),
    #[error("an incomplete body")]
    Body(#[source] hyper::Error),
    #[error("a body longer than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("no answer within {after:?}")]
    Timeout { after: Duration },
    #[error("a WebSocket error")]
    Websocket(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    #[error("no reply: the connection was closed")]
    Closed,
}

impl NetError {
    /// Stable name, used in counts and causes.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Resolve { .. } => "dns",
            Self::Connect { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Handshake(_) | Self::Answer(_) => "reset",
            Self::Body(_) => "incomplete",
            Self::TooLarge { .. } => "too_large",
            Self::Timeout { .. } => "timeout",
            Self::Websocket(_) => "websocket",
            Self::Closed => "closed",
        }
    }

    /// Whether the cause is on this machine, such as a name that it cannot resolve or too many open files.
    fn is_ours(&self) -> bool {
        match self {
            Self::Resolve { .. } => true,
            Self::Connect { source, .. } => {
                // EMFILE, ENFILE and EADDRNOTAVAIL: out of files, or of ports, on this machine.
                matches!(source.raw_os_error(), Some(23 | 24))
                    || source.kind() == io::ErrorKind::AddrNotAvailable
                    || source.kind() == io::ErrorKind::NetworkUnreachable
            }
            _ => false,
        }
    }

    /// As the cause of a probe; the chain of sources is written out once, here.
    pub(crate) fn to_cause(&self, label: &str) -> Cause {
        let mut got = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            got.push_str(&format!(": {error}"));
            source = error.source();
        }
        let blame = if self.is_ours() {
            Blame::Prober
        } else {
            Blame::Target
        };
        Cause {
            blame,
            ..Cause::target(
                self.kind(),
                format!("answer of {label}"),
                "a whole answer",
                got,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_is_the_targets_and_a_missing_file_descriptor_is_ours() {
        let connect = |source: io::Error| NetError::Connect {
            address: "x:1".to_owned(),
            source,
        };
        let refused = connect(io::ErrorKind::ConnectionRefused.into()).to_cause("`GET /`");
        assert_eq!(refused.blame, Blame::Target);
        let no_files = connect(io::Error::from_raw_os_error(24)).to_cause("`GET /`");
        assert_eq!(no_files.blame, Blame::Prober);
    }
}
