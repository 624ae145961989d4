//! Connections: accept, bound, serve, drain.
//!
//! `axum::serve` 0.8 has no header-read timeout, so this goes to hyper directly.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// What a connection that is one too many gets.
const TURNED_AWAY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
/// How long to wait when the system has no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The bounds of connections.
#[derive(Debug, Clone, Copy)]
pub struct AcceptLimits {
    /// Connections at once.
    pub connections_max: usize,
    /// How long the head of a request may take.
    pub header_read_timeout: Duration,
    /// How long shutdown waits for requests under way.
    pub drain_timeout: Duration,
}

/// Counts of connections.
#[derive(Debug, Default)]
pub struct AcceptCounts {
    /// Connections that were accepted.
    pub n_accepted: AtomicU64,
    /// Connections that were one too many.
    pub n_turned_away: AtomicU64,
}

/// Serves until `stop`; then accepts no more, lets requests under way end, and returns whether
/// all of them did in time.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: AcceptLimits,
    counts: Arc<AcceptCounts>,
    stop: CancellationToken,
) -> bool {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let tasks = TaskTracker::new();
    loop {
        // A lost branch drops an accept that has not taken a connection yet.
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        counts.n_accepted.fetch_add(1, Ordering::Relaxed);
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                spawn_connection(stream, place, &router, limits, &stop, &tasks);
            }
            Err(_) => {
                counts.n_turned_away.fetch_add(1, Ordering::Relaxed);
                tasks.spawn(turn_away(stream));
            }
        }
    }
    drop(listener);
    tasks.close();
    tokio::time::timeout(limits.drain_timeout, tasks.wait())
        .await
        .is_ok()
}

/// Keeps a connection's place for as long as any part of it lives, an upgraded one included.
#[derive(Debug, Clone)]
pub struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

fn spawn_connection(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    router: &Router,
    limits: AcceptLimits,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) {
    // Answers are small; waiting to fill a segment only adds latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "no nodelay");
    }
    let place = Place {
        _permit: Arc::new(place),
    };
    let service = router
        .clone()
        .map_request(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(place.clone());
            request
        });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let stop = stop.clone();
    tasks.spawn(async move {
        let mut connection = pin!(connection);
        // The stop drops nothing: the connection continues until its answer is sent.
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error = &error as &dyn std::error::Error, "connection ended");
        }
    });
}

async fn turn_away(mut stream: TcpStream) {
    // The client is one too many; that it does not hear so changes nothing.
    let _ = tokio::time::timeout(ACCEPT_PAUSE, stream.write_all(TURNED_AWAY)).await;
}
