//! The staged files in a folder of their own: a persistent snapshot of the index's content, with a
//! git folder, submodules, and links to what git ignores and steps need.
//!
//! The user's working tree, index and object store are only read, so that a run killed at any
//! moment damages none of them. Only [`Staged::stage`] writes there, for steps with `stage_fixed`.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tollgate_report::Digest;
use tollgate_report::atomic::write_atomic;

use crate::git::Git;
use crate::links::{self, Links};
use crate::private_git::{Private, Source};
use crate::slot::{self, Slot};
pub use crate::staged_error::StagedError;
use crate::staged_error::{io_error, make_folder, remove};

/// Most lines of a difference that are shown.
const DIFF_LINES_MAX: usize = 60;

/// The snapshot; it stays this run's alone until it is dropped.
#[derive(Debug)]
pub struct Staged {
    /// The folder to check: the snapshot's counterpart of the root.
    pub root: PathBuf,
    /// The top of the user's working tree, into which links of the snapshot lead.
    pub linked: PathBuf,
    /// Where the digests of the snapshot's files are kept.
    pub memo: PathBuf,
    /// Variables for the steps: a build folder of its own, so that the user's is not overwritten,
    /// and where Python finds what is installed in editable form.
    pub env: BTreeMap<String, String>,
    /// What people should know of the snapshot, such as a folder that is not linked.
    pub notes: Vec<String>,
    /// Paths relative to the root that are staged; of a submodule its path with `/` at the end.
    tracked: BTreeSet<String>,
    source: Source,
    private: Private,
    _slot: Slot,
}

/// Where the snapshots of a repository are by default: in the user's cache folder. It is outside
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

/// Brings a snapshot below `folder` to what is staged in the repository of `root`, with links to
/// `extra_links`. Files that did not change keep their modification times. Waits while another run
/// uses the same snapshot.
///
/// # Errors
/// When git cannot read what is staged, or a folder or file cannot be written.
pub fn prepare(root: &Path, folder: &Path, extra_links: &[String]) -> Result<Staged, StagedError> {
    let source = Source::of(root).map_err(|source| StagedError::NoRepository {
        root: root.to_owned(),
        source,
    })?;
    // In a hook, git names the index to be committed; `commit -a` uses another than `.git/index`.
    // git starts hooks at the top of the working tree, and a relative index is relative to that.
    let index = env::var_os("GIT_INDEX_FILE").filter(|_| is_of_hook(&source));
    let index = index.map_or_else(|| source.index.clone(), |named| source.top.join(named));
    make_folder(folder)?;
    let folder = folder.canonicalize().map_err(io_error("find", folder))?;
    let slot = slot::take(&folder)?;
    let private = Private {
        git_dir: slot.folder.join("git"),
        tree: slot.folder.join("tree"),
    };
    private.set_up(&source, None)?;
    let tree = write_tree(&source, &index, &private, &slot.folder)?;
    private.fill(&tree)?;
    let root = private.tree.join(&source.prefix);
    make_folder(&root)?;
    let listed = private.git().paths(&["ls-files", "-z"]);
    let listed = listed.map_err(StagedError::Rewritten)?;
    let submodules = fill_submodules(&source.top, &private, &slot.folder)?;
    let links = Links {
        user: &source.top,
        snapshot: &private.tree,
        prefix: &source.prefix,
        listed: &listed,
    };
    let linked = links::make(&links, extra_links)?;
    let target = slot.folder.join("target").to_string_lossy().into_owned();
    let mut env = BTreeMap::from([("CARGO_TARGET_DIR".to_owned(), target)]);
    env.extend(linked.env);
    let tracked = listed.iter().map(String::as_str);
    let tracked = tracked.chain(submodules.iter().map(String::as_str));
    let tracked = tracked.filter_map(|path| path.strip_prefix(source.prefix.as_str()));
    Ok(Staged {
        root,
        linked: source.top.clone(),
        memo: slot.folder.join("files"),
        env,
        notes: linked.notes,
        tracked: tracked.map(str::to_owned).collect(),
        source,
        private,
        _slot: slot,
    })
}

/// Whether the index of a hook is about this repository, and not about one that started a test.
fn is_of_hook(source: &Source) -> bool {
    let Some(named) = env::var_os("GIT_DIR") else {
        // git names its folder to hooks in linked working trees only.
        return source.git_dir == source.common;
    };
    let named = source.top.join(named);
    named.canonicalize().unwrap_or(named) == source.git_dir
}

/// Writes the tree of a copy of the index; its objects go to the snapshot's own store.
fn write_tree(
    source: &Source,
    index: &Path,
    private: &Private,
    folder: &Path,
) -> Result<String, StagedError> {
    let copy = folder.join("user-index");
    remove(&folder.join("user-index.lock"))?;
    if index.is_file() {
        fs::copy(index, &copy).map_err(io_error("copy the index to", &copy))?;
    } else {
        // A repository without a first `git add` has no index: nothing is staged.
        remove(&copy)?;
    }
    let mut git = Git::without_variables(&source.top);
    git.env = vec![
        ("GIT_DIR", source.git_dir.clone().into()),
        ("GIT_WORK_TREE", source.top.clone().into()),
        ("GIT_INDEX_FILE", copy.into()),
        (
            "GIT_OBJECT_DIRECTORY",
            private.git_dir.join("objects").into(),
        ),
        (
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            source.objects.clone().into(),
        ),
    ];
    git.line(&["write-tree"]).map_err(StagedError::Index)
}

