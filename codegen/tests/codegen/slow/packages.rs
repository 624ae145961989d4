//! The folder of generated packages: written only where something changed, used by one process
//! at a time.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tollgate_codegen::Artifact;

use crate::common::root;

/// A package and the name of its folder.
pub struct Package {
    pub name: String,
    pub files: Vec<Artifact>,
}

impl Package {
    pub fn new(name: impl Into<String>, files: Vec<Artifact>) -> Self {
        Self {
            name: name.into(),
            files,
        }
    }

    /// The same package with one more file.
    pub fn with(mut self, path: &str, contents: &str) -> Self {
        self.files.push(Artifact::new(path, contents));
        self
    }
}

/// The folder of one language's packages, held until this value is dropped.
pub struct Shared {
    pub folder: PathBuf,
    /// The target folder of this repository.
    pub target: PathBuf,
    _lock: File,
}

impl Shared {
    /// Waits for the folder, and writes the packages into `packages` below it.
    #[track_caller]
    pub fn new(language: &str, packages: &[Package]) -> Self {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root().join("target"), PathBuf::from);
        let folder = target.join("generated").join(language);
        fs::create_dir_all(&folder).expect("a folder");
        let lock = File::create(folder.join("lock")).expect("a file");
        lock.lock().expect("a lock");
        let place = folder.join("packages");
        let mut wanted = BTreeSet::new();
        for package in packages {
            for file in &package.files {
                let path = place.join(&package.name).join(&file.path);
                write(&path, &file.contents);
                wanted.insert(path);
            }
        }
        let is_package = |path: &Path| packages.iter().any(|p| path == place.join(&p.name));
        for entry in fs::read_dir(&place).expect("a folder").flatten() {
            if !is_package(&entry.path()) {
                fs::remove_dir_all(entry.path()).expect("a folder of an earlier version");
            }
        }
        for package in packages {
            for source in ["src", "tests", "examples", "Sources"] {
                remove_others(&place.join(&package.name).join(source), &wanted);
            }
        }
        Self {
            folder,
            target,
            _lock: lock,
        }
    }

    /// The folder of a package.
    pub fn package(&self, name: &str) -> PathBuf {
        self.folder.join("packages").join(name)
    }
}

/// Writes a file unless it has these contents, so that compilers see what changed by its time.
#[track_caller]
pub fn write(path: &Path, contents: &str) {
    if fs::read(path).is_ok_and(|bytes| bytes == contents.as_bytes()) {
        return;
    }
    fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
    fs::write(path, contents).expect("a file");
}

/// Removes the files below a folder that are not wanted.
fn remove_others(folder: &Path, wanted: &BTreeSet<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            remove_others(&path, wanted);
        } else if !wanted.contains(&path) {
            fs::remove_file(&path).expect("a file of an earlier version");
        }
    }
}
