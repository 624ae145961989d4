//! `serve`: the hub and its dashboard, in front of the terminal.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use tollgate_report::ExitCode;

use crate::cli::ServeArgs;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::ship::build::target_dir;

/// The hub's binary: beside ours, or built in this repository when it holds the hub's source.
pub fn hub_binary(context: &Context) -> Result<PathBuf, Failure> {
    let name = format!("tollgate-hub{}", std::env::consts::EXE_SUFFIX);
    let is_source_here = context.root.join("server/Cargo.toml").is_file();
    if is_source_here {
        let status = Command::new("cargo")
            .args([
                "build",
                "--quiet",
                "--package",
                "tollgate-server",
                "--bin",
                "tollgate-hub",
            ])
            .current_dir(&context.root)
            .status()
            .context("start `cargo` to build the hub")?;
        if !status.success() {
            return Err(Failure::new(
                ExitCode::Findings,
                anyhow::anyhow!("build the hub: cargo ended with {status}"),
            ));
        }
        return Ok(target_dir(&context.root).join("debug").join(name));
    }
    let beside = std::env::current_exe()
        .context("find the running executable")?
        .with_file_name(&name);
    if beside.is_file() {
        return Ok(beside);
    }
    Err(Failure::environment(anyhow::anyhow!(
        "find `{name}`: it is not beside this executable"
    ))
    .hint("install it too: cargo install tollgate-server"))
}

/// `cargo xtask serve`.
pub fn run(context: &Context, args: &ServeArgs) -> CommandResult {
    context.output.progress("building the hub");
    let hub = hub_binary(context)?;
    let database = args.database.clone().map_or_else(
        || context.state_dir.join("hub.db"),
        |path| context.here.join(path),
    );
    if let Some(parent) = database.parent() {
        std::fs::create_dir_all(parent)
            .with_context(|| format!("make the folder `{}`", parent.display()))?;
    }
    let status = Command::new(&hub)
        .args(["--listen", &args.listen, "--database"])
        .arg(&database)
        .status()
        .with_context(|| format!("start `{}`", hub.display()))?;
    match status.code() {
        Some(0) | None => Ok(ExitCode::Pass),
        Some(2) => Ok(ExitCode::Usage),
        Some(_) => Ok(ExitCode::Environment),
    }
}
