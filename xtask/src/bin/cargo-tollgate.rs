//! The binary `cargo-tollgate`, so that `cargo tollgate …` works in any repository. No logic.

fn main() -> std::process::ExitCode {
    let mut args: Vec<std::ffi::OsString> = std::env::args_os().collect();
    // Cargo passes the subcommand's own name as the first argument.
    if args.get(1).is_some_and(|arg| arg == "tollgate") {
        args.remove(1);
    }
    tollgate::run::main(args)
}
