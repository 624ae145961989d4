//! The binary `tollgate`.

use tollgate::Program;

fn main() -> std::process::ExitCode {
    let (program, args) = Program::of(std::env::args_os().collect());
    tollgate::run::main(program, args)
}
