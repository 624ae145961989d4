//! The files of the repository, or of a snapshot of it, with the digests of their content.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use tollgate_report::Timestamp;
use tollgate_report::atomic::WriteError;

use crate::memo::{self, Content, Digests, Kept, Memo};
use crate::stat::Stat;
use crate::walk::{Folder, Rules, walk};

/// A larger file enters keys by its metadata: reading it would take longer than most steps.
const READ_MAX: u64 = 64 << 20;

/// A file as it was when the tree was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// The file's metadata.
    pub stat: Stat,
    /// The digest of its content (of its target for a link).
    pub digest: Content,
}

impl FileEntry {
    /// `f`, `x` or `l`, a colon, and the digest of its content in hexadecimal.
    #[must_use]
    pub fn content(&self) -> String {
        let hex = blake3::Hash::from_bytes(self.digest).to_hex();
        format!("{}:{hex}", self.stat.kind)
    }

    /// Whether two files have the same content and kind.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest && self.stat.kind == other.stat.kind
    }
}

/// All files of the repository by path with `/`, relative to the root.
#[derive(Debug)]
pub struct Tree {
    /// The folder.
    pub root: PathBuf,
    /// The files.
    pub entries: BTreeMap<String, FileEntry>,
    /// The digest of all paths and contents.
    pub digest: Content,
    /// When it was read.
    pub at: Timestamp,
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
    /// The memo could not be written.
    #[error("cannot keep the digests of files")]
    Memo(#[from] WriteError),
}

/// The files with their metadata, and what was known of their content before.
#[derive(Debug)]
pub struct Scan {
    root: PathBuf,
    folders: Vec<Folder>,
    stats: Vec<u8>,
    memo: Memo,
    memo_path: PathBuf,
    /// When the metadata was read.
    at: Timestamp,
}

/// Lists the files below `root`; nothing is read but folders and the memo at `memo_path`.
///
/// # Errors
/// When the root cannot be read.
pub fn scan(
    root: &Path,
    rules: &Rules,
    memo_path: &Path,
    now: Timestamp,
) -> Result<Scan, FilesError> {
    let (folders, memo) = thread::scope(|scope| {
        let memo = scope.spawn(|| Memo::load(memo_path));
        let folders = walk(root, rules);
        (folders, memo.join().unwrap_or_default())
    });
    let folders = folders.map_err(|(path, source)| FilesError::Read { path, source })?;
    Ok(Scan {
        root: root.to_owned(),
        stats: memo::stats(&folders),
        folders,
        memo,
        memo_path: memo_path.to_owned(),
        at: now,
    })
}

impl Scan {
    /// The digest of the tree, when no file has changed since the memo was written.
    #[must_use]
    pub fn known_digest(&self) -> Option<Content> {
        self.memo.tree(&self.stats)
    }

    /// Reads what the memo does not have, and keeps it.
    ///
    /// # Errors
    /// When a file cannot be read or the memo cannot be written.
    pub fn load(self) -> Result<Tree, FilesError> {
        let known = self.memo.digests();
        let (tree, digests) = read(&self.root, &self.folders, &known, self.at)?;
        if self.known_digest().is_none() {
            let kept = Kept {
                folders: &self.folders,
                stats: &self.stats,
                digests: &digests,
                tree: &tree.digest,
            };
            memo::save(&self.memo_path, self.at, &kept)?;
        }
        Ok(tree)
    }
}

/// Lists the files and finds their digests, with the memo at `memo_path` for those unchanged.
///
/// # Errors
/// As [`scan`] and [`Scan::load`].
pub fn load(
    root: &Path,
    rules: &Rules,
    memo_path: &Path,
    now: Timestamp,
) -> Result<Tree, FilesError> {
    scan(root, rules, memo_path, now)?.load()
}

impl Tree {
    /// A tree of which nothing has been read.
    #[must_use]
    pub fn empty(root: &Path, at: Timestamp) -> Self {
        Self {
            root: root.to_owned(),
            entries: BTreeMap::new(),
            digest: [0; 32],
            at,
        }
    }

