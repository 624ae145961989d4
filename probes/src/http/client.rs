//! One HTTP/1.1 connection: send a request, read the whole answer.

use std::sync::Arc;

use ::http::{HeaderMap, Request, Response, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::dial::{OnPhase, Target, dial};
use super::error::NetError;

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The value at a pointer as text: strings without quotes, all else as JSON.
    pub(crate) fn text_at(&self, pointer: &str) -> Option<String> {
        match self.json()?.pointer(pointer)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

/// An open connection. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// How an exchange on a connection went wrong.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Not one byte of the request was written; sending it elsewhere is not a retry.
    Unsent(Box<Request<Full<Bytes>>>),
    /// The request was sent, or may have been.
    Lost(NetError),
}

impl Connection {
    /// Dials and opens a connection.
    pub(crate) async fn open(
        target: &Target,
        tls: &Arc<ClientConfig>,
        on_phase: OnPhase<'_>,
    ) -> Result<Self, NetError> {
        let stream = dial(target, tls, on_phase).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(NetError::Handshake)?;
        let driver = tokio::spawn(async move {
            // The sender of a request gets the same error; here it has no one to tell.
            let _ = connection.await;
        });
        Ok(Self { sender, driver })
    }

    /// Whether another request can be sent, as far as is known now.
    pub(crate) async fn is_ready(&mut self) -> bool {
        !self.sender.is_closed() && self.sender.ready().await.is_ok()
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, NetError> {
        self.sender
            .send_request(request)
            .await
            .map_err(NetError::Answer)
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        body_size_max: u64,
    ) -> Result<Reply, NetError> {
        read(self.send(request).await?, body_size_max).await
    }

    /// The same on a connection that was used before; also returns whether anything was sent.
    pub(crate) async fn exchange_reused(
        &mut self,
        request: Request<Full<Bytes>>,
        body_size_max: u64,
    ) -> Result<Reply, Failed> {
        match self.sender.try_send_request(request).await {
            Ok(response) => read(response, body_size_max).await.map_err(Failed::Lost),
            Err(mut error) => Err(match error.take_message() {
                Some(request) => Failed::Unsent(Box::new(request)),
                None => Failed::Lost(NetError::Answer(error.into_error())),
            }),
        }
    }
}

/// Sends on the connection in `slot` if it is still open, otherwise on a new one, and stores the
/// connection there if it can be used again. The request is written at most once. The second
/// value is whether a connection that had been open before had to be replaced.
pub(crate) async fn send_once(
    slot: &mut Option<Connection>,
    target: &Target,
    tls: &Arc<ClientConfig>,
    request: Request<Full<Bytes>>,
    body_size_max: u64,
) -> (Result<Reply, NetError>, bool) {
    let mut request = request;
    let mut is_replaced = false;
    if let Some(mut connection) = slot.take() {
        is_replaced = true;
        if connection.is_ready().await {
            match connection.exchange_reused(request, body_size_max).await {
                Ok(reply) => {
                    *slot = Some(connection);
                    return (Ok(reply), false);
                }
                Err(Failed::Lost(error)) => return (Err(error), false),
                Err(Failed::Unsent(unsent)) => request = *unsent,
            }
        }
    }
    let mut connection = match Connection::open(target, tls, &mut |_, _| {}).await {
        Ok(connection) => connection,
        Err(error) => return (Err(error), is_replaced),
    };
    let reply = connection.exchange(request, body_size_max).await;
    if reply.is_ok() {
        *slot = Some(connection);
    }
    (reply, is_replaced)
}

/// Reads the whole body of an answer; one longer than `body_size_max` bytes is given up.
pub(crate) async fn read(
    response: Response<Incoming>,
    body_size_max: u64,
) -> Result<Reply, NetError> {
    let (parts, mut incoming) = response.into_parts();
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        if let Ok(data) = frame.map_err(NetError::Body)?.into_data() {
            if (body.len() + data.len()) as u64 > body_size_max {
                return Err(NetError::TooLarge {
                    limit: body_size_max,
                });
            }
            body.extend_from_slice(&data);
        }
    }
    Ok(Reply {
        status: parts.status,
        headers: parts.headers,
        body: body.freeze(),
    })
}
