//! The hub as a process of its own.

fn main() -> std::process::ExitCode {
    tollgate_server::cli::main()
}
