//! From arguments to exit code: the one path every command takes.

use std::ffi::OsString;
use std::process;

use clap::Parser;
use tollgate_report::ExitCode;

use crate::cli::Cli;
use crate::commands;
use crate::context::Context;
use crate::output::Output;

/// Reading, generating and comparing make many small values, which the C library's allocator takes
/// a third of the time for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command line and returns what the process exits with.
#[must_use]
pub fn main(args: Vec<OsString>) -> process::ExitCode {
    if tollgate_tiers::coverage::is_rustc_call(&args) {
        return tollgate_tiers::coverage::rustc_wrapper(&args);
    }
    init_logs();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Clap writes help to standard output and mistakes to standard error.
            let _ = error.print();
            let code = if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Pass
            };
            return process::ExitCode::from(code.code());
        }
    };
    let output = Output::new(&cli.global);
    let result = Context::new(&cli.global).and_then(|context| commands::run(&context, cli.command));
    let code = result.unwrap_or_else(|failure| {
        output.failure(&failure);
        failure.code
    });
    process::ExitCode::from(code.code())
}

fn init_logs() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("TOLLGATE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
