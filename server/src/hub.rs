//! The hub as a whole: starts its parts, joins them at the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tollgate_report::Clock;

use crate::accept::{self, AcceptCounts, AcceptLimits};
use crate::api::{Api, ApiParts};
use crate::generated::api::{OPERATIONS, router};
use crate::http::{Around, around};
use crate::live::{Broadcaster, SessionLimits, follow};
use crate::settings::ServeSettings;
use crate::store::{Store, StoreError};
use crate::telemetry::Telemetry;
use crate::upgrade::{self, StreamsParts};
use crate::{admin_key, dashboard};

pub use crate::admin_key::{AdminKey, AdminKeyError};

/// How often old events, idempotency keys and tickets are deleted.
const PRUNE_INTERVAL: Duration = Duration::from_secs(600);

/// The hub could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database is not usable.
    #[error("the hub cannot use its database")]
    Store(#[from] StoreError),
    /// The admin key is not usable.
    #[error("the hub cannot use its admin key")]
    AdminKey(#[from] AdminKeyError),
    /// The address is taken or not ours.
    #[error(
        "the hub cannot listen on `{address}`\n\nhint: stop the program that listens there, or choose another port; port 0 takes a free one"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// How the hub is started.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// Its settings.
    pub settings: ServeSettings,
    /// Where the first admin key comes from.
    pub admin_key: AdminKey,
    /// How it misbehaves, in a drill.
    #[cfg(feature = "drill")]
    pub fault: Option<(crate::fault::FaultKind, Duration)>,
}

/// A hub that serves.
#[derive(Debug)]
pub struct Hub {
    address: SocketAddr,
    first_key: Option<String>,
    stop: CancellationToken,
    sessions: TaskTracker,
    tasks: TaskTracker,
    accepting: JoinHandle<bool>,
    store: Arc<Store>,
}

/// Starts the hub; when this returns it is ready.
///
/// # Errors
/// When the database, the admin key or the address is not usable.
pub async fn start(start: Start, clock: Arc<dyn Clock>) -> Result<Hub, StartError> {
    let settings = start.settings;
    let store = Arc::new(Store::open(&settings.database).await?);
    let first_key = admin_key::ensure(&store, start.admin_key, clock.now()).await?;
    let listener = listen(settings.listen).await?;
    let address = listener.local_addr().map_err(|source| StartError::Listen {
        address: settings.listen,
        source,
    })?;
    let broadcaster = Arc::new(Broadcaster::new(store.epoch(), store.last_seq().await?));
    let telemetry = Arc::new(Telemetry::new(&operations()));
    let accept_counts = Arc::new(AcceptCounts::default());
    let api = Api::new(ApiParts {
        store: Arc::clone(&store),
        broadcaster: Arc::clone(&broadcaster),
        telemetry: Arc::clone(&telemetry),
        accept_counts: Arc::clone(&accept_counts),
        version_label: settings.version_label.clone(),
        ticket_lifetime: settings.ticket_lifetime.0,
        started_at: clock.now(),
        clock: Arc::clone(&clock),
    });
    let stop = CancellationToken::new();
    let sessions = TaskTracker::new();
    let streams = upgrade::router(StreamsParts {
        api: api.clone(),
        stop: stop.clone(),
        sessions: sessions.clone(),
        limits: session_limits(&settings),
        origins: settings.origins.clone(),
    });
    let routes = router(api).merge(streams).merge(dashboard::router());
    let tasks = TaskTracker::new();
    #[cfg(feature = "drill")]
    let fault = spawn_fault(start.fault, &tasks, &stop);
    let routes = around(
        routes,
        Around {
            telemetry,
            request_timeout: settings.request_timeout.0,
            #[cfg(feature = "drill")]
            fault,
        },
    );
    tasks.spawn(follow(Arc::clone(&store), broadcaster, stop.clone()));
    tasks.spawn(prune(Arc::clone(&store), clock, stop.clone()));
    let limits = AcceptLimits {
        connections_max: settings.connections_max,
        header_read_timeout: settings.header_read_timeout.0,
        drain_timeout: settings.drain_timeout.0,
    };
    let accepting = accept::serve(listener, routes, limits, accept_counts, stop.clone());
    Ok(Hub {
        address,
        first_key,
        sessions,
        tasks,
        accepting: tokio::spawn(accepting),
        stop,
        store,
    })
}

impl Hub {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The admin key that was made at the very first start; shown this once.
    #[must_use]
    pub fn first_key(&self) -> Option<&str> {
        self.first_key.as_deref()
    }

    /// Accepts no more, lets requests under way end, closes event streams with a hint when to come
    /// back, and joins every task. Returns whether all requests ended in time.
    pub async fn shutdown(self) -> bool {
        self.stop.cancel();
        self.sessions.close();
        self.tasks.close();
        let is_drained = self.accepting.await.unwrap_or(false);
        self.sessions.wait().await;
        self.tasks.wait().await;
        self.store.close().await;
        is_drained
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address, source })
}

fn operations() -> Vec<(&'static str, Method, &'static str)> {
    OPERATIONS
        .iter()
        .filter_map(|it| Some((it.id, it.method.parse().ok()?, it.path)))
        .collect()
}

fn session_limits(settings: &ServeSettings) -> SessionLimits {
    SessionLimits {
        heartbeat: settings.heartbeat.0,
        heartbeat_grace: settings.heartbeat_grace.0,
        queue_bytes_max: usize::try_from(settings.queue_max.0).unwrap_or(usize::MAX),
    }
}

async fn prune(store: Arc<Store>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    loop {
        // A lost branch drops a sleep.
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PRUNE_INTERVAL) => {}
        }
        if let Err(error) = store.prune(clock.now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old events stay");
        }
    }
}

#[cfg(feature = "drill")]
fn spawn_fault(
    fault: Option<(crate::fault::FaultKind, Duration)>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Option<crate::fault::Fault> {
    let (kind, after) = fault?;
    let begins = tokio::time::Instant::now() + after;
    let fault = crate::fault::Fault { kind, begins };
    let stop = stop.clone();
    tasks.spawn(async move {
        // A lost branch drops a fault that has not begun, or the memory that it leaked.
        tokio::select! {
            () = stop.cancelled() => {}
            () = fault.run() => {}
        }
    });
    Some(fault)
}
