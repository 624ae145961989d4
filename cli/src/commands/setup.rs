//! `setup` and `doctor`: which tools the gates use, which are here, how to get the others.

use clap::Args;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;
use tollgate_report::render::render_table;
use tollgate_report::{ExitCode, Outcome};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};

/// Install the git hook that runs tier 0 before each commit, or the tools that the settings need
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: {tollgate} setup --hook")]
pub struct SetupArgs {
    /// Install only into the repository, and packages of the system only under CI=true
    #[arg(long)]
    pub auto: bool,
    /// Install the git hook and nothing else
    #[arg(long, conflicts_with = "auto")]
    pub hook: bool,
    /// Print what would be done, do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// How a missing tool is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Install {
    /// A package of the system's package manager; needs root, or `sudo` without a password.
    System(String),
    /// A component of rustup, or where that can't be had a package of the system.
    Component(&'static str, String),
    /// A crate with a binary.
    Cargo(&'static str),
    /// The packages of `tests/node/package-lock.json`, into the repository.
    Node,
    /// Only a person can.
    ByHand(&'static str),
}

/// One tool: what it is for, and what this machine answers.
#[derive(Debug, Clone, Serialize)]
struct Tool {
    name: String,
    used_for: &'static str,
    /// Without it `ship` or `tier1` can't run at all.
    is_required: bool,
    /// The first line of its version, or where it is; absent when it is missing.
    found: Option<String>,
    #[serde(skip)]
    install: Install,
    /// The command that installs it.
    install_command: String,
}

fn version(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().to_owned())
}

fn tool(name: &str, used_for: &'static str, found: Option<String>, install: Install) -> Tool {
    let install_command = match &install {
        Install::System(package) => format!("apt-get install -y {package}"),
        Install::Component(component, package) => {
            format!("rustup component add {component}, or: apt-get install -y {package}")
        }
        Install::Cargo(package) => format!("cargo install --locked {package}"),
        Install::Node => "npm ci --prefix tests/node".to_owned(),
        Install::ByHand(how) => (*how).to_owned(),
    };
    Tool {
        name: name.to_owned(),
        used_for,
        is_required: false,
        found,
        install,
        install_command,
    }
}

/// The major version of the LLVM that rustc was built with, as `rustc -vV` names it.
fn llvm_major() -> String {
    let output = Command::new("rustc")
        .arg("-vV")
        .stdin(Stdio::null())
        .output();
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "));
    version
        .and_then(|version| version.split('.').next())
        .unwrap_or("NN")
        .to_owned()
}

/// Every tool that some gate uses, in the order in which they are met.
fn tools(root: &Path) -> Vec<Tool> {
    let llvm = llvm_major();
    let llvm_found = tollgate_tiers::coverage::find_llvm_tools(root)
        .ok()
        .flatten();
    let llvm_found = llvm_found.map(|tools| tools.cov.display().to_string());
    let node_modules = root.join("tests/node/node_modules/.bin/tsc");
    let mut tools = vec![
        Tool {
            is_required: true,
            ..tool(
                "cargo",
                "everything",
                version("cargo", &["--version"]),
                Install::ByHand("https://rustup.rs"),
            )
        },
        Tool {
            is_required: true,
            ..tool(
                "git",
                "what changed",
                version("git", &["--version"]),
                Install::System("git".into()),
            )
        },
        tool(
            "rustfmt",
            "the fmt step",
            version("cargo", &["fmt", "--version"]),
            Install::ByHand("rustup component add rustfmt"),
        ),
        tool(
            "clippy",
            "the lint step",
            version("cargo", &["clippy", "--version"]),
            Install::ByHand("rustup component add clippy"),
        ),
        tool(
            "cargo-nextest",
            "tests, faster than cargo test",
            version("cargo", &["nextest", "--version"]),
            Install::Cargo("cargo-nextest"),
        ),
        tool(
            &format!("llvm-cov {llvm}"),
            "coverage",
            llvm_found,
            Install::Component("llvm-tools", format!("llvm-{llvm}")),
        ),
        tool(
            "node",
            "TypeScript and browser tests",
            version("node", &["--version"]),
            Install::System("nodejs npm".into()),
        ),
    ];
    if root.join("tests/node/package-lock.json").is_file() {
        let found = node_modules
            .exists()
            .then(|| "tests/node/node_modules".to_owned());
        tools.push(tool(
            "node packages",
            "TypeScript and browser tests",
            found,
            Install::Node,
        ));
    }
    tools.push(tool(
        "swiftc 6",
        "compiling the generated Swift",
        tollgate_proof::toolchains::swift::find().map(|toolchain| toolchain.version),
        Install::ByHand("https://www.swift.org/install"),
    ));
    tools.push(tool(
        "chromium",
        "the dashboard in a real browser",
        version("chromium", &["--version"]),
        Install::System("chromium".into()),
    ));
    tools.push(tool(
        "cargo-deny",
        "licences and sources (tier 3)",
        version("cargo", &["deny", "--version"]),
        Install::Cargo("cargo-deny"),
    ));
    tools.push(tool(
        "cargo-mutants",
        "mutation (tier 2)",
        version("cargo", &["mutants", "--version"]),
        Install::Cargo("cargo-mutants"),
    ));
    tools
}

/// `doctor`: a table of what is here, the port and disk that `ship` needs, and what to do.
pub fn doctor(context: &Context) -> CommandResult {
    let tools = tools(&context.root);
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
                    "here".to_owned()
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
            &["tool", "state", "used for", "version, or how to get it"],
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

/// How commands of the system's package manager are run here; absent when they can't be.
fn system_prefix() -> Option<&'static str> {
    version("apt-get", &["--version"])?;
    if version("id", &["-u"]).as_deref() == Some("0") {
        return Some("");
    }
    // Only where sudo asks nothing, such as on a hosted runner.
    version("sudo", &["-n", "true"]).map(|_| "sudo -n ")
}

/// The commands that install a tool, in the order in which they are tried; none when a person must.
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
        Install::Node if version("npm", &["--version"]).is_some() => {
            vec!["npm ci --prefix tests/node".to_owned()]
        }
        // Building a tool takes minutes: only where somebody asked for it.
        Install::Cargo(package) if !is_auto => vec![format!("cargo install --locked {package}")],
        Install::Node | Install::Cargo(_) | Install::ByHand(_) => Vec::new(),
    }
}

