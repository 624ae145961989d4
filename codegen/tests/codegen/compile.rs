//! What is generated compiles: Rust with warnings denied, TypeScript strict, Swift parses.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{artifacts, contract, documents, odd_package, root, write};
use tollgate_codegen::{Artifact, Emit, Language, Request, generate};
use tollgate_contracts_model::Contract;

/// Runs `cargo` offline in a package with the workspace's lock file.
#[track_caller]
fn cargo(folder: &Path, arguments: &[&str]) {
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock file");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), std::path::PathBuf::from);
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--quiet"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target.join("codegen-compile"))
        .env("RUSTFLAGS", "-D warnings")
        .env_remove("RUSTC_WRAPPER")
        .output()
        .expect("cargo starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{errors}\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn rust_compiles_without_warnings() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut members = Vec::new();
    for (name, contracts) in documents() {
        let package = format!("models-{name}");
        let package_folder = folder.path().join(&package);
        write(
            &package_folder,
            &artifacts(&contracts, Language::Rust, Emit::Models),
        );
        let manifest = fs::read_to_string(package_folder.join("Cargo.toml")).expect("a manifest");
        let manifest = manifest.replace("fixture-models", &package);
        fs::write(package_folder.join("Cargo.toml"), manifest).expect("a manifest");
        members.push(format!("\"{package}\""));
    }
    let manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{}]\n",
        members.join(", ")
    );
    fs::write(folder.path().join("Cargo.toml"), manifest).expect("a manifest");
    cargo(folder.path(), &["check", "--workspace"]);
}

#[test]
fn models_client_and_server_of_all_odd_documents_are_one_rust_package() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &odd_package(Language::Rust));
    cargo(folder.path(), &["check"]);
}

#[test]
fn rust_types_keep_the_wire() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, contracts) = documents().swap_remove(0);
    write(
        folder.path(),
        &artifacts(&contracts, Language::Rust, Emit::Models),
    );
    let tests = folder.path().join("tests");
    fs::create_dir_all(&tests).expect("a folder");
    let wire = include_str!("../fixtures/wire.rs.txt");
    fs::write(tests.join("wire.rs"), wire).expect("a file");
    cargo(folder.path(), &["test", "--all-features"]);
}

#[test]
fn rust_client_and_server_understand_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let contracts = [
        contract("calls.yaml", include_str!("../fixtures/calls.yaml")),
        contract("chat.yaml", include_str!("../fixtures/chat.yaml")),
    ];
    let request = Request {
        language: Language::Rust,
        emit: BTreeSet::from([Emit::Models, Emit::Client, Emit::Server]),
        package: "fixture-calls".to_owned(),
        has_manifest: true,
    };
    let generated = generate(&contracts, &request).expect("the contract can be generated");
    write(folder.path(), &generated.artifacts);
    let manifest = folder.path().join("Cargo.toml");
    let text = fs::read_to_string(&manifest).expect("a manifest")
        + "\n[dev-dependencies]\naxum = { version = \"0.8\", default-features = false, features = [\"http1\", \"tokio\"] }\ntokio = { version = \"1\", features = [\"macros\", \"net\", \"rt\"] }\n";
    fs::write(&manifest, text).expect("a manifest");
    let tests = folder.path().join("tests");
    fs::create_dir_all(&tests).expect("a folder");
    fs::write(
        tests.join("calls.rs"),
        include_str!("../fixtures/calls.rs.txt"),
    )
    .expect("a file");
    cargo(folder.path(), &["test"]);
}

#[test]
fn typescript_is_strict() {
    let tsc = root().join("tests/node/node_modules/.bin/tsc");
    if !tsc.exists() {
        tollgate_report::not_checked("tsc", "generated TypeScript compiles", "cargo xtask setup");
        return;
    }
    let models = |(name, contracts): (String, Vec<Contract>)| {
        (
            name,
            artifacts(&contracts, Language::TypeScript, Emit::Models),
        )
    };
    let mut packages: Vec<(String, Vec<Artifact>)> = documents().into_iter().map(models).collect();
    packages.push((
        "all odd documents".to_owned(),
        odd_package(Language::TypeScript),
    ));
    for (name, files) in packages {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &files);
        let output = Command::new(&tsc)
            .args(["--strict", "--noEmit", "-p", "."])
            .current_dir(folder.path())
            .output()
            .expect("tsc starts");
        let errors = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}: {errors}");
    }
}

#[test]
fn swift_parses() {
    let mut parser = tree_sitter::Parser::new();
    let language = tree_sitter_swift::LANGUAGE.into();
    parser
        .set_language(&language)
        .expect("the grammar fits the parser");
    for (name, contracts) in documents() {
        for artifact in artifacts(&contracts, Language::Swift, Emit::Models) {
            let tree = parser
                .parse(&artifact.contents, None)
                .expect("a parser with a language");
            let broken = first_broken(tree.root_node());
            assert_eq!(broken, None, "{name} {}", artifact.path);
        }
    }
}

/// The line, from 1, of the first node that is an error or missing.
fn first_broken(node: tree_sitter::Node<'_>) -> Option<usize> {
    if !node.has_error() {
        return None;
    }
    if node.is_error() || node.is_missing() {
        return Some(node.start_position().row + 1);
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).find_map(first_broken)
}
