//! The commands of the workshop, and of the product, called as `cargo xtask`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tollgate::commands::setup;
use tollgate::{CommandResult, Context, Global, Program};

use crate::bench::BenchCommand;
use crate::fuzz::FuzzArgs;
use crate::swift::SwiftArgs;
use crate::tools::tools;
use crate::{agreement, bench, fuzz, history, swift};

/// The product as this repository calls it: the hub is built before it is started.
const PROGRAM: Program = Program {
    name: "cargo xtask",
    binary: None,
    hub_build: &[
        "cargo",
        "build",
        "--quiet",
        "--package",
        "tollgate-server",
        "--bin",
        "tollgate-hub",
    ],
};

/// Tollgate and the workshop of its repository
#[derive(Debug, Parser)]
#[command(
    name = "tollgate",
    version,
    max_term_width = 100,
    after_help = "Example: {tollgate} ship\n\nExit codes: 0 pass, 2 usage, 3 findings, 4 generated files stale, 5 bad settings or contract,\n6 environment, 7 inconclusive, 70 our bug"
)]
struct Workshop {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Product(tollgate::Command),
    /// Measure our commands next to their peers
    #[command(
        subcommand,
        after_help = "Example: cargo run --release --package xtask -- bench codegen --install"
    )]
    Bench(BenchCommand),
    /// Send broken documents through load, lint, diff and codegen for a bounded time
    #[command(after_help = "Example: {tollgate} fuzz --seconds 60 --seed 1")]
    Fuzz(FuzzArgs),
    /// Run a folder of oasdiff's pairs and show where our ids, levels and counts differ
    #[command(after_help = "Example: {tollgate} agreement ../shared/vectors/oasdiff")]
    Agreement {
        /// The folder: `pairs_expected.json`, `mutated_expected.json`, `data/`
        folder: PathBuf,
    },
    /// Compare consecutive revisions of contracts in a git repository, and count what is found
    #[command(after_help = "Example: {tollgate} history ../api openapi.yaml --max 500")]
    History {
        /// The repository; a folder without a work tree will do
        repository: PathBuf,
        /// Contracts in it, as paths from its root
        #[arg(required = true)]
        paths: Vec<String>,
        /// The most pairs of revisions for each contract
        #[arg(long, default_value_t = 200, value_name = "N")]
        max: usize,
    },
    /// Unpack Debian's Swift 6 compiler into a folder of its own, where `PATH` has none
    #[command(after_help = "Example: {tollgate} swift --dry-run")]
    Swift(SwiftArgs),
}

/// Runs a command line of the workshop and returns what the process exits with.
#[must_use]
pub fn main(args: Vec<OsString>) -> ExitCode {
    tollgate::run::main_with::<Workshop>(
        PROGRAM,
        args,
        |workshop| (workshop.global.clone(), workshop),
        |context, workshop| run(context, workshop.command),
    )
}

fn run(context: &Context, command: Command) -> CommandResult {
    match command {
        Command::Product(tollgate::Command::Setup(args)) => {
            setup::setup(context, &args, tools(&context.root))
        }
        Command::Product(tollgate::Command::Doctor) => setup::doctor(context, tools(&context.root)),
        Command::Product(command) => tollgate::run_command(context, command),
        Command::Bench(BenchCommand::Codegen(args)) => bench::codegen(context, &args),
        Command::Bench(BenchCommand::Noop(args)) => bench::noop::run(context, &args),
        Command::Bench(BenchCommand::Leaf(args)) => bench::leaf::run(context, &args),
        Command::Fuzz(args) => fuzz::run(context, &args),
        Command::Agreement { folder } => agreement::run(context, &folder),
        Command::History {
            repository,
            paths,
            max,
        } => history::run(context, &repository, &paths, max),
        Command::Swift(args) => swift::run(context, &args),
    }
}
