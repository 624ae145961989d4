//! Finds the files of a folder with their metadata. All files count, whether git tracks, ignores
//! or has never heard of them, except what tools can make again from the others.
//!
//! Left out: version control's own folders, `.tollgate`, caches by name ([`CACHES`]), a folder that
//! is marked as a cache (`CACHEDIR.TAG`, as cargo's `target` is), `.build` next to `Package.swift`,
//! and in `node_modules` what tools cache there. A virtual environment is not a cache.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use crate::stat::Stat;

/// Folders that are left out wherever they are.
pub(crate) const CACHES: [&str; 12] = [
    ".git",
    ".hg",
    ".jj",
    ".svn",
    ".tollgate",
    "__pycache__",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    ".turbo",
];
/// Folders that are left out directly in `node_modules`.
const NODE_CACHES: [&str; 3] = [".cache", ".vite", ".vite-temp"];
/// Files that no step reads for what they hold: the path of a git folder, and those of the system
/// about folders' windows.
const NOISE: [&str; 4] = [".git", ".DS_Store", "Thumbs.db", "desktop.ini"];
/// The most threads that read folders.
const THREADS_MAX: usize = 8;

/// What a walk needs besides its folder.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Paths that are walked although a cache holds them: a folder on the way to one of these, or
    /// below one, is not left out.
    pub wanted: BTreeSet<String>,
    /// The user's repository, for a snapshot: links that lead into it count as what they lead to.
    pub linked: Option<PathBuf>,
}

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name; with escapes when it is not UTF-8.
    pub name: String,
    /// Its metadata.
    pub stat: Stat,
    /// Its name for the system, when it is not UTF-8.
    real: Option<PathBuf>,
}

impl File {
    /// A file with a plain name.
    #[must_use]
    pub fn new(name: &str, stat: Stat) -> Self {
        Self {
            name: name.to_owned(),
            stat,
            real: None,
        }
    }

    /// Its path for the system.
    #[must_use]
    pub fn path(&self, root: &Path, folder: &str) -> PathBuf {
        match &self.real {
            Some(path) => path.clone(),
            None => root.join(folder).join(&self.name),
        }
    }
}

/// The files directly in one folder, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its path with `/` at the end, relative to the root; empty for the root.
    pub path: String,
    /// The files; not empty.
    pub files: Vec<File>,
}

/// Which files of a folder count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    /// All but what is left out.
    Usual,
    /// Only what is wanted: the folder is a cache.
    Wanted,
    /// All: the folder is wanted.
    All,
}

/// A folder that waits to be read.
struct Open {
    full: PathBuf,
    shown: String,
    counts: Counts,
    /// Whether a link leads to it.
    is_linked: bool,
}

#[derive(Default)]
struct State {
    open: Vec<Open>,
    n_busy: usize,
    folders: Vec<Folder>,
    error: Option<(PathBuf, io::Error)>,
}

/// The walk that several threads share.
struct Walk<'a> {
    rules: &'a Rules,
    /// The root without links on the way.
    root: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

/// All folders with files below `root`, by path.
///
/// # Errors
/// When the root cannot be read, with its path. What is unreadable or vanishes below it is left out:
/// a step cannot read it either.
pub fn walk(root: &Path, rules: &Rules) -> Result<Vec<Folder>, (PathBuf, io::Error)> {
    let walk = Walk {
        rules,
        root: fs::canonicalize(root).unwrap_or_else(|_| root.to_owned()),
        state: Mutex::default(),
        changed: Condvar::new(),
    };
    walk.lock().open.push(Open {
        full: root.to_owned(),
        shown: String::new(),
        counts: Counts::Usual,
        is_linked: false,
    });
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 1..n_threads.min(THREADS_MAX) {
            scope.spawn(|| walk.work());
        }
        walk.work();
    });
    let state = walk.state.into_inner();
    let mut state = state.unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = state.error.take() {
        return Err(error);
    }
    state
        .folders
        .sort_unstable_by(|left, right| left.path.cmp(&right.path));
    Ok(state.folders)
}

