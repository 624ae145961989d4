//! `setup` and `doctor`: the tools that the settings need, which are missing, how to get them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::Args;
use tollgate_report::render::render_table;
use tollgate_report::{ExitCode, Outcome};

use crate::commands::hook;
use crate::commands::merge_driver::{self, Attributes};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::tools::{Install, Tool, needed, version};

/// Install the git hook that runs tier 0 before each commit, the merge driver of the floors, or the
/// tools that the settings need
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: {tollgate} setup --hook")]
pub struct SetupArgs {
    /// Install only into the repository, and packages of the system only under CI=true
    #[arg(long)]
    pub auto: bool,
    /// Install the git hook and the merge driver of the floors into this clone, and nothing else
    #[arg(long, conflicts_with = "auto")]
    pub hook: bool,
    /// Print what would be done, do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `doctor`: a table of the tools that the settings need and of `extra` ones, and whether the state
/// folder can be written.
pub fn doctor(context: &Context, extra: Vec<Tool>) -> CommandResult {
    let mut tools = needed(context)?;
    tools.extend(extra);
    let disk = writable(&context.state_dir);
    let is_fit = disk.is_ok()
        && tools
            .iter()
            .all(|tool| tool.found.is_some() || !tool.is_required);
    context.output.json(&serde_json::json!({
        "version": 1,
        "fit": is_fit,
        "tools": tools,
        "state_folder": { "path": context.state_dir.display().to_string(), "error": disk.as_ref().err().map(ToString::to_string) },
    }));
    context.output.text(|out| {
        let rows: Vec<Vec<String>> = tools
            .iter()
            .map(|tool| {
                let outcome = match (&tool.found, tool.is_required) {
                    (Some(_), _) => Outcome::Pass,
                    (None, true) => Outcome::Fail,
                    (None, false) => Outcome::NotChecked,
                };
                let state = if outcome == Outcome::Pass {
                    "found".to_owned()
                } else {
                    "missing".to_owned()
                };
                let what = tool
                    .found
                    .clone()
                    .unwrap_or_else(|| tool.install_command.clone());
                vec![tool.name.clone(), state, tool.used_for.to_owned(), what]
            })
            .collect();
        render_table(
            out,
            &["tool", "state", "used for", "version, or how to install it"],
            &rows,
        )?;
        match &disk {
            Ok(()) => writeln!(out, "\n{} can be written", context.state_dir.display()),
            Err(error) => writeln!(
                out,
                "\n{} can't be written: {error}",
                context.state_dir.display()
            ),
        }
    });
    Ok(if is_fit {
        ExitCode::Pass
    } else {
        ExitCode::Environment
    })
}

fn writable(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    fs::write(&probe, b"tollgate")?;
    fs::remove_file(&probe)
}

/// The prefix of commands of the system's package manager; absent when they can't be run.
fn system_prefix() -> Option<&'static str> {
    version("apt-get", &["--version"])?;
    if version("id", &["-u"]).as_deref() == Some("0") {
        return Some("");
    }
    // Only where sudo needs no password, such as on a hosted runner.
    version("sudo", &["-n", "true"]).map(|_| "sudo -n ")
}

/// The commands that install a tool, in the order in which they are tried; none when only a person can.
fn commands(install: &Install, is_auto: bool) -> Vec<String> {
    let may_use_system = !is_auto || tollgate_report::unchecked::is_ci();
    let prefix = system_prefix().filter(|_| may_use_system);
    let system = |package: &str| {
        prefix
            .map(|prefix| format!("{prefix}apt-get install -y {package}"))
            .into_iter()
            .collect::<Vec<_>>()
    };
    match install {
        Install::System(package) => system(package),
        Install::Component(component, package) => {
            let mut commands = Vec::new();
            if may_use_system && version("rustup", &["--version"]).is_some() {
                commands.push(format!("rustup component add {component}"));
            }
            commands.extend(system(package));
            commands
        }
        Install::Local(command) => {
            let program = command.split_whitespace().next().unwrap_or_default();
            let is_there = version(program, &["--version"]).is_some();
            is_there.then(|| command.clone()).into_iter().collect()
        }
        // Building a tool takes minutes, so `--auto` leaves it out.
        Install::Cargo(package) if !is_auto => vec![format!("cargo install --locked {package}")],
        Install::Cargo(_) | Install::Manual(_) => Vec::new(),
    }
}

/// Tries the commands in order; returns why the last one failed when none worked.
fn install_one(context: &Context, tool: &Tool, commands: &[String]) -> Result<(), Failure> {
    let mut last = Ok(());
    for command in commands {
        context
            .output
            .progress(format!("installing {}: {command}", tool.name));
        last = install(context, command);
        if last.is_err() && command.contains("apt-get install") {
            // The list of packages may be old or absent; it is fetched once, then tried again.
            let update = command
                .split("install")
                .next()
                .unwrap_or_default()
                .to_owned()
                + "update -q";
            last = install(context, &update).and_then(|()| install(context, command));
        }
        if last.is_ok() {
            return Ok(());
        }
    }
    last
}

/// `setup`: installs the git hook, or the tools that are missing. With `--auto`, packages of the
/// system only under `CI=true`.
pub fn setup(context: &Context, args: &SetupArgs, extra: Vec<Tool>) -> CommandResult {
    if args.hook {
        hook::install(context, args.dry_run)?;
        merge_driver::install(context, Attributes::OfClone, args.dry_run)?;
        return Ok(ExitCode::Pass);
    }
    // A step of a tier writes no file of the user's.
    if !args.auto {
        merge_driver::install(context, Attributes::Committed, args.dry_run)?;
    }
    let mut left: Vec<Tool> = Vec::new();
    let mut tools = needed(context)?;
    tools.extend(extra);
    for tool in tools.into_iter().filter(|tool| tool.found.is_none()) {
        let commands = commands(&tool.install, args.auto);
        let is_optional = args.auto && matches!(tool.install, Install::Cargo(_));
        if args.dry_run || commands.is_empty() {
            if !is_optional {
                left.push(tool);
            }
            continue;
        }
        if let Err(failure) = install_one(context, &tool, &commands) {
            context
                .output
                .progress(format!("not installed: {}: {failure}", tool.name));
            left.push(tool);
        }
    }
    for tool in &left {
        context.output.line(format!(
            "missing: {} ({}); install it with: {}",
            tool.name, tool.used_for, tool.install_command
        ));
    }
    if left.is_empty() {
        context.output.line("all tools are installed");
    }
    context
        .output
        .json(&serde_json::json!({ "version": 1, "missing": left }));
    let is_fit = left.iter().all(|tool| !tool.is_required);
    Ok(if is_fit {
        ExitCode::Pass
    } else {
        ExitCode::Environment
    })
}

fn install(context: &Context, command: &str) -> Result<(), Failure> {
    let mut words = command.split_whitespace();
    let program = words.next().expect("an install command has a program");
    let output = Command::new(program)
        .args(words)
        .current_dir(&context.root)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Failure::environment(anyhow::Error::new(error).context(format!("start `{program}`")))
        })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::environment(anyhow::anyhow!(
        "`{command}` ended with {}: {said}",
        output.status
    ))
    .hint("run the command yourself, then `{tollgate} setup` again"))
}
