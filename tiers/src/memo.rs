//! The memo of file digests: (path, size, mtime, inode) to digest, so that a warm run reads no
//! file. An entry that may have been written in the same clock tick as the file is ignored.

use std::collections::HashMap;
use std::fs::Metadata;
use std::path::Path;

use tollgate_report::atomic::{WriteError, write_atomic};
use tollgate_report::{Digest, Timestamp};

/// First words of the memo file; other forms are ignored.
const HEADER: &str = "tollgate-memo 1";
/// An entry is trusted when the file's mtime is at least this much older than the memo.
/// Racy git uses equality; two seconds also cover file systems with coarse times (FAT: 2 s).
const RACY_NS: i64 = 2_000_000_000;

/// The metadata of a file by which a change is detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Bytes.
    pub size: u64,
    /// Modification time in ns since the epoch.
    pub mtime_ns: i64,
    /// Inode; 0 on platforms without inodes.
    pub inode: u64,
    /// `f` file, `x` executable file, `l` symbolic link.
    pub kind: char,
}

impl Stat {
    /// From the system's metadata (of `lstat`); none for folders and special files.
    #[must_use]
    pub fn new(metadata: &Metadata) -> Option<Self> {
        let file_type = metadata.file_type();
        let kind = if file_type.is_symlink() {
            'l'
        } else if !file_type.is_file() {
            return None;
        } else if is_executable(metadata) {
            'x'
        } else {
            'f'
        };
        Some(Self {
            size: metadata.len(),
            mtime_ns: mtime_ns(metadata),
            inode: inode(metadata),
            kind,
        })
    }
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_metadata: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    metadata.ino()
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> u64 {
    0
}

fn mtime_ns(metadata: &Metadata) -> i64 {
    metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_nanos()).ok())
        .unwrap_or(0)
}

/// The memo as read from its file.
#[derive(Debug, Default)]
pub struct Memo {
    written_ns: i64,
    entries: HashMap<String, (Stat, String)>,
}

impl Memo {
    /// Reads the memo; a missing or damaged one is empty.
    #[must_use]
    pub fn load(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&bytes)).unwrap_or_default()
    }

    fn parse(text: &str) -> Option<Self> {
        let (body, sum) = text.rsplit_once('\0')?;
        if Digest::of(body).as_str() != sum {
            return None;
        }
        let mut records = body.split('\0');
        let written_ns = records.next()?.strip_prefix(HEADER)?.trim().parse().ok()?;
        let entries = records.map(parse_entry).collect::<Option<_>>()?;
        Some(Self {
            written_ns,
            entries,
        })
    }

    /// The digest of a file whose stat is unchanged and old enough to be trusted.
    #[must_use]
    pub fn digest(&self, path: &str, stat: &Stat) -> Option<&str> {
        let (known, digest) = self.entries.get(path)?;
        let is_racy = stat.mtime_ns.saturating_add(RACY_NS) > self.written_ns;
        (known == stat && !is_racy).then_some(digest)
    }
}

fn parse_entry(record: &str) -> Option<(String, (Stat, String))> {
    let mut parts = record.splitn(6, ' ');
    let digest = parts.next()?;
    let stat = Stat {
        kind: parts.next()?.chars().next()?,
        size: parts.next()?.parse().ok()?,
        mtime_ns: parts.next()?.parse().ok()?,
        inode: parts.next()?.parse().ok()?,
    };
    Some((parts.next()?.to_owned(), (stat, digest.to_owned())))
}

/// Writes the memo of these files; `now` is when their stats were taken.
pub fn save<'a>(
    path: &Path,
    now: Timestamp,
    files: impl Iterator<Item = (&'a str, &'a Stat, &'a str)>,
) -> Result<(), WriteError> {
    let mut text = format!("{HEADER} {}", now.as_micros().saturating_mul(1_000));
    for (file, stat, digest) in files {
        text.push_str(&format!(
            "\0{digest} {} {} {} {} {file}",
            stat.kind, stat.size, stat.mtime_ns, stat.inode
        ));
    }
    let sum = Digest::of(&text);
    text.push('\0');
    text.push_str(sum.as_str());
    write_atomic(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(mtime_ns: i64) -> Stat {
        Stat {
            size: 3,
            mtime_ns,
            inode: 7,
            kind: 'f',
        }
    }

    #[test]
    fn a_file_written_just_before_the_memo_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("files");
        let now = Timestamp::from_micros(100_000_000);
        let old = stat(50_000_000_000);
        let fresh = stat(99_000_000_000);
        let files = [("old file", &old, "aa"), ("fresh", &fresh, "bb")];
        save(&path, now, files.into_iter()).unwrap();
        let memo = Memo::load(&path);
        assert_eq!(memo.digest("old file", &old), Some("aa"));
        assert_eq!(memo.digest("fresh", &fresh), None);
        assert_eq!(memo.digest("old file", &stat(50_000_000_001)), None);
    }

    #[test]
    fn a_damaged_memo_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("files");
        let old = stat(1);
        save(
            &path,
            Timestamp::from_micros(100_000_000),
            [("a", &old, "aa")].into_iter(),
        )
        .unwrap();
        let text = std::fs::read_to_string(&path)
            .unwrap()
            .replacen("aa", "ab", 1);
        std::fs::write(&path, text).unwrap();
        assert_eq!(Memo::load(&path).digest("a", &old), None);
    }
}
