//! Links from a snapshot to what git ignores and steps need: installed dependencies, and what the
//! settings name.
//!
//! `node_modules` and virtual environments are linked where the lock files that are staged are
//! those of the tree, since otherwise other dependencies would be checked than those that are
//! staged. A package of `node_modules` that is a link into the repository, as workspaces have them,
//! leads into the snapshot, and so does what Python has installed in editable form: no unstaged
//! source is read through a link.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::staged_error::{StagedError, io_error, make_folder};

/// Files that say that `node_modules` may be next to them.
const NODE: [&str; 1] = ["package.json"];
/// Files that say that a virtual environment may be next to them.
const PYTHON: [&str; 6] = [
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "Pipfile",
    "tox.ini",
];
/// Names of virtual environments.
const VENVS: [&str; 2] = [".venv", "venv"];
/// Files that decide what is installed.
const LOCKS: [&str; 11] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
    "requirements.txt",
    "requirements.lock",
];

/// The user's working tree, the snapshot, and the staged paths.
pub(crate) struct Links<'a> {
    pub user: &'a Path,
    pub snapshot: &'a Path,
    /// The path from the top to the root, with `/` at the end; empty at the top.
    pub prefix: &'a str,
    pub listed: &'a BTreeSet<String>,
}

/// What was linked.
#[derive(Debug, Default)]
pub(crate) struct Linked {
    pub env: BTreeMap<String, String>,
    pub notes: Vec<String>,
}

/// Makes the links; `extra` are paths relative to the root.
pub(crate) fn make(links: &Links<'_>, extra: &[String]) -> Result<Linked, StagedError> {
    let mut linked = Linked::default();
    let state = links.user.join(links.prefix).join(".tollgate");
    if state.is_dir() {
        let own = links.snapshot.join(links.prefix).join(".tollgate");
        link(&state, &own)?;
    }
    for folder in folders(links, &NODE) {
        let path = format!("{folder}node_modules");
        if is_free(links, &path, &mut linked) {
            link_modules(links, &path)?;
        }
    }
    let mut sources = Vec::new();
    for folder in folders(links, &PYTHON) {
        for name in VENVS {
            let path = format!("{folder}{name}");
            let is_venv = links.user.join(&path).join("pyvenv.cfg").is_file();
            if is_venv && is_free(links, &path, &mut linked) {
                link(&links.user.join(&path), &links.snapshot.join(&path))?;
                sources.extend(editable_sources(links, &links.user.join(&path)));
            }
        }
    }
    if !sources.is_empty() {
        let before = env::var_os("PYTHONPATH").unwrap_or_default();
        sources.extend(env::split_paths(&before));
        if let Ok(path) = env::join_paths(&sources) {
            let path = path.to_string_lossy().into_owned();
            linked.env.insert("PYTHONPATH".to_owned(), path);
        }
    }
    for path in extra {
        let path = format!("{}{}", links.prefix, path.trim_end_matches('/'));
        let (theirs, own) = (links.user.join(&path), links.snapshot.join(&path));
        if theirs.exists() && !own.exists() {
            link(&theirs, &own)?;
        }
    }
    Ok(linked)
}

/// The root and all folders in which one of these files is staged, with `/` at the end.
fn folders(links: &Links<'_>, names: &[&str]) -> BTreeSet<String> {
    let mut folders = BTreeSet::from([String::new(), links.prefix.to_owned()]);
    for path in links.listed {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if names.contains(&name) && !folder.is_empty() {
            folders.insert(format!("{folder}/"));
        }
    }
    folders
}

/// Whether the user has the folder, nothing of it is staged, and its lock files are staged as they
/// are in the tree.
fn is_free(links: &Links<'_>, path: &str, linked: &mut Linked) -> bool {
    let theirs = links.user.join(path);
    if !theirs.is_dir() || links.snapshot.join(path).symlink_metadata().is_ok() {
        return false;
    }
    let mut folder = Path::new(path).parent();
    while let Some(at) = folder {
        for name in LOCKS {
            let lock = at.join(name);
            let read = |root: &Path| fs::read(root.join(&lock)).ok();
            if read(links.user) != read(links.snapshot) {
                linked.notes.push(format!(
                    "`{path}` is not linked into the snapshot, since `{}` is not staged as it is in the tree; stage it, or restore it and install again",
                    lock.display()
                ));
                return false;
            }
        }
        folder = at.parent();
    }
    true
}

