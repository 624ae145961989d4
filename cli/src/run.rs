//! From arguments to exit code: the one path every command takes.

use std::ffi::OsString;
use std::process;

use clap::{CommandFactory, FromArgMatches};
use tollgate_report::ExitCode;

use crate::cli::Cli;
use crate::context::Context;
use crate::dispatch;
use crate::failure::CommandResult;
use crate::global::Global;
use crate::output::Output;
use crate::program::Program;

/// Reading, generating and comparing make many small values, which the C library's allocator takes
/// a third of the time for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the product's command line and returns what the process exits with.
#[must_use]
pub fn main(program: Program, args: Vec<OsString>) -> process::ExitCode {
    main_with::<Cli>(
        program,
        args,
        |cli| (cli.global.clone(), cli),
        |context, cli| dispatch::run(context, cli.command),
    )
}

/// Runs a command line that has the product's commands among its own.
pub fn main_with<C: CommandFactory + FromArgMatches>(
    program: Program,
    args: Vec<OsString>,
    split: impl FnOnce(C) -> (Global, C),
    run: impl FnOnce(&Context, C) -> CommandResult,
) -> process::ExitCode {
    if tollgate_compiler::is_call(&args) {
        return tollgate_compiler::run(&args);
    }
    init_logs();
    let mut command = program.name_in(C::command());
    let parsed = command
        .try_get_matches_from_mut(args)
        .and_then(|mut matches| C::from_arg_matches_mut(&mut matches))
        .map_err(|error| error.format(&mut command));
    let cli = match parsed {
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
    let (global, cli) = split(cli);
    let output = Output::new(program, &global);
    let result = Context::new(program, &global).and_then(|context| run(&context, cli));
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
