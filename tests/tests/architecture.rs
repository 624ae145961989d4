//! The shape of the code: who may depend on whom, who knows what. Compared with `cargo metadata`.
#![expect(clippy::unwrap_used, reason = "the helpers of a test are test code")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// The arrows of `docs/ARCHITECTURE.md`: a crate and the crates of ours it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("tollgate-report", &[]),
    ("tollgate-contracts", &["tollgate-report"]),
    (
        "tollgate-codegen",
        &["tollgate-contracts", "tollgate-report"],
    ),
    ("tollgate-models", &[]),
    ("tollgate-tiers", &["tollgate-report"]),
    ("tollgate-ratchet", &["tollgate-report"]),
    ("tollgate-budgets", &["tollgate-report"]),
    ("tollgate-probes", &["tollgate-report"]),
    ("tollgate-canary", &["tollgate-report"]),
    ("tollgate-alerts", &["tollgate-report"]),
    (
        "tollgate-server",
        &[
            "tollgate-alerts",
            "tollgate-models",
            "tollgate-probes",
            "tollgate-report",
        ],
    ),
    (
        "tollgate",
        &[
            "tollgate-alerts",
            "tollgate-budgets",
            "tollgate-canary",
            "tollgate-codegen",
            "tollgate-contracts",
            "tollgate-models",
            "tollgate-probes",
            "tollgate-ratchet",
            "tollgate-report",
            "tollgate-tiers",
        ],
    ),
];

/// Crates that know neither an async runtime nor a socket.
const PURE: &[&str] = &[
    "tollgate-contracts",
    "tollgate-codegen",
    "tollgate-ratchet",
    "tollgate-budgets",
    "tollgate-report",
];

const ASYNC_OR_SOCKET: &[&str] = &[
    "tokio",
    "hyper",
    "reqwest",
    "axum",
    "lettre",
    "sqlx",
    "tokio-tungstenite",
];

/// Direct, ordinary dependencies of each package of the workspace.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut packages = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let normal = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"].is_null());
        let names = normal.map(|dependency| dependency["name"].as_str().unwrap().to_owned());
        packages.insert(
            package["name"].as_str().unwrap().to_owned(),
            names.collect(),
        );
    }
    packages
}

#[test]
fn arrows_point_down_the_picture() {
    let dependencies = dependencies();
    for (package, allowed) in ALLOWED {
        let ours: BTreeSet<&str> = dependencies[*package]
            .iter()
            .map(String::as_str)
            .filter(|name| *name == "tollgate" || name.starts_with("tollgate-"))
            .collect();
        let forbidden: Vec<&&str> = ours.iter().filter(|name| !allowed.contains(name)).collect();
        assert!(
            forbidden.is_empty(),
            "`{package}` must not depend on {forbidden:?}; see docs/ARCHITECTURE.md"
        );
    }
    let known: BTreeSet<&str> = ALLOWED
        .iter()
        .map(|(package, _)| *package)
        .chain(["tollgate-tests"])
        .collect();
    let unknown: Vec<&String> = dependencies
        .keys()
        .filter(|name| !known.contains(name.as_str()))
        .collect();
    assert!(
        unknown.is_empty(),
        "say in this test what {unknown:?} may depend on"
    );
}

#[test]
fn pure_crates_know_no_runtime_and_no_socket() {
    let dependencies = dependencies();
    for package in PURE {
        let found: Vec<&&str> = ASYNC_OR_SOCKET
            .iter()
            .filter(|name| dependencies[*package].contains(**name))
            .collect();
        assert!(
            found.is_empty(),
            "`{package}` is pure, yet depends on {found:?}"
        );
    }
}

#[test]
fn only_the_server_and_the_tests_know_axum() {
    let knows: Vec<String> = dependencies()
        .into_iter()
        .filter(|(_, names)| names.contains("axum"))
        .map(|(package, _)| package)
        .collect();
    // The tests serve a contract with defects of their own.
    assert_eq!(knows, ["tollgate-server", "tollgate-tests"]);
}

/// Rust sources of ours: generated code and tests excluded.
fn sources() -> Vec<(String, String)> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "*.rs",
        ])
        .current_dir(root)
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .split_terminator('\0')
        .filter(|path| {
            !path.starts_with("models/")
                && !path.contains("/generated/")
                && !path.contains("/fixtures/")
        })
        .filter_map(|path| {
            Some((
                path.to_owned(),
                std::fs::read_to_string(format!("{root}/{path}")).ok()?,
            ))
        })
        .collect()
}

fn is_test_code(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.contains("/examples/")
        || path.contains("/benches/")
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    assert!(
        silent.is_empty(),
        "begin these files with `//!` and a sentence: {silent:?}"
    );
}

#[test]
fn the_system_clock_is_read_in_one_file() {
    let readers: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| !is_test_code(path))
        .filter(|(_, text)| {
            text.contains("SystemTime::now") || text.contains("jiff::Timestamp::now")
        })
        .map(|(path, _)| path)
        .collect();
    assert_eq!(readers, ["report/src/clock.rs"]);
}

#[test]
fn only_the_command_line_and_the_hub_s_binary_print() {
    let printers: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| !is_test_code(path) && !path.starts_with("xtask/"))
        .filter(|(_, text)| {
            // Tests inside a file come last.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            ["println!(", "eprintln!(", "print!("]
                .iter()
                .any(|call| code.contains(call))
        })
        .map(|(path, _)| path)
        .filter(|path| !path.starts_with("server/src/bin/") && path != "server/src/main.rs")
        .collect();
    assert!(printers.is_empty(), "only xtask prints: {printers:?}");
}
