//! The embedded proxy as a process of its own: its settings file and its life.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tollgate_canary::proxy::{ProxyConfig, ProxyLimits, ReadyLine, run_proxy};
use tollgate_gates::{Failure, Repository};

use crate::detached::start_supervisor;
use crate::remembered::{Home, Wanted};

/// The proxy's settings as its starter writes them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyFile {
    pub listen: SocketAddr,
    pub control_listen: SocketAddr,
    pub stable: SocketAddr,
    pub token_file: PathBuf,
    /// Whether the release that it belongs to outlives the command, under a supervisor.
    #[serde(default)]
    pub supervised: bool,
}

/// Serves with the settings of a file until it is requested to stop. Its addresses go to `ready`.
pub async fn serve(
    repository: &Repository,
    config: &Path,
    ready: impl Fn(&ReadyLine),
) -> Result<(), Failure> {
    let text = fs::read(config).with_context(|| format!("cannot read `{}`", config.display()))?;
    let file: ProxyFile = serde_json::from_slice(&text)
        .context("cannot read the proxy's settings")
        .map_err(Failure::settings)?;
    if file.supervised {
        keep_supervised(repository)?;
    }
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

/// How often the proxy checks that the supervisor of the release runs.
const SUPERVISOR_TICK: Duration = Duration::from_secs(1);

/// Starts the supervisor of the release again whenever it is gone.
fn keep_supervised(repository: &Repository) -> Result<(), Failure> {
    let (home, program) = (Home::of(repository), repository.executable()?);
    let root = repository.root.clone();
    // Ends with the process.
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(SUPERVISOR_TICK).await;
            let is_standing = home
                .load()
                .is_ok_and(|release| release.is_some_and(|found| found.wanted == Wanted::Running));
            if is_standing && !home.is_supervised() {
                // What can't be started now is tried again.
                let _ = start_supervisor(&program, &root, &home);
            }
        }
    });
    Ok(())
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
