//! `tollgate-codegen.json`: what one run of codegen wrote into a folder, so that a later run
//! removes only files that are its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use tollgate_report::{Digest, ExitCode};

use crate::{Artifact, Emit, Language};

/// The name of the file.
pub const FILE: &str = "tollgate-codegen.json";

/// The files that were written into one folder, and their contracts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The layout of this file: 1.
    pub version: u32,
    /// For a person who opens it.
    pub generated_by: String,
    pub language: Language,
    pub emit: BTreeSet<Emit>,
    /// The package's name.
    pub package: String,
    /// The contracts, as paths from this folder, with `/`.
    pub contracts: Vec<String>,
    /// Every other file that was written, as a path from this folder, with its digest.
    pub files: BTreeMap<String, Digest>,
}

impl Manifest {
    /// The manifest as the file that is written.
    #[must_use]
    pub fn artifact(&self) -> Artifact {
        let mut text = serde_json::to_string_pretty(self).expect("a manifest is plain data");
        text.push('\n');
        Artifact::new(FILE, text)
    }

    /// The manifest of a folder; absent if the folder has none.
    ///
    /// # Errors
    /// The file can't be read, is malformed, or has another layout.
    pub fn read(folder: &Path) -> Result<Option<Self>, ManifestError> {
        let path = folder.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ManifestError::Read { path, source }),
        };
        let manifest: Self = match serde_json::from_slice(&text) {
            Ok(manifest) => manifest,
            Err(source) => return Err(ManifestError::Malformed { path, source }),
        };
        match manifest.version {
            1 => Ok(Some(manifest)),
            version => Err(ManifestError::Version { path, version }),
        }
    }

    /// The contracts as paths, starting from the manifest's folder.
    #[must_use]
    pub fn contract_paths(&self, folder: &Path) -> Vec<PathBuf> {
        let join = |path: &String| normal(&folder.join(path));
        self.contracts.iter().map(join).collect()
    }

    /// The listed files that are in the folder but not among `wanted`. Each is unchanged since it
    /// was written (`true`), or was changed manually (`false`).
    #[must_use]
    pub fn leftovers(&self, folder: &Path, wanted: &BTreeSet<&str>) -> BTreeMap<String, bool> {
        let outdated = self.files.iter().filter(|(path, _)| {
            !wanted.contains(path.as_str()) && path.as_str() != FILE && is_inside(path)
        });
        let found = outdated.filter_map(|(path, digest)| {
            let bytes = fs::read(folder.join(path)).ok()?;
            Some((path.clone(), Digest::of(bytes) == *digest))
        });
        found.collect()
    }
}

/// Why the list of what codegen wrote can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The machine refused to read the file.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not the JSON that codegen writes.
    #[error("cannot read `{}`: it is not a list of generated files", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A newer Tollgate wrote it.
    #[error("cannot read `{}`: its layout is {version}, and this version of Tollgate reads layout 1", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its layout.
        version: u32,
    },
}

impl ManifestError {
    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Read { .. } => ExitCode::Environment,
            Self::Malformed { .. } | Self::Version { .. } => ExitCode::Settings,
        }
    }

    /// The hint: what to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Malformed { path, .. } => {
                Some(format!("delete `{}`, and generate again", path.display()))
            }
            Self::Version { .. } => {
                Some("use the version of Tollgate that wrote the file, or a newer one".to_owned())
            }
        }
    }
}

/// Whether a path of a manifest stays in its folder, whoever edited the file.
fn is_inside(path: &str) -> bool {
    Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
}

/// The path from a folder to a file, both from the same root or both absolute, with `/`.
#[must_use]
pub fn relative(folder: &Path, file: &Path) -> String {
    let (folder, file) = (normal(folder), normal(file));
    let n_shared = folder
        .components()
        .zip(file.components())
        .take_while(|(one, other)| one == other)
        .count();
    let n_up = folder.components().count() - n_shared;
    let ups = std::iter::repeat_n("..".to_owned(), n_up);
    let downs = file.components().skip(n_shared);
    let downs = downs.map(|part| part.as_os_str().to_string_lossy().into_owned());
    ups.chain(downs).collect::<Vec<_>>().join("/")
}

/// A path without `.` and with `..` taken back as far as names go.
#[must_use]
pub fn normal(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(plain.components().next_back(), Some(Component::Normal(_))) =>
            {
                plain.pop();
            }
            _ => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_from_a_folder_to_a_file() {
        let path = |folder: &str, file: &str| relative(Path::new(folder), Path::new(file));
        assert_eq!(
            path("models/rust", "contracts/api.yaml"),
            "../../contracts/api.yaml"
        );
        assert_eq!(path("/a/b/../c", "/a/d.yaml"), "../d.yaml");
        assert_eq!(path("out", "out/api.yaml"), "api.yaml");
    }

    #[test]
    fn a_manifest_can_t_name_files_outside_its_folder() {
        for path in ["../x", "/etc/passwd", "a/../../x"] {
            assert!(!is_inside(path), "{path}");
        }
        assert!(is_inside("src/lib.rs"));
    }
}
