//! The hub as a process of its own. It must not hold logic.

fn main() -> std::process::ExitCode {
    tollgate_server::cli::main()
}