    /// The tree as it is now.
    ///
    /// # Errors
    /// When the root or a changed file cannot be read.
    pub fn again(&self, rules: &Rules, now: Timestamp) -> Result<Self, FilesError> {
        let folders =
            walk(&self.root, rules).map_err(|(path, source)| FilesError::Read { path, source })?;
        let known: HashMap<String, (Stat, Content)> = self
            .entries
            .iter()
            .map(|(path, entry)| (path.clone(), (entry.stat, entry.digest)))
            .collect();
        let known = Digests::new(self.at, known);
        Ok(read(&self.root, &folders, &known, now)?.0)
    }

    /// The paths whose content differs between two trees, in order.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let is_other = |path: &String, entry: &FileEntry, tree: &Self| {
            tree.entries
                .get(path)
                .is_none_or(|found| !found.is_same(entry))
        };
        let ours = self.entries.iter();
        let mut paths: Vec<String> = ours
            .filter(|(path, entry)| is_other(path, entry, other))
            .map(|(path, _)| path.clone())
            .collect();
        let theirs = other.entries.keys();
        paths.extend(
            theirs
                .filter(|path| !self.entries.contains_key(*path))
                .cloned(),
        );
        paths.sort();
        paths
    }
}

/// A file whose digest is not known.
struct Unknown {
    idx: usize,
    full: PathBuf,
    stat: Stat,
}

/// The tree of these folders, and the digest of each file in their order.
fn read(
    root: &Path,
    folders: &[Folder],
    known: &Digests,
    at: Timestamp,
) -> Result<(Tree, Vec<Content>), FilesError> {
    let mut paths = Vec::new();
    let mut digests = Vec::new();
    let mut unknown = Vec::new();
    for folder in folders {
        for file in &folder.files {
            let path = format!("{}{}", folder.path, file.name);
            let (idx, stat) = (paths.len(), file.stat);
            let digest = known.get(&path, &stat);
            if digest.is_none() {
                let full = file.path(root, &folder.path);
                unknown.push(Unknown { idx, full, stat });
            }
            digests.push(digest.unwrap_or([0; 32]));
            paths.push((path, stat));
        }
    }
    for (idx, digest) in digest_all(&unknown)? {
        digests[idx] = digest;
    }
    let entries: BTreeMap<String, FileEntry> = paths
        .into_iter()
        .zip(&digests)
        .map(|((path, stat), digest)| {
            let digest = *digest;
            (path, FileEntry { stat, digest })
        })
        .collect();
    let digest = digest_of(&entries);
    let root = root.to_owned();
    Ok((
        Tree {
            root,
            entries,
            digest,
            at,
        },
        digests,
    ))
}

fn digest_of(entries: &BTreeMap<String, FileEntry>) -> Content {
    let mut hasher = blake3::Hasher::new();
    for (path, entry) in entries {
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path.as_bytes());
        hasher.update(&u32::from(entry.stat.kind).to_le_bytes());
        hasher.update(&entry.digest);
    }
    *hasher.finalize().as_bytes()
}

/// Reads the files on all cores.
fn digest_all(files: &[Unknown]) -> Result<Vec<(usize, Content)>, FilesError> {
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let n_each = files.len().div_ceil(n_threads).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = files
            .chunks(n_each)
            .map(|chunk| {
                scope.spawn(move || {
                    let digest = |file: &Unknown| Ok((file.idx, digest_of_file(file)?));
                    chunk
                        .iter()
                        .map(digest)
                        .collect::<Result<Vec<_>, FilesError>>()
                })
            })
            .collect();
        let mut digests = Vec::with_capacity(files.len());
        for thread in threads {
            digests.extend(thread.join().expect("digesting a file does not panic")?);
        }
        Ok(digests)
    })
}

fn digest_of_file(file: &Unknown) -> Result<Content, FilesError> {
    if file.stat.size > READ_MAX && file.stat.kind != 'l' {
        return Ok(by_metadata("large", &file.stat));
    }
    match read_content(&file.full, file.stat.kind) {
        Ok(bytes) => Ok(*blake3::hash(&bytes).as_bytes()),
        // What vanished or cannot be read is so for a step, too; its metadata stands for it.
        Err(source) => match source.kind() {
            io::ErrorKind::NotFound => Ok(by_metadata("gone", &file.stat)),
            io::ErrorKind::PermissionDenied => Ok(by_metadata("unreadable", &file.stat)),
            _ => Err(FilesError::Read {
                path: file.full.clone(),
                source,
            }),
        },
    }
}

