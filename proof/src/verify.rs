//! Proves packages that are on disk: compiles each one, and sends values between those that came
//! from the same contracts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tollgate_codegen::manifest::Manifest;
use tollgate_codegen::{Artifact, Language};
use tollgate_contracts_model::Contract;
use tollgate_report::Digest;

use crate::prove::{Extent, LanguageProof, Sent, Source, prove};
use crate::{Compilers, ProofError};

/// How deep packages are looked for below a folder.
const DEPTH_MAX: usize = 6;

/// A generated package on disk.
#[derive(Debug)]
struct Found {
    folder: PathBuf,
    manifest: Manifest,
    files: Vec<Artifact>,
    /// Files that are gone or are not what was written.
    changed: Vec<String>,
}

/// What is proved, and with what.
#[derive(Debug)]
pub struct Verification<'a> {
    pub compilers: &'a Compilers,
    /// Absolute folders that hold generated packages, in them or below.
    pub folders: Vec<PathBuf>,
    /// The contracts; when empty, those that each package names.
    pub contracts: Vec<PathBuf>,
    /// The repository's root; paths in the report start there.
    pub root: &'a Path,
    /// The folder in which packages are compiled.
    pub work: PathBuf,
    pub extent: Extent,
}

/// One package of the report.
#[derive(Debug, Serialize)]
pub struct Row {
    pub folder: String,
    pub contracts: Vec<String>,
    /// Files that are not what was generated.
    pub changed: Vec<String>,
    #[serde(flatten)]
    pub proof: LanguageProof,
}

/// All packages, and what was sent for each set of contracts.
#[derive(Debug, Default)]
pub struct Verified {
    pub rows: Vec<Row>,
    pub sent: Vec<Sent>,
}

/// Why packages could not be proved.
#[derive(Debug)]
pub enum VerifyError<E> {
    /// A contract can't be loaded.
    Load(E),
    /// Anything else.
    Proof(ProofError),
}

impl<E> From<ProofError> for VerifyError<E> {
    fn from(error: ProofError) -> Self {
        Self::Proof(error)
    }
}

/// Proves all packages of the folders; `load` loads a contract.
///
/// # Errors
/// There is no package, a contract can't be loaded, or the machine refuses something.
pub fn verify<E>(
    wanted: &Verification<'_>,
    load: impl Fn(&Path) -> Result<Contract, E>,
) -> Result<Verified, VerifyError<E>> {
    let mut found = Vec::new();
    for folder in &wanted.folders {
        look(folder, 0, &mut found)?;
    }
    if found.is_empty() {
        return Err(VerifyError::Proof(ProofError::NoPackage));
    }
    let mut verified = Verified::default();
    for (contracts, group) in groups(wanted, found) {
        let loaded: Vec<Contract> = contracts
            .iter()
            .map(|path| load(path))
            .collect::<Result<_, _>>()
            .map_err(VerifyError::Load)?;
        let (whole, parts): (Vec<Found>, Vec<Found>) = group
            .into_iter()
            .partition(|found| is_package(&found.files));
        for part in parts {
            let reason = "a part of another package; its own build compiles it";
            verified
                .rows
                .push(row(wanted, &part, skipped(&part, reason)));
        }
        let sources: Vec<Source> = whole.iter().map(source).collect();
        let work = wanted.work.join(work_name(&whole));
        let proof = prove(wanted.compilers, &loaded, &sources, &work, &wanted.extent)?;
        for (found, language) in whole.iter().zip(proof.languages) {
            verified.rows.push(row(wanted, found, language));
        }
        verified.sent.push(proof.sent);
    }
    Ok(verified)
}

/// The packages in and below a folder.
fn look(folder: &Path, depth: usize, found: &mut Vec<Found>) -> Result<(), ProofError> {
    if !folder.is_dir() {
        return Err(ProofError::NoFolder(folder.to_path_buf()));
    }
    if let Some(manifest) = Manifest::read(folder)? {
        found.push(open(folder, manifest));
        return Ok(());
    }
    if depth >= DEPTH_MAX {
        return Ok(());
    }
    let mut below: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(ProofError::io("read", folder))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !path.is_symlink())
        .collect();
    below.sort();
    let is_passed = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('.') || name == "node_modules" || name == "target"
    };
    for path in below.iter().filter(|path| !is_passed(path)) {
        look(path, depth + 1, found)?;
    }
    Ok(())
}

fn open(folder: &Path, manifest: Manifest) -> Found {
    let mut files = Vec::new();
    let mut changed = Vec::new();
    for (path, digest) in &manifest.files {
        match fs::read(folder.join(path)) {
            Ok(bytes) => {
                if Digest::of(&bytes) != *digest {
                    changed.push(path.clone());
                }
                files.push(Artifact::new(path, String::from_utf8_lossy(&bytes)));
            }
            Err(_) => changed.push(path.clone()),
        }
    }
    Found {
        folder: folder.to_path_buf(),
        manifest,
        files,
        changed,
    }
}

/// Packages by their contracts: those of one contract are proved against each other.
fn groups(wanted: &Verification<'_>, found: Vec<Found>) -> Vec<(Vec<PathBuf>, Vec<Found>)> {
    let mut groups: BTreeMap<Vec<PathBuf>, Vec<Found>> = BTreeMap::new();
    for found in found {
        let contracts = if wanted.contracts.is_empty() {
            found.manifest.contract_paths(&found.folder)
        } else {
            wanted.contracts.clone()
        };
        groups.entry(contracts).or_default().push(found);
    }
    groups.into_iter().collect()
}

fn is_package(files: &[Artifact]) -> bool {
    let mut paths = files.iter().map(|file| file.path.as_str());
    paths.any(|path| Language::all().any(|language| language.emitter().package_file() == path))
}

fn source(found: &Found) -> Source {
    Source {
        language: found.manifest.language,
        package: found.manifest.package.clone(),
        emit: found.manifest.emit.clone(),
        files: found.files.clone(),
    }
}

fn skipped(found: &Found, reason: &str) -> LanguageProof {
    LanguageProof {
        reasons: vec![reason.to_owned()],
        ..LanguageProof::new(found.manifest.language)
    }
}

/// The name of a folder for compiling, the same for the same packages.
fn work_name(found: &[Found]) -> String {
    let folders = found.iter();
    let names: String = folders
        .map(|found| found.folder.display().to_string())
        .collect();
    Digest::of(names).short().to_owned()
}

fn row(wanted: &Verification<'_>, found: &Found, proof: LanguageProof) -> Row {
    let shown = |path: &Path| {
        let path = path.strip_prefix(wanted.root).unwrap_or(path);
        path.display().to_string()
    };
    Row {
        folder: shown(&found.folder),
        contracts: found
            .manifest
            .contract_paths(&found.folder)
            .iter()
            .map(|path| shown(path))
            .collect(),
        changed: found.changed.clone(),
        proof,
    }
}
