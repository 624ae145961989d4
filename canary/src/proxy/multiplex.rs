//! The one HTTP/2 connection to a version, shared by its requests.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, Uri, Version};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// A request body on its way to a version; `Empty` when an idempotent request is tried again.
pub(super) type UpstreamBody = Either<Incoming, Empty<Bytes>>;

/// Bytes of a stream that a version may send before the client has read them.
const WINDOW: u32 = 1_024 * 1_024;

type Sender = http2::SendRequest<UpstreamBody>;

/// Made with the first request that needs it, and again when it was closed.
#[derive(Debug, Default)]
pub(super) struct Multiplexed(Mutex<Option<Sender>>);

impl Multiplexed {
    /// The connection that is open, or a new one; and whether it is new.
    pub(super) async fn sender(
        &self,
        addr: SocketAddr,
        connect_timeout: Duration,
    ) -> Option<(Sender, bool)> {
        let mut kept = self.0.lock().await;
        if let Some(sender) = kept.as_ref().filter(|sender| !sender.is_closed()) {
            return Some((sender.clone(), false));
        }
        let sender = timeout(connect_timeout, connect(addr)).await.ok()??;
        *kept = Some(sender.clone());
        Some((sender, true))
    }

    /// Forgets the connection; its streams end by themselves.
    pub(super) async fn forget(&self) {
        self.0.lock().await.take();
    }
}

async fn connect(addr: SocketAddr) -> Option<Sender> {
    let stream = TcpStream::connect(addr).await.ok()?;
    let _ = stream.set_nodelay(true);
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(4 * WINDOW)
        .handshake(TokioIo::new(stream))
        .await
        .ok()?;
    // Ends when the last sender is dropped or the version closes the connection.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Some(sender)
}

/// Moves `Host` into the target, where HTTP/2 has it.
pub(super) fn to_http2<B>(request: &mut Request<B>, addr: SocketAddr) {
    *request.version_mut() = Version::HTTP_2;
    if request.uri().authority().is_some() {
        return;
    }
    let host = request.headers_mut().remove(HOST);
    let host = host.as_ref().and_then(|host| host.to_str().ok());
    let path = request.uri().path_and_query();
    let target = Uri::builder()
        .scheme("http")
        .authority(host.map_or_else(|| addr.to_string(), str::to_owned))
        .path_and_query(path.map_or("/", |path| path.as_str()))
        .build();
    if let Ok(target) = target {
        *request.uri_mut() = target;
    }
}
