//! The embedded proxy on loopback: nothing is lost, the lease holds, older controllers are refused.
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tollgate_canary::Weight;
use tollgate_canary::proxy::{
    ControlClient, ControlError, ProxyConfig, ProxyLimits, RenewLease, SetThresholds, SetVersion,
    SetWeight, VersionName, bind_proxy, create_token, read_token,
};

/// An upstream that echoes bodies, tunnels `/ws` as an echo and says its name.
async fn upstream(name: &'static str) -> (SocketAddr, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = tokio::select! {
                accepted = listener.accept() => accepted.unwrap(),
                () = stopped.cancelled() => break,
            };
            let stopped = stopped.clone();
            tokio::spawn(async move {
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service_fn(move |r| answer(name, r)))
                    .with_upgrades();
                tokio::select! {
                    _ = connection => {}
                    () = stopped.cancelled() => {}
                }
            });
        }
    });
    (addr, stop)
}

async fn answer(
    name: &'static str,
    mut request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/ws" {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut io = TokioIo::new(upgrade.await.unwrap());
            let mut buffer = [0; 64];
            while let Ok(n) = io.read(&mut buffer).await {
                if n == 0 || io.write_all(&buffer[..n]).await.is_err() {
                    break;
                }
            }
        });
        return Ok(Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header("connection", "upgrade")
            .header("upgrade", "echo")
            .body(Full::default())
            .unwrap());
    }
    let is_slow = request.uri().path() == "/never";
    if is_slow {
        std::future::pending::<()>().await;
    }
    let headers: BTreeMap<String, String> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let is_head_wanted = request.uri().path() == "/headers";
    let body = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let body = if is_head_wanted {
        Bytes::from(serde_json::to_vec(&headers).unwrap())
    } else {
        body.unwrap_or_default()
    };
    Ok(Response::builder()
        .header("x-name", name)
        .body(Full::new(body))
        .unwrap())
}

struct Fixture {
    data: SocketAddr,
    control: ControlClient,
    stop_stable: CancellationToken,
    stop_canary: CancellationToken,
    shutdown: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

async fn fixture(limits: ProxyLimits) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    create_token(&token_file).unwrap();
    let (stable, stop_stable) = upstream("old").await;
    let (canary, stop_canary) = upstream("new").await;
    let proxy = bind_proxy(ProxyConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        control_listen: "127.0.0.1:0".parse().unwrap(),
        stable,
        canary: Some(canary),
        token_file: token_file.clone(),
        honours_pin: false,
        limits,
    })
    .await
    .unwrap();
    let ready = proxy.ready_line();
    let shutdown = CancellationToken::new();
    tokio::spawn(proxy.serve(shutdown.clone()));
    Fixture {
        data: ready.address,
        control: ControlClient::new(ready.control, read_token(&token_file).unwrap()),
        stop_stable,
        stop_canary,
        shutdown,
        _folder: folder,
    }
}

fn weight(bp: u32, epoch: u64, lease_ms: u64) -> SetWeight {
    SetWeight {
        weight: Weight::from_bp(bp),
        epoch,
        lease_ms,
    }
}

async fn connect(addr: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(addr).await.unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    sender
}

fn request(method: Method, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "service.test")
        .body(Full::new(body.into()))
        .unwrap()
}

async fn get(addr: SocketAddr, path: &str) -> (StatusCode, String, Bytes) {
    let mut sender = connect(addr).await;
    let response = sender
        .send_request(request(Method::GET, path, ""))
        .await
        .unwrap();
    let status = response.status();
    let version = response.headers()["x-tollgate-version"]
        .to_str()
        .unwrap()
        .to_owned();
    (
        status,
        version,
        response.into_body().collect().await.unwrap().to_bytes(),
    )
}

/// One client that goes on until told, over one kept connection; panics when an answer is lost.
async fn load(addr: SocketAddr, is_over: Arc<AtomicBool>, n_done: Arc<AtomicU64>, seed: u64) {
    let mut sender = connect(addr).await;
    let mut i = seed;
    while !is_over.load(Ordering::Relaxed) {
        i += 1;
        sender.ready().await.unwrap();
        let body = format!("body {i}");
        let (method, want) = if i.is_multiple_of(2) {
            (Method::POST, body.clone())
        } else {
            (Method::GET, String::new())
        };
        let response = sender
            .send_request(request(method, "/", want.clone()))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            want
        );
        n_done.fetch_add(1, Ordering::Relaxed);
    }
}

