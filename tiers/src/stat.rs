//! The metadata of a file by which a change of its content is detected without reading it.

use std::fs::Metadata;

/// The metadata of a file by which a change is detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Bytes.
    pub size: u64,
    /// Modification time in ns since the epoch.
    pub mtime_ns: i64,
    /// Time in ns since the epoch at which content or metadata changed last, which no program can
    /// set; 0 on platforms without it.
    pub ctime_ns: i64,
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
            ctime_ns: ctime_ns(metadata),
            inode: inode(metadata),
            kind,
        })
    }

    /// The stat of a link together with that of the file that it leads to: a change of either
    /// changes it.
    #[must_use]
    pub fn with_target(self, target: &Metadata) -> Self {
        Self {
            size: self.size.wrapping_mul(31).wrapping_add(target.len()),
            mtime_ns: self.mtime_ns.max(mtime_ns(target)),
            ctime_ns: self.ctime_ns.max(ctime_ns(target)),
            inode: self.inode.wrapping_mul(31).wrapping_add(inode(target)),
            kind: self.kind,
        }
    }

    /// The later of both times: when content or metadata changed last.
    pub(crate) fn changed_ns(&self) -> i64 {
        self.mtime_ns.max(self.ctime_ns)
    }

    /// Appends name and metadata as bytes of a fixed form.
    pub(crate) fn write(&self, name: &str, bytes: &mut Vec<u8>) {
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
        let kind = u32::from(self.kind);
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&self.size.to_le_bytes());
        bytes.extend_from_slice(&self.mtime_ns.to_le_bytes());
        bytes.extend_from_slice(&self.ctime_ns.to_le_bytes());
        bytes.extend_from_slice(&self.inode.to_le_bytes());
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

#[cfg(unix)]
fn ctime_ns(metadata: &Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    let seconds = metadata.ctime().saturating_mul(1_000_000_000);
    seconds.saturating_add(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn ctime_ns(_metadata: &Metadata) -> i64 {
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
