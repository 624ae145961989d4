//! Loopback servers for the tests: bounded, on port 0, gone with their guard.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A running server; dropping it ends it with all of its connections.
pub struct Server {
    pub url: String,
    _tasks: JoinSet<()>,
}

/// Serves raw connections.
pub async fn serve_raw<F, R>(handle: F) -> Server
where
    F: Fn(TcpStream) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            connections.spawn(handle(stream));
        }
    });
    Server { url, _tasks: tasks }
}

/// Serves HTTP/1.1; an answer of `None` closes the connection without a byte.
pub async fn serve<F, R>(handle: F) -> Server
where
    F: Fn(Request<Bytes>) -> R + Send + Sync + 'static,
    R: Future<Output = Option<Response<Full<Bytes>>>> + Send + 'static,
{
    let handle = Arc::new(handle);
    serve_raw(move |stream| {
        let handle = Arc::clone(&handle);
        async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let handle = Arc::clone(&handle);
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.map_err(|_| Gone)?.to_bytes();
                    handle(Request::from_parts(parts, body)).await.ok_or(Gone)
                }
            });
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    })
    .await
}

#[derive(Debug)]
pub struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("gone")
    }
}

impl std::error::Error for Gone {}

/// An answer.
pub fn answer(status: u16, body: impl Into<Bytes>) -> Option<Response<Full<Bytes>>> {
    Some(
        Response::builder()
            .status(status)
            .body(Full::new(body.into()))
            .unwrap(),
    )
}
