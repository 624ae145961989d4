//! One client's connection: HTTP/1.1, or HTTP/2 from its first byte.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::forward;
use super::headers::strip_hop_by_hop;
use super::hop::{Answering, ClientIo};
use super::shared::{N_FIELDS_MAX, Shared};
use super::tracked::OutBody;

/// Bytes of a header list over HTTP/2.
const HEADER_LIST_MAX: u32 = 256 * 1_024;
/// Bytes of a stream that are sent before the other side has read them.
const WINDOW: u32 = 1_024 * 1_024;

/// Serves one client until it leaves, or until `shutdown` and the end of its running requests.
pub(super) async fn serve_client(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    shutdown: CancellationToken,
) {
    let timeout = shared.limits.header_timeout;
    // A lost `accept` has answered nothing.
    let accepted = tokio::select! {
        accepted = tokio::time::timeout(timeout, ClientIo::accept(stream)) => accepted,
        () = shutdown.cancelled() => return,
    };
    match accepted {
        Ok(Ok((io, true))) => serve_http2(shared, io, peer, shutdown).await,
        Ok(Ok((io, false))) => serve_http1(shared, io, peer, shutdown).await,
        // It left, or it sent nothing.
        Ok(Err(_)) | Err(_) => {}
    }
}

async fn serve_http1(
    shared: Arc<Shared>,
    io: ClientIo,
    peer: SocketAddr,
    shutdown: CancellationToken,
) {
    let timeout = shared.limits.header_timeout;
    let hop = io.hop();
    // Answering begins with the call: the engine reads on before it polls what the call returns.
    let service = service_fn(move |request| answer(shared.clone(), hop.answering(), peer, request));
    let connection = http1_builder(timeout)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    end_with(connection, shutdown).await;
}

async fn serve_http2(
    shared: Arc<Shared>,
    io: ClientIo,
    peer: SocketAddr,
    shutdown: CancellationToken,
) {
    let service = service_fn(move |request| forward::handle(shared.clone(), peer, request));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .max_header_list_size(HEADER_LIST_MAX)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(4 * WINDOW)
        .serve_connection(TokioIo::new(io), service);
    let mut connection = pin!(connection);
    // Neither branch drops the connection.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Serves a connection; after `shutdown` the running request is the last one. A client that breaks
/// off is counted where its request is tracked.
pub(super) async fn end_with<I, S, B>(
    connection: http1::UpgradeableConnection<TokioIo<I>, S>,
    shutdown: CancellationToken,
) where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut connection = pin!(connection);
    // Neither branch drops the connection.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

pub(super) fn http1_builder(header_timeout: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .max_headers(N_FIELDS_MAX)
        .header_read_timeout(header_timeout);
    builder
}

/// Answers one request of HTTP/1, interim answers included.
async fn answer(
    shared: Arc<Shared>,
    answering: Answering,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<AnsweringBody>, Infallible> {
    let hop = answering.hop().clone();
    if request.version() == Version::HTTP_11 {
        hop.attend().await;
        let hop = hop.clone();
        hyper::ext::on_informational(&mut request, move |interim| {
            if let Some(bytes) = interim_bytes(interim.status(), interim.headers()) {
                hop.send_early(&bytes);
            }
        });
    }
    let response = forward::handle(shared, peer, request).await?;
    hop.early_sent().await;
    Ok(response.map(|inner| AnsweringBody {
        inner,
        _answering: answering,
    }))
}

/// `100 Continue` was sent here already, and a change of protocols is an answer of its own.
fn interim_bytes(status: StatusCode, headers: &http::HeaderMap) -> Option<Vec<u8>> {
    if status == StatusCode::CONTINUE || headers.len() > N_FIELDS_MAX {
        return None;
    }
    let mut headers = headers.clone();
    strip_hop_by_hop(&mut headers);
    let reason = status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in &headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    Some(bytes)
}

/// An answer's body; the connection counts as answering until it is dropped.
struct AnsweringBody {
    inner: OutBody,
    _answering: Answering,
}

impl Body for AnsweringBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
