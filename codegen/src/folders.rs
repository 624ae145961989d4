//! What is generated for the targets of the settings: a folder of files for each target, before
//! anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tollgate_contracts_model::Contract;
use tollgate_report::{Digest, Finding, in_threads};

use crate::ir::Ir;
use crate::manifest::{FILE, Manifest, relative};
use crate::{Artifact, CodegenError, Request, Settings, TargetSettings, generate_from, lower};

/// The files of one target.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The folder, from the repository's root or absolute.
    pub out: String,
    /// The files by path from that folder, the manifest among them.
    pub artifacts: Vec<Artifact>,
    pub manifest: Manifest,
    /// How many fields, items or values have no type.
    pub n_untyped: usize,
    pub n_types: usize,
    /// The findings about the contract.
    pub findings: Vec<Finding>,
}

impl Folder {
    /// A file's path from the root.
    #[must_use]
    pub fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.out.trim_end_matches('/'))
    }
}

/// What the contracts of each target mean; targets of the same contracts share it.
pub type Meanings<'s> = BTreeMap<&'s [String], Ir>;

/// Lowers the contracts of each target. `settings` names them by their key in `contracts`.
///
/// # Errors
/// A target names no contract, or one that is not among `contracts`.
pub fn understand<'s>(
    settings: &'s Settings,
    contracts: &BTreeMap<String, Contract>,
) -> Result<Meanings<'s>, CodegenError> {
    let groups: BTreeSet<&[String]> = settings
        .targets
        .iter()
        .map(|target| target.contracts.as_slice())
        .collect();
    let groups: Vec<&[String]> = groups.into_iter().collect();
    let irs = in_threads(&groups, |group| lower_group(group, contracts));
    let meanings = groups.iter().zip(irs);
    meanings.map(|(group, ir)| Ok((*group, ir?))).collect()
}

/// Generates every target from what its contracts mean.
///
/// # Errors
/// A target requests a part that its language lacks, or two targets write the same file.
pub fn make(settings: &Settings, meanings: &Meanings<'_>) -> Result<Vec<Folder>, CodegenError> {
    let made = in_threads(&settings.targets, |target| {
        make_one(target, &meanings[target.contracts.as_slice()])
    });
    let mut folders = Vec::new();
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for (target, folder) in settings.targets.iter().zip(made) {
        let folder = folder?;
        for artifact in &folder.artifacts {
            let path = folder.path(&artifact.path);
            if let Some(owner) = owners.insert(path.clone(), &target.out) {
                return Err(CodegenError::SameFile {
                    path,
                    first: owner.to_owned(),
                    second: target.out.clone(),
                });
            }
        }
        folders.push(folder);
    }
    Ok(folders)
}

/// What the contracts of some targets mean.
fn lower_group(
    names: &[String],
    contracts: &BTreeMap<String, Contract>,
) -> Result<Ir, CodegenError> {
    if names.is_empty() {
        return Err(CodegenError::NoContract);
    }
    let chosen = names.iter().map(|name| {
        let contract = contracts.get(name);
        contract.ok_or_else(|| CodegenError::NotLoaded(name.clone()))
    });
    let chosen: Vec<&Contract> = chosen.collect::<Result<_, _>>()?;
    Ok(lower(&chosen))
}

fn make_one(target: &TargetSettings, ir: &Ir) -> Result<Folder, CodegenError> {
    let request: Request = target.request();
    let generated = generate_from(ir, &request)?;
    let out = Path::new(&target.out);
    let files = generated
        .artifacts
        .iter()
        .map(|artifact| (artifact.path.clone(), Digest::of(&artifact.contents)));
    let manifest = Manifest {
        version: 1,
        generated_by: "tollgate codegen; change the contract, not these files".to_owned(),
        language: target.language,
        emit: target.emit.clone(),
        package: target.package.clone(),
        contracts: target
            .contracts
            .iter()
            .map(|name| relative(out, Path::new(name)))
            .collect(),
        files: files.collect(),
    };
    let mut artifacts = generated.artifacts;
    artifacts.push(manifest.artifact());
    artifacts.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Folder {
        out: target.out.clone(),
        artifacts,
        manifest,
        n_untyped: generated.n_untyped,
        n_types: generated.n_types,
        findings: generated.findings,
    })
}

/// The paths of a folder's files, the manifest among them.
#[must_use]
pub fn wanted(folder: &Folder) -> BTreeSet<&str> {
    let paths = folder.artifacts.iter().map(|file| file.path.as_str());
    debug_assert!(folder.artifacts.iter().any(|file| file.path == FILE));
    paths.collect()
}
