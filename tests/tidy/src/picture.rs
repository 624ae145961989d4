//! The crates and who may depend on whom: the table and the picture of `docs/ARCHITECTURE.md`,
//! compared with `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::tree;

/// The document that holds the table and the picture.
pub const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";

/// A crate of the workspace.
pub struct Package {
    /// Its folder, from the root of the repository.
    pub folder: String,
    /// Names of its ordinary dependencies, ours as their folders.
    pub dependencies: BTreeSet<String>,
    /// The root files of its library and binaries, from the root of the repository.
    pub root_files: Vec<String>,
}

/// The crates of the workspace, in the order of their folders.
///
/// # Panics
/// When cargo can't be run.
#[must_use]
pub fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(tree::root())
        .output()
        .expect("cargo runs this test");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let root = text(&metadata["workspace_root"]);
    let relative = |path: &Value| {
        text(path)
            .strip_prefix(&root)
            .expect("members lie in the workspace")
            .trim_start_matches('/')
            .to_owned()
    };
    let members = list(&metadata["packages"]);
    let folder_of = |package: &Value| {
        relative(&package["manifest_path"])
            .trim_end_matches("/Cargo.toml")
            .to_owned()
    };
    let folders: BTreeMap<String, String> = members
        .iter()
        .map(|package| (text(&package["name"]), folder_of(package)))
        .collect();
    let mut packages: Vec<Package> = members
        .iter()
        .map(|package| Package {
            folder: folder_of(package),
            dependencies: list(&package["dependencies"])
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| text(&dependency["name"]))
                .map(|name| folders.get(&name).cloned().unwrap_or(name))
                .collect(),
            root_files: list(&package["targets"])
                .iter()
                .filter(|target| {
                    list(&target["kind"])
                        .iter()
                        .any(|kind| kind == "lib" || kind == "bin")
                })
                .map(|target| relative(&target["src_path"]))
                .collect(),
        })
        .collect();
    packages.sort_by(|one, other| one.folder.cmp(&other.folder));
    packages
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The root files of all crates, without those of generated code.
#[must_use]
pub fn crate_roots() -> Vec<String> {
    let files = packages()
        .into_iter()
        .flat_map(|package| package.root_files);
    files.filter(|file| !file.starts_with("models/")).collect()
}

/// The rows of the table: folder → folders it may use.
///
/// # Panics
/// When the table is missing.
#[must_use]
pub fn table() -> BTreeMap<String, BTreeSet<String>> {
    let section = section("## Dependencies");
    let rows: BTreeMap<String, BTreeSet<String>> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|');
            let crates = quoted(cells.next().unwrap_or_default());
            let uses = quoted(cells.next().unwrap_or_default());
            (
                crates.into_iter().next().unwrap_or_default(),
                uses.into_iter().collect(),
            )
        })
        .collect();
    assert!(
        !rows.is_empty(),
        "{ARCHITECTURE} has no table of dependencies"
    );
    rows
}

/// The picture: crates in layers, the highest first.
///
/// # Panics
/// When the picture is missing.
#[must_use]
pub fn layers() -> Vec<Vec<String>> {
    let section = section("## Dependencies");
    let picture = section
        .split("```")
        .nth(1)
        .unwrap_or_else(|| panic!("{ARCHITECTURE} has no picture of the layers"));
    picture
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .filter(|layer: &Vec<String>| !layer.is_empty())
        .collect()
}

fn section(heading: &str) -> String {
    let text = std::fs::read_to_string(tree::root().join(ARCHITECTURE))
        .expect("docs/ARCHITECTURE.md exists");
    let (_, after) = text
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("{ARCHITECTURE} has no section `{heading}`"));
    let end = after.find("\n## ").unwrap_or(after.len());
    after[..end].to_owned()
}

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Crates that use neither an async runtime nor a socket.
    const PURE: &[&str] = &[
        "budgets",
        "codegen",
        "contracts/conform",
        "contracts/diff",
        "contracts/instance",
        "contracts/lint",
        "contracts/model",
        "ratchet",
        "report",
        "stats",
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

    #[test]
    fn the_table_and_cargo_agree() {
        let table = table();
        let packages = packages();
        let folders: BTreeSet<&str> = packages.iter().map(|one| one.folder.as_str()).collect();
        let rows: BTreeSet<&str> = table.keys().map(String::as_str).collect();
        assert_eq!(rows, folders, "one row of {ARCHITECTURE} for each crate");
        for package in &packages {
            let ours: BTreeSet<&str> = package
                .dependencies
                .iter()
                .map(String::as_str)
                .filter(|name| folders.contains(name))
                .collect();
            let allowed: BTreeSet<&str> =
                table[&package.folder].iter().map(String::as_str).collect();
            assert_eq!(
                ours, allowed,
                "what `{}` uses by its Cargo.toml (left) and by {ARCHITECTURE} (right)",
                package.folder
            );
        }
    }

    #[test]
    fn arrows_point_down_the_picture() {
        let layers = layers();
        let layer_of: BTreeMap<&str, usize> = layers
            .iter()
            .enumerate()
            .flat_map(|(n, layer)| layer.iter().map(move |name| (name.as_str(), n)))
            .collect();
        let table = table();
        let drawn: BTreeSet<&str> = layer_of.keys().copied().collect();
        let rows: BTreeSet<&str> = table.keys().map(String::as_str).collect();
        assert_eq!(drawn, rows, "the picture draws the crates of the table");
        for (folder, uses) in &table {
            for used in uses {
                assert!(
                    layer_of[folder.as_str()] < layer_of[used.as_str()],
                    "`{folder}` uses `{used}`, which the picture does not draw below it"
                );
            }
        }
    }

    #[test]
    fn pure_crates_use_no_runtime_and_no_socket() {
        for package in packages() {
            let is_pure = PURE.iter().any(|folder| {
                package.folder == *folder || package.folder.starts_with(&format!("{folder}/"))
            });
            let found: Vec<&&str> = ASYNC_OR_SOCKET
                .iter()
                .filter(|name| package.dependencies.contains(**name))
                .collect();
            assert!(
                !is_pure || found.is_empty(),
                "`{}` is pure, yet depends on {found:?}",
                package.folder
            );
        }
    }

    #[test]
    fn only_the_server_and_the_tests_use_axum() {
        let users: Vec<String> = packages()
            .into_iter()
            .filter(|package| package.dependencies.contains("axum"))
            .map(|package| package.folder)
            .collect();
        // The tests serve a contract with defects of their own.
        assert_eq!(users, ["server", "tests"]);
    }
}
