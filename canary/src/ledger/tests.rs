//! The ledger with answers as an engine reports them: what is counted as a fault, and what is not.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};

use super::*;
use crate::fault::{Fault, FaultCounts};
use crate::version::VersionName;

struct Service {
    baseline: Arc<Baseline>,
    stable: Arc<Arm>,
    canary: Arc<Arm>,
}

/// How one answer goes.
#[derive(Clone, Copy)]
struct Answer {
    status: u16,
    content_type: &'static str,
    first_ms: u64,
    rest_ms: u64,
    n_bytes: usize,
}

const GOOD: Answer = Answer {
    status: 200,
    content_type: "application/json; charset=utf-8",
    first_ms: 2,
    rest_ms: 1,
    n_bytes: 100,
};

impl Service {
    fn new() -> Self {
        let baseline = Arc::<Baseline>::default();
        Self {
            stable: Arm::new(baseline.clone()),
            canary: Arm::new(baseline.clone()),
            baseline,
        }
    }

    /// A service whose stable version gave forty good answers.
    async fn warm() -> Self {
        let service = Self::new();
        for _ in 0..40 {
            answer(service.open(VersionName::Stable, None), GOOD).await;
        }
        service.baseline.freeze(SlowMargin::default());
        service
    }

    fn open(&self, name: VersionName, upgrade: Option<&str>) -> Exchange {
        let arm = match name {
            VersionName::Canary => &self.canary,
            _ => &self.stable,
        };
        let request = RequestHead {
            method: &Method::GET,
            path: "/items/17",
            upgrade,
        };
        arm.open(name, request, Thresholds::default())
    }

    /// Opens a WebSocket, and lets the sides do what they are given.
    async fn tunnel(&self, name: VersionName, acts: &[(Side, Option<&[u8]>)]) {
        let mut exchange = self.open(name, Some("websocket"));
        exchange.head(AnswerHead::new(101, &HeaderMap::new()));
        let mut tunnel = exchange.into_tunnel();
        for (side, bytes) in acts {
            wait(5).await;
            match bytes {
                Some(bytes) => tunnel.data(*side, bytes),
                None => tunnel.closed(*side),
            }
        }
    }
}

async fn wait(ms: u64) {
    tokio::time::advance(Duration::from_millis(ms)).await;
}

async fn answer(mut exchange: Exchange, answer: Answer) {
    wait(answer.first_ms).await;
    let mut headers = HeaderMap::new();
    headers.insert(
        "content-type",
        HeaderValue::from_static(answer.content_type),
    );
    exchange.head(AnswerHead::new(answer.status, &headers));
    wait(answer.rest_ms).await;
    exchange.data(answer.n_bytes);
    exchange.end(End::Whole);
}

