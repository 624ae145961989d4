//! Which specification a document follows, and whom it describes.

use crate::node::Node;

/// The specification that a contract follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `OpenAPI` 3.0.x.
    OpenApi30,
    /// `OpenAPI` 3.1.x.
    OpenApi31,
    /// `OpenAPI` 3.2.x.
    OpenApi32,
    /// `AsyncAPI` 2.0 to 2.6.
    AsyncApi2,
    /// `AsyncAPI` 3.0 and 3.1.
    AsyncApi30,
}

impl Kind {
    /// True for `AsyncAPI`.
    #[must_use]
    pub fn is_async(self) -> bool {
        matches!(self, Self::AsyncApi2 | Self::AsyncApi30)
    }
}

/// Whom an `AsyncAPI` 2 document describes. By the specification it is the application (the
/// server): others publish what it receives. Some documents are written from the client's side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Viewpoint {
    /// `publish` is what the application receives, `subscribe` what it sends.
    #[default]
    Application,
    /// `publish` is what the application sends, `subscribe` what it receives.
    Client,
}

impl Viewpoint {
    /// The viewpoint that a document declares by `x-viewpoint` at its top (`application`, `server`
    /// or `client`).
    pub(crate) fn of(root: &Node) -> Self {
        match root.get("x-viewpoint").and_then(Node::as_str) {
            Some("client") => Self::Client,
            _ => Self::Application,
        }
    }

    /// What a verb of version 2 means for the application.
    pub(crate) fn action(self, verb: &str) -> &'static str {
        match (self, verb) {
            (Self::Application, "publish") | (Self::Client, "subscribe") => "receive",
            _ => "send",
        }
    }
}
