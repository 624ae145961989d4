//! Live traffic for a long time: a weighted mix at constant arrival, each request accounted for. No
//! request is ever repeated, so that `lost` is exact.
//!
//! Invariant: `sent = ok + http_error + lost + in_flight`, in every snapshot.

mod ledger;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error as WebsocketError, Message};
use tollgate_report::quantity::Span;
use tollgate_stats::Rng;

use crate::context::{Context, Vars};
use crate::http::client::{Connection, send_once};
use crate::http::error::NetError;
use crate::http::{expect::is_allowed, prepare};
use crate::result::Cause;
use crate::settings::{Check, HttpCheck, Probe, WebsocketCheck};
use crate::websocket;
use ledger::{Ledger, Receipt, lock};
pub use ledger::{LostRequest, TrafficCounts, VersionTally};

/// The header in which a proxy names the version that answered.
const VERSION: &str = "x-tollgate-version";

/// What live traffic consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficSettings {
    /// Requests per second at constant arrival (default 20).
    pub rate: f64,
    /// The mix; each request is drawn by weight.
    pub requests: Vec<TrafficRequest>,
    /// Longest time of one request (default 10s); over it the request is lost.
    pub request_timeout: Span,
    /// Requests in flight at most (default 256); a request that must wait counts as held back.
    pub in_flight_max: u32,
    /// Seed of the draw (default 0).
    pub seed: u64,
}

impl Default for TrafficSettings {
    fn default() -> Self {
        Self {
            rate: 20.0,
            requests: Vec::new(),
            request_timeout: Span(Duration::from_secs(10)),
            in_flight_max: 256,
            seed: 0,
        }
    }
}

/// One kind of request in the mix: exactly one of `http` and `websocket`. The variable `{n}` is
/// the number of the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficRequest {
    /// Name in counts.
    pub name: String,
    /// How often it is drawn against the others (default 1).
    pub weight: u32,
    /// An HTTP request; it is ok when its status is allowed by `expect.status`.
    pub http: Option<HttpCheck>,
    /// A WebSocket connection that sends a message, awaits the reply and closes.
    pub websocket: Option<WebsocketCheck>,
}

impl Default for TrafficRequest {
    fn default() -> Self {
        Self {
            name: String::new(),
            weight: 1,
            http: None,
            websocket: None,
        }
    }
}

/// Running live traffic. Dropping it counts what is in flight as lost; stop it instead.
#[derive(Debug)]
pub struct Traffic {
    ledger: Arc<Mutex<Ledger>>,
    stop: watch::Sender<bool>,
    driver: JoinHandle<()>,
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Traffic {
    /// Starts traffic against the base URL of the context. `secret_env` is as in a probe.
    /// Settings are tried once before anything is sent.
    pub fn start(
        settings: TrafficSettings,
        secret_env: BTreeMap<String, String>,
        cx: Arc<Context>,
    ) -> Result<Self, Cause> {
        let probe = Probe {
            secret_env,
            ..Probe::new("traffic", Check::Http(Box::default()))
        };
        let mut vars = cx.vars_for(&probe)?;
        vars.set("n", "0".to_owned(), false);
        check(&settings, &cx, &vars).map_err(|cause| vars.redact_cause(cause))?;
        let (stop, stopped) = watch::channel(false);
        let ledger = Arc::new(Mutex::new(Ledger::new()));
        let shared = Arc::new(Shared {
            request_timeout: settings.request_timeout.0,
            cx,
            vars,
            idle: Mutex::new(BTreeMap::new()),
            ledger: Arc::clone(&ledger),
        });
        let driver = tokio::spawn(drive(settings, shared, stopped));
        Ok(Self {
            ledger,
            stop,
            driver,
        })
    }

    /// The counts now.
    #[must_use]
    pub fn snapshot(&self) -> TrafficCounts {
        lock(&self.ledger).counts()
    }

    /// Sends nothing more, waits for what is in flight (each bounded by its timeout), and returns
    /// the final counts, in which nothing is in flight.
    pub async fn stop(mut self) -> TrafficCounts {
        self.stop.send_replace(true);
        // A driver that panicked has dropped its requests, which the counts show as lost.
        let _ = (&mut self.driver).await;
        self.snapshot()
    }
}

struct Shared {
    request_timeout: Duration,
    cx: Arc<Context>,
    vars: Vars,
    /// Kept connections by origin.
    idle: Mutex<BTreeMap<String, Vec<Connection>>>,
    ledger: Arc<Mutex<Ledger>>,
}

fn check(settings: &TrafficSettings, cx: &Context, vars: &Vars) -> Result<(), Cause> {
    let refuse =
        |expected: &str, got: String| Err(Cause::prober("settings", "traffic", expected, got));
    if !(0.001..=100_000.0).contains(&settings.rate) {
        return refuse("a `rate` from 0.001 to 100000", settings.rate.to_string());
    }
    if settings.in_flight_max == 0 || settings.request_timeout.0.is_zero() {
        return refuse(
            "`in_flight_max` and `request_timeout` above 0",
            "0".to_owned(),
        );
    }
    if settings.requests.iter().all(|request| request.weight == 0) {
        return refuse(
            "at least one request with a weight above 0",
            "none".to_owned(),
        );
    }
    for request in &settings.requests {
        match (&request.http, &request.websocket) {
            (Some(http), None) => prepare(http, cx, vars).map(|_| ())?,
            (None, Some(websocket)) => websocket::request_of(websocket, cx, vars).map(|_| ())?,
            _ => {
                return refuse(
                    "exactly one of `http` and `websocket`",
                    format!("`{}`", request.name),
                );
            }
        }
    }
    Ok(())
}

/// Sends until it is stopped, then joins what is in flight.
async fn drive(settings: TrafficSettings, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let started = Instant::now();
    let mut rng = Rng::new(settings.seed);
    let requests: Vec<Arc<TrafficRequest>> = settings.requests.into_iter().map(Arc::new).collect();
    let total: u64 = requests
        .iter()
        .map(|request| u64::from(request.weight))
        .sum();
    let permits = Arc::new(Semaphore::new(settings.in_flight_max as usize));
    let mut in_flight = JoinSet::new();
    for n in 0_u64.. {
        let intended = started + Duration::from_secs_f64(n as f64 / settings.rate);
        // Stopping drops only a timer or a wait for a permit: nothing was sent yet.
        let permit = tokio::select! {
            biased;
            _ = stopped.wait_for(|is_stopped| *is_stopped) => break,
            permit = permit_at(intended, &permits, &shared.ledger) => permit,
        };
        let request = draw(&requests, rng.below_u64(total));
        let receipt = Ledger::sent(&shared.ledger, &request.name, intended);
        let shared = Arc::clone(&shared);
        in_flight.spawn(async move {
            send(&request, n, &shared, receipt).await;
            drop(permit);
        });
        while in_flight.try_join_next().is_some() {}
    }
    while in_flight.join_next().await.is_some() {}
}

async fn permit_at(
    intended: Instant,
    permits: &Arc<Semaphore>,
    ledger: &Mutex<Ledger>,
) -> tokio::sync::OwnedSemaphorePermit {
    sleep_until(intended).await;
    if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        return permit;
    }
    lock(ledger).held_back();
    Arc::clone(permits)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed")
}

