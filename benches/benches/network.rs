//! A request through the embedded proxy, next to the same request without it, and a write to the hub.
#![expect(clippy::unwrap_used, reason = "a benchmark that can't run stops")]

use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tollgate_canary::proxy::{ProxyConfig, ProxyLimits, bind_proxy, create_token};
use tollgate_report::SystemClock;
use tollgate_server::{AdminKey, ServeSettings, Start};

const ADMIN_KEY: &str = "tg_00000000000000000000000000000000000000000000000000000000000000aa";

/// A service that answers at once; returns its address.
async fn service() -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().fallback(|| async { "ok" });
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn get(client: &reqwest::Client, url: &str) {
    let response = client.get(url).send().await.unwrap();
    assert!(response.status().is_success());
    response.bytes().await.unwrap();
}

fn proxy(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let client = reqwest::Client::new();
    let shutdown = CancellationToken::new();
    let (direct, proxied) = runtime.block_on(async {
        let stable = service().await;
        let token_file = folder.path().join("token");
        create_token(&token_file).unwrap();
        let proxy = bind_proxy(ProxyConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            control_listen: "127.0.0.1:0".parse().unwrap(),
            stable,
            canary: None,
            token_file,
            honours_pin: false,
            limits: ProxyLimits::default(),
        })
        .await
        .unwrap();
        let address = proxy.ready_line().address;
        tokio::spawn(proxy.serve(shutdown.clone()));
        (format!("http://{stable}/"), format!("http://{address}/"))
    });
    let mut group = criterion.benchmark_group("proxy");
    group.bench_function("direct", |bencher| {
        bencher.to_async(&runtime).iter(|| get(&client, &direct));
    });
    group.bench_function("forward", |bencher| {
        bencher.to_async(&runtime).iter(|| get(&client, &proxied));
    });
    group.finish();
    shutdown.cancel();
}

async fn start_hub(database: &Path) -> tollgate_server::Hub {
    let settings = ServeSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        database: database.to_owned(),
        ..ServeSettings::default()
    };
    let start = Start {
        settings,
        admin_key: AdminKey::Given(ADMIN_KEY.into()),
    };
    tollgate_server::start(start, Arc::new(SystemClock::new()))
        .await
        .unwrap()
}

fn hub(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let client = reqwest::Client::new();
    let hub = runtime.block_on(start_hub(&folder.path().join("hub.db")));
    let url = format!("http://{}/api/v1/alerts", hub.address());
    let alert = json!({
        "fingerprint": "bench", "component": "bench", "severity": "info",
        "status": "firing", "summary": "a write", "at": "2026-01-01T00:00:00Z",
    });
    let mut group = criterion.benchmark_group("hub");
    group.sample_size(20);
    group.bench_function("write", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let request = client.post(&url).bearer_auth(ADMIN_KEY).json(&alert);
            let response = request.send().await.unwrap();
            assert!(response.status().is_success(), "{}", response.status());
        });
    });
    group.finish();
    runtime.block_on(hub.shutdown());
}

fn network(criterion: &mut Criterion) {
    // The only caller in this process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    proxy(criterion);
    hub(criterion);
}

criterion_group!(benches, network);
criterion_main!(benches);