impl Walk<'_> {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut found: Vec<Folder> = Vec::new();
        while let Some(open) = self.next() {
            let mut below = Vec::new();
            let read = self.read(&open, &mut below);
            let n_below = below.len();
            let mut state = self.lock();
            state.n_busy -= 1;
            state.open.append(&mut below);
            let is_through = state.n_busy == 0 && state.open.is_empty();
            match read {
                Ok(folder) => found.extend(folder),
                Err(error) if open.shown.is_empty() => state.error = Some((open.full, error)),
                Err(_) => {}
            }
            // This thread takes one of the folders itself, so one alone needs nobody else.
            if is_through || n_below > 1 {
                self.changed.notify_all();
            }
        }
        self.lock().folders.append(&mut found);
    }

    /// The next folder to read; none when all have been read.
    fn next(&self) -> Option<Open> {
        let mut state = self.lock();
        loop {
            if let Some(open) = state.open.pop() {
                state.n_busy += 1;
                return Some(open);
            }
            if state.n_busy == 0 {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn read(&self, open: &Open, below: &mut Vec<Open>) -> io::Result<Option<Folder>> {
        let mut files = Vec::new();
        let (mut has_swift, mut is_marked, mut has_python) = (false, false, false);
        for entry in fs::read_dir(&open.full)? {
            let entry = entry?;
            let name = entry.file_name();
            has_swift |= name == "Package.swift";
            is_marked |= name == "CACHEDIR.TAG" || name == ".rustc_info.json";
            has_python |= name == "pyvenv.cfg";
            self.take(open, &entry, name, &mut files, below);
        }
        let mut counts = open.counts;
        if counts == Counts::Usual && is_marked && !has_python && !open.shown.is_empty() {
            counts = self.counts_in_cache(&open.shown);
            for folder in below.iter_mut() {
                folder.counts = counts;
            }
        }
        if has_swift && open.counts == Counts::Usual {
            let build = format!("{}.build/", open.shown);
            for folder in below.iter_mut().filter(|folder| folder.shown == build) {
                folder.counts = self.counts_in_cache(&build);
            }
        }
        if counts == Counts::Wanted {
            let is_wanted = |path: String| self.rules.wanted.contains(&path);
            files.retain(|file: &File| is_wanted(format!("{}{}", open.shown, file.name)));
        }
        below.retain_mut(|folder| self.is_read(folder));
        files.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        let path = open.shown.clone();
        Ok((!files.is_empty()).then_some(Folder { path, files }))
    }

    /// What counts of a cache.
    fn counts_in_cache(&self, shown: &str) -> Counts {
        if self.rules.wanted.contains(shown.trim_end_matches('/')) {
            Counts::All
        } else {
            Counts::Wanted
        }
    }

    /// Whether a folder has to be read; one in a cache only when something of it is wanted.
    fn is_read(&self, folder: &mut Open) -> bool {
        if folder.counts != Counts::Wanted {
            return true;
        }
        folder.counts = self.counts_in_cache(&folder.shown);
        folder.counts == Counts::All || self.is_on_the_way(&folder.shown)
    }

    fn take(
        &self,
        open: &Open,
        entry: &DirEntry,
        name: std::ffi::OsString,
        files: &mut Vec<File>,
        below: &mut Vec<Open>,
    ) {
        let Ok(file_type) = entry.file_type() else {
            return;
        };
        if file_type.is_dir() {
            return self.open(open, entry.path(), &name, below);
        }
        let Ok(metadata) = entry.metadata() else {
            return;
        };
        let Some(mut stat) = Stat::new(&metadata) else {
            return;
        };
        if stat.kind == 'l' {
            let path = entry.path();
            let target = fs::metadata(&path).ok();
            if self.is_linked(&path) {
                match target.as_ref().map(Metadata::is_dir) {
                    Some(true) => return self.open(open, path, &name, below),
                    Some(false) => {
                        let followed = target.as_ref().and_then(Stat::new);
                        stat = followed.unwrap_or(stat);
                    }
                    None => {}
                }
            } else if let Some(target) = target {
                if target.is_file() {
                    stat = stat.with_target(&target);
                } else if target.is_dir() && !open.is_linked && self.is_followed(open, &path, &name)
                {
                    self.open(open, path, &name, below);
                    if let Some(opened) = below.last_mut() {
                        opened.is_linked = true;
                    }
                }
            }
        }
        if name.to_str().is_some_and(is_noise) {
            return;
        }
        let (name, real) = match name.into_string() {
            Ok(name) => (name, None),
            Err(name) => (escaped(&name), Some(entry.path())),
        };
        files.push(File { name, stat, real });
    }

    fn open(&self, open: &Open, full: PathBuf, name: &OsStr, below: &mut Vec<Open>) {
        let name = name.to_str().map_or_else(|| escaped(name), str::to_owned);
        let shown = format!("{}{name}/", open.shown);
        let in_modules = open.shown == "node_modules/" || open.shown.ends_with("/node_modules/");
        let is_cache =
            CACHES.contains(&name.as_str()) || in_modules && NODE_CACHES.contains(&name.as_str());
        let counts = match open.counts {
            Counts::Usual if is_cache => Counts::Wanted,
            counts => counts,
        };
        below.push(Open {
            full,
            shown,
            counts,
            is_linked: open.is_linked,
        });
    }

    /// Whether the walk follows a link to a folder. One outside of the root, unless it contains the
    /// root: what it holds is found nowhere else. One in the root, where a wanted path names the
    /// link and not the folder: what it holds is wanted under this name.
    fn is_followed(&self, open: &Open, link: &Path, name: &OsStr) -> bool {
        let Ok(target) = fs::canonicalize(link) else {
            return false;
        };
        let Ok(target) = target.strip_prefix(&self.root) else {
            return !self.root.starts_with(&target);
        };
        let shown = PathBuf::from(&open.shown).join(name);
        self.rules.wanted.iter().any(|path| {
            let names_link = shown.starts_with(path) || Path::new(path).starts_with(&shown);
            names_link && !target.starts_with(path) && !shown.starts_with(target)
        })
    }

    /// Whether a wanted path lies below this folder.
    fn is_on_the_way(&self, shown: &str) -> bool {
        let mut wanted = self.rules.wanted.iter();
        wanted.any(|path| path.starts_with(shown))
    }

    fn is_linked(&self, link: &Path) -> bool {
        let Some(repository) = &self.rules.linked else {
            return false;
        };
        fs::read_link(link).is_ok_and(|target| target.starts_with(repository))
    }
}

/// Files that programs leave behind: those of file managers, and the profiles that an instrumented
/// program writes into its working folder when nothing names another place.
fn is_noise(name: &str) -> bool {
    let is_profile = name.starts_with("default_") && name.ends_with(".profraw");
    is_profile || NOISE.contains(&name)
}

/// A name that is not UTF-8, with the bytes of the unreadable part, so that it stays unique.
fn escaped(name: &OsStr) -> String {
    let mut text = name.to_string_lossy().into_owned();
    for byte in name.as_encoded_bytes() {
        if !byte.is_ascii() {
            text.push_str(&format!("%{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str], wanted: &[&str]) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for path in paths {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        let rules = Rules {
            wanted: wanted.iter().map(|path| (*path).to_owned()).collect(),
            linked: None,
        };
        let folders = walk(root.path(), &rules).unwrap();
        folders
            .iter()
            .flat_map(|folder| {
                let files = folder.files.iter();
                files.map(|file| format!("{}{}", folder.path, file.name))
            })
            .collect()
    }

    #[test]
    fn all_files_count_except_what_tools_can_make_again() {
        let paths = [
            ".git/HEAD",
            ".tollgate/cache/x",
            "dist/app.js",
            "target/CACHEDIR.TAG",
            "target/debug/app",
            "src/__pycache__/a.pyc",
            "node_modules/.bin/tool",
            "node_modules/.cache/x",
            ".venv/pyvenv.cfg",
            ".venv/CACHEDIR.TAG",
            "Package.swift",
            ".build/debug/app",
            "src/.DS_Store",
            "default_343720_0_10141.profraw",
        ];
        assert_eq!(
            names(&paths, &[]),
            [
                "Package.swift",
                ".venv/CACHEDIR.TAG",
                ".venv/pyvenv.cfg",
                "dist/app.js",
                "node_modules/.bin/tool"
            ]
        );
    }

    #[test]
    fn what_is_asked_for_counts_wherever_it_is() {
        let paths = [
            ".tollgate/coverage/lcov.info",
            ".tollgate/evidence.ndjson",
            "target/CACHEDIR.TAG",
            "target/reports/deep/a.xml",
            "target/debug/app",
        ];
        assert_eq!(
            names(&paths, &[".tollgate/coverage", "target/reports"]),
            [".tollgate/coverage/lcov.info", "target/reports/deep/a.xml"]
        );
    }
}
