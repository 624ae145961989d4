//! The binary `tollgate`, which the alias `cargo xtask` runs. It must hold no logic.

fn main() -> std::process::ExitCode {
    tollgate::run::main(std::env::args_os().collect())
}
