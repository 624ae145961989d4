//! The embedded proxy as a process of its own: its settings file and its life.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tollgate_canary::proxy::{ProxyConfig, ProxyLimits, ReadyLine, run_proxy};
use tollgate_gates::Failure;

/// The proxy's settings as its starter writes them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyFile {
    pub listen: SocketAddr,
    pub control_listen: SocketAddr,
    pub stable: SocketAddr,
    pub token_file: PathBuf,
}

/// Serves with the settings of a file until it is requested to stop. Its addresses go to `ready`.
pub async fn serve(config: &Path, ready: impl Fn(&ReadyLine)) -> Result<(), Failure> {
    let text = fs::read(config).with_context(|| format!("cannot read `{}`", config.display()))?;
    let file: ProxyFile = serde_json::from_slice(&text)
        .context("cannot read the proxy's settings")
        .map_err(Failure::settings)?;
    let config = ProxyConfig {
        listen: file.listen,
        control_listen: file.control_listen,
        stable: file.stable,
        canary: None,
        token_file: file.token_file,
        honours_pin: false,
        limits: ProxyLimits::default(),
    };
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    // Ends with the process; the proxy itself ends when told to.
    tokio::spawn(async move {
        terminated().await;
        stop.cancel();
    });
    run_proxy(config, shutdown, ready)
        .await
        .map_err(Failure::environment)
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => drop(terminate.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
