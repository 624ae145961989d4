//! Reads the contracts of a repository: files, revisions of files, and the locked texts of URLs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tollgate_contracts_model::remote::Lock;
use tollgate_contracts_model::{Contract, LoadSettings, load_with};

use crate::failure::Failure;
use crate::git;
use crate::repository::Repository;

/// The committed file with the digests of texts that contracts refer to by URL.
pub const LOCK: &str = "contracts.lock";

/// Reads one contract; names in findings are relative to the repository.
pub fn load(repository: &Repository, path: &Path) -> Result<Contract, Failure> {
    let shown = path.strip_prefix(&repository.root).unwrap_or(path);
    let inside = path.starts_with(&repository.root)
        && !path.components().any(|part| part.as_os_str() == "..");
    let folder = path.parent().map(Path::to_path_buf).filter(|_| !inside);
    open(repository, shown, folder)
}

/// As [`load`], with the folder that references may not leave.
pub fn load_below(
    repository: &Repository,
    path: &Path,
    folder: &Path,
) -> Result<Contract, Failure> {
    let shown = |path: &Path| {
        path.strip_prefix(&repository.root)
            .unwrap_or(path)
            .to_path_buf()
    };
    open(repository, &shown(path), Some(shown(folder)))
}

fn open(
    repository: &Repository,
    path: &Path,
    folder: Option<PathBuf>,
) -> Result<Contract, Failure> {
    let settings = LoadSettings {
        folder,
        remotes: remotes(repository)?,
        ..LoadSettings::default()
    };
    load_with(path, &settings).map_err(|error| {
        let missing = matches!(&error, tollgate_contracts_model::LoadError::Read { .. });
        let failure = Failure::settings(error);
        if missing {
            failure.hint("list the contracts in `files` in [contracts] of tollgate.toml")
        } else {
            failure
        }
    })
}

/// All contracts of the settings.
pub fn load_all(repository: &Repository) -> Result<Vec<Contract>, Failure> {
    let paths = repository.settings.contracts.paths(&repository.root);
    paths
        .iter()
        .map(|path| load(repository, &repository.root.join(path)))
        .collect()
}

/// One side of a comparison: a file, or `REVISION:PATH` when there is no such file.
pub fn side(repository: &Repository, name: &str) -> Result<Contract, Failure> {
    let path = repository.here.join(name);
    match name.split_once(':') {
        Some((revision, file)) if !path.exists() => {
            let text = git::show(&repository.root, revision, file).map_err(Failure::settings)?;
            tollgate_contracts_model::parse_contract(name, &text).map_err(Failure::settings)
        }
        _ => load(repository, &path),
    }
}

/// The contracts of the settings, as absolute paths.
pub fn paths(repository: &Repository) -> Vec<PathBuf> {
    let paths = repository.settings.contracts.paths(&repository.root);
    paths
        .iter()
        .map(|path| repository.root.join(path))
        .collect()
}

/// The texts that references to URLs may use: those of the lock that are kept here.
pub fn remotes(repository: &Repository) -> Result<BTreeMap<String, String>, Failure> {
    let lock = read_lock(repository)?;
    let texts = lock.urls.iter().filter_map(|(url, digest)| {
        let bytes = fs::read(kept(repository, digest)).ok()?;
        // A damaged copy counts as none.
        lock.check(url, &bytes).is_none().then_some(())?;
        Some((url.clone(), String::from_utf8(bytes).ok()?))
    });
    Ok(texts.collect())
}

/// Reads `contracts.lock`; a missing file counts as empty.
pub fn read_lock(repository: &Repository) -> Result<Lock, Failure> {
    match fs::read_to_string(repository.root.join(LOCK)) {
        Ok(text) => Lock::parse(&text).map_err(Failure::settings),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Lock::default()),
        Err(error) => Err(Failure::environment(
            anyhow::Error::new(error).context(format!("cannot read `{LOCK}`")),
        )),
    }
}

/// Where the text with a digest of the lock is kept.
pub fn kept(repository: &Repository, digest: &str) -> PathBuf {
    let folder = repository.root.join(".tollgate/cache/remote");
    // A digest of the lock is only a name when it is one.
    folder.join(digest.replace(|letter: char| !letter.is_ascii_hexdigit(), "_"))
}
