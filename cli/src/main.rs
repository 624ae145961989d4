//! The binary `tollgate`.

use tollgate::Program;

fn main() -> std::process::ExitCode {
    tollgate::run::main(Program::TOLLGATE, std::env::args_os().collect())
}
