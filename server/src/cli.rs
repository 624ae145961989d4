//! The command line of the hub's own process.

use std::error::Error;
use std::io::{self, IsTerminal as _, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tollgate_report::SystemClock;
use tollgate_report::quantity::Span;
use tracing_subscriber::EnvFilter;

use crate::hub::{self, AdminKey, Hub, Start, StartError};
use crate::settings::ServeSettings;

/// Keep the evidence of every gate and show it live
#[derive(Debug, Parser)]
#[command(
    name = "tollgate-hub",
    version,
    after_help = "Example: tollgate-hub --listen 127.0.0.1:7700 --database .tollgate/hub.db"
)]
struct Cli {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The database file; several hubs may share it
    #[arg(long, default_value = ".tollgate/hub.db")]
    database: PathBuf,
    /// The name of this version in metrics and in `/health/complete`
    #[arg(long)]
    version_label: Option<String>,
    /// File with the admin key; created when it is missing
    #[arg(long)]
    admin_key_file: Option<PathBuf>,
    /// The admin key itself, `tg_` and 64 hexadecimal digits
    #[arg(
        long = "admin-key",
        env = "TOLLGATE_HUB_ADMIN_KEY",
        hide = true,
        hide_env_values = true
    )]
    admin_key: Option<String>,
    /// How long a client may take to send the head of a request
    #[arg(long, default_value = "10s")]
    header_read_timeout: Span,
    /// How long shutdown waits for requests in progress
    #[arg(long, default_value = "10s")]
    drain_timeout: Span,
    /// The fault of a drill
    #[cfg(feature = "drill")]
    #[arg(long)]
    fault: Option<crate::fault::FaultKind>,
    /// How long after the start the fault of a drill begins
    #[cfg(feature = "drill")]
    #[arg(long, default_value = "0s", requires = "fault")]
    fault_after: Span,
}

/// Runs the hub until a signal stops it; the exit code of the process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("TOLLGATE_LOG").unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref()),
    }
}

async fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    let mut stops = Stops::new()?;
    let hub: Result<Hub, StartError> = hub::start(start(cli), Arc::new(SystemClock::new())).await;
    let hub = hub?;
    if let Some(key) = hub.first_key() {
        writeln!(io::stderr(), "the admin key, shown this once: {key}")?;
    }
    // The starter reads the port from this line.
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on http://{}", hub.address())?;
    stdout.flush()?;
    tracing::info!(hub.address = %hub.address(), "hub is ready");
    stops.wait().await;
    tracing::info!("hub shuts down");
    if !hub.shutdown().await {
        tracing::warn!("some requests did not finish in time and were dropped");
    }
    Ok(())
}

fn start(cli: Cli) -> Start {
    Start {
        settings: ServeSettings {
            listen: cli.listen,
            database: cli.database,
            version_label: cli.version_label,
            header_read_timeout: cli.header_read_timeout,
            drain_timeout: cli.drain_timeout,
            ..ServeSettings::default()
        },
        admin_key: match (cli.admin_key, cli.admin_key_file) {
            (Some(key), _) => AdminKey::Given(key),
            (None, Some(path)) => AdminKey::File(path),
            (None, None) => AdminKey::Fresh,
        },
        #[cfg(feature = "drill")]
        fault: cli.fault.map(|kind| (kind, cli.fault_after.0)),
    }
}

/// Prints an error with its causes, and hints last. Exit code 6: the environment is not usable.
fn fail(error: &dyn Error) -> ExitCode {
    let (mut causes, mut hints) = (Vec::new(), String::new());
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        let (cause_text, hint) = text.split_once("\n\nhint: ").unwrap_or((&text, ""));
        causes.push(cause_text.to_owned());
        if !hint.is_empty() {
            hints.push_str(&format!("\n\nhint: {hint}"));
        }
        next = cause.source();
    }
    // Standard error may be closed; then nobody reads the text.
    let _ = writeln!(io::stderr(), "error: {}{hints}", causes.join(": "));
    ExitCode::from(tollgate_report::ExitCode::Environment.code())
}

/// The signals that stop the hub.
struct Stops {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Stops {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        // A lost branch drops a signal that has not come.
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
