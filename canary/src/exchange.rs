//! One HTTP request over a connection of its own.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long one call may take.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(2);
const ANSWER_MAX: usize = 4 * 1024 * 1024;

/// What was answered.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The status of one `GET`; absent when nothing answers within 2 s.
pub(crate) async fn get_status(addr: SocketAddr, path: &str) -> Option<StatusCode> {
    let request = Request::builder()
        .uri(path)
        .header(header::HOST, addr.to_string())
        .body(Full::new(Bytes::new()))
        .ok()?;
    let answered = tokio::time::timeout(CALL_TIMEOUT, exchange(addr, request)).await;
    Some(answered.ok()?.ok()?.status)
}

/// Sends a request and reads the whole answer; the error is a text.
pub(crate) async fn exchange(
    addr: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Result<Answered, String> {
    let stream = TcpStream::connect(addr)
        .await
        .map_err(|error| error.to_string())?;
    let _ = stream.set_nodelay(true);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // Ends when `sender` is dropped at the end of this function.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| error.to_string())?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = Limited::new(response.into_body(), ANSWER_MAX)
        .collect()
        .await
        .map_err(|error| error.to_string())?;
    Ok(Answered {
        status,
        headers,
        body: body.to_bytes(),
    })
}
