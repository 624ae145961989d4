//! The control interface: JSON over loopback HTTP with a bearer token.

use std::convert::Infallible;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tollgate_report::Digest;

use super::shared::Shared;
use super::table::Refused;
use super::wire::{
    Counts, Drain, Drained, Promote, ProxyState, RenewLease, SetThresholds, SetVersion, SetWeight,
};
use crate::ledger::{SlowMargin, Thresholds};

const BODY_MAX: usize = 64 * 1024;
/// No lease is longer: a dead controller must not hold a weight for hours.
const LEASE_MAX: Duration = Duration::from_secs(300);
const DRAIN_MAX: Duration = Duration::from_secs(3600);

/// Writes a new random token, readable by its owner only.
pub fn create_token(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let token = format!(
        "{:032x}{:032x}",
        rand::random::<u128>(),
        rand::random::<u128>()
    );
    options.open(path)?.write_all(token.as_bytes())
}

/// Reads a token without surrounding spaces; an empty one is an error.
pub fn read_token(path: &Path) -> io::Result<String> {
    let token = fs::read_to_string(path)?.trim().to_owned();
    if token.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the file is empty",
        ));
    }
    Ok(token)
}

enum Failed {
    Status(StatusCode, String),
    Refused(Refused),
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

pub(super) async fn handle(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(match dispatch(&shared, request).await {
        Ok(response) => response,
        Err(Failed::Status(status, title)) => problem(status, &title),
        Err(Failed::Refused(refused)) => problem(StatusCode::CONFLICT, &refused.to_string()),
    })
}

async fn dispatch(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Failed> {
    if !is_allowed(shared, &request) {
        return Err(Failed::Status(
            StatusCode::UNAUTHORIZED,
            "a bearer token is required".to_owned(),
        ));
    }
    let route = (request.method().clone(), request.uri().path().to_owned());
    match (&route.0, route.1.as_str()) {
        (&Method::GET, "/state") => Ok(json(&state(shared))),
        (&Method::GET, "/counts") => Ok(json(&counts(shared))),
        (&Method::PUT, "/weight") => {
            let wanted: SetWeight = read(request).await?;
            let mut table = shared.table();
            table.fence(wanted.epoch)?;
            table.set_weight(wanted.weight, lease_until(wanted.lease_ms))?;
            drop(table);
            Ok(json(&state(shared)))
        }
        (&Method::POST, "/lease") => {
            let wanted: RenewLease = read(request).await?;
            let mut table = shared.table();
            table.fence(wanted.epoch)?;
            table.renew(Instant::now(), lease_until(wanted.lease_ms));
            drop(table);
            Ok(json(&state(shared)))
        }
        (&Method::PUT, "/versions") => {
            let wanted: SetVersion = read(request).await?;
            let mut table = shared.table();
            table.fence(wanted.epoch)?;
            table.set_version(wanted.name, wanted.addr, Instant::now())?;
            drop(table);
            Ok(json(&state(shared)))
        }
        (&Method::PUT, "/thresholds") => {
            let wanted: SetThresholds = read(request).await?;
            let mut table = shared.table();
            table.fence(wanted.epoch)?;
            table.thresholds = Thresholds {
                slow_us: wanted.slow_us,
                critical_us: wanted.critical_us,
            };
            table.baseline.freeze(SlowMargin {
                share_ppm: wanted.slow_margin_ppm,
                min_us: wanted.slow_margin_min_us,
            });
            drop(table);
            Ok(json(&state(shared)))
        }
        (&Method::POST, "/promote") => {
            let wanted: Promote = read(request).await?;
            let mut table = shared.table();
            table.fence(wanted.epoch)?;
            table.promote()?;
            drop(table);
            Ok(json(&state(shared)))
        }
        (&Method::POST, "/drain") => {
            let wanted: Drain = read(request).await?;
            Ok(json(&drain(shared, &wanted).await?))
        }
        (method, path) => Err(Failed::Status(
            StatusCode::NOT_FOUND,
            format!("`{method} {path}` does not exist"),
        )),
    }
}

fn lease_until(lease_ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(lease_ms).min(LEASE_MAX)
}

/// Digests are compared, so that the time taken reveals nothing about the token.
fn is_allowed(shared: &Shared, request: &Request<Incoming>) -> bool {
    request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.strip_prefix("Bearer "))
        .is_some_and(|token| Digest::of(token) == Digest::of(&shared.token))
}

fn state(shared: &Shared) -> ProxyState {
    let table = shared.table();
    let now = Instant::now();
    ProxyState {
        instance: shared.instance.clone(),
        listen: shared.listen,
        weight: table.weight(now),
        set_weight: table.set_weight,
        epoch: table.epoch,
        lease_left_ms: table.lease_left(now).map(crate::numbers::ms),
        lease_expired_at: table.lease_expired_at,
        versions: table
            .versions
            .iter()
            .map(|(name, backend)| (*name, backend.addr))
            .collect(),
    }
}

fn counts(shared: &Shared) -> Counts {
    let table = shared.table();
    Counts {
        instance: shared.instance.clone(),
        weight: table.weight(Instant::now()),
        lease_expired_at: table.lease_expired_at,
        versions: table
            .versions
            .iter()
            .map(|(name, backend)| (*name, backend.arm.counts()))
            .collect(),
    }
}

/// Waits until nothing runs on the version; at the deadline its tunnels are closed.
async fn drain(shared: &Shared, wanted: &Drain) -> Result<Drained, Failed> {
    let backend = match shared.table().drainable(wanted.name, Instant::now()) {
        // What is not there has nothing left to do.
        Err(Refused::NoSuchVersion(_)) => {
            return Ok(Drained {
                n_in_flight: 0,
                n_tunnels_closed: 0,
            });
        }
        other => other?,
    };
    let deadline = Instant::now() + Duration::from_millis(wanted.deadline_ms).min(DRAIN_MAX);
    loop {
        let changed = backend.arm.changed.notified();
        if backend.arm.busy() == (0, 0) {
            break;
        }
        // A missed wake-up costs a quarter of a second: the count is read again.
        let soon = (Instant::now() + Duration::from_millis(250)).min(deadline);
        let _ = tokio::time::timeout_at(soon, changed).await;
        if Instant::now() >= deadline {
            break;
        }
    }
    let (n_in_flight, n_tunnels_closed) = backend.arm.busy();
    backend.tunnels.cancel();
    backend.drop_idle();
    backend.http2.forget().await;
    Ok(Drained {
        n_in_flight,
        n_tunnels_closed,
    })
}

async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Failed> {
    let bad = |detail: String| Failed::Status(StatusCode::BAD_REQUEST, detail);
    let body = Limited::new(request.into_body(), BODY_MAX)
        .collect()
        .await
        .map_err(|error| bad(format!("cannot read the body: {error}")))?
        .to_bytes();
    serde_json::from_slice(&body).map_err(|error| bad(format!("cannot read the body: {error}")))
}

fn json(value: &impl Serialize) -> Response<Full<Bytes>> {
    let bytes = serde_json::to_vec(value).expect("the wire types are JSON");
    let mut response = Response::new(Full::new(Bytes::from(bytes)));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

fn problem(status: StatusCode, title: &str) -> Response<Full<Bytes>> {
    let mut response = json(&serde_json::json!({
        "type": "about:blank",
        "title": title,
        "status": status.as_u16(),
    }));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}
