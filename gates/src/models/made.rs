//! What is generated, before anything is written: a folder of files for each target. Pure, but
//! for loading the contracts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tollgate_codegen::ir::Ir;
use tollgate_codegen::{
    Artifact, CodegenError, Request, Settings, TargetSettings, generate_from, lower,
};
use tollgate_contracts_model::Contract;
use tollgate_report::{Digest, Finding, in_threads};

use crate::contracts;
use crate::failure::Failure;
use crate::models::manifest::{FILE, Manifest, relative};
use crate::repository::Repository;

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
    /// What the contract should say better.
    pub findings: Vec<Finding>,
}

impl Folder {
    /// A file's path from the root.
    pub fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.out.trim_end_matches('/'))
    }
}

/// What the contracts of each target mean; targets of the same contracts share it.
pub type Meanings<'s> = BTreeMap<&'s [String], Ir>;

/// Finds out what contracts mean. `settings` names them by their key in `contracts`.
pub fn understand<'s>(
    settings: &'s Settings,
    contracts: &BTreeMap<String, Contract>,
) -> Result<Meanings<'s>, Failure> {
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
pub fn make(settings: &Settings, meanings: &Meanings<'_>) -> Result<Vec<Folder>, Failure> {
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
                return Err(Failure::settings(anyhow::anyhow!(
                    "generate `{}`: the targets `{owner}` and `{}` both write `{path}`; \
                     give each a folder of its own under `out`",
                    target.out,
                    target.out
                )));
            }
        }
        folders.push(folder);
    }
    Ok(folders)
}

/// What the contracts of some targets mean.
fn lower_group(names: &[String], contracts: &BTreeMap<String, Contract>) -> Result<Ir, Failure> {
    if names.is_empty() {
        return Err(Failure::settings(CodegenError::NoContract));
    }
    let chosen = names.iter().map(|name| {
        contracts.get(name).ok_or_else(|| {
            Failure::settings(anyhow::anyhow!(
                "generate code: contract `{name}` is not loaded"
            ))
        })
    });
    let chosen: Vec<&Contract> = chosen.collect::<Result<_, _>>()?;
    Ok(lower(&chosen))
}

fn make_one(target: &TargetSettings, ir: &Ir) -> Result<Folder, Failure> {
    let request: Request = target.request();
    let generated = generate_from(ir, &request).map_err(Failure::settings)?;
    let out = Path::new(&target.out);
    let files = generated
        .artifacts
        .iter()
        .map(|artifact| (artifact.path.clone(), Digest::of(&artifact.contents)));
    let manifest = Manifest {
        version: 1,
        generated_by: "cargo xtask codegen; change the contract, not these files".to_owned(),
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

/// Reads every contract that a target names, once. References may not leave `root`, by default
/// the contract's own folder.
pub fn load_contracts(
    repository: &Repository,
    settings: &Settings,
    root: Option<&Path>,
) -> Result<BTreeMap<String, Contract>, Failure> {
    let names: BTreeSet<&String> = settings
        .targets
        .iter()
        .flat_map(|target| &target.contracts)
        .collect();
    let load = |name: &String| {
        let path = repository.root.join(name);
        let contract = match root {
            Some(root) => contracts::load_below(repository, &path, root)?,
            None => contracts::load(repository, &path)?,
        };
        Ok((name.clone(), contract))
    };
    names.into_iter().map(load).collect()
}

/// What stands where the folders' files should be, by path from the root: `None` where nothing
/// does. Files that an earlier run wrote, that nobody changed and that nothing generates any
/// more are there too.
pub fn local_files(
    root: &Path,
    folders: &[Folder],
) -> Result<BTreeMap<String, Option<String>>, Failure> {
    let mut local = BTreeMap::new();
    for folder in folders {
        let wanted = wanted(folder);
        let place = root.join(&folder.out);
        if let Some(old) = Manifest::read(&place)? {
            let left = old.leftovers(&place, &wanted);
            for (file, _) in left.into_iter().filter(|(_, is_unchanged)| *is_unchanged) {
                let path = folder.path(&file);
                let text = read_text(root, &path)?;
                local.insert(path, text);
            }
        }
        for file in wanted {
            let path = folder.path(file);
            let text = read_text(root, &path)?;
            local.insert(path, text);
        }
    }
    Ok(local)
}

/// The paths of a folder's files, the manifest among them.
pub fn wanted(folder: &Folder) -> BTreeSet<&str> {
    let paths = folder.artifacts.iter().map(|file| file.path.as_str());
    debug_assert!(folder.artifacts.iter().any(|file| file.path == FILE));
    paths.collect()
}

fn read_text(root: &Path, path: &str) -> Result<Option<String>, Failure> {
    match std::fs::read(root.join(path)) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(anyhow::Error::new(error)
            .context(format!("read `{path}`"))
            .into()),
    }
}
