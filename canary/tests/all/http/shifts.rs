//! Weights that change under load: no request is lost, over HTTP/1.1, HTTP/2 and tunnels.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tollgate_canary::Weight;
use tollgate_canary::proxy::{SetVersion, SetWeight, VersionName};

use super::http2;
use super::service::{Place, start};

/// What the clients share.
#[derive(Clone, Default)]
struct Load {
    is_over: Arc<AtomicBool>,
    n_done: Arc<AtomicU64>,
}

impl Load {
    fn next(&self) -> bool {
        self.n_done.fetch_add(1, Ordering::Relaxed);
        !self.is_over.load(Ordering::Relaxed)
    }
}

async fn send(stream: &mut TcpStream, bytes: &str, end: &str) {
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut got = Vec::new();
    while !got.ends_with(end.as_bytes()) {
        assert_ne!(
            stream.read_buf(&mut got).await.unwrap(),
            0,
            "an answer was lost"
        );
    }
}

/// One kept connection of HTTP/1.1.
async fn requests(proxy: SocketAddr, load: Load, request: &'static str) {
    let mut stream = TcpStream::connect(proxy).await.unwrap();
    while load.next() {
        send(&mut stream, request, "\r\n\r\nok").await;
    }
}

async fn tunnels(proxy: SocketAddr, load: Load) {
    let open = "GET /tunnel HTTP/1.1\r\nHost: shop.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    while load.next() {
        let mut stream = TcpStream::connect(proxy).await.unwrap();
        send(&mut stream, open, "\r\n\r\n").await;
        for _ in 0..10 {
            send(&mut stream, "hello", "hello").await;
        }
    }
}

async fn streams(proxy: SocketAddr, load: Load) {
    let mut sender = http2::connect(proxy).await;
    while load.next() {
        let request = Request::builder()
            .method("POST")
            .uri("http://shop.test/")
            .body(Full::from("hi"))
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "ok");
    }
}

/// Shifts the weight so often under load. Returns how many requests were answered.
async fn shift(n_shifts: u64) -> u64 {
    let place = Place::with(&[]).await;
    let canary = start(&[], Arc::new(Mutex::default())).await;
    let addr = Some(canary);
    let version = SetVersion {
        name: VersionName::Canary,
        addr,
        epoch: 1,
    };
    place.control.set_version(&version).await.unwrap();
    let load = Load::default();
    let get = "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n";
    let post = "POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 2\r\n\r\nhi";
    let mut clients = JoinSet::new();
    for request in [get, post, get, post] {
        clients.spawn(requests(place.proxy, load.clone(), request));
    }
    clients.spawn(tunnels(place.proxy, load.clone()));
    clients.spawn(streams(place.proxy, load.clone()));
    for i in 0..n_shifts {
        let weight = Weight::from_bp([0, 1_000, 5_000, 10_000][usize::try_from(i % 4).unwrap()]);
        let wanted = SetWeight {
            weight,
            epoch: 1,
            lease_ms: 60_000,
        };
        let before = load.n_done.load(Ordering::Relaxed);
        assert_eq!(
            place.control.set_weight(&wanted).await.unwrap().weight,
            weight
        );
        while load.n_done.load(Ordering::Relaxed) < before + 6 {
            assert!(clients.try_join_next().is_none(), "a client ended early");
            tokio::task::yield_now().await;
        }
    }
    load.is_over.store(true, Ordering::Relaxed);
    clients.join_all().await;
    let counts = place.control.counts().await.unwrap();
    for (name, version) in &counts.versions {
        let n_lost = version.errors + version.broken + version.connect_failures + version.timeouts;
        assert_eq!(n_lost, 0, "{name}: {version:?}");
        assert!(version.requests > n_shifts / 4, "{name}: {version:?}");
    }
    load.n_done.load(Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_shifts_lose_no_request_tunnel_or_stream() {
    assert!(shift(40).await > 240);
}

mod slow {
    use super::shift;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_thousand_shifts_lose_no_request_tunnel_or_stream() {
        assert!(shift(1_000).await > 6_000);
    }
}
