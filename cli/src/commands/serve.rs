//! `serve`: the hub and its dashboard, in front of the terminal.

use clap::Args;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use tollgate_gates::Repository;
use tollgate_release::HubBinary;
use tollgate_report::ExitCode;

use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::narrator::Voice;
use crate::program::Program;

/// Run the hub and its dashboard
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: {tollgate} serve --listen 127.0.0.1:8080")]
pub struct ServeArgs {
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// The database file; by default .tollgate/hub.db
    #[arg(long, value_name = "FILE")]
    pub database: Option<PathBuf>,
}

/// The hub's binary in the folder of this executable; built first where the program can build it.
pub fn hub_binary(program: Program, repository: &Repository) -> Result<PathBuf, Failure> {
    if let Some((command, args)) = program.hub_build.split_first() {
        let status = Command::new(command)
            .args(args)
            .current_dir(&repository.root)
            .status()
            .with_context(|| format!("cannot start `{command}` to build the hub"))?;
        if !status.success() {
            return Err(Failure::new(
                ExitCode::Findings,
                anyhow::anyhow!("cannot build the hub: `{command}` ended with {status}"),
            ));
        }
    }
    let name = format!("tollgate-hub{}", std::env::consts::EXE_SUFFIX);
    let beside = repository.beside(&name);
    if beside.is_file() {
        return Ok(beside);
    }
    Err(Failure::environment(anyhow::anyhow!(
        "cannot find `{name}`: it is not in the folder of this executable, `{}`",
        beside.parent().unwrap_or(&beside).display()
    ))
    .hint("install all binaries of the release into one folder"))
}

/// The function by which a release finds the hub's binary.
pub fn finder(program: Program) -> impl Fn(&Repository) -> Result<PathBuf, Failure> + Sync {
    move |repository| hub_binary(program, repository)
}

/// The surroundings of a release.
pub fn release_context<'a>(
    context: &'a Context,
    voice: &'a Voice<'a>,
    hub_binary: HubBinary<'a>,
) -> tollgate_release::Context<'a> {
    tollgate_release::Context {
        repository: context,
        program: context.program.name,
        narrator: voice,
        hub_binary,
    }
}

/// `serve`.
pub fn run(context: &Context, args: &ServeArgs) -> CommandResult {
    context.output.progress("building the hub");
    let hub = hub_binary(context.program, context)?;
    let database = args.database.clone().map_or_else(
        || context.state_dir.join("hub.db"),
        |path| context.here.join(path),
    );
    if let Some(parent) = database.parent() {
        std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot create the folder `{}`", parent.display()))?;
    }
    let status = Command::new(&hub)
        .args(["--listen", &args.listen, "--database"])
        .arg(&database)
        .status()
        .with_context(|| format!("cannot start `{}`", hub.display()))?;
    match status.code() {
        Some(0) | None => Ok(ExitCode::Pass),
        Some(2) => Ok(ExitCode::Usage),
        Some(_) => Ok(ExitCode::Environment),
    }
}
