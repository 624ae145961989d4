//! A conversation over a WebSocket: texts are sent one by one, and what comes back after each is
//! written down.

use std::time::Duration;

use futures_util::StreamExt;
use http::{HeaderName, HeaderValue};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::context::Context;
use crate::http::error::NetError;
use crate::result::Cause;
use crate::websocket::{Socket, handshake, leave, open, send};

/// The largest message that is read, in bytes.
const MESSAGE_SIZE_MAX_BYTES: u64 = 8 << 20;

/// One thing that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// A text.
    Text(String),
    /// A close frame and its code; 1005 when it had none.
    Closed(u16),
    /// The connection broke.
    Dropped(String),
}

/// How long is listened.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the first frame after a text.
    pub first: Duration,
    /// For each further one.
    pub next: Duration,
}

/// An open conversation.
pub struct Conversation {
    socket: Socket,
    patience: Patience,
    is_over: bool,
}

/// Opens a conversation at an `http` or `https` URL.
///
/// # Errors
/// The connection or the handshake failed; the status that refused it is in `got`.
pub async fn converse(
    url: &str,
    headers: &[(String, String)],
    patience: Patience,
) -> Result<Conversation, Cause> {
    let mut handshake = handshake(url)?;
    for (name, value) in headers {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>())
        else {
            let got = format!("`{name}`");
            return Err(Cause::prober(
                "settings",
                "header",
                "a header name and value",
                got,
            ));
        };
        handshake.headers_mut().insert(name, value);
    }
    let context = Context::new(url);
    let (socket, _) = open(handshake, &context, MESSAGE_SIZE_MAX_BYTES, &mut |_, _| {})
        .await
        .map_err(|error: NetError| crate::websocket::refused(error, "`websocket`"))?;
    Ok(Conversation {
        socket,
        patience,
        is_over: false,
    })
}

impl Conversation {
    /// Whether it ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Sends a text and gives what comes after it.
    pub async fn say(&mut self, text: &str) -> Vec<Came> {
        if let Err(error) = send(&mut self.socket, Message::text(text)).await {
            self.is_over = true;
            return vec![Came::Dropped(error.to_string())];
        }
        self.listen().await
    }

    /// What comes until it is quiet.
    pub async fn listen(&mut self) -> Vec<Came> {
        let mut came = Vec::new();
        let mut wait = self.patience.first;
        while let Ok(frame) = timeout(wait, self.socket.next()).await {
            wait = self.patience.next;
            match frame {
                Some(Ok(Message::Text(text))) => came.push(Came::Text(text.as_str().to_owned())),
                Some(Ok(Message::Close(frame))) => {
                    came.push(Came::Closed(frame.map_or(1005, |frame| frame.code.into())));
                    self.is_over = true;
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    came.push(Came::Dropped(error.to_string()));
                    self.is_over = true;
                }
                None => {
                    came.push(Came::Dropped("the stream ended".to_owned()));
                    self.is_over = true;
                }
            }
            if self.is_over {
                break;
            }
        }
        came
    }

    /// Closes in good order.
    pub async fn end(mut self) {
        leave(&mut self.socket).await;
    }
}
