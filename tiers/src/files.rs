//! The files of the repository with their content digests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use tollgate_report::atomic::WriteError;
use tollgate_report::{Digest, Timestamp};

use crate::git::{Git, GitError};
use crate::memo::{self, Memo, Stat};

/// Where the list of files comes from.
#[derive(Debug, Clone)]
pub enum FileSource {
    /// git where the root is inside a repository (tracked and not ignored), otherwise a walk.
    Auto,
    /// The files of a private index, for a snapshot of what is staged.
    Index(Git),
}

/// A file as it was when the run began.
#[derive(Debug, Clone)]
pub struct FileEntry {
    /// The file's metadata, by which a later change is detected.
    pub stat: Stat,
    /// `f`, `x` or `l`, a colon, and the digest of its content (of its target for a link).
    pub content: String,
}

/// All files of the repository by path with `/`, relative to the root.
#[derive(Debug, Default)]
pub struct Tree {
    /// The folder.
    pub root: PathBuf,
    /// The files.
    pub entries: BTreeMap<String, FileEntry>,
}

/// The files could not be listed or read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A folder or file could not be read.
    #[error("cannot read `{path}`")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// git could not list the files.
    #[error("cannot list the files of the repository")]
    Git(#[from] GitError),
    /// The memo could not be written.
    #[error("cannot keep the digests of files")]
    Memo(#[from] WriteError),
}

/// Folders that a walk without git passes over.
const NOT_WALKED: [&str; 5] = [".git", ".tollgate", "target", "node_modules", ".venv"];

/// Lists the files and finds their digests, with the memo at `memo_path` for those unchanged.
pub fn load(
    root: &Path,
    source: &FileSource,
    memo_path: &Path,
    now: Timestamp,
) -> Result<Tree, FilesError> {
    let paths = list(root, source)?;
    let memo = Memo::load(memo_path);
    let mut entries = BTreeMap::new();
    let mut unknown = Vec::new();
    for path in paths {
        // A listed file may be deleted in the tree, or be a submodule: then it has no content here.
        let Some(stat) = stat_of(&root.join(&path)) else {
            continue;
        };
        match memo.digest(&path, &stat) {
            Some(content) => {
                let content = content.to_owned();
                entries.insert(path, FileEntry { stat, content });
            }
            None => unknown.push((path, stat)),
        }
    }
    let is_memo_complete = unknown.is_empty();
    for (path, entry) in digest_all(root, unknown)? {
        entries.insert(path, entry);
    }
    if !is_memo_complete {
        let files = entries
            .iter()
            .map(|(path, entry)| (path.as_str(), &entry.stat, entry.content.as_str()));
        memo::save(memo_path, now, files)?;
    }
    Ok(Tree {
        root: root.to_owned(),
        entries,
    })
}

impl Tree {
    /// The first of these files that is no longer as it was when the tree was loaded.
    pub fn first_changed<'a>(&self, mut paths: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        paths.find(|path| {
            let known = self.entries.get(*path).map(|entry| entry.stat);
            stat_of(&self.root.join(path)) != known
        })
    }
}

fn stat_of(path: &Path) -> Option<Stat> {
    Stat::new(&fs::symlink_metadata(path).ok()?)
}

fn list(root: &Path, source: &FileSource) -> Result<BTreeSet<String>, FilesError> {
    let mut paths = match source {
        FileSource::Index(git) => git.paths(&["ls-files", "-z", "--cached"])?,
        FileSource::Auto => {
            let listed = Git::at(root).paths(&[
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ]);
            match listed {
                Ok(paths) => paths,
                Err(_) => {
                    let mut paths = BTreeSet::new();
                    walk(root, "", &mut paths)?;
                    paths
                }
            }
        }
    };
    paths.retain(|path| !path.starts_with(".tollgate/"));
    Ok(paths)
}

fn walk(folder: &Path, prefix: &str, paths: &mut BTreeSet<String>) -> Result<(), FilesError> {
    let fail = |source| FilesError::Read {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if !entry.file_type().map_err(fail)?.is_dir() {
            paths.insert(path);
        } else if !NOT_WALKED.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{path}/"), paths)?;
        }
    }
    Ok(())
}

/// Reads the files on all cores; a file that vanished since it was listed is left out.
fn digest_all(
    root: &Path,
    files: Vec<(String, Stat)>,
) -> Result<Vec<(String, FileEntry)>, FilesError> {
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let n_each = files.len().div_ceil(n_threads).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = files
            .chunks(n_each)
            .map(|chunk| scope.spawn(move || digest_some(root, chunk)))
            .collect();
        let mut entries = Vec::with_capacity(files.len());
        for thread in threads {
            entries.extend(thread.join().expect("digesting a file does not panic")?);
        }
        Ok(entries)
    })
}

fn digest_some(
    root: &Path,
    files: &[(String, Stat)],
) -> Result<Vec<(String, FileEntry)>, FilesError> {
    let mut entries = Vec::with_capacity(files.len());
    for (path, stat) in files {
        let full = root.join(path);
        match read_content(&full, stat.kind) {
            Ok(bytes) => {
                let content = format!("{}:{}", stat.kind, Digest::of(bytes));
                entries.push((
                    path.clone(),
                    FileEntry {
                        stat: *stat,
                        content,
                    },
                ));
            }
            Err(source) if source.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(FilesError::Read { path: full, source }),
        }
    }
    Ok(entries)
}

fn read_content(path: &Path, kind: char) -> io::Result<Vec<u8>> {
    if kind == 'l' {
        let target = fs::read_link(path)?;
        Ok(target.to_string_lossy().into_owned().into_bytes())
    } else {
        fs::read(path)
    }
}

/// The content digest of one file outside the tree, kept by its own memo; none when it is not there.
pub(crate) fn digest_of_one(
    folder: &Path,
    name: &str,
    memo_path: &Path,
    now: Timestamp,
) -> Result<Option<String>, FilesError> {
    let full = folder.join(name).to_string_lossy().into_owned();
    let metadata = fs::metadata(&full).ok();
    let Some(stat) = metadata.and_then(|metadata| Stat::new(&metadata)) else {
        return Ok(None);
    };
    let memo = Memo::load(memo_path);
    if let Some(content) = memo.digest(&full, &stat) {
        return Ok(Some(content.to_owned()));
    }
    let found = digest_some(folder, &[(name.to_owned(), stat)])?;
    let Some((_, entry)) = found.into_iter().next() else {
        return Ok(None);
    };
    let line = (full.as_str(), &entry.stat, entry.content.as_str());
    memo::save(memo_path, now, std::iter::once(line))?;
    Ok(Some(entry.content))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(root: &Path, memo: &Path) -> BTreeMap<String, String> {
        let tree = load(root, &FileSource::Auto, memo, Timestamp::EPOCH).unwrap();
        let entries = tree.entries.into_iter();
        entries.map(|(path, entry)| (path, entry.content)).collect()
    }

    #[test]
    fn outside_git_the_folder_is_walked_without_what_is_built() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        for path in [
            "src/a b.rs",
            "target/debug/x",
            ".tollgate/cache/y",
            "node_modules/z",
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        let memo = folder.path().join("memo");
        let first = contents(&root, &memo);
        assert_eq!(first.keys().collect::<Vec<_>>(), ["src/a b.rs"]);
        assert_eq!(contents(&root, &memo), first);
        fs::write(root.join("src/a b.rs"), "TEXT").unwrap();
        assert_ne!(contents(&root, &memo), first);
    }
}
