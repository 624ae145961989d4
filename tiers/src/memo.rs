//! The memo of file digests: a warm run reads no file whose metadata is as it was. An entry that
//! may have been written in the same clock tick as the file is ignored.

use std::collections::HashMap;
use std::path::Path;

use tollgate_report::Timestamp;
use tollgate_report::atomic::{WriteError, replace};

use crate::stat::Stat;
use crate::walk::Folder;

/// First words of the memo file; other forms are ignored.
const HEADER: &[u8; 16] = b"tollgate-memo 2\n";
/// Header, time of writing, newest change of a file, digest of the tree, length of the stats.
const START: usize = HEADER.len() + 8 + 8 + 32 + 8;
/// Bytes of a digest.
const DIGEST: usize = 32;
/// An entry is trusted when the file's last change is at least this much older than the memo.
/// Racy git uses equality; two seconds also cover file systems with coarse times (FAT: 2 s).
const RACY_NS: i64 = 2_000_000_000;

/// BLAKE3 of some content.
pub type Content = [u8; DIGEST];

/// Names and stats in the order of the walk, as bytes: two trees whose bytes are equal have the
/// same files with the same metadata.
#[must_use]
pub fn stats(folders: &[Folder]) -> Vec<u8> {
    let n_files: usize = folders.iter().map(|folder| folder.files.len()).sum();
    let mut bytes = Vec::with_capacity(n_files * 72);
    for folder in folders {
        for file in &folder.files {
            file.stat.write(&file.name, &mut bytes);
        }
        // No file has this size of a name, so a folder cannot be taken for a file.
        bytes.extend_from_slice(&u32::MAX.to_le_bytes());
        let length = u32::try_from(folder.path.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(folder.path.as_bytes());
    }
    bytes
}

/// The memo as read from its file.
#[derive(Debug, Default)]
pub struct Memo {
    written_ns: i64,
    newest_ns: i64,
    tree: Content,
    bytes: Vec<u8>,
    stats_end: usize,
}

impl Memo {
    /// Reads the memo; a missing or damaged one is empty.
    #[must_use]
    pub fn load(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_default();
        Self::parse(bytes).unwrap_or_default()
    }

    fn parse(mut bytes: Vec<u8>) -> Option<Self> {
        let body = bytes.len().checked_sub(DIGEST)?;
        if bytes.get(..HEADER.len())? != HEADER || blake3::hash(&bytes[..body]) != bytes[body..] {
            return None;
        }
        bytes.truncate(body);
        let at = HEADER.len();
        let number = |at: usize| -> Option<[u8; 8]> { bytes.get(at..at + 8)?.try_into().ok() };
        let stats_length = usize::try_from(u64::from_le_bytes(number(at + 48)?)).ok()?;
        let stats_end = START.checked_add(stats_length)?;
        (stats_end <= bytes.len()).then_some(())?;
        Some(Self {
            written_ns: i64::from_le_bytes(number(at)?),
            newest_ns: i64::from_le_bytes(number(at + 8)?),
            tree: bytes.get(at + 16..at + 48)?.try_into().ok()?,
            stats_end,
            bytes,
        })
    }

    /// The digest of the whole tree, if these stats are those of the memo and all can be trusted.
    #[must_use]
    pub fn tree(&self, stats: &[u8]) -> Option<Content> {
        let is_racy = self.newest_ns.saturating_add(RACY_NS) > self.written_ns;
        (!is_racy && self.stats_end > 0 && self.bytes[START..self.stats_end] == *stats)
            .then_some(self.tree)
    }

    /// The digests of single files.
    #[must_use]
    pub fn digests(&self) -> Digests {
        let files = self.parse_files().unwrap_or_default();
        Digests {
            written_ns: self.written_ns,
            files,
        }
    }

    fn parse_files(&self) -> Option<HashMap<String, (Stat, Content)>> {
        let mut rest = Reader(self.bytes.get(START.min(self.stats_end)..self.stats_end)?);
        let mut digests = self.bytes.get(self.stats_end..)?.chunks_exact(DIGEST);
        let mut files = HashMap::with_capacity(digests.len());
        let mut open = Vec::new();
        while !rest.0.is_empty() {
            let length = rest.u32()?;
            if length != u32::MAX {
                let name = rest.text(length)?;
                open.push((name, rest.stat()?));
                continue;
            }
            let length = rest.u32()?;
            let folder = rest.text(length)?;
            for (name, stat) in open.drain(..) {
                let content = digests.next()?.try_into().ok()?;
                files.insert(format!("{folder}{name}"), (stat, content));
            }
        }
        Some(files)
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n_bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n_bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn i64(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn text(&mut self, length: u32) -> Option<&'a str> {
        std::str::from_utf8(self.take(usize::try_from(length).ok()?)?).ok()
    }

    fn stat(&mut self) -> Option<Stat> {
        Some(Stat {
            kind: char::from_u32(self.u32()?)?,
            size: self.u64()?,
            mtime_ns: self.i64()?,
            ctime_ns: self.i64()?,
            inode: self.u64()?,
        })
    }
}

/// Digests of files with the stats that they had.
#[derive(Debug, Default)]
pub struct Digests {
    written_ns: i64,
    files: HashMap<String, (Stat, Content)>,
}

impl Digests {
    /// Digests that were found at this time.
    #[must_use]
    pub fn new(at: Timestamp, files: HashMap<String, (Stat, Content)>) -> Self {
        Self {
            written_ns: at.as_micros().saturating_mul(1_000),
            files,
        }
    }

    /// The digest of a file whose stat is unchanged and old enough to be trusted.
    #[must_use]
    pub fn get(&self, path: &str, stat: &Stat) -> Option<Content> {
        let (known, digest) = self.files.get(path)?;
        let is_racy = stat.changed_ns().saturating_add(RACY_NS) > self.written_ns;
        (known == stat && !is_racy).then_some(*digest)
    }
}

/// What is kept of a tree.
pub(crate) struct Kept<'a> {
    /// The folders with their files.
    pub folders: &'a [Folder],
    /// [`stats`] of them.
    pub stats: &'a [u8],
    /// The digest of each file, in the same order.
    pub digests: &'a [Content],
    /// The digest of the whole tree.
    pub tree: &'a Content,
}

/// Writes the memo of a tree; `now` is when its stats were taken.
pub(crate) fn save(path: &Path, now: Timestamp, kept: &Kept<'_>) -> Result<(), WriteError> {
    let files = kept.folders.iter().flat_map(|folder| &folder.files);
    let newest = files.map(|file| file.stat.changed_ns()).max().unwrap_or(0);
    let written_ns = now.as_micros().saturating_mul(1_000);
    let mut bytes = HEADER.to_vec();
    bytes.extend_from_slice(&written_ns.to_le_bytes());
    bytes.extend_from_slice(&newest.to_le_bytes());
    bytes.extend_from_slice(kept.tree);
    bytes.extend_from_slice(&(kept.stats.len() as u64).to_le_bytes());
    bytes.extend_from_slice(kept.stats);
    for digest in kept.digests {
        bytes.extend_from_slice(digest);
    }
    let sum = blake3::hash(&bytes);
    bytes.extend_from_slice(sum.as_bytes());
    replace(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::File;

    fn stat(changed_ns: i64) -> Stat {
        Stat {
            size: 3,
            mtime_ns: 1,
            ctime_ns: changed_ns,
            inode: 7,
            kind: 'f',
        }
    }

    fn folders(files: &[(&str, Stat)]) -> Vec<Folder> {
        let files = files.iter().map(|(name, stat)| File::new(name, *stat));
        vec![Folder {
            path: "src/".to_owned(),
            files: files.collect(),
        }]
    }

    fn saved(path: &Path, folders: &[Folder], seconds: i64) -> Vec<u8> {
        let stats = stats(folders);
        let digests = vec![[1; DIGEST]; folders[0].files.len()];
        let kept = Kept {
            folders,
            stats: &stats,
            digests: &digests,
            tree: &[9; DIGEST],
        };
        save(path, Timestamp::from_micros(seconds * 1_000_000), &kept).unwrap();
        stats
    }

    #[test]
    fn a_file_written_just_before_the_memo_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("files");
        let (old, fresh) = (stat(50_000_000_000), stat(99_000_000_000));
        let stats = saved(&path, &folders(&[("old file", old), ("fresh", fresh)]), 100);
        let memo = Memo::load(&path);
        assert_eq!(memo.tree(&stats), None, "one file cannot be trusted");
        let digests = memo.digests();
        assert_eq!(digests.get("src/old file", &old), Some([1; DIGEST]));
        assert_eq!(digests.get("src/fresh", &fresh), None);
        assert_eq!(digests.get("src/old file", &stat(50_000_000_001)), None);
    }

    #[test]
    fn equal_stats_give_the_digest_of_the_tree() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("files");
        let stats = saved(&path, &folders(&[("a", stat(1))]), 100);
        let memo = Memo::load(&path);
        assert_eq!(memo.tree(&stats), Some([9; DIGEST]));
        let other = super::stats(&folders(&[("a", stat(2))]));
        assert_eq!(memo.tree(&other), None);
    }

    #[test]
    fn a_damaged_memo_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("files");
        let stats = saved(&path, &folders(&[("a", stat(1))]), 100);
        let whole = std::fs::read(&path).unwrap();
        for at in [0, 20, 70, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(Memo::load(&path).tree(&stats), None, "byte {at}");
        }
        std::fs::write(&path, &whole[..START - 1]).unwrap();
        assert_eq!(Memo::load(&path).digests().get("src/a", &stat(1)), None);
    }
}
