//! Generated Swift parses, also where no Swift compiler is installed.

use std::path::{Path, PathBuf};

use tollgate_tests::repository::Repository;
use tollgate_tests::tool::workspace;

#[test]
fn generated_swift_parses() {
    let repository = Repository::new(&[]);
    let mut parser = tree_sitter::Parser::new();
    let language = tree_sitter_swift::LANGUAGE.into();
    parser
        .set_language(&language)
        .expect("the grammar fits the parser");
    let mut n_files = 0;
    for contract in contracts() {
        let contract = contract.display().to_string();
        let arguments = ["codegen", "--language", "swift", "--emit", "models"];
        repository
            .run(&[&arguments[..], &["--out", "swift", "--contract", &contract]].concat())
            .expect_code(0);
        for (path, text) in repository.tree() {
            if path.ends_with(".swift") {
                n_files += 1;
                let tree = parser.parse(&text, None).expect("a parser with a language");
                let broken = first_broken(tree.root_node());
                assert_eq!(broken, None, "{contract}: {path}");
            }
        }
    }
    assert!(n_files > 100, "{n_files} files were parsed");
}

/// The hub's contracts, and documents with all that a contract can hold.
fn contracts() -> Vec<PathBuf> {
    let fixtures = workspace().join("codegen/tests/fixtures");
    let hub = workspace().join("contracts");
    let folders = [hub, fixtures.clone(), fixtures.join("odd")];
    let mut files: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| documents(folder))
        .collect();
    files.sort();
    files
}

fn documents(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_contract = |path: &PathBuf| {
        path.extension()
            .is_some_and(|suffix| suffix == "yaml" || suffix == "json")
    };
    // The grammar takes an assignment to a variable named `final` for a declaration; the compiler
    // does not (tree-sitter-swift 0.7, Swift 6).
    let parses = |path: &PathBuf| !path.ends_with("names-keywords.yaml");
    paths.filter(is_contract).filter(parses).collect()
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