async fn tunnel(addr: SocketAddr) -> TokioIo<hyper::upgrade::Upgraded> {
    let mut sender = connect(addr).await;
    let wanted = Request::builder()
        .uri("/ws")
        .header("host", "service.test")
        .header("connection", "Upgrade")
        .header("upgrade", "echo")
        .body(Full::default())
        .unwrap();
    let response = sender.send_request(wanted).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    TokioIo::new(hyper::upgrade::on(response).await.unwrap())
}

async fn echo(io: &mut TokioIo<hyper::upgrade::Upgraded>, text: &[u8]) {
    io.write_all(text).await.unwrap();
    let mut got = vec![0; text.len()];
    io.read_exact(&mut got).await.unwrap();
    assert_eq!(got, text);
}

async fn chat(addr: SocketAddr, is_over: Arc<AtomicBool>) {
    while !is_over.load(Ordering::Relaxed) {
        let mut io = tunnel(addr).await;
        for _ in 0..20 {
            echo(&mut io, b"hello").await;
        }
    }
}

#[tokio::test]
async fn a_version_that_refuses_connections_hands_its_requests_to_the_other() {
    let fixture = fixture(ProxyLimits::default()).await;
    fixture
        .control
        .set_weight(&weight(10_000, 1, 60_000))
        .await
        .unwrap();
    assert_eq!(get(fixture.data, "/").await.1, "canary");
    fixture.stop_canary.cancel();
    for _ in 0..20 {
        let (status, version, _) = get(fixture.data, "/").await;
        assert_eq!((status, version.as_str()), (StatusCode::OK, "stable"));
    }
    let counts = fixture.control.counts().await.unwrap();
    let canary = &counts.versions[&VersionName::Canary];
    assert!(canary.connect_failures + canary.broken >= 19, "{canary:?}");
    assert_eq!(canary.in_flight, 0);
}

#[tokio::test]
async fn the_canary_loses_its_weight_when_nobody_renews_the_lease() {
    let fixture = fixture(ProxyLimits::default()).await;
    fixture
        .control
        .set_weight(&weight(10_000, 1, 150))
        .await
        .unwrap();
    assert_eq!(get(fixture.data, "/").await.1, "canary");
    let expired = loop {
        let state = fixture.control.state().await.unwrap();
        if state.weight == Weight::NONE {
            break state;
        }
    };
    assert!(expired.lease_expired_at.is_some());
    assert_eq!(expired.set_weight, Weight::ALL);
    assert_eq!(get(fixture.data, "/").await.1, "stable");
    let lease = RenewLease {
        epoch: 1,
        lease_ms: 60_000,
    };
    let state = fixture.control.renew(&lease).await.unwrap();
    assert_eq!(
        state.weight,
        Weight::NONE,
        "a lost lease needs a new weight"
    );
}

#[tokio::test]
async fn an_older_controller_and_a_stranger_are_refused() {
    let fixture = fixture(ProxyLimits::default()).await;
    fixture
        .control
        .set_weight(&weight(1_000, 7, 60_000))
        .await
        .unwrap();
    let error = fixture
        .control
        .set_weight(&weight(0, 6, 60_000))
        .await
        .unwrap_err();
    assert!(error.is_fenced(), "{error}");
    let stranger = ControlClient::new(fixture.control.control_addr(), "guess".to_owned());
    let error = stranger.state().await.unwrap_err();
    assert!(matches!(
        error,
        ControlError::Refused {
            status: StatusCode::UNAUTHORIZED,
            ..
        }
    ));
    let taken = SetVersion {
        name: VersionName::Canary,
        addr: None,
        epoch: 7,
    };
    let error = fixture.control.set_version(&taken).await.unwrap_err();
    assert!(
        error.to_string().contains("while it has weight 10%"),
        "{error}"
    );
}

#[tokio::test]
async fn eight_megabytes_stream_through_both_ways() {
    let fixture = fixture(ProxyLimits::default()).await;
    let body = Bytes::from(vec![7u8; 8 << 20]);
    let mut sender = connect(fixture.data).await;
    let response = sender
        .send_request(request(Method::POST, "/", body.clone()))
        .await
        .unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        body
    );
}

#[tokio::test]
async fn a_version_that_never_answers_is_a_timeout_and_a_client_that_leaves_is_not() {
    let limits = ProxyLimits {
        response_timeout: Duration::from_millis(200),
        ..ProxyLimits::default()
    };
    let fixture = fixture(limits).await;
    let (status, _, body) = get(fixture.data, "/never").await;
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    assert!(String::from_utf8_lossy(&body).contains("did not answer in time"));
    let mut stream = TcpStream::connect(fixture.data).await.unwrap();
    stream
        .write_all(b"POST /never HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n")
        .await
        .unwrap();
    loop {
        let counts = fixture.control.counts().await.unwrap();
        if counts.versions[&VersionName::Stable].in_flight == 1 {
            break;
        }
    }
    drop(stream);
    loop {
        let counts = fixture.control.counts().await.unwrap();
        let stable = &counts.versions[&VersionName::Stable];
        if stable.in_flight == 0 {
            assert_eq!((stable.timeouts, stable.client_aborts), (1, 1));
            break;
        }
    }
}

