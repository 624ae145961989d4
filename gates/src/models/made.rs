//! The contracts that targets name, and the files that are in the tree where generated ones belong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tollgate_codegen::Settings;
use tollgate_codegen::folders::{Folder, wanted};
use tollgate_codegen::manifest::Manifest;
use tollgate_contracts_model::Contract;

use crate::contracts;
use crate::failure::Failure;
use crate::repository::Repository;

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

/// The local files at the paths of the generated ones, by path from the root; `None` where the
/// file is missing. Unchanged files of an earlier run that are no longer generated are included.
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

fn read_text(root: &Path, path: &str) -> Result<Option<String>, Failure> {
    match std::fs::read(root.join(path)) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(anyhow::Error::new(error)
            .context(format!("read `{path}`"))
            .into()),
    }
}
