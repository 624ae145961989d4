//! Load and live traffic against real servers on loopback: what is counted, and that it is exact.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tollgate_probes::load::LoadReport;
use tollgate_probes::settings::{HttpCheck, LoadCheck, WebsocketCheck};
use tollgate_probes::traffic::{TrafficRequest, TrafficSettings};
use tollgate_probes::{Check, Context, Probe, ProbeResult, State, Traffic, run_probe};
use tollgate_report::quantity::Span;

use crate::support::{answer, serve, serve_raw};

fn ms(ms: u64) -> Span {
    Span(Duration::from_millis(ms))
}

async fn run(url: &str, check: LoadCheck) -> (ProbeResult, LoadReport) {
    let probe = Probe::new("load", Check::Load(Box::new(check)));
    let mut result = run_probe(&probe, &Context::new(url)).await;
    let report = *result.load.take().unwrap();
    let n_answers: u64 = report.by_status.values().sum();
    assert_eq!(
        report.n_sent,
        n_answers + report.errors.values().sum::<u64>()
    );
    assert_eq!(report.n_planned, report.n_sent + report.n_never_sent);
    (result, report)
}

#[tokio::test]
async fn requests_that_a_full_pool_never_sent_are_counted_and_fail_the_budget() {
    let server = serve(async |_| std::future::pending().await).await;
    let check = LoadCheck {
        rate: Some(200.0),
        connections: 1,
        duration: ms(200),
        request_timeout: ms(100),
        ..LoadCheck::default()
    };
    let (result, report) = run(&server.url, check).await;
    assert_eq!(result.state, State::Fail);
    assert_eq!(result.failure.unwrap().code, "error_rate");
    assert_eq!((report.n_planned, report.n_ok), (40, 0));
    assert!(report.n_never_sent > 30, "{report:?}");
    assert_eq!(report.errors["timeout"], report.n_sent);
}

#[tokio::test]
async fn a_closed_model_counts_by_status_and_keeps_its_connections() {
    let n_requests = Arc::new(AtomicU64::new(0));
    let server = {
        let n_requests = Arc::clone(&n_requests);
        serve(move |_| {
            let n = n_requests.fetch_add(1, Ordering::SeqCst);
            async move { answer(if n % 4 == 3 { 503 } else { 200 }, "") }
        })
        .await
    };
    let check = LoadCheck {
        connections: 2,
        duration: ms(200),
        ..LoadCheck::default()
    };
    let (result, report) = run(&server.url, check).await;
    assert_eq!(result.state, State::Fail);
    assert_eq!(report.n_sent, n_requests.load(Ordering::SeqCst));
    assert_eq!(report.by_status[&503], report.n_sent / 4);
    assert_eq!((report.n_reconnects, report.n_never_sent), (0, 0));
}

#[tokio::test]
async fn a_budget_that_is_met_passes_and_one_that_is_not_names_its_percentile() {
    let server = serve(async |_| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer(200, "")
    })
    .await;
    for (limit_ms, state) in [(5_000, State::Pass), (5, State::Fail)] {
        let mut check = LoadCheck {
            rate: Some(100.0),
            duration: ms(200),
            ..LoadCheck::default()
        };
        check.budget.p95 = Some(ms(limit_ms));
        let (result, _) = run(&server.url, check).await;
        assert_eq!(result.state, state, "{result:?}");
        if state == State::Fail {
            assert_eq!(result.failure.unwrap().code, "p95");
        }
    }
}

fn http(name: &str, path: &str, method: &str, weight: u32) -> TrafficRequest {
    TrafficRequest {
        name: name.to_owned(),
        weight,
        http: Some(HttpCheck {
            method: method.to_owned(),
            path: path.to_owned(),
            json: (method == "POST").then(|| json!({"number": "{n}"})),
            ..HttpCheck::default()
        }),
        websocket: None,
    }
}

fn start(requests: Vec<TrafficRequest>, url: &str) -> Traffic {
    let settings = TrafficSettings {
        rate: 500.0,
        requests,
        request_timeout: ms(5_000),
        ..TrafficSettings::default()
    };
    Traffic::start(settings, BTreeMap::new(), Arc::new(Context::new(url))).unwrap()
}

/// Waits until so many requests were sent, by the traffic's own timers.
async fn wait_sent(traffic: &Traffic, n_sent: u64) {
    let waiting = async {
        while traffic.snapshot().n_sent < n_sent {
            let counts = traffic.snapshot();
            let n_ended = counts.n_ok + counts.n_http_error() + counts.n_lost();
            assert_eq!(counts.n_sent, n_ended + counts.n_in_flight, "{counts:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap();
}

#[tokio::test]
async fn connections_that_the_server_closes_between_requests_lose_nothing() {
    let server = serve(async |_| {
        let mut reply = answer(200, "")?;
        reply
            .headers_mut()
            .insert("connection", "close".parse().unwrap());
        Some(reply)
    })
    .await;
    let traffic = start(vec![http("ok", "/", "GET", 1)], &server.url);
    wait_sent(&traffic, 100).await;
    let counts = traffic.stop().await;
    assert_eq!(
        (counts.n_ok, counts.n_lost()),
        (counts.n_sent, 0),
        "{counts:?}"
    );
}

#[tokio::test]
async fn a_stop_waits_for_what_is_in_flight() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let server = {
        let gate = Arc::clone(&gate);
        serve(move |_| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                answer(200, "")
            }
        })
        .await
    };
    let traffic = start(vec![http("slow", "/", "GET", 1)], &server.url);
    wait_sent(&traffic, 10).await;
    assert_eq!(traffic.snapshot().n_ok, 0);
    let stopping = tokio::spawn(traffic.stop());
    gate.add_permits(1_000);
    let counts = stopping.await.unwrap();
    assert_eq!(
        (counts.n_ok, counts.n_in_flight),
        (counts.n_sent, 0),
        "{counts:?}"
    );
}

