//! Which command runs, and on which runtime.

use clap::CommandFactory;
use tollgate_gates::settings_schema;
use tollgate_report::ExitCode;
use tollgate_tiers::settings::Tier;

use crate::cli::{Cli, Command};
use crate::commands::contract::ContractCommand;
use crate::commands::{
    alert, budget, canary, codegen, contract, evidence, internal, load, probe, ratchet, release,
    serve, setup, ship, tier,
};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::global::Format;
use crate::runtime::block_on;

/// Runs one command to its exit code.
pub fn run(context: &Context, command: Command) -> CommandResult {
    let is_lint = matches!(&command, Command::Contract(ContractCommand::Lint(_)));
    if !is_lint && matches!(context.output.format, Format::Sarif | Format::Github) {
        return Err(Failure::usage(
            "`--format sarif` and `--format github` are for `contract lint` only; use `text` or `json`",
        ));
    }
    match command {
        Command::Ship(args) => block_on(ship::run(context, &args)),
        Command::Tier0(args) => tier::run(context, Tier::Tier0, &args),
        Command::Tier1(args) => tier::run(context, Tier::Tier1, &args),
        Command::Tier2(args) => tier::run(context, Tier::Tier2, &args),
        Command::Tier3(args) => tier::run(context, Tier::Tier3, &args),
        Command::Contract(command) => contract::run(context, command),
        Command::Codegen(args) => codegen::run(context, &args),
        Command::Ratchet(command) => ratchet::run(context, command),
        Command::Budget(command) => budget::run(context, &command),
        Command::Probe(command) => block_on(probe::run(context, command)),
        Command::Load(args) => block_on(load::run(context, &args)),
        Command::Canary(command) => block_on(canary::run(context, command)),
        Command::Release(command) => block_on(release::run(context, command)),
        Command::Alert(command) => block_on(alert::run(context, command)),
        Command::Serve(args) => serve::run(context, &args),
        Command::Setup(args) => setup::setup(context, &args, Vec::new()),
        Command::Doctor => setup::doctor(context, Vec::new()),
        Command::Explain(args) => evidence::explain(context, &args.id),
        Command::Replay(args) => evidence::replay(context, &args.id),
        Command::Schema => {
            context.output.verbatim(&settings_schema());
            Ok(ExitCode::Pass)
        }
        Command::Completions { shell } => {
            context.output.text(|out| {
                clap_complete::generate(shell, &mut Cli::command(), "tollgate", out);
                Ok(())
            });
            Ok(ExitCode::Pass)
        }
        Command::Internal(command) => internal::run(context, command),
    }
}
