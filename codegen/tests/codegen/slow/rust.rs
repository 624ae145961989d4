//! Generated Rust compiles with warnings denied, keeps the wire, and client and server understand
//! each other. All packages are members of one workspace, so that dependencies compile once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tollgate_codegen::{Emit, Language, Request, generate};

use super::packages::{Package, Shared, write};
use crate::common::{artifacts, contract, documents, odd_package, root};

/// What the tests of client and server need beyond the package itself.
const SERVER_DEPENDENCIES: &str = "
[dev-dependencies]
axum = { version = \"0.8\", default-features = false, features = [\"http1\", \"tokio\"] }
tokio = { version = \"1\", features = [\"macros\", \"net\", \"rt\"] }
";

/// The features of the package whose tests need all of them.
const FEATURES: &str =
    "models-odd/chrono,models-odd/jiff,models-odd/time,models-odd/url,models-odd/uuid";

/// What generated packages use, directly or not, and what sets features of it in this repository.
const CLIENTS: [&str; 23] = [
    "axum",
    "bytes",
    "chrono",
    "fancy-regex",
    "futures-util",
    "http",
    "http-body-util",
    "hyper",
    "hyper-util",
    "jiff",
    "regex",
    "regex-syntax",
    "reqwest",
    "rustls",
    "serde",
    "time",
    "tokio",
    "tokio-rustls",
    "tokio-util",
    "tower",
    "tracing-subscriber",
    "url",
    "uuid",
];

/// A package under a name of its own.
fn named(mut package: Package) -> Package {
    let manifest = package.files.iter_mut();
    let mut manifest = manifest.filter(|file| file.path == "Cargo.toml");
    let manifest = manifest.next().expect("a manifest");
    let lines = manifest.contents.lines().map(|line| {
        if line.starts_with("name = ") {
            format!("name = \"{}\"\n", package.name)
        } else {
            format!("{line}\n")
        }
    });
    manifest.contents = lines.collect();
    package
}

fn packages() -> Vec<Package> {
    // The fixture names the package as it is called elsewhere.
    let wire = include_str!("../../fixtures/wire.rs.txt").replace("fixture_models", "models_odd");
    let mut packages: Vec<Package> = documents()
        .into_iter()
        .map(|(name, contracts)| {
            let files = artifacts(&contracts, Language::RUST, Emit::Models);
            let package = Package::new(format!("models-{name}"), files);
            if name == "odd" {
                package.with("tests/wire.rs", &wire)
            } else {
                package
            }
        })
        .collect();
    packages.push(Package::new("all-odd", odd_package(Language::RUST)));
    packages.push(calls());
    packages.into_iter().map(named).collect()
}

/// Client and server of the contracts of calls and channels, with tests that use both.
fn calls() -> Package {
    let contracts = [
        contract("calls.yaml", include_str!("../../fixtures/calls.yaml")),
        contract("chat.yaml", include_str!("../../fixtures/chat.yaml")),
    ];
    let request = Request {
        language: Language::RUST,
        emit: BTreeSet::from([Emit::Models, Emit::Client, Emit::Server]),
        package: "fixture-calls".to_owned(),
        has_manifest: true,
    };
    let generated = generate(&contracts, &request).expect("the contract can be generated");
    let mut package = Package::new("fixture-calls", generated.artifacts);
    for file in &mut package.files {
        if file.path == "Cargo.toml" {
            file.contents.push_str(SERVER_DEPENDENCIES);
        }
    }
    package.with(
        "tests/calls.rs",
        include_str!("../../fixtures/calls.rs.txt"),
    )
}

/// A package that no generated one uses: with it, dependencies have the features that they have in
/// this repository, so that Cargo finds them compiled.
fn unified() -> String {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let dependencies = manifest
        .lines()
        .skip_while(|line| *line != "[workspace.dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| {
            line.split(' ')
                .next()
                .is_some_and(|name| CLIENTS.contains(&name))
        });
    let mut text = String::from(
        "[package]\nname = \"unified\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n",
    );
    for line in dependencies {
        text.push_str(line);
        text.push('\n');
    }
    let unity = root().join("unity");
    text.push_str(&format!("tollgate-unity = {{ path = {unity:?} }}\n"));
    text
}

/// Builds all packages, and returns the programs of their tests by name.
#[track_caller]
fn built() -> BTreeMap<String, PathBuf> {
    let mut packages = packages();
    for package in &mut packages {
        let mut manifests = package.files.iter_mut();
        let manifest = manifests.find(|file| file.path == "Cargo.toml");
        let manifest = manifest.expect("a manifest");
        manifest
            .contents
            .push_str("\n[lints.rust]\nwarnings = \"deny\"\n");
    }
    packages.push(
        Package::new("unified", Vec::new())
            .with("Cargo.toml", &unified())
            .with("src/lib.rs", "//! Nothing.\n"),
    );
    let shared = Shared::new("rust", &packages);
    let members: Vec<String> = packages
        .iter()
        .map(|package| format!("\"packages/{}\"", package.name))
        .collect();
    let workspace = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n[profile.dev]\ndebug = false\nincremental = false\n",
        members.join(", ")
    );
    write(&shared.folder.join("Cargo.toml"), &workspace);
    fs::copy(root().join("Cargo.lock"), shared.folder.join("Cargo.lock")).expect("a lock file");
    let mut cargo = Command::new(env!("CARGO"));
    // Build scripts run again when what Cargo says of a running test changes.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    let output = cargo
        .args([
            "build",
            "--workspace",
            "--lib",
            "--test",
            "wire",
            "--test",
            "calls",
        ])
        .args(["--features", FEATURES])
        .args([
            "--offline",
            "--quiet",
            "--message-format",
            "json-render-diagnostics",
        ])
        .current_dir(&shared.folder)
        .env("CARGO_TARGET_DIR", &shared.target)
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .output()
        .expect("cargo starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let messages = String::from_utf8(output.stdout).expect("text");
    let mut programs = BTreeMap::new();
    for line in messages.lines() {
        let message: serde_json::Value = serde_json::from_str(line).expect("a message of cargo");
        let name = message["target"]["name"].as_str();
        if let (Some(name), Some(program)) = (name, message["executable"].as_str()) {
            programs.insert(name.to_owned(), PathBuf::from(program));
        }
    }
    programs
}

/// Runs the tests of a package.
#[track_caller]
fn run(name: &str) {
    let output = Command::new(&built()[name]).output().expect("a program");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("running 0 tests"), "{text}");
}

#[test]
fn rust_compiles_without_warnings() {
    let programs: Vec<String> = built().into_keys().collect();
    assert_eq!(programs, ["calls", "wire"]);
}

#[test]
fn rust_types_keep_the_wire() {
    run("wire");
}

#[test]
fn rust_client_and_server_understand_each_other() {
    run("calls");
}
