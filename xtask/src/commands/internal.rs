//! Parts of Tollgate that run as processes of their own; not for people.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tollgate_canary::proxy::{ProxyConfig, ProxyLimits, ReadyLine, run_proxy};
use tollgate_report::ExitCode;
use tollgate_tiers::coverage::{Collected, Request, collect};

use crate::cli::InternalCommand;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::settings::settings_schema;

pub fn run(context: &Context, command: InternalCommand) -> CommandResult {
    match command {
        InternalCommand::Proxy { config } => super::block_on(proxy(&config)),
        InternalCommand::Coverage { exclude } => coverage(context, &exclude),
        InternalCommand::Fuzz(args) => super::fuzz::run(context, &args),
        InternalCommand::Schema => {
            context
                .output
                .text(|out| out.write_all(settings_schema().as_bytes()));
            Ok(ExitCode::Pass)
        }
    }
}

/// The proxy's settings as its starter writes them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyFile {
    pub listen: SocketAddr,
    pub control_listen: SocketAddr,
    pub stable: SocketAddr,
    pub token_file: PathBuf,
}

async fn proxy(config: &Path) -> CommandResult {
    let text = fs::read(config).with_context(|| format!("read `{}`", config.display()))?;
    let file: ProxyFile = serde_json::from_slice(&text)
        .context("read the proxy's settings")
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
    let say = |line: &ReadyLine| {
        use std::io::Write as _;
        // The starter reads this line from a file; when nobody does, the proxy serves all the same.
        let _ = writeln!(std::io::stdout().lock(), "{}", serde_json::json!(line));
    };
    run_proxy(config, shutdown, say)
        .await
        .map_err(Failure::environment)?;
    Ok(ExitCode::Pass)
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

fn coverage(context: &Context, exclude: &[String]) -> CommandResult {
    static INTERRUPT: AtomicBool = AtomicBool::new(false);
    let tollgate = context.executable()?;
    let request = Request {
        root: &context.root,
        state_dir: &context.state_dir,
        tollgate: &tollgate,
        exclude,
        target_dir: None,
        interrupt: &INTERRUPT,
    };
    match collect(&request).map_err(Failure::environment)? {
        Collected::Written {
            lcov,
            closing_lines,
            ..
        } => {
            for line in closing_lines {
                context.output.line(line);
            }
            context.output.line(format!("wrote {}", lcov.display()));
            Ok(ExitCode::Pass)
        }
        Collected::NotChecked { tool, hint } => Err(Failure::environment(anyhow::anyhow!(
            "measure coverage: `{tool}` is missing"
        ))
        .hint(hint)),
        Collected::Failed { excerpt, log } => {
            for line in excerpt {
                context.output.line(line);
            }
            context.output.line(format!(
                "error: the tests failed under coverage; all of it is in {}",
                log.display()
            ));
            Ok(ExitCode::Findings)
        }
        Collected::Interrupted => Ok(ExitCode::Inconclusive),
    }
}
