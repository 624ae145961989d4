//! The files of the repository, as git lists them.

use std::path::Path;
use std::process::Command;

/// One file: its path from the root of the repository, with `/`, and its text.
pub struct Source {
    pub path: String,
    pub text: String,
}

/// The root of the repository.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// All files whose name matches one of the globs, in the order of their paths: those that git
/// tracks and new ones that it does not ignore. Files of generated code and fixtures are left out.
///
/// # Panics
/// When git can't be run.
#[must_use]
pub fn files(globs: &[&str]) -> Vec<Source> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--deduplicate",
        ])
        .args(globs)
        .current_dir(root())
        .output()
        .expect("git is installed where this repository is checked out");
    assert!(output.status.success(), "`git ls-files` failed");
    let listed = String::from_utf8_lossy(&output.stdout);
    let mut paths: Vec<&str> = listed.split_terminator('\0').collect();
    paths.sort_unstable();
    paths
        .into_iter()
        .filter(|path| !is_generated(path))
        // A file that was deleted and not committed yet is still listed.
        .filter_map(|path| {
            let text = std::fs::read_to_string(root().join(path)).ok()?;
            Some(Source {
                path: path.to_owned(),
                text,
            })
        })
        .collect()
}

fn is_generated(path: &str) -> bool {
    path.starts_with("models/")
        || path.contains("/generated/")
        || path.contains("/fixtures/")
        || path.contains("/node_modules/")
}

/// Whether a file is compiled for tests, examples and benchmarks only.
#[must_use]
pub fn is_test_code(path: &str) -> bool {
    path.starts_with("tests/")
        || path.starts_with("benches/")
        || path.starts_with("fuzz/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.starts_with("examples/")
        || path.contains("/examples/")
        || path.contains("/benches/")
}

/// The top-level folder of a file; `.` for the files at the root.
#[must_use]
pub fn area(path: &str) -> &str {
    path.split_once('/').map_or(".", |(folder, _)| folder)
}
