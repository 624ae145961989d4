//! The root of the command line. Each command's arguments and help are in the file of the command.

use clap::{Parser, Subcommand};

use crate::commands::alert::AlertCommand;
use crate::commands::budget::BudgetCommand;
use crate::commands::canary::CanaryCommand;
use crate::commands::codegen::CodegenArgs;
use crate::commands::contract::ContractCommand;
use crate::commands::evidence::{ExplainArgs, ReplayArgs};
use crate::commands::internal::InternalCommand;
use crate::commands::load::LoadArgs;
use crate::commands::probe::ProbeCommand;
use crate::commands::ratchet::RatchetCommand;
use crate::commands::release::ReleaseCommand;
use crate::commands::serve::ServeArgs;
use crate::commands::setup::SetupArgs;
use crate::commands::ship::ShipArgs;
use crate::commands::tier::TierArgs;
use crate::global::Global;

/// From contract to promoted release, each step proved
#[derive(Debug, Parser)]
#[command(
    name = "tollgate",
    version,
    max_term_width = 100,
    after_help = "Example: {tollgate} ship\n\nExit codes: 0 pass, 2 usage, 3 findings, 4 generated files stale, 5 bad settings or contract,\n6 environment, 7 inconclusive, 70 our bug"
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of the product.
#[derive(Debug, Subcommand)]
pub enum Command {
    Ship(ShipArgs),
    /// Check what changed, before a commit: format, lint, contract, unit tests
    #[command(after_help = "Example: {tollgate} tier0 --staged")]
    Tier0(TierArgs),
    /// Check a pull request: all tests, contract against the blessed one, coverage
    #[command(after_help = "Example: {tollgate} tier1")]
    Tier1(TierArgs),
    /// Check every night: mutation and end to end
    #[command(after_help = "Example: {tollgate} tier2 --explain")]
    Tier2(TierArgs),
    /// Check every week: load, licences and unused dependencies
    #[command(after_help = "Example: {tollgate} tier3")]
    Tier3(TierArgs),
    #[command(subcommand)]
    Contract(ContractCommand),
    Codegen(Box<CodegenArgs>),
    #[command(subcommand)]
    Ratchet(RatchetCommand),
    #[command(subcommand)]
    Budget(BudgetCommand),
    #[command(subcommand)]
    Probe(ProbeCommand),
    Load(LoadArgs),
    #[command(subcommand)]
    Canary(CanaryCommand),
    #[command(subcommand)]
    Release(ReleaseCommand),
    #[command(subcommand)]
    Alert(AlertCommand),
    Serve(ServeArgs),
    Setup(SetupArgs),
    /// List the tools that the settings of this repository need, and which of them are missing
    #[command(after_help = "Example: {tollgate} doctor")]
    Doctor,
    Explain(ExplainArgs),
    Replay(ReplayArgs),
    /// Print the JSON Schema of tollgate.toml, with a description of every key
    #[command(after_help = "Example: {tollgate} schema > tollgate.schema.json")]
    Schema,
    /// Print shell completions
    #[command(after_help = "Example: {tollgate} completions bash")]
    Completions {
        shell: clap_complete::Shell,
    },
    #[command(subcommand, hide = true)]
    Internal(InternalCommand),
}