#[tokio::test]
async fn hop_by_hop_headers_stop_here_and_the_client_is_named() {
    let fixture = fixture(ProxyLimits::default()).await;
    let mut sender = connect(fixture.data).await;
    let wanted = Request::builder()
        .uri("/headers?x=1")
        .header("host", "service.test")
        .header("connection", "keep-alive, x-secret")
        .header("x-secret", "1")
        .header("x-forwarded-for", "10.0.0.1")
        .header("x-tollgate-pin", "canary")
        .body(Full::default())
        .unwrap();
    let response = sender.send_request(wanted).await.unwrap();
    assert_eq!(
        response.headers()["x-tollgate-version"],
        "stable",
        "pins are off"
    );
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let headers: BTreeMap<String, String> = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(headers["x-forwarded-for"], "10.0.0.1, 127.0.0.1");
    assert_eq!(headers["x-forwarded-host"], "service.test");
    assert_eq!(headers["host"], "service.test");
    assert!(!headers.contains_key("x-secret") && !headers.contains_key("connection"));
}

#[tokio::test]
async fn slow_answers_are_counted_above_the_threshold() {
    let fixture = fixture(ProxyLimits::default()).await;
    let thresholds = SetThresholds {
        slow_us: Some(0),
        slow_margin_ppm: 250_000,
        slow_margin_min_us: 10_000,
        critical_us: Some(60_000_000),
        epoch: 1,
    };
    fixture.control.set_thresholds(&thresholds).await.unwrap();
    get(fixture.data, "/").await;
    let counts = fixture.control.counts().await.unwrap();
    let stable = &counts.versions[&VersionName::Stable];
    assert_eq!(
        (stable.answered, stable.slow, stable.over_critical),
        (1, 1, 0)
    );
    assert_eq!(stable.by_class["2xx"], 1);
}

/// What takes seconds; a commit does not wait for it.
mod slow {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_thousand_weight_shifts_under_load_lose_no_request() {
        let fixture = fixture(ProxyLimits::default()).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let n_done = Arc::new(AtomicU64::new(0));
        let mut clients: Vec<_> = (0..6)
            .map(|seed| tokio::spawn(load(fixture.data, is_over.clone(), n_done.clone(), seed)))
            .collect();
        clients.push(tokio::spawn(chat(fixture.data, is_over.clone())));
        for shift in 0..1_000u32 {
            let bp = [0, 1_000, 5_000, 10_000][shift as usize % 4];
            let state = fixture
                .control
                .set_weight(&weight(bp, 1, 60_000))
                .await
                .unwrap();
            assert_eq!(state.weight, Weight::from_bp(bp));
        }
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            client.await.unwrap();
        }
        let counts = fixture.control.counts().await.unwrap();
        let sum = |pick: fn(&tollgate_canary::proxy::VersionCounts) -> u64| -> u64 {
            counts.versions.values().map(pick).sum()
        };
        assert!(n_done.load(Ordering::Relaxed) > 500);
        assert_eq!(
            sum(|c| c.errors + c.broken + c.connect_failures + c.timeouts),
            0
        );
        assert!(counts.versions[&VersionName::Canary].requests > 100);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_promotion_under_load_drains_the_old_version_and_loses_nothing() {
        let fixture = fixture(ProxyLimits::default()).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let n_done = Arc::new(AtomicU64::new(0));
        let clients: Vec<_> = (0..4)
            .map(|seed| tokio::spawn(load(fixture.data, is_over.clone(), n_done.clone(), seed)))
            .collect();
        let mut held = tunnel(fixture.data).await;
        fixture
            .control
            .set_weight(&weight(10_000, 1, 60_000))
            .await
            .unwrap();
        fixture.control.promote(1).await.unwrap();
        echo(&mut held, b"still here").await;
        let drained = fixture
            .control
            .drain(VersionName::Retired, Duration::from_millis(300))
            .await
            .unwrap();
        assert_eq!((drained.n_in_flight, drained.n_tunnels_closed), (0, 1));
        fixture.stop_stable.cancel();
        let before = n_done.load(Ordering::Relaxed);
        while n_done.load(Ordering::Relaxed) < before + 200 {
            tokio::task::yield_now().await;
        }
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            client.await.unwrap();
        }
        assert_eq!(get(fixture.data, "/").await.1, "stable");
    }
}
