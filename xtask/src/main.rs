//! The binary of the alias `cargo xtask`. It must hold no logic.

fn main() -> std::process::ExitCode {
    xtask::main(std::env::args_os().collect())
}
