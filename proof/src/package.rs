//! A package to compile, where compilers are found, and what comes of a compiler with its driver.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tollgate_codegen::{Artifact, Language};
use tollgate_process::Ran;
use tollgate_report::write_atomic;

use crate::ProofError;
use crate::wire::ring::Driver;

/// Where compilers and what they need are looked for.
#[derive(Debug, Clone)]
pub struct Places {
    /// The repository's root; versions of its `Cargo.lock` are used, so that packages compile
    /// without a network.
    pub root: PathBuf,
    /// Where compiled dependencies are kept between runs.
    pub cache: PathBuf,
    /// Folders of npm packages, tried in this order before `PATH`.
    pub node_modules: Vec<PathBuf>,
}

/// One package to compile.
#[derive(Debug)]
pub struct Package<'a> {
    pub language: Language,
    /// Its files.
    pub files: &'a [Artifact],
    /// The files of the driver, when the wire is proved too.
    pub driver: &'a [Artifact],
    /// The folder to work in; what is in it is replaced.
    pub work: PathBuf,
    /// Which of the shared build folders is used; two compilations at once need two.
    pub slot: usize,
}

impl Package<'_> {
    /// The folder of the package's own files.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.work.join("package")
    }

    /// The paths of all files, the driver's among them.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<&str> {
        let files = self.files.iter().chain(self.driver);
        files.map(|file| file.path.as_str()).collect()
    }
}

/// A package compiled with its driver.
#[derive(Debug)]
pub struct Built {
    pub ran: Ran,
    /// Absent when the compiler rejected the package or its driver.
    pub driver: Option<Driver>,
}

/// Writes files below a folder.
pub(crate) fn put(folder: &Path, files: &[Artifact]) -> Result<(), ProofError> {
    for file in files {
        write_atomic(&folder.join(&file.path), file.contents.as_bytes())?;
    }
    Ok(())
}

/// A program of `PATH`.
#[must_use]
pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    let found = places.find(|place| place.is_file())?;
    // Shims are links into the package, whose neighbours they need.
    found.canonicalize().ok()
}