#[tokio::test]
async fn traffic_without_requests_is_refused_before_anything_is_sent() {
    let cx = Arc::new(Context::new("http://127.0.0.1:9"));
    let refused = Traffic::start(TrafficSettings::default(), BTreeMap::new(), cx).unwrap_err();
    assert_eq!(refused.code, "settings");
}

/// What takes seconds; a commit does not wait for it.
mod slow {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_stall_is_seen_by_every_request_that_was_meant_to_be_sent_in_it() {
        const RATE: f64 = 200.0;
        const STALL_MS: u64 = 1_000;
        // The server answers nothing from 0.5 s to 1.5 s after its first request.
        let first: Arc<OnceCell<Instant>> = Arc::default();
        let server = serve(move |_| {
            let first = Arc::clone(&first);
            async move {
                let first = *first.get_or_init(async || Instant::now()).await;
                let from = first + Duration::from_millis(500);
                let to = from + Duration::from_millis(STALL_MS);
                if (from..to).contains(&Instant::now()) {
                    tokio::time::sleep_until(to).await;
                }
                answer(200, "")
            }
        })
        .await;
        let check = LoadCheck {
            rate: Some(RATE),
            connections: 4,
            duration: ms(2_000),
            ..LoadCheck::default()
        };
        let (_, report) = run(&server.url, check).await;
        assert_eq!((report.n_planned, report.n_ok), (400, 400), "{report:?}");
        // A request meant for t within the stall waits for its end: latencies are spread evenly from
        // 0 to 1 s over 200 of the 400 requests, so the share above x is (1 - x) / 2.
        for (got_us, truth_ms) in [
            (report.latency.p95_us, 900.0),
            (report.latency.p99_us, 980.0),
        ] {
            let got_ms = got_us as f64 / 1000.0;
            assert!(
                (got_ms - truth_ms).abs() < 60.0,
                "{got_ms} ms, the truth is {truth_ms} ms: {report:?}"
            );
        }
        // Four connections stall; all others of the 200 are sent late, and that is said.
        assert!(report.n_late > 100, "{report:?}");
        let histogram = report.decode_histogram().unwrap();
        assert_eq!(histogram.len(), 400);
        assert_eq!(histogram.value_at_quantile(0.99), report.latency.p99_us);
    }

    #[tokio::test]
    async fn every_request_of_live_traffic_is_accounted_for_exactly_once() {
        let n_by_path: Arc<[AtomicU64; 3]> = Arc::default();
        let server = {
            let n_by_path = Arc::clone(&n_by_path);
            serve(move |request| {
                let idx = match request.uri().path() {
                    "/ok" => 0,
                    "/error" => 1,
                    _ => 2,
                };
                n_by_path[idx].fetch_add(1, Ordering::SeqCst);
                assert!(idx != 0 || request.body().starts_with(b"{\"number\":\""));
                async move {
                    match idx {
                        0 => answer(200, ""),
                        1 => answer(500, ""),
                        _ => None,
                    }
                }
            })
            .await
        };
        let requests = vec![
            http("ok", "/ok", "POST", 6),
            http("error", "/error", "GET", 2),
            http("lost", "/lost", "GET", 2),
        ];
        let traffic = start(requests, &server.url);
        wait_sent(&traffic, 200).await;
        let counts = traffic.stop().await;
        let n = |idx: usize| n_by_path[idx].load(Ordering::SeqCst);
        assert_eq!(counts.n_ok, n(0));
        assert_eq!(counts.http_error, BTreeMap::from([(500, n(1))]));
        assert_eq!(counts.lost, BTreeMap::from([("reset".to_owned(), n(2))]));
        assert_eq!(
            counts.n_sent,
            n(0) + n(1) + n(2),
            "a lost request is never repeated"
        );
        assert_eq!(counts.n_in_flight, 0);
        assert_eq!(counts.first_lost.len(), 20);
    }

    #[tokio::test]
    async fn live_traffic_speaks_websocket_and_counts_a_reply_that_never_came() {
        let n_connections = Arc::new(AtomicU64::new(0));
        let server = {
            let n_connections = Arc::clone(&n_connections);
            serve_raw(move |stream| {
                let n = n_connections.fetch_add(1, Ordering::SeqCst);
                async move {
                    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                    let message = socket.next().await.unwrap().unwrap();
                    if n % 5 != 4 {
                        let _ = socket.send(message).await;
                        let _ = socket.next().await;
                    }
                }
            })
            .await
        };
        let echo = TrafficRequest {
            name: "echo".to_owned(),
            websocket: Some(WebsocketCheck {
                path: "/ws".to_owned(),
                send: Some(json!({"number": "{n}"})),
                expect: Some(json!({"number": "{n}"})),
                ..WebsocketCheck::default()
            }),
            ..TrafficRequest::default()
        };
        let traffic = start(vec![echo], &server.url);
        wait_sent(&traffic, 50).await;
        let counts = traffic.stop().await;
        assert_eq!(counts.n_sent, n_connections.load(Ordering::SeqCst));
        assert_eq!(counts.n_lost(), counts.n_sent / 5, "{counts:?}");
        assert_eq!(counts.n_ok, counts.n_sent - counts.n_lost());
    }
}
