//! The tools that the settings of a repository need, and how a missing one is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use serde::Serialize;
use tollgate_codegen::Language;
use tollgate_tiers::builtin::{Builtin, install_hint};
use tollgate_tiers::plan::Step;
use tollgate_tiers::settings::Tier;
use tollgate_tiers::tools::find_on_path;

use crate::context::Context;
use crate::failure::Failure;

/// How a missing tool is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Install {
    /// A package of the system's package manager; needs root, or `sudo` without a password.
    System(String),
    /// A component of rustup, or where that can't be had a package of the system.
    Component(&'static str, String),
    /// A crate with a binary.
    Cargo(String),
    /// A command that writes into the repository alone.
    Local(String),
    /// Only a person can install it; the text describes how.
    Manual(String),
}

/// One tool: what it is for, and whether it is installed.
#[derive(Debug, Clone, Serialize)]
pub struct Tool {
    pub name: String,
    pub used_for: String,
    /// Nothing works without it.
    pub is_required: bool,
    /// The first line of its version, or where it is; absent when it is missing.
    pub found: Option<String>,
    #[serde(skip)]
    pub install: Install,
    /// The command that installs it.
    pub install_command: String,
}

impl Tool {
    /// A tool that is not required.
    pub fn new(name: &str, used_for: &str, found: Option<String>, install: Install) -> Self {
        let install_command = match &install {
            Install::System(package) => format!("apt-get install -y {package}"),
            Install::Component(component, package) => {
                format!("rustup component add {component}, or: apt-get install -y {package}")
            }
            Install::Cargo(package) => format!("cargo install --locked {package}"),
            Install::Local(how) | Install::Manual(how) => how.clone(),
        };
        Self {
            name: name.to_owned(),
            used_for: used_for.to_owned(),
            is_required: false,
            found,
            install,
            install_command,
        }
    }

    fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }
}

/// The first line that a version command prints; absent when it can't be run or fails.
pub fn version(program: &str, args: &[&str]) -> Option<String> {
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

/// What the steps of all tiers start, by tool: the tiers and steps that need it.
fn of_tiers(context: &Context) -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
    let mut tools: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for tier in [Tier::Tier0, Tier::Tier1, Tier::Tier2, Tier::Tier3] {
        let plan = tollgate_tiers::plan(
            &context.settings.tiers,
            tier,
            &context.root,
            &context.settings.ratchet.file,
        )
        .map_err(Failure::settings)?;
        for step in &plan.steps {
            for tool in of_step(step) {
                let users = tools.entry(tool).or_default();
                users.insert(format!("{} of {}", step.name, tier.word()));
            }
        }
    }
    Ok(tools)
}

/// The programs that a step starts. A shell stands for whatever its script needs, so it is not one.
fn of_step(step: &Step) -> BTreeSet<String> {
    let commands = step.tools.iter().chain([&step.command]);
    let mut tools: BTreeSet<String> = commands
        .filter_map(|argv| program_of(argv))
        .filter(|tool| !matches!(tool.as_str(), "sh" | "bash" | "rustc" | "{tollgate}"))
        .collect();
    let measures = step.instrumented == Some(Builtin::Test);
    if measures || step.command.iter().any(|word| word == "coverage") {
        tools.insert("llvm-cov".to_owned());
    }
    tools
}

/// The executable behind a command: `cargo nextest run` starts `cargo-nextest`.
fn program_of(argv: &[String]) -> Option<String> {
    let (program, args) = argv.split_first()?;
    let external = ["nextest", "clippy", "fmt", "deny", "mutants", "llvm-cov"];
    match args.first() {
        Some(subcommand) if program == "cargo" && external.contains(&subcommand.as_str()) => {
            Some(format!("cargo-{subcommand}"))
        }
        _ => Some(program.clone()),
    }
}

/// A tool of a step, as this machine has it.
fn look_up(context: &Context, name: &str, used_for: &str) -> Tool {
    let found = match name.strip_prefix("cargo-") {
        Some(subcommand) => version("cargo", &[subcommand, "--version"]),
        None => version(name, &["--version"])
            .or_else(|| find_on_path(name).map(|path| path.display().to_string())),
    };
    match name {
        "cargo" => Tool::new(name, used_for, found, manual(name)).required(),
        "cargo-clippy" | "cargo-fmt" => Tool::new(name, used_for, found, manual(name)),
        "llvm-cov" => {
            let llvm = llvm_major();
            let found = tollgate_tiers::coverage::find_llvm_tools(&context.root);
            let found = found.ok().flatten();
            Tool::new(
                &format!("llvm-cov {llvm}"),
                used_for,
                found.map(|tools| tools.cov.display().to_string()),
                Install::Component("llvm-tools", format!("llvm-{llvm}")),
            )
        }
        "node" | "npm" | "npx" => {
            Tool::new(name, used_for, found, Install::System("nodejs npm".into()))
        }
        _ if name.starts_with("cargo-") => {
            Tool::new(name, used_for, found, Install::Cargo(name.to_owned()))
        }
        _ => Tool::new(name, used_for, found, manual(name)),
    }
}

fn manual(name: &str) -> Install {
    Install::Manual(install_hint(name))
}

/// Every tool that the settings need: git, what the steps of the tiers start, and the compilers of
/// the languages that `codegen verify` proves.
pub fn needed(context: &Context) -> Result<Vec<Tool>, Failure> {
    let git = version("git", &["--version"]);
    let mut tools =
        vec![Tool::new("git", "what changed", git, Install::System("git".into())).required()];
    for (name, users) in of_tiers(context)? {
        let users: Vec<String> = users.into_iter().collect();
        tools.push(look_up(context, &name, &users.join(", ")));
    }
    let targets = context.settings.codegen.targets.iter();
    let languages: BTreeSet<Language> = targets.map(|target| target.language).collect();
    for language in languages {
        let name = match language.word() {
            "rust" => "cargo",
            "swift" => "swiftc",
            "typescript" => "node",
            other => other,
        };
        if tools.iter().all(|tool| tool.name != name) {
            let used_for = format!("codegen verify of {}", language.word());
            tools.push(look_up(context, name, &used_for));
        }
    }
    Ok(tools)
}
