//! The binary `cargo-tollgate`, so that `cargo tollgate …` works in any repository. No logic.

use tollgate::Program;
use tollgate::program::without_subcommand;

fn main() -> std::process::ExitCode {
    let args = without_subcommand(std::env::args_os().collect());
    tollgate::run::main(Program::CARGO_TOLLGATE, args)
}
