//! The program uses the name by which it was called, and no other: in help, hints and the hook.
#![expect(clippy::unwrap_used, reason = "the helpers of a test are test code")]

use std::path::Path;
use std::process::Command;

/// The names that a program of ours may have.
const NAMES: [&str; 3] = ["cargo xtask ", "cargo tollgate ", "tollgate "];

/// How a text looks in which a command is named by `name`.
fn mentions(text: &str, name: &str) -> bool {
    let starts = ["`", "Example: ", "Examples: ", "Usage: ", "exec ", "or "];
    starts
        .iter()
        .any(|start| text.contains(&format!("{start}{name}")))
}

#[track_caller]
fn expect_only(name: &str, what: &str, text: &str) {
    for other in NAMES.iter().filter(|other| other.trim_end() != name) {
        assert!(!mentions(text, other), "{what} names `{other}`:\n{text}");
    }
}

fn run(binary: &str, folder: &Path, args: &[&str]) -> String {
    let output = Command::new(binary)
        .args(args)
        .current_dir(folder)
        .env_remove("CI")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// The help of a command and of all below it.
fn check_helps(binary: &str, name: &str, folder: &Path, command: &[&str]) {
    let help = run(binary, folder, &[command, &["--help"]].concat());
    expect_only(name, &format!("the help of {command:?}"), &help);
    assert!(mentions(&help, &format!("{name} ")), "{command:?}: {help}");
    let commands = help.split_once("Commands:").map_or("", |(_, rest)| rest);
    let commands = commands.split("Options:").next().unwrap_or_default();
    for line in commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
    {
        let below = line.split_whitespace().next().unwrap_or_default();
        if below != "help" {
            check_helps(binary, name, folder, &[command, &[below]].concat());
        }
    }
}

/// A repository, the hint of a failing command in it, and the hook.
fn check(binary: &str, name: &str, prefix: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(folder)
        .status()
        .unwrap();
    check_helps(binary, name, folder, prefix);
    let failing = run(binary, folder, &[prefix, &["ratchet", "check"]].concat());
    assert!(
        failing.contains(&format!("hint: `{name} ratchet tighten`")),
        "{failing}"
    );
    expect_only(name, "a hint", &failing);
    run(binary, folder, &[prefix, &["setup", "--hook"]].concat());
    let hook = std::fs::read_to_string(folder.join(".git/hooks/pre-commit")).unwrap();
    assert!(
        hook.ends_with(&format!("exec {name} tier0 --staged\n")),
        "{hook}"
    );
    expect_only(name, "the hook", &hook);
}

#[test]
fn tollgate_names_itself_as_it_was_called() {
    check(env!("CARGO_BIN_EXE_tollgate"), "tollgate", &[]);
}

#[test]
fn cargo_tollgate_names_itself_as_it_was_called() {
    check(
        env!("CARGO_BIN_EXE_cargo-tollgate"),
        "cargo tollgate",
        &["tollgate"],
    );
}

#[test]
fn cargo_tollgate_without_tollgate_names_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("cargo-tollgate");
    std::fs::copy(env!("CARGO_BIN_EXE_cargo-tollgate"), &alone).unwrap();
    let output = Command::new(&alone)
        .arg("tier0")
        .env("PATH", folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("hint: install it next to"), "{text}");
}