/// Tries the commands in order; says why the last one failed when none worked.
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

/// `setup`: installs what is missing. With `--auto`, packages of the system only under `CI=true`.
pub fn setup(context: &Context, args: &SetupArgs) -> CommandResult {
    let mut left: Vec<Tool> = Vec::new();
    let missing = tools(&context.root)
        .into_iter()
        .filter(|tool| tool.found.is_none());
    for tool in missing.collect::<Vec<_>>() {
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
    if args.hook {
        install_hook(context, args.dry_run)?;
    }
    for tool in &left {
        context.output.line(format!(
            "missing: {} ({}); install it with: {}",
            tool.name, tool.used_for, tool.install_command
        ));
    }
    if left.is_empty() {
        context.output.line("all tools are here");
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
        "run `{command}`: {}: {said}",
        output.status
    ))
    .hint("run the command by hand, then again `{tollgate} setup`"))
}

const HOOK: &str =
    "#!/bin/sh\n# Installed by `cargo xtask setup --hook`.\nexec cargo xtask tier0 --staged\n";

fn install_hook(context: &Context, is_dry_run: bool) -> Result<(), Failure> {
    let folder = version(
        "git",
        &[
            "-C",
            &context.root.display().to_string(),
            "rev-parse",
            "--git-path",
            "hooks",
        ],
    );
    let folder = folder.ok_or_else(|| {
        Failure::environment(anyhow::anyhow!(
            "find the hooks of `{}`: it is not a git repository",
            context.root.display()
        ))
    })?;
    let path = context.root.join(folder).join("pre-commit");
    match fs::read_to_string(&path) {
        Ok(text) if text == HOOK => {
            context.output.line("the pre-commit hook is there already");
            return Ok(());
        }
        Ok(_) => {
            return Err(Failure::environment(anyhow::anyhow!(
                "install the hook: `{}` is there and is not ours",
                path.display()
            ))
            .hint("add `cargo xtask tier0 --staged` to it, or move it away"));
        }
        Err(_) => {}
    }
    if is_dry_run {
        context
            .output
            .line(format!("would write {}", path.display()));
        return Ok(());
    }
    tollgate_report::write_atomic(&path, HOOK.as_bytes()).map_err(Failure::environment)?;
    make_executable(&path)?;
    context.output.line(format!("wrote {}", path.display()));
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
