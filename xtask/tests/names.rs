//! The workshop is called `cargo xtask` in its own help, hints and hook.
#![expect(clippy::unwrap_used, reason = "the helpers of a test are test code")]

use std::process::Command;

fn run(folder: &std::path::Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(args)
        .current_dir(folder)
        .env_remove("CI")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn the_workshop_has_the_commands_of_the_product_under_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(folder)
        .status()
        .unwrap();
    for command in [
        &["tier0"][..],
        &["contract", "diff"],
        &["ship"],
        &["fuzz"],
        &["agreement"],
    ] {
        let help = run(folder, &[command, &["--help"]].concat());
        let words = command.join(" ");
        assert!(
            help.contains(&format!("Usage: cargo xtask {words}")),
            "{help}"
        );
        assert!(
            help.contains(&format!("Example: cargo xtask {words}")),
            "{help}"
        );
    }
    let failing = run(folder, &["ratchet", "check"]);
    assert!(
        failing.contains("hint: `cargo xtask ratchet tighten`"),
        "{failing}"
    );
    run(folder, &["setup", "--hook"]);
    let hook = std::fs::read_to_string(folder.join(".git/hooks/pre-commit")).unwrap();
    assert!(
        hook.ends_with("exec cargo xtask tier0 --staged\n"),
        "{hook}"
    );
}
