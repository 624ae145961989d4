//! Manifests that lead out of the repository: `path = "../lib"` of Cargo, `file:../lib` of npm,
//! `replace … => ../lib` of Go. No step has it among its inputs, so what reads it cannot be
//! answered from the cache.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// The files in which tools name the packages next to the repository.
const MANIFESTS: [&str; 10] = [
    "Cargo.toml",
    "Package.swift",
    "Pipfile",
    "go.mod",
    "go.work",
    "package.json",
    "pnpm-workspace.yaml",
    "pyproject.toml",
    "setup.cfg",
    "tsconfig.json",
];
/// Folders of installed packages, whose manifests are not ours.
const INSTALLED: [&str; 4] = ["node_modules", ".venv", "venv", "vendor"];
/// A manifest is not larger; a file that is has another purpose.
const SIZE_MAX: u64 = 1 << 20;

/// The first manifest that names a path outside of `root`, and that path as it is written.
pub(crate) fn first<'a>(
    root: &Path,
    paths: impl Iterator<Item = &'a String>,
) -> Option<(&'a str, String)> {
    let manifests = paths.filter(|path| is_manifest(path));
    manifests
        .filter_map(|path| Some((path.as_str(), leads_out(root, path, &read(root, path)?)?)))
        .next()
}

fn read(root: &Path, path: &str) -> Option<String> {
    let full = root.join(path);
    let size = fs::metadata(&full).ok()?.len();
    (size <= SIZE_MAX).then(|| fs::read_to_string(full).ok())?
}

fn is_manifest(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let is_named = MANIFESTS.contains(&name)
        || name.starts_with("requirements") && name.ends_with(".txt")
        || path.ends_with(".cargo/config.toml");
    is_named && !folder.split('/').any(|part| INSTALLED.contains(&part))
}

/// The first path in a manifest that lies outside of the root.
fn leads_out(root: &Path, manifest: &str, text: &str) -> Option<String> {
    let folder = Path::new(manifest).parent().unwrap_or(Path::new(""));
    let lines = text.lines().map(without_comment);
    let words = lines
        .flat_map(|line| line.split(|c: char| c.is_whitespace() || "\"'`,;()[]{}<>=".contains(c)));
    words
        .map(|word| word.rsplit_once(':').map_or(word, |(_, path)| path))
        .find(|path| match path.strip_prefix('/') {
            None => is_above(folder, path),
            Some(_) => is_package(root, Path::new(path)),
        })
        .map(str::to_owned)
}

fn without_comment(line: &str) -> &str {
    let line = line.trim_start();
    if line.starts_with('#') || line.starts_with("//") {
        return "";
    }
    line
}

/// Whether a relative path leaves the root of the repository.
fn is_above(folder: &Path, path: &str) -> bool {
    if path != ".." && !path.starts_with("../") && !path.starts_with("./") {
        return false;
    }
    let mut depth = 0_i32;
    folder.join(path).components().any(|component| {
        depth += match component {
            Component::ParentDir => -1,
            Component::Normal(_) => 1,
            _ => 0,
        };
        depth < 0
    })
}

/// Whether an absolute path is a package that is not in the repository.
fn is_package(root: &Path, path: &Path) -> bool {
    let names = MANIFESTS.iter().map(|name| path.join(name));
    let is_outside = |path: &Path| {
        let real: Option<PathBuf> = fs::canonicalize(path).ok();
        real.is_some_and(|real| fs::canonicalize(root).is_ok_and(|root| !real.starts_with(root)))
    };
    names.into_iter().any(|manifest| manifest.is_file()) && is_outside(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(manifest: &str, text: &str) -> Option<String> {
        leads_out(Path::new("/nowhere"), manifest, text)
    }

    #[test]
    fn paths_of_all_tools_out_of_the_root_are_found() {
        for (manifest, text) in [
            (
                "Cargo.toml",
                "[dependencies]\next = { path = \"../ext\" }\n",
            ),
            ("a/b/Cargo.toml", "ext = {path='../../../ext'}"),
            ("Cargo.toml", "members = [\"a\", \"..\"]"),
            (
                "package.json",
                r#"{"dependencies": {"ext": "file:../ext"}}"#,
            ),
            (
                "web/package.json",
                r#"{"dependencies": {"ext": "link:../../ext"}}"#,
            ),
            ("go.mod", "replace example.test/ext => ../ext\n"),
            ("requirements-dev.txt", "-e ../ext\n"),
            (
                "pyproject.toml",
                "ext = { path = \"../ext\", editable = true }",
            ),
            ("pyproject.toml", "dependencies = [\"ext @ file:../ext\"]"),
            ("Package.swift", ".package(path: \"../Ext\"),"),
            ("web/tsconfig.json", r#"{"extends": "../../base.json"}"#),
            ("a/Cargo.toml", "path = \"./../../ext\""),
        ] {
            assert!(is_manifest(manifest), "{manifest}");
            assert!(found(manifest, text).is_some(), "{manifest}: {text}");
        }
    }

    #[test]
    fn paths_in_the_root_comments_and_other_texts_are_not() {
        for (manifest, text) in [
            ("a/Cargo.toml", "lib = { path = \"../lib\" }"),
            ("Cargo.toml", "# once ../ext\npath = \"src/../lib\""),
            (
                "web/package.json",
                r#"{"extends": "../tsconfig.json", "v": "1...2"}"#,
            ),
            ("package.json", r#"{"main": "/index.js", "files": ["..."]}"#),
        ] {
            assert_eq!(found(manifest, text), None, "{manifest}: {text}");
        }
        assert!(!is_manifest("node_modules/x/package.json") && !is_manifest("a/README.md"));
    }
}