fn draw(requests: &[Arc<TrafficRequest>], mut number: u64) -> Arc<TrafficRequest> {
    for request in requests {
        let weight = u64::from(request.weight);
        if number < weight {
            return Arc::clone(request);
        }
        number -= weight;
    }
    unreachable!("a number below the sum of the weights falls on a request")
}

async fn send(request: &TrafficRequest, n: u64, shared: &Shared, receipt: Receipt) {
    let mut vars = shared.vars.clone();
    vars.set("n", n.to_string(), false);
    let limit = shared.request_timeout;
    let outcome = match (&request.http, &request.websocket) {
        (Some(http), _) => timeout(limit, send_http(http, shared, (&vars, &receipt))).await,
        (None, Some(websocket)) => timeout(limit, send_websocket(websocket, shared, &vars)).await,
        (None, None) => unreachable!("settings were checked at the start"),
    };
    let outcome = outcome.unwrap_or(Err(NetError::Timeout { after: limit }));
    match outcome {
        Ok(Answer::Ok) => receipt.ok(),
        Ok(Answer::Replied(mut socket)) => {
            receipt.ok();
            websocket::leave(&mut socket).await;
        }
        Ok(Answer::Status(status)) => receipt.http_error(status),
        Err(error) => {
            let what = vars.redact(&error.to_cause(&request.name).got);
            receipt.lost(error.kind(), what, shared.cx.clock().now());
        }
    }
}

enum Answer {
    Ok,
    /// All that was asked has come; the connection is still to be closed.
    Replied(Box<websocket::Socket>),
    /// A whole answer with a status that is not allowed.
    Status(u16),
}

async fn send_http(
    http: &HttpCheck,
    shared: &Shared,
    (vars, receipt): (&Vars, &Receipt),
) -> Result<Answer, NetError> {
    let prepared = prepare(http, &shared.cx, vars).expect("settings were tried at the start");
    let origin = format!(
        "{}://{}",
        prepared.target.scheme(),
        prepared.target.authority
    );
    let mut slot = lock(&shared.idle).get_mut(&origin).and_then(Vec::pop);
    let (reply, _) = send_once(
        &mut slot,
        &prepared.target,
        shared.cx.tls(),
        prepared.request,
        http.body_size_max.0,
    )
    .await;
    if let Some(connection) = slot {
        lock(&shared.idle)
            .entry(origin)
            .or_default()
            .push(connection);
    }
    let reply = reply?;
    let status = reply.status;
    let is_good = is_allowed(&http.expect.status, status);
    if let Some(version) = reply
        .headers
        .get(VERSION)
        .and_then(|name| name.to_str().ok())
    {
        receipt.answered_by(version, is_good);
    }
    Ok(if is_good {
        Answer::Ok
    } else {
        Answer::Status(status.as_u16())
    })
}

async fn send_websocket(
    check: &WebsocketCheck,
    shared: &Shared,
    vars: &Vars,
) -> Result<Answer, NetError> {
    let invariant = "settings were tried at the start";
    let handshake = websocket::request_of(check, &shared.cx, vars).expect(invariant);
    let opened = websocket::open(
        handshake,
        &shared.cx,
        check.message_size_max.0,
        &mut |_, _| {},
    )
    .await;
    let mut socket = match opened {
        Ok((socket, _)) => socket,
        Err(NetError::Websocket(error)) => match *error {
            WebsocketError::Http(response) => {
                return Ok(Answer::Status(response.status().as_u16()));
            }
            error => return Err(websocket::websocket(error)),
        },
        Err(error) => return Err(error),
    };
    if let Some(message) = &check.send {
        let text = vars.expand_json(message).expect(invariant).to_string();
        websocket::send(&mut socket, Message::text(text)).await?;
    }
    if let Some(part) = &check.expect {
        let part = vars.expand_json(part).expect(invariant);
        websocket::await_message(&mut socket, &part).await?;
    }
    Ok(Answer::Replied(Box::new(socket)))
}