/// Checks out the staged commits of the submodules that the user has; gives their paths with `/`.
fn fill_submodules(
    user: &Path,
    private: &Private,
    folder: &Path,
) -> Result<Vec<String>, StagedError> {
    if !private.tree.join(".gitmodules").is_file() {
        return Ok(Vec::new());
    }
    let listed = private
        .git()
        .paths(&["ls-files", "-z", "--stage"])
        .map_err(StagedError::Rewritten)?;
    let mut found = Vec::new();
    for line in listed {
        let Some((what, path)) = line.split_once('\t') else {
            continue;
        };
        let mut words = what.split(' ');
        let (mode, commit) = (words.next(), words.next().unwrap_or_default());
        if mode != Some("160000") {
            continue;
        }
        found.push(format!("{path}/"));
        let theirs = user.join(path);
        if !theirs.join(".git").exists() {
            continue;
        }
        let id = Digest::of(path);
        let own = Private {
            git_dir: folder.join("modules").join(id.short()),
            tree: private.tree.join(path),
        };
        let filled = fill_submodule(&theirs, &own, commit, folder);
        filled.map_err(|source| StagedError::Submodule {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
    }
    Ok(found)
}

fn fill_submodule(
    theirs: &Path,
    own: &Private,
    commit: &str,
    folder: &Path,
) -> Result<(), StagedError> {
    let source = Source::of(theirs).map_err(StagedError::Rewritten)?;
    own.set_up(&source, Some(commit))?;
    own.fill(commit)?;
    let below = folder
        .join("modules")
        .join(Digest::of(theirs.to_string_lossy().as_bytes()).short());
    fill_submodules(theirs, own, &below)?;
    Ok(())
}

impl Staged {
    /// Whether a path, relative to the root, is staged.
    #[must_use]
    pub fn is_staged(&self, path: &str) -> bool {
        let mut folders = path.match_indices('/').map(|(at, _)| &path[..=at]);
        self.tracked.contains(path) || folders.any(|folder| self.tracked.contains(folder))
    }

    /// The first lines of what these files, relative to the root, have become.
    ///
    /// # Errors
    /// When git cannot compare them.
    pub fn difference(&self, paths: &[String]) -> Result<Vec<String>, StagedError> {
        let mut git = self.private.git();
        git.folder.clone_from(&self.root);
        let mut arguments = vec!["diff", "--no-color", "--no-ext-diff", "--"];
        arguments.extend(paths.iter().map(String::as_str));
        let text = git.output(&arguments).map_err(StagedError::Rewritten)?;
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().take(DIFF_LINES_MAX);
        Ok(lines.map(str::to_owned).collect())
    }

    /// Stages these files, relative to the root, as they are in the snapshot now. The file in the
    /// user's tree follows when it is as it was staged before; one with unstaged edits stays.
    /// Gives the paths of those.
    ///
    /// # Errors
    /// When git cannot write its index, or a file cannot be written.
    pub fn stage(&self, paths: &[String]) -> Result<Vec<String>, StagedError> {
        let user = Git {
            folder: self.source.top.clone(),
            env: vec![
                ("GIT_DIR", self.source.git_dir.clone().into()),
                ("GIT_WORK_TREE", self.source.top.clone().into()),
            ],
            without_variables: false,
        };
        let mut edited = Vec::new();
        for path in paths {
            let path = format!("{}{path}", self.source.prefix);
            if !self.stage_one(&user, &path)? {
                edited.push(path.clone());
            }
            let add = ["add", "--all", "--", &path];
            self.private
                .git()
                .output(&add)
                .map_err(StagedError::Rewritten)?;
        }
        Ok(edited)
    }

    /// Stages one path, relative to the top; false when the user's file has unstaged edits.
    fn stage_one(&self, user: &Git, path: &str) -> Result<bool, StagedError> {
        let fail = StagedError::Rewritten;
        let fixed = self.private.tree.join(path);
        let theirs = self.source.top.join(path);
        let staged = user
            .line(&["ls-files", "--stage", "--", path])
            .map_err(fail)?;
        let mut words = staged.split([' ', '\t']);
        let (mode, id) = (
            words.next().unwrap_or("100644").to_owned(),
            words.next().unwrap_or_default().to_owned(),
        );
        let id_of = |file: &Path| {
            let file = file.to_string_lossy();
            user.line(&["hash-object", "--path", path, "--", &file])
        };
        let is_unedited = id_of(&theirs).is_ok_and(|found| found == id);
        if !fixed.is_file() {
            let remove = ["update-index", "--force-remove", "--", path];
            user.output(&remove).map_err(fail)?;
            if is_unedited {
                fs::remove_file(&theirs).map_err(io_error("remove", &theirs))?;
            }
            return Ok(is_unedited);
        }
        let file = fixed.to_string_lossy();
        let new = ["hash-object", "-w", "--path", path, "--", &file];
        let new = user.line(&new).map_err(fail)?;
        if is_unedited {
            let bytes = fs::read(&fixed).map_err(io_error("read", &fixed))?;
            write_atomic(&theirs, &bytes)?;
        }
        let entry = format!("{mode},{new},{path}");
        user.output(&["update-index", "--add", "--cacheinfo", &entry])
            .map_err(fail)?;
        Ok(is_unedited)
    }
}
