//! HTTP/2 from clients, and gRPC to versions.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

use super::service::Place;

pub(super) async fn connect(addr: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(addr).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn request(path: &str) -> http::request::Builder {
    Request::builder()
        .uri(format!("http://shop.test{path}"))
        .version(Version::HTTP_2)
}

#[tokio::test]
async fn a_client_of_http_2_reaches_a_version_that_speaks_http_1_1() {
    let place = Place::with(&[(
        "/sum",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 9\r\n\r\n",
    )])
    .await;
    let mut sender = connect(place.proxy).await;
    let wanted = request("/sum")
        .method("POST")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("te", "trailers")
        .body(Full::from("hi"))
        .unwrap();
    let answer = sender.send_request(wanted).await.unwrap();
    assert_eq!(answer.headers()["x-tollgate-version"], "stable");
    assert!(!answer.headers().contains_key("x-hop"));
    let body = answer.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "9");
    assert_eq!(body.to_bytes(), "hello");
    let seen = place.seen().concat();
    assert!(seen.starts_with("POST /sum HTTP/1.1\r\n"), "{seen}");
    for want in [
        "host: shop.test\r\n",
        "cookie: a=1; b=2\r\n",
        "via: 2 tollgate\r\n",
    ] {
        assert!(seen.contains(want), "{want}: {seen}");
    }
    assert!(seen.ends_with("hi"), "{seen}");
}

#[tokio::test]
async fn many_streams_of_one_connection_are_answered_at_once() {
    let place = Place::with(&[]).await;
    let sender = connect(place.proxy).await;
    let mut streams = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let mut sender = sender.clone();
        streams.spawn(async move {
            let wanted = request("/").body(Full::default()).unwrap();
            let answer = sender.send_request(wanted).await.unwrap();
            answer.into_body().collect().await.unwrap().to_bytes()
        });
    }
    let bodies = streams.join_all().await;
    assert!(bodies.iter().all(|body| body == "ok"));
    let counts = place.control.counts().await.unwrap();
    assert_eq!(
        counts
            .versions
            .values()
            .map(|version| version.finished)
            .sum::<u64>(),
        100
    );
}

/// A gRPC service of one method that fails after its message.
async fn grpc_service(seen: Arc<Mutex<Vec<String>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = seen.clone();
            let service = service_fn(move |request| call(seen.clone(), request));
            tokio::spawn(
                http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    addr
}

async fn call(
    seen: Arc<Mutex<Vec<String>>>,
    request: Request<Incoming>,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    let te = request.headers().get("te").cloned();
    let line = format!("{:?} {} {te:?}", request.version(), request.uri());
    seen.lock().unwrap().push(line);
    let trailers = HeaderMap::from_iter([
        (
            "grpc-status".parse().unwrap(),
            HeaderValue::from_static("13"),
        ),
        (
            "grpc-message".parse().unwrap(),
            HeaderValue::from_static("no"),
        ),
    ]);
    let body = Full::from(Bytes::from_static(b"\0\0\0\0\x02hi"));
    let body = body.with_trailers(async move { Some(Ok(trailers)) });
    Ok(Response::builder()
        .header("content-type", "application/grpc")
        .body(body.boxed_unsync())
        .unwrap())
}

#[tokio::test]
async fn a_grpc_call_stays_http_2_and_its_status_arrives() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let service = grpc_service(seen.clone()).await;
    let place = Place::before(service, seen).await;
    let mut sender = connect(place.proxy).await;
    for _ in 0..2 {
        let wanted = request("/shop.Orders/Get")
            .method("POST")
            .header("content-type", "application/grpc+proto")
            .header("te", "trailers")
            .body(Full::from(Bytes::from_static(b"\0\0\0\0\0")))
            .unwrap();
        let answer = sender.send_request(wanted).await.unwrap();
        let body = answer.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "13");
        assert_eq!(body.to_bytes(), &b"\0\0\0\0\x02hi"[..]);
    }
    let line = "HTTP/2.0 http://shop.test/shop.Orders/Get Some(\"trailers\")";
    assert_eq!(place.seen(), [line, line]);
}
