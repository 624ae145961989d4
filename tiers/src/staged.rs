//! The staged files in a folder of their own: a persistent snapshot of the index's content.
//!
//! The user's working tree, index and object store are only read, so that a run killed at any
//! moment damages none of them.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tollgate_report::Digest;

use crate::files::FileSource;
use crate::git::{Git, GitError};

/// The snapshot; it stays this run's alone until it is dropped.
#[derive(Debug)]
pub struct Staged {
    /// The folder to check: the snapshot's counterpart of the root.
    pub root: PathBuf,
    /// Where the list of its files comes from.
    pub files: FileSource,
    /// Variables for the steps: a build folder of its own, so that the user's is not overwritten.
    pub env: BTreeMap<String, String>,
    _lock: File,
}

/// The snapshot could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StagedError {
    /// The root is not in a git repository.
    #[error("cannot find what is staged: `{root}` is not in a git repository")]
    NoRepository {
        /// The folder.
        root: PathBuf,
        /// What git said.
        #[source]
        source: GitError,
    },
    /// The index has conflicts.
    #[error(
        "cannot read what is staged\n\nhint: if a merge is in progress, resolve its conflicts and `git add` the files"
    )]
    Index(#[source] GitError),
    /// git could not fill the snapshot.
    #[error("cannot fill the snapshot `{folder}`")]
    Fill {
        /// The snapshot's folder.
        folder: PathBuf,
        /// What git said.
        #[source]
        source: GitError,
    },
    /// A file of the snapshot could not be handled.
    #[error("cannot {operation} `{path}`")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Where the snapshot of a repository lies by default: in the user's cache folder. It is outside
/// the working tree because cargo, clippy and rustfmt read settings from all parent folders, and
/// there unstaged edits would leak in. Falls back to a folder in `state_dir`.
#[must_use]
pub fn default_folder(root: &Path, state_dir: &Path) -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))
        .filter(|cache| cache.is_absolute());
    let Some(cache) = cache else {
        return state_dir.join("staged");
    };
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let id = Digest::of(root.to_string_lossy().as_bytes());
    cache.join("tollgate/staged").join(id.short())
}

/// Brings the snapshot in `folder` to what is staged in the repository of `root`. Files that did
/// not change keep their modification times. Waits while another run uses the same snapshot.
pub fn prepare(root: &Path, folder: &Path) -> Result<Staged, StagedError> {
    let user = Git::at(root);
    let ask = |arguments: &[&str]| {
        user.line(arguments)
            .map_err(|source| StagedError::NoRepository {
                root: root.to_owned(),
                source,
            })
    };
    let git_dir = PathBuf::from(ask(&["rev-parse", "--absolute-git-dir"])?);
    let prefix = ask(&["rev-parse", "--show-prefix"])?;
    // In a hook, git names the index to be committed; `commit -a` uses another than `.git/index`.
    let index = root.join(ask(&["rev-parse", "--git-path", "index"])?);
    let index =
        env::var_os("GIT_INDEX_FILE").map_or(index, |named| absolute(root, &prefix, named.into()));
    let objects = root.join(ask(&["rev-parse", "--git-path", "objects"])?);
    let lock = lock(folder)?;
    let tree = write_tree(&git_dir, &index, &objects, folder)?;
    let snapshot = fill(&git_dir, &objects, folder, &tree)?;
    let root = folder.join("tree").join(&prefix);
    make_folder(&root)?;
    let target = folder.join("target").to_string_lossy().into_owned();
    Ok(Staged {
        files: FileSource::Index(Git {
            folder: root.clone(),
            ..snapshot
        }),
        root,
        env: BTreeMap::from([("CARGO_TARGET_DIR".to_owned(), target)]),
        _lock: lock,
    })
}

/// git starts hooks at the top of the working tree, and a relative index is relative to that.
fn absolute(root: &Path, prefix: &str, index: PathBuf) -> PathBuf {
    let n_up = prefix.split('/').filter(|part| !part.is_empty()).count();
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let top = root.ancestors().nth(n_up).unwrap_or(&root).to_owned();
    top.join(index)
}

fn io_error(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StagedError {
    let path = path.to_owned();
    move |source| StagedError::Io {
        operation,
        path,
        source,
    }
}

fn make_folder(path: &Path) -> Result<(), StagedError> {
    fs::create_dir_all(path).map_err(io_error("make the folder", path))
}

fn lock(folder: &Path) -> Result<File, StagedError> {
    make_folder(folder)?;
    let path = folder.join("lock");
    let file = File::create(&path).map_err(io_error("make", &path))?;
    file.lock().map_err(io_error("lock", &path))?;
    Ok(file)
}

/// git with a private index and a private object store that reads from the user's.
fn private(
    git_dir: &Path,
    objects: &Path,
    folder: &Path,
    index: &Path,
) -> Result<Git, StagedError> {
    let own_objects = folder.join("objects");
    make_folder(&own_objects)?;
    let tree = folder.join("tree");
    make_folder(&tree)?;
    Ok(Git {
        folder: tree.clone(),
        env: vec![
            ("GIT_DIR", git_dir.into()),
            ("GIT_WORK_TREE", tree.into()),
            ("GIT_INDEX_FILE", index.into()),
            ("GIT_OBJECT_DIRECTORY", own_objects.into()),
            ("GIT_ALTERNATE_OBJECT_DIRECTORIES", objects.into()),
        ],
    })
}

fn write_tree(
    git_dir: &Path,
    index: &Path,
    objects: &Path,
    folder: &Path,
) -> Result<String, StagedError> {
    let copy = folder.join("user-index");
    remove_stale(&folder.join("user-index.lock"))?;
    if index.is_file() {
        fs::copy(index, &copy).map_err(io_error("copy the index to", &copy))?;
    } else {
        // A repository without a first `git add` has no index: nothing is staged.
        remove_stale(&copy)?;
    }
    private(git_dir, objects, folder, &copy)?
        .line(&["write-tree"])
        .map_err(StagedError::Index)
}

/// Removes git's lock, which a killed run leaves behind. Our own lock excludes other runs.
fn remove_stale(path: &Path) -> Result<(), StagedError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove the stale", path)(source))
        }
        _ => Ok(()),
    }
}

fn fill(git_dir: &Path, objects: &Path, folder: &Path, tree: &str) -> Result<Git, StagedError> {
    let index = folder.join("index");
    remove_stale(&folder.join("index.lock"))?;
    let git = private(git_dir, objects, folder, &index)?;
    let fail = |source| StagedError::Fill {
        folder: folder.to_owned(),
        source,
    };
    let mark = folder.join("filling");
    let was_killed = mark.exists();
    File::create(&mark).map_err(io_error("make", &mark))?;
    // `--reset` is `-m` that also mends files which a step or a killed run has changed. Hooks and
    // sparse checkouts are the user's, not the snapshot's.
    let settings = [
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.sparseCheckout=false",
    ];
    let read_tree = [&settings[..], &["read-tree", "--reset", "-u", tree]].concat();
    git.output(&read_tree).map_err(fail)?;
    if was_killed {
        // What the killed run had written and its index did not know yet.
        let clean = [&settings[..], &["clean", "-ffdxq"]].concat();
        git.output(&clean).map_err(fail)?;
    }
    remove_stale(&mark)?;
    Ok(git)
}
