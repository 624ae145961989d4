//! Starts a proxy: takes its two ports and serves clients and the controller until it is shut down.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tollgate_report::SystemClock;

use super::control::{self, read_token};
use super::downstream::{end_with, http1_builder};
use super::shards::Shards;
use super::shared::{ProxyLimits, Shared};
use super::table::Table;

/// How a proxy is started.
#[derive(Debug, Clone)]
pub struct ProxyConfig {
    /// Where clients connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the controller connects; must be a loopback address.
    pub control_listen: SocketAddr,
    /// The stable version.
    pub stable: SocketAddr,
    /// The canary, when it runs already.
    pub canary: Option<SocketAddr>,
    /// A file with the bearer token of the control interface, see [`create_token`].
    pub token_file: PathBuf,
    /// Clients may choose a version with `x-tollgate-pin`; off by default.
    pub honours_pin: bool,
    /// Bounds.
    pub limits: ProxyLimits,
}

/// A proxy could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The address is taken or not ours.
    #[error(
        "cannot listen on `{addr}` for {what}\n\nhint: choose another port, or find the process that holds it with `ss -ltnp`"
    )]
    Listen {
        /// `clients` or `the controller`.
        what: &'static str,
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system gives no threads.
    #[error("cannot start the threads of the proxy")]
    Threads(#[source] io::Error),
    /// The control interface would be reachable from other machines.
    #[error("cannot listen on `{0}` for the controller: a loopback address is required")]
    NotLoopback(SocketAddr),
    /// The token could not be read.
    #[error("cannot read the token file `{path}`")]
    Token {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A proxy that holds its ports and does not serve yet.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    shards: Shards,
    clients: TcpListener,
    controller: TcpListener,
    control_addr: SocketAddr,
}

/// What the proxy's process prints when it is ready, as one JSON line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct ReadyLine {
    /// Always true.
    pub ready: bool,
    /// Where clients connect.
    pub address: SocketAddr,
    /// Where the controller connects.
    pub control: SocketAddr,
    /// The process.
    pub pid: u32,
}

/// Takes the ports. The caller prints [`Proxy::ready_line`] and then calls [`Proxy::serve`].
pub async fn bind_proxy(config: ProxyConfig) -> Result<Proxy, ProxyError> {
    if !config.control_listen.ip().is_loopback() {
        return Err(ProxyError::NotLoopback(config.control_listen));
    }
    let token = read_token(&config.token_file).map_err(|source| ProxyError::Token {
        path: config.token_file.clone(),
        source,
    })?;
    let listen = async |what, addr| {
        let failed = |source| ProxyError::Listen { what, addr, source };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        Ok((listener, addr))
    };
    let (clients, client_addr) = listen("clients", config.listen).await?;
    let (controller, control_addr) = listen("the controller", config.control_listen).await?;
    let shared = Arc::new(Shared {
        instance: format!("{:016x}", rand::random::<u64>()),
        listen: client_addr,
        token,
        honours_pin: config.honours_pin,
        limits: config.limits,
        clock: SystemClock::new(),
        table: Mutex::new(Table::new(config.stable, config.canary)),
    });
    Ok(Proxy {
        shared,
        shards: Shards::start().map_err(ProxyError::Threads)?,
        clients,
        controller,
        control_addr,
    })
}

/// Binds and serves until `shutdown` is cancelled. `on_ready` gets the line to print.
pub async fn run_proxy(
    config: ProxyConfig,
    shutdown: CancellationToken,
    on_ready: impl FnOnce(&ReadyLine),
) -> Result<(), ProxyError> {
    let proxy = bind_proxy(config).await?;
    on_ready(&proxy.ready_line());
    proxy.serve(shutdown).await;
    Ok(())
}

impl Proxy {
    /// The addresses, for the controller.
    #[must_use]
    pub fn ready_line(&self) -> ReadyLine {
        ReadyLine {
            ready: true,
            address: self.shared.listen,
            control: self.control_addr,
            pid: std::process::id(),
        }
    }

    /// Serves until `shutdown` is cancelled, then lets running requests finish for at most 10 s.
    pub async fn serve(self, shutdown: CancellationToken) {
        let Self {
            shared,
            shards,
            clients,
            controller,
            ..
        } = self;
        let control_shared = shared.clone();
        let serve_control = accept(&controller, 64, &shutdown, |stream, _peer| {
            let shared = control_shared.clone();
            let service = service_fn(move |request| control::handle(shared.clone(), request));
            let connection = http1_builder(Duration::from_secs(5))
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            end_with(connection, shutdown.clone())
        });
        let limits = shared.limits;
        let serve_clients = accept(
            &clients,
            limits.n_connections_max,
            &shutdown,
            |stream, peer| shards.serve(stream, peer, &shared, &shutdown),
        );
        tokio::join!(serve_control, serve_clients);
    }
}

async fn accept<F, W>(listener: &TcpListener, n_max: usize, shutdown: &CancellationToken, serve: F)
where
    F: Fn(TcpStream, SocketAddr) -> W,
    W: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(n_max));
    let connections = TaskTracker::new();
    loop {
        // A lost `accept` drops no connection: it stays in the kernel's queue.
        let accepted = tokio::select! {
            accepted = accept_within(listener, &slots) => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer, slot)) => {
                let _ = stream.set_nodelay(true);
                let served = serve(stream, peer);
                connections.spawn(async move {
                    served.await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    connections.close();
    let _ = tokio::time::timeout(Duration::from_secs(10), connections.wait()).await;
}

async fn accept_within(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = slots
        .clone()
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}