#[cfg(unix)]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(windows)]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    if target.is_dir() {
        std::os::windows::fs::symlink_dir(target, path)
    } else {
        std::os::windows::fs::symlink_file(target, path)
    }
}

fn link(target: &Path, path: &Path) -> Result<(), StagedError> {
    if fs::read_link(path).is_ok_and(|known| known == target) {
        return Ok(());
    }
    if path.symlink_metadata().is_ok() {
        // A step made a folder where the link belongs; it is the snapshot's own.
        let is_folder = path.is_dir() && fs::read_link(path).is_err();
        let removed = if is_folder {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        };
        removed.map_err(io_error("remove", path))?;
    }
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    symlink(target, path).map_err(io_error("link", path))
}

/// A folder whose entries are links, so that links into the repository can lead into the snapshot.
fn link_modules(links: &Links<'_>, path: &str) -> Result<(), StagedError> {
    let theirs = links.user.join(path);
    make_folder(&links.snapshot.join(path))?;
    for entry in fs::read_dir(&theirs).map_err(io_error("read", &theirs))? {
        let entry = entry.map_err(io_error("read", &theirs))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let below = format!("{path}/{name}");
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let is_scope = !is_link && (name == ".bin" || name.starts_with('@'));
        if is_scope && entry.path().is_dir() {
            link_modules(links, &below)?;
        } else if ![".cache", ".vite", ".vite-temp"].contains(&name.as_str()) {
            link_module(links, &entry.path(), &links.snapshot.join(&below))?;
        }
    }
    Ok(())
}

fn link_module(links: &Links<'_>, theirs: &Path, own: &Path) -> Result<(), StagedError> {
    let written = fs::read_link(theirs).ok();
    let Some(written) = written else {
        return link(theirs, own);
    };
    let Ok(leads_to) = theirs.canonicalize() else {
        return Ok(());
    };
    let inside = leads_to.strip_prefix(links.user).ok();
    let is_source = inside.is_some_and(|path| {
        path.components()
            .all(|part| part.as_os_str() != "node_modules")
    });
    match inside {
        // A relative link means the same in the snapshot.
        _ if written.is_relative() && own.parent().is_some_and(|at| at.join(&written).exists()) => {
            link(&written, own)
        }
        Some(path) if is_source => link(&links.snapshot.join(path), own),
        _ => link(theirs, own),
    }
}

/// The folders of the snapshot for sources that the environment has installed in editable form.
fn editable_sources(links: &Links<'_>, venv: &Path) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    let user = links.user.display().to_string();
    for file in site_files(venv) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let is_finder = file.extension().is_some_and(|ending| ending == "py");
        for (at, _) in text.match_indices(&user) {
            let rest = &text[at..];
            let end = rest
                .find(['\'', '"', '\n', '\r', ';'])
                .unwrap_or(rest.len());
            let Ok(path) = Path::new(&rest[..end]).strip_prefix(links.user) else {
                continue;
            };
            let in_snapshot = links.snapshot.join(path);
            // A finder names the package's folder; Python's path has the one above it.
            let folder = match is_finder {
                true => in_snapshot.parent().map(Path::to_owned),
                false => Some(in_snapshot),
            };
            found.extend(folder.filter(|folder| folder.is_dir()));
        }
    }
    found.into_iter().collect()
}

fn site_files(venv: &Path) -> Vec<PathBuf> {
    let entries = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let mut sites: Vec<PathBuf> = entries(venv.join("lib"))
        .map(|entry| entry.path().join("site-packages"))
        .collect();
    sites.push(venv.join("Lib/site-packages"));
    let files = sites
        .into_iter()
        .flat_map(entries)
        .map(|entry| entry.path());
    files
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".pth") || name.starts_with("__editable__") && name.ends_with(".py")
        })
        .collect()
}
