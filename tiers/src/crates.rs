//! The crates of a Cargo workspace, the dependencies between them, and the files of each crate.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use tollgate_report::atomic::{WriteError, write_atomic};

use crate::files::Tree;

const CRATES_VERSION: u32 = 1;

/// The workspace's crates, by package name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crates {
    version: u32,
    /// Key over the manifests that it was made from.
    made_from: String,
    /// The crates.
    pub crates: BTreeMap<String, Crate>,
}

/// One crate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crate {
    /// Its folder relative to the root with `/`; empty for the root.
    pub folder: String,
    /// Workspace crates it depends on (also for building and testing).
    pub needs: BTreeSet<String>,
}

/// The workspace could not be understood.
#[derive(Debug, thiserror::Error)]
pub enum CratesError {
    /// cargo could not be started.
    #[error("cannot start `cargo metadata`\n\nhint: install Rust from rustup.rs")]
    Start(#[source] io::Error),
    /// cargo refused the workspace.
    #[error("cannot read the Cargo workspace: {0}")]
    Refused(String),
    /// cargo's answer has another form than expected.
    #[error("cannot read the output of `cargo metadata`")]
    Parse(#[source] serde_json::Error),
    /// The answer could not be kept.
    #[error("cannot keep the output of `cargo metadata`")]
    Keep(#[from] WriteError),
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    path: Option<String>,
}

/// The crates of the workspace at the tree's root; kept at `kept_path` until a manifest changes.
pub fn load(tree: &Tree, kept_path: &Path) -> Result<Crates, CratesError> {
    let made_from = manifests_key(tree);
    let kept = std::fs::read(kept_path)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Crates>(&bytes).ok());
    if let Some(kept) = kept
        && kept.version == CRATES_VERSION
        && kept.made_from == made_from
    {
        return Ok(kept);
    }
    let output = Command::new("cargo")
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(&tree.root)
        .stdin(Stdio::null())
        .output()
        .map_err(CratesError::Start)?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(CratesError::Refused(message));
    }
    let metadata = serde_json::from_slice(&output.stdout).map_err(CratesError::Parse)?;
    let crates = Crates {
        version: CRATES_VERSION,
        made_from,
        crates: from_metadata(metadata, &tree.root),
    };
    let bytes = serde_json::to_vec_pretty(&crates).map_err(CratesError::Parse)?;
    write_atomic(kept_path, &bytes)?;
    Ok(crates)
}

fn manifests_key(tree: &Tree) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(tree.root.to_string_lossy().as_bytes());
    for (path, entry) in &tree.entries {
        if path == "Cargo.lock" || path == "Cargo.toml" || path.ends_with("/Cargo.toml") {
            hasher.update(format!("\0{path}\0{}", entry.content()).as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

fn from_metadata(metadata: Metadata, root: &Path) -> BTreeMap<String, Crate> {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let relative = |path: &Path| -> Option<String> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let path = path.strip_prefix(&root).ok()?;
        Some(path.to_string_lossy().replace('\\', "/"))
    };
    let folder_of = |package: &Package| relative(Path::new(&package.manifest_path).parent()?);
    let names: BTreeMap<String, String> = metadata
        .packages
        .iter()
        .filter_map(|package| Some((folder_of(package)?, package.name.clone())))
        .collect();
    let mut crates = BTreeMap::new();
    for package in &metadata.packages {
        let Some(folder) = folder_of(package) else {
            continue;
        };
        let needs = package
            .dependencies
            .iter()
            .filter_map(|dependency| relative(Path::new(dependency.path.as_deref()?)))
            .filter_map(|folder| names.get(&folder).cloned())
            .filter(|name| *name != package.name)
            .collect();
        crates.insert(package.name.clone(), Crate { folder, needs });
    }
    crates
}

impl Crates {
    /// Who owns which folder.
    #[must_use]
    pub fn owners(&self) -> Owners<'_> {
        let folders = self.crates.iter();
        Owners(
            folders
                .map(|(name, each)| (each.folder.as_str(), name.as_str()))
                .collect(),
        )
    }

    /// These crates and all that depend on them.
    #[must_use]
    pub fn with_dependents(&self, mut names: BTreeSet<String>) -> BTreeSet<String> {
        loop {
            let more: Vec<String> = self
                .crates
                .iter()
                .filter(|(name, each)| !names.contains(*name) && !each.needs.is_disjoint(&names))
                .map(|(name, _)| name.clone())
                .collect();
            if more.is_empty() {
                return names;
            }
            names.extend(more);
        }
    }

    /// A crate and all that it depends on in the workspace. Circles (by test dependencies) are fine.
    #[must_use]
    pub fn with_needs(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            if let Some(each) = self.crates.get(&name)
                && found.insert(name)
            {
                open.extend(each.needs.iter().cloned());
            }
        }
        found
    }
}

/// Crates by folder.
#[derive(Debug)]
pub struct Owners<'a>(HashMap<&'a str, &'a str>);

impl<'a> Owners<'a> {
    /// The crate whose folder holds the file: the innermost one.
    #[must_use]
    pub fn owner(&self, path: &str) -> Option<&'a str> {
        let mut folder = path;
        while let Some((parent, _)) = folder.rsplit_once('/') {
            if let Some(name) = self.0.get(parent) {
                return Some(name);
            }
            folder = parent;
        }
        self.0.get("").copied()
    }
}

/// Whether a file of a crate is that crate's own source, which others see only by depending on
/// it. Any other file (a contract, a table, a fixture) may be read by any crate.
#[must_use]
pub fn is_own_source(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder).unwrap_or(path);
    let rest = rest.trim_start_matches('/');
    let in_source = ["src/", "tests/", "benches/", "examples/"]
        .iter()
        .any(|part| rest.starts_with(part));
    in_source || rest.ends_with(".rs") || rest == "Cargo.toml"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crates() -> Crates {
        let one = |folder: &str, needs: &[&str]| Crate {
            folder: folder.to_owned(),
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        };
        Crates {
            crates: BTreeMap::from([
                ("root".to_owned(), one("", &["a"])),
                ("a".to_owned(), one("a", &[])),
                ("b".to_owned(), one("a/b", &["a"])),
                ("c".to_owned(), one("c", &["b"])),
            ]),
            ..Crates::default()
        }
    }

    #[test]
    fn a_file_belongs_to_the_innermost_crate() {
        let crates = crates();
        let crates = crates.owners();
        assert_eq!(crates.owner("a/b/src/lib.rs"), Some("b"));
        assert_eq!(crates.owner("a/src/lib.rs"), Some("a"));
        assert_eq!(crates.owner("abc/src/lib.rs"), Some("root"));
    }

    #[test]
    fn dependents_are_found_through_others() {
        let names = crates().with_dependents(BTreeSet::from(["b".to_owned()]));
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["b", "c"]);
        let names = crates().with_needs("c");
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