fn faults(expected: &[Fault]) -> FaultCounts {
    let mut counts = FaultCounts::default();
    for fault in expected {
        counts.add(*fault, 1);
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn an_answer_like_those_of_the_stable_version_has_no_fault() {
    let service = Service::warm().await;
    answer(service.open(VersionName::Canary, None), GOOD).await;
    let counts = service.canary.counts();
    assert_eq!(counts.faults, FaultCounts::default());
    assert_eq!((counts.failed, counts.slow, counts.finished), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn each_unusual_answer_is_counted_under_its_name() {
    use Fault::{BodySize, ClientErrors, FirstByte, Headers, Redirects, UnexpectedStatus};
    let with = |change: fn(&mut Answer)| {
        let mut answer = GOOD;
        change(&mut answer);
        answer
    };
    let cases: [(Answer, &[Fault], u64); 8] = [
        (
            with(|a| a.status = 404),
            &[ClientErrors, UnexpectedStatus],
            0,
        ),
        (with(|a| a.status = 302), &[Redirects, UnexpectedStatus], 0),
        (with(|a| a.status = 204), &[UnexpectedStatus], 0),
        (with(|a| a.n_bytes = 0), &[BodySize], 0),
        (with(|a| a.n_bytes = 4_000), &[BodySize], 0),
        (with(|a| a.content_type = "text/html"), &[Headers], 0),
        (with(|a| a.first_ms = 300), &[FirstByte], 1),
        (with(|a| a.rest_ms = 300), &[], 1),
    ];
    for (idx, (unusual, expected, n_slow)) in cases.into_iter().enumerate() {
        let service = Service::warm().await;
        answer(service.open(VersionName::Canary, None), unusual).await;
        let counts = service.canary.counts();
        assert_eq!(counts.faults, faults(expected), "case {idx}");
        assert_eq!(counts.slow, n_slow, "case {idx}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_counts_while_it_still_hangs() {
    let service = Service::warm().await;
    let exchange = service.open(VersionName::Canary, None);
    wait(400).await;
    let counts = service.canary.counts();
    assert_eq!((counts.slow, counts.slow_open), (1, 1));
    assert_eq!(counts.faults, faults(&[Fault::FirstByte]));
    wait(1_000).await;
    let hanging = faults(&[Fault::FirstByte, Fault::Unfinished]);
    assert_eq!(service.canary.counts().faults, hanging);
    drop(exchange);
    let given_up = faults(&[Fault::FirstByte, Fault::Unfinished, Fault::GaveUp]);
    let counts = service.canary.counts();
    assert_eq!(counts.faults, given_up);
    assert_eq!(
        (counts.slow_open, counts.client_aborts, counts.failed),
        (0, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn broken_connections_and_server_errors_fail_a_request_once() {
    for (end, expected) in [
        (End::Refused, vec![Fault::Refused]),
        (End::Reset, vec![Fault::Reset]),
        (End::Timeout, vec![]),
    ] {
        let service = Service::warm().await;
        service.open(VersionName::Canary, None).end(end);
        let counts = service.canary.counts();
        assert_eq!(counts.faults, faults(&expected), "{end:?}");
        assert_eq!(counts.failed, 1, "{end:?}");
    }
    let service = Service::warm().await;
    let mut exchange = service.open(VersionName::Canary, None);
    exchange.head(AnswerHead::new(500, &HeaderMap::new()));
    exchange.end(End::Cut);
    drop(exchange);
    let counts = service.canary.counts();
    assert_eq!((counts.failed, counts.faults), (1, faults(&[Fault::Cut])));
}

#[tokio::test(start_paused = true)]
async fn grpc_statuses_come_from_trailers_and_only_those_of_the_service_fail_a_request() {
    for (status, n_failed) in [("0", 0), ("5", 0), ("14", 1)] {
        let service = Service::new();
        let mut exchange = service.open(VersionName::Canary, None);
        exchange.head(AnswerHead::new(200, &HeaderMap::new()));
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static(status));
        exchange.trailers(&trailers);
        exchange.end(End::Whole);
        drop(exchange);
        let counts = service.canary.counts();
        assert_eq!(counts.failed, n_failed, "{status}");
        assert_eq!(counts.faults.of(Fault::Grpc), u64::from(status != "0"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_fails_when_the_service_ends_it_badly_and_not_when_its_client_leaves() {
    let hello: &[u8] = &[0x81, 2, b'h', b'i'];
    let leaves: &[(Side, Option<&[u8]>)] = &[(Side::Service, Some(hello)), (Side::Client, None)];
    let clean: &[(Side, Option<&[u8]>)] = &[
        (Side::Service, Some(hello)),
        (Side::Service, Some(&[0x88, 2, 0x03, 0xe8])),
    ];
    let failing: &[(Side, Option<&[u8]>)] = &[
        (Side::Service, Some(hello)),
        (Side::Service, Some(&[0x88, 2, 0x03, 0xf3])),
    ];
    let dropped: &[(Side, Option<&[u8]>)] = &[(Side::Service, None)];
    let silent: &[(Side, Option<&[u8]>)] = &[(Side::Client, None)];
    for (name, acts, n_failed) in [
        ("the client leaves", leaves, 0),
        ("a clean close", clean, 0),
        ("a close with 1011", failing, 1),
        ("no close frame", dropped, 1),
        ("nothing from the service", silent, 1),
    ] {
        let service = Service::new();
        for _ in 0..40 {
            service.tunnel(VersionName::Stable, leaves).await;
        }
        service.baseline.freeze(SlowMargin::default());
        service.tunnel(VersionName::Canary, acts).await;
        let counts = service.canary.counts();
        assert_eq!(counts.faults.of(Fault::Tunnels), n_failed, "{name}");
        assert_eq!(counts.tunnels_open, 0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_stream_that_only_clients_end_is_not_slow_and_its_stall_is_found() {
    let service = Service::new();
    let stream = async |service: &Service, name, n_events| {
        let mut exchange = service.open(name, None);
        wait(2).await;
        exchange.head(AnswerHead::new(200, &HeaderMap::new()));
        for _ in 0..n_events {
            wait(200).await;
            exchange.data(20);
        }
        exchange
    };
    for _ in 0..40 {
        drop(stream(&service, VersionName::Stable, 10).await);
    }
    service.baseline.freeze(SlowMargin::default());
    let healthy = stream(&service, VersionName::Canary, 50).await;
    let counts = service.canary.counts();
    assert_eq!((counts.slow, counts.faults), (0, FaultCounts::default()));
    wait(2_500).await;
    assert_eq!(service.canary.counts().faults, faults(&[Fault::Unfinished]));
    drop(healthy);
}
