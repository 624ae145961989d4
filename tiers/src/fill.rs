//! Fills a step that names a built-in: command, inputs, tools, environment and lock.

use crate::builtin::Builtin;
use crate::settings::StepSettings;

/// Fills in the fields that the settings omit: command, inputs, tools, env and lock.
#[must_use]
pub fn fill(
    builtin: Builtin,
    mut step: StepSettings,
    has_nextest: bool,
    is_instrumented: bool,
) -> StepSettings {
    if step.name.is_empty() {
        builtin.word().clone_into(&mut step.name);
    }
    step.command = if is_instrumented && builtin.is_instrumented() {
        builtin.instrumented_command(has_nextest)
    } else {
        builtin.command(has_nextest)
    };
    step.per_crate.get_or_insert(builtin.is_per_crate());
    let outputs = builtin.outputs().iter().map(|path| (*path).to_owned());
    step.outputs.extend(outputs);
    if step.command[0] == "cargo" {
        fill_cargo(builtin, &mut step, has_nextest);
    }
    if step.inputs.is_empty() {
        let globs: &[&str] = match builtin {
            Builtin::Fmt => &[
                "**/*.rs",
                "**/Cargo.toml",
                "**/rustfmt.toml",
                "**/.rustfmt.toml",
            ],
            _ => &[],
        };
        step.inputs = globs.iter().map(|glob| (*glob).to_owned()).collect();
    }
    step
}

fn fill_cargo(builtin: Builtin, step: &mut StepSettings, has_nextest: bool) {
    let versions: &[&[&str]] = match builtin {
        Builtin::Fmt => &[&["cargo", "fmt", "--version"]],
        Builtin::Lint => &[&["rustc", "-vV"], &["cargo", "clippy", "--version"]],
        Builtin::Test if has_nextest => &[&["rustc", "-vV"], &["cargo", "nextest", "--version"]],
        Builtin::Audit => &[&["cargo", "deny", "--version"]],
        Builtin::Mutation => &[&["rustc", "-vV"], &["cargo", "mutants", "--version"]],
        _ => &[&["rustc", "-vV"]],
    };
    step.tools.extend(
        versions
            .iter()
            .map(|argv| argv.iter().map(|word| (*word).to_owned()).collect()),
    );
    if matches!(builtin, Builtin::Fmt | Builtin::Audit) {
        return;
    }
    step.lock.get_or_insert_with(|| "cargo".to_owned());
    const CARGO_ENV: [&str; 13] = [
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_*",
        "CARGO_PROFILE_*",
        "RUSTC_WRAPPER",
        "CC",
        "CXX",
        "CFLAGS",
        "CXXFLAGS",
        "PROPTEST_*",
        "INSTA_*",
        "CI",
    ];
    step.env.extend(CARGO_ENV.map(str::to_owned));
}