fn by_metadata(why: &str, stat: &Stat) -> Content {
    let text = format!(
        "{why} {} {} {} {}",
        stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode
    );
    *blake3::hash(text.as_bytes()).as_bytes()
}

/// The content of a file; of a link its target, and what that holds when it is a file.
fn read_content(path: &Path, kind: char) -> io::Result<Vec<u8>> {
    if kind != 'l' {
        return fs::read(path);
    }
    let target = fs::read_link(path)?;
    let mut bytes = target.as_os_str().as_encoded_bytes().to_vec();
    let is_small = |metadata: fs::Metadata| metadata.is_file() && metadata.len() <= READ_MAX;
    if fs::metadata(path).is_ok_and(is_small) {
        bytes.push(0);
        bytes.extend(fs::read(path).unwrap_or_default());
    }
    Ok(bytes)
}

/// The content digest of one file outside the tree, kept by its own memo; none when it is not there.
pub(crate) fn digest_of_one(
    path: &Path,
    memo_path: &Path,
    now: Timestamp,
) -> Result<Option<String>, FilesError> {
    let metadata = fs::metadata(path).ok();
    let Some(stat) = metadata.and_then(|metadata| Stat::new(&metadata)) else {
        return Ok(None);
    };
    // A link to it, as each run may make, is not a change.
    let stat = Stat {
        ctime_ns: 0,
        ..stat
    };
    let name = path.to_string_lossy();
    let folder = Folder {
        path: String::new(),
        files: vec![crate::walk::File::new(&name, stat)],
    };
    let folders = [folder];
    let stats = memo::stats(&folders);
    if let Some(digest) = Memo::load(memo_path).tree(&stats) {
        return Ok(Some(blake3::Hash::from_bytes(digest).to_hex().to_string()));
    }
    let bytes = fs::read(path).map_err(|source| FilesError::Read {
        path: path.to_owned(),
        source,
    })?;
    let digest = *blake3::hash(&bytes).as_bytes();
    let kept = Kept {
        folders: &folders,
        stats: &stats,
        digests: &[digest],
        tree: &digest,
    };
    memo::save(memo_path, now, &kept)?;
    Ok(Some(blake3::Hash::from_bytes(digest).to_hex().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(root: &Path, memo: &Path) -> BTreeMap<String, String> {
        let tree = load(root, &Rules::default(), memo, Timestamp::EPOCH).unwrap();
        let entries = tree.entries.into_iter();
        entries
            .map(|(path, entry)| (path, entry.content()))
            .collect()
    }

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn equal_content_has_an_equal_digest_and_a_change_another() {
        let folder = tempfile::tempdir().unwrap();
        let (root, memo) = (folder.path().join("root"), folder.path().join("memo"));
        write(&root, "src/a b.rs", "text");
        let first = contents(&root, &memo);
        assert_eq!(first.keys().collect::<Vec<_>>(), ["src/a b.rs"]);
        assert_eq!(contents(&root, &memo), first);
        write(&root, "src/a b.rs", "TEXT");
        assert_ne!(contents(&root, &memo), first);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_changes_with_the_file_that_it_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let (root, memo) = (folder.path().join("root"), folder.path().join("memo"));
        write(folder.path(), "outside.json", "{}");
        fs::create_dir_all(&root).unwrap();
        std::os::unix::fs::symlink("../outside.json", root.join("link.json")).unwrap();
        let first = contents(&root, &memo);
        write(folder.path(), "outside.json", "[]");
        assert_ne!(contents(&root, &memo), first);
    }

    #[test]
    fn a_tree_that_is_read_again_names_what_differs() {
        let folder = tempfile::tempdir().unwrap();
        let (root, memo) = (folder.path().join("root"), folder.path().join("memo"));
        for name in ["same", "edited", "gone"] {
            write(&root, name, "text");
        }
        let tree = load(&root, &Rules::default(), &memo, Timestamp::EPOCH).unwrap();
        write(&root, "edited", "TEXT");
        write(&root, "new", "");
        fs::remove_file(root.join("gone")).unwrap();
        let now = tree.again(&Rules::default(), Timestamp::EPOCH).unwrap();
        assert_eq!(tree.differences(&now), ["edited", "gone", "new"]);
    }
}
