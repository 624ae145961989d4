//! One request to one version, and what happens when the version does not take it. A request is
//! tried again only where no byte of it can have had an effect.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body_util::{BodyExt, Either, Empty, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::{TrySendError, http1};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::backend::{Backend, Sender};
use super::headers::{PIN, VERSION, put_upgrade, rewrite_request, strip_hop_by_hop, upgrade_of};
use super::kept::KeptBody;
use super::multiplex::{UpstreamBody, to_http2};
use super::refuse::{is_chunks_or_none, refuse};
use super::shared::{N_FIELDS_MAX, Shared};
use super::tracked::{OutBody, track};
use super::tunnel::copy;
use super::wire::VersionName;
use crate::ledger::{AnswerHead, End, Exchange, RequestHead, Tunnel};

/// Why a version did not answer, and the request when it may be sent again.
struct Failure {
    kind: FailureKind,
    request: Option<Request<UpstreamBody>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailureKind {
    Connect,
    Broken,
    Timeout,
    /// The client stopped sending its request: nobody's fault here.
    ClientGone,
}

/// What is needed to send a request once more.
struct Repeat {
    /// The head; present when the method is idempotent and there is no body.
    head: Option<Request<()>>,
    response_timeout: Duration,
    connect_timeout: Duration,
}

impl Repeat {
    fn request(&self) -> Option<Request<UpstreamBody>> {
        let head = self.head.clone()?;
        Some(head.map(|()| Either::Right(Empty::new())))
    }
}

pub(super) async fn handle(
    shared: Arc<Shared>,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<OutBody>, Infallible> {
    let started = Instant::now();
    if let Some(refusal) = refuse(&request) {
        return Ok(refusal);
    }
    let pin = shared.honours_pin.then(|| pin_of(&request)).flatten();
    let (mut name, mut backend, thresholds) = {
        let mut table = shared.table();
        let name = table.route(started, pin);
        let backend = table
            .backend(name)
            .expect("a route leads to a version of the table");
        (name, backend, table.thresholds)
    };
    let protocol = upgrade_of(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let upgrade = protocol.clone();
    let open = |name: VersionName, backend: &Backend| {
        let request = RequestHead {
            method: &method,
            path: &path,
            upgrade: upgrade
                .as_ref()
                .map(|name| name.to_str().unwrap_or_default()),
        };
        backend.arm.open(name, request, thresholds)
    };
    let mut exchange = open(name, &backend);
    let client_upgrade = protocol.is_some().then(|| hyper::upgrade::on(&mut request));
    rewrite_request(&mut request, peer, backend.addr);
    if let Some(protocol) = protocol {
        put_upgrade(request.headers_mut(), protocol);
    }
    let repeat = repeat_of(&shared, &request);
    let mut next = request.map(Either::Left);
    let mut is_second = false;
    loop {
        let failure = match send(&backend, next, &repeat).await {
            Ok((response, sender)) => {
                let status = response.status().as_u16();
                exchange.head(AnswerHead::new(status, response.headers()));
                return Ok(answer(
                    response,
                    sender,
                    client_upgrade,
                    (name, backend, exchange),
                ));
            }
            Err(failure) if failure.kind == FailureKind::ClientGone => {
                return Ok(problem(name, failure.kind));
            }
            Err(failure) => failure,
        };
        let other = (!is_second)
            .then(|| {
                let table = shared.table();
                let other = table.other(name, Instant::now())?;
                Some((other, table.backend(other).ok()?))
            })
            .flatten();
        let retry = failure.request.zip(other);
        exchange.end(match failure.kind {
            FailureKind::Connect => End::Refused,
            FailureKind::Timeout => End::Timeout,
            FailureKind::Broken | FailureKind::ClientGone => End::Reset,
        });
        if retry.is_some() {
            backend.arm.retried();
        }
        let Some((again, (other, other_backend))) = retry else {
            return Ok(problem(name, failure.kind));
        };
        is_second = true;
        next = again;
        name = other;
        backend = other_backend;
        exchange = open(name, &backend);
    }
}

fn pin_of(request: &Request<Incoming>) -> Option<VersionName> {
    match request.headers().get(PIN)?.to_str().ok()? {
        "stable" => Some(VersionName::Stable),
        "canary" => Some(VersionName::Canary),
        _ => None,
    }
}

fn repeat_of(shared: &Shared, request: &Request<Incoming>) -> Repeat {
    // RFC 9110, 9.2.2; an upgrade is not repeated.
    let is_idempotent = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
    );
    let has_body = !request.body().is_end_stream();
    let head = (is_idempotent && !has_body).then(|| {
        let mut head = Request::new(());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.version_mut() = request.version();
        *head.headers_mut() = request.headers().clone();
        head
    });
    Repeat {
        head,
        response_timeout: if has_body {
            shared.limits.upload_timeout
        } else {
            shared.limits.response_timeout
        },
        connect_timeout: shared.limits.connect_timeout,
    }
}

/// Sends over an idle connection when there is one, else over a new one.
async fn send(
    backend: &Arc<Backend>,
    request: Request<UpstreamBody>,
    repeat: &Repeat,
) -> Result<(Response<Incoming>, Option<Sender>), Failure> {
    if request.version() == Version::HTTP_2 {
        return Ok((send_http2(backend, request, repeat).await?, None));
    }
    let mut request = request;
    if let Some(sender) = backend.take_idle(repeat.head.is_some()) {
        match send_over(sender, request, repeat).await {
            Ok(answered) => return Ok(answered),
            Err(Failure {
                kind: FailureKind::Broken,
                request: Some(again),
            }) => {
                // The far side had closed the idle connection: nothing was answered.
                backend.arm.retried();
                request = again;
            }
            Err(failure) => return Err(failure),
        }
    }
    match timeout(repeat.connect_timeout, connect(backend)).await {
        Ok(Some(sender)) => send_over(sender, request, repeat).await,
        Ok(None) | Err(_) => Err(Failure {
            kind: FailureKind::Connect,
            request: Some(request),
        }),
    }
}

async fn connect(backend: &Arc<Backend>) -> Option<Sender> {
    let stream = TcpStream::connect(backend.addr).await.ok()?;
    let _ = stream.set_nodelay(true);
    let (sender, connection) = http1::Builder::new()
        .max_headers(N_FIELDS_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .ok()?;
    // Ends when the sender is dropped or the version closes the connection.
    tokio::spawn(async move {
        let _ = connection.with_upgrades().await;
    });
    Some(sender)
}

async fn send_over(
    mut sender: Sender,
    request: Request<UpstreamBody>,
    repeat: &Repeat,
) -> Result<(Response<Incoming>, Option<Sender>), Failure> {
    let response = in_time(sender.try_send_request(request), repeat).await?;
    if is_chunks_or_none(response.headers()) {
        return Ok((response, Some(sender)));
    }
    // Its coding would be lost here, and the client could not read the body.
    Err(Failure {
        kind: FailureKind::Broken,
        request: None,
    })
}

/// Sends over the version's one HTTP/2 connection; a second time when that was being closed.
async fn send_http2(
    backend: &Arc<Backend>,
    mut request: Request<UpstreamBody>,
    repeat: &Repeat,
) -> Result<Response<Incoming>, Failure> {
    to_http2(&mut request, backend.addr);
    loop {
        let opened = backend
            .http2
            .sender(backend.addr, repeat.connect_timeout)
            .await;
        let Some((mut sender, is_new)) = opened else {
            return Err(Failure {
                kind: FailureKind::Connect,
                request: Some(request),
            });
        };
        match in_time(sender.try_send_request(request), repeat).await {
            Err(Failure {
                kind: FailureKind::Broken,
                request: Some(again),
            }) if !is_new => {
                backend.http2.forget().await;
                request = again;
            }
            answered => return answered,
        }
    }
}

async fn in_time(
    sent: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<UpstreamBody>>>>,
    repeat: &Repeat,
) -> Result<Response<Incoming>, Failure> {
    match timeout(repeat.response_timeout, sent).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) if error.error().is_user() => Err(Failure {
            kind: FailureKind::ClientGone,
            request: None,
        }),
        Ok(Err(mut error)) => Err(Failure {
            kind: FailureKind::Broken,
            // Given back whole when nothing was written; else only repeated when that is harmless.
            request: error.take_message().or_else(|| repeat.request()),
        }),
        Err(_) => Err(Failure {
            kind: FailureKind::Timeout,
            request: None,
        }),
    }
}

fn answer(
    mut response: Response<Incoming>,
    sender: Option<Sender>,
    client_upgrade: Option<OnUpgrade>,
    (name, backend, mut exchange): (VersionName, Arc<Backend>, Exchange),
) -> Response<OutBody> {
    let protocol = response.headers().get(header::UPGRADE).cloned();
    *response.version_mut() = Version::HTTP_11;
    let is_switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    strip_hop_by_hop(response.headers_mut());
    response
        .headers_mut()
        .insert(VERSION, HeaderValue::from_static(name.word()));
    if let (true, Some(client), Some(protocol)) = (is_switched, client_upgrade, protocol) {
        put_upgrade(response.headers_mut(), protocol);
        let upstream = hyper::upgrade::on(&mut response);
        open_tunnel(backend, exchange.into_tunnel(), (client, upstream));
        return response.map(|_| empty());
    }
    if is_switched {
        // Nobody asked for it, so the client would not understand what follows.
        exchange.end(End::Reset);
        return problem(name, FailureKind::Broken);
    }
    response.map(|body| track(KeptBody::new(body, &backend, sender), exchange))
}

/// Copies bytes both ways until one side ends or the version is drained by force.
fn open_tunnel(backend: Arc<Backend>, mut tunnel: Tunnel, sides: (OnUpgrade, OnUpgrade)) {
    // Owned by the backend's `tunnels` token.
    tokio::spawn(async move {
        let copied = async {
            if let (Ok(client), Ok(service)) = tokio::join!(sides.0, sides.1) {
                copy(client, service, &mut tunnel).await;
            }
        };
        // A lost copy drops bytes in flight: the deadline of the drain has passed.
        tokio::select! {
            () = copied => {}
            () = backend.tunnels.cancelled() => {}
        }
    });
}

fn empty() -> OutBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A problem document (RFC 9457): 504 for a timeout, else 502.
fn problem(name: VersionName, kind: FailureKind) -> Response<OutBody> {
    let (status, title) = match kind {
        FailureKind::Connect => (
            StatusCode::BAD_GATEWAY,
            "the version refused the connection",
        ),
        FailureKind::Broken => (
            StatusCode::BAD_GATEWAY,
            "the version broke the connection off",
        ),
        FailureKind::ClientGone => (StatusCode::BAD_REQUEST, "the request body broke off"),
        FailureKind::Timeout => (
            StatusCode::GATEWAY_TIMEOUT,
            "the version did not answer in time",
        ),
    };
    let document = serde_json::json!({
        "type": "about:blank",
        "title": title,
        "status": status.as_u16(),
        "version": name.word(),
    });
    let body = Full::new(Bytes::from(document.to_string()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(VERSION, HeaderValue::from_static(name.word()));
    response
}
