//! The content store under `.tollgate/cache`: action key to result, log and outputs.
//! Any part of it can be deleted at any time: a missing or damaged entry is a cache miss.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tollgate_report::atomic::{WriteError, write_atomic};
use tollgate_report::{Digest, Timestamp};

use crate::counts::Counts;
use crate::key::Manifest;

const ENTRY_VERSION: u32 = 1;

/// The folder and its bound.
#[derive(Debug, Clone)]
pub struct Store {
    /// `.tollgate/cache`.
    pub folder: PathBuf,
    /// Most bytes to keep.
    pub size_max: u64,
}

/// A kept result: always of a step that passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Form of this entry.
    pub version: u32,
    /// The step.
    pub step: String,
    /// When it passed.
    pub at: Timestamp,
    /// How long it took, cold time apart, in ms.
    pub duration_ms: u64,
    /// Its output.
    pub log: Digest,
    /// The files it wrote.
    pub outputs: Vec<Output>,
    /// Tests counted, when it ran tests.
    pub counts: Option<Counts>,
    /// The runner's last lines.
    pub closing_lines: Vec<String>,
    /// What the step itself said it could not check.
    pub not_checked: Vec<String>,
    /// The merged profile of its instrumented tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Digest>,
}

impl Entry {
    /// An entry without outputs.
    #[must_use]
    pub fn new(step: &str, at: Timestamp, duration_ms: u64, log: Digest) -> Self {
        Self {
            version: ENTRY_VERSION,
            step: step.to_owned(),
            at,
            duration_ms,
            log,
            outputs: Vec::new(),
            counts: None,
            closing_lines: Vec::new(),
            not_checked: Vec::new(),
            profile: None,
        }
    }
}

/// One kept output file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Path relative to the root.
    pub path: String,
    /// Its content.
    pub content: Digest,
    /// Whether it can be executed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
}

impl Store {
    fn action_path(&self, key: &Digest) -> PathBuf {
        let key = key.as_str();
        self.folder.join("actions").join(&key[..2]).join(key)
    }

    /// Where a blob lies.
    #[must_use]
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        let digest = digest.as_str();
        self.folder.join("blobs").join(&digest[..2]).join(digest)
    }

    fn last_path(&self, name: &str) -> PathBuf {
        self.folder.join("last").join(name)
    }

    /// The result for a key. A damaged entry, or one whose log is gone, is none.
    /// A hit becomes the most recently used.
    #[must_use]
    pub fn get(&self, key: &Digest, now: Timestamp) -> Option<Entry> {
        let path = self.action_path(key);
        let entry: Entry = read_summed(&path)?;
        if entry.version != ENTRY_VERSION {
            return None;
        }
        let blobs = entry.outputs.iter().map(|output| &output.content);
        let blobs: Vec<PathBuf> = blobs
            .chain([&entry.log])
            .chain(&entry.profile)
            .map(|digest| self.blob_path(digest))
            .collect();
        if !blobs.iter().all(|blob| blob.is_file()) {
            return None;
        }
        for path in blobs.iter().chain([&path]) {
            touch(path, now);
        }
        Some(entry)
    }

    /// The bytes of a blob; none when it is gone or damaged.
    #[must_use]
    pub fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = fs::read(self.blob_path(digest)).ok()?;
        (Digest::of(&bytes) == *digest).then_some(bytes)
    }

    /// Keeps bytes under their digest.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Digest, WriteError> {
        let digest = Digest::of(bytes);
        if self.blob(&digest).is_none() {
            write_atomic(&self.blob_path(&digest), bytes)?;
        }
        Ok(digest)
    }

    /// Keeps a passed result and the manifest that explains the next miss.
    pub fn put(&self, key: &Digest, entry: &Entry, manifest: &Manifest) -> Result<(), WriteError> {
        write_summed(&self.action_path(key), entry)?;
        let name = last_name(manifest);
        write_summed(&self.last_path(&name), manifest)?;
        // The mark of an earlier failure is only a note for people.
        let _ = fs::remove_file(self.last_path(&format!("{name}.failed")));
        Ok(())
    }

    /// Notes that these inputs failed, so that the next run can report it.
    pub fn note_failure(&self, manifest: &Manifest) -> Result<(), WriteError> {
        let path = self.last_path(&format!("{}.failed", last_name(manifest)));
        write_atomic(&path, manifest.key().as_str().as_bytes())
    }

    /// Why there is no result for this manifest.
    #[must_use]
    pub fn explain_miss(&self, manifest: &Manifest) -> String {
        let name = last_name(manifest);
        let failed = fs::read_to_string(self.last_path(&format!("{name}.failed")));
        if failed.is_ok_and(|key| key == manifest.key().as_str()) {
            return "it failed with these inputs".to_owned();
        }
        let Some(last) = read_summed::<Manifest>(&self.last_path(&name)) else {
            return "no earlier run".to_owned();
        };
        crate::key::explain_difference(&last, manifest)
            .unwrap_or_else(|| "its result is no longer in the cache".to_owned())
    }

    /// Removes the least recently used files until the bound is kept.
    pub fn evict(&self) {
        let mut files = Vec::new();
        for part in ["actions", "blobs", "last", "whole"] {
            collect(&self.folder.join(part), &mut files);
        }
        let mut size: u64 = files.iter().map(|(_, size, _)| size).sum();
        files.sort();
        for (_, file_size, path) in files {
            if size <= self.size_max {
                break;
            }
            // Another run may have removed it first; either way it is gone.
            let _ = fs::remove_file(&path);
            size -= file_size;
        }
    }

    fn whole_path(&self, key: &Digest) -> PathBuf {
        self.folder.join("whole").join(key.as_str())
    }

    /// What is kept of a whole run, and when it was kept.
    pub(crate) fn whole<T: DeserializeOwned>(&self, key: &Digest) -> Option<(T, SystemTime)> {
        let path = self.whole_path(key);
        let modified = fs::metadata(&path)
            .and_then(|found| found.modified())
            .ok()?;
        Some((read_summed(&path)?, modified))
    }

    /// Keeps something of a whole run.
    pub(crate) fn put_whole<T: Serialize>(
        &self,
        key: &Digest,
        value: &T,
    ) -> Result<(), WriteError> {
        write_summed(&self.whole_path(key), value)
    }

    /// Durations in ms of earlier runs, by step.
    #[must_use]
    pub fn durations(&self) -> BTreeMap<String, u64> {
        read_summed(&self.folder.join("durations.json")).unwrap_or_default()
    }

    /// Keeps durations for the next run's order.
    pub fn put_durations(&self, durations: &BTreeMap<String, u64>) -> Result<(), WriteError> {
        write_summed(&self.folder.join("durations.json"), durations)
    }
}

fn last_name(manifest: &Manifest) -> String {
    match &manifest.package {
        Some(package) => format!("{}@{package}", manifest.step),
        None => manifest.step.clone(),
    }
}

fn touch(path: &Path, now: Timestamp) {
    let micros = u64::try_from(now.as_micros()).unwrap_or(0);
    let time: SystemTime = UNIX_EPOCH + Duration::from_micros(micros);
    // On a read-only cache the order of use is lost, not the cache.
    let _ = File::open(path).and_then(|file| file.set_modified(time));
}

fn collect(folder: &Path, files: &mut Vec<(SystemTime, u64, PathBuf)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if metadata.is_dir() {
            collect(&entry.path(), files);
        } else if let Ok(modified) = metadata.modified() {
            files.push((modified, metadata.len(), entry.path()));
        }
    }
}

/// JSON after a first line that holds its digest.
fn write_summed<T: Serialize>(path: &Path, value: &T) -> Result<(), WriteError> {
    let json = serde_json::to_vec(value).expect("these types have string keys and no floats");
    let mut bytes = Digest::of(&json).as_str().as_bytes().to_vec();
    bytes.push(b'\n');
    bytes.extend_from_slice(&json);
    write_atomic(path, &bytes)
}

fn read_summed<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = fs::read(path).ok()?;
    let (sum, json) = bytes.split_at_checked(65)?;
    if Digest::of(json).as_str().as_bytes() != &sum[..64] {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn store(size_max: u64) -> (tempfile::TempDir, Store) {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().to_owned();
        (temp, Store { folder, size_max })
    }

    fn put(store: &Store, name: &str, log: &[u8]) -> Digest {
        let manifest = Manifest {
            step: name.to_owned(),
            ..Manifest::default()
        };
        let log = store.put_blob(log).unwrap();
        let entry = Entry::new(name, now(1), 5, log);
        store.put(&manifest.key(), &entry, &manifest).unwrap();
        manifest.key()
    }

    #[test]
    fn a_damaged_entry_or_a_lost_log_is_a_miss() {
        let (_temp, store) = store(u64::MAX);
        let key = put(&store, "a", b"log");
        assert!(store.get(&key, now(9)).is_some());
        let path = store.action_path(&key);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert_eq!(store.get(&key, now(9)), None);
        let key = put(&store, "b", b"other log");
        fs::remove_file(store.blob_path(&Digest::of(b"other log"))).unwrap();
        assert_eq!(store.get(&key, now(9)), None);
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let (_temp, mut store) = store(u64::MAX);
        let old = put(&store, "old", &[b'x'; 4_000]);
        let used = put(&store, "used", &[b'y'; 4_000]);
        for (key, at) in [(&old, 10), (&used, 4_000_000_000)] {
            assert!(store.get(key, now(at)).is_some());
        }
        store.size_max = 7_000;
        store.evict();
        assert!(store.get(&used, now(4_000_000_001)).is_some());
        assert_eq!(store.get(&old, now(4_000_000_001)), None);
    }

    #[test]
    fn a_failure_leaves_only_a_note() {
        let (_temp, store) = store(u64::MAX);
        let manifest = Manifest {
            step: "a".to_owned(),
            ..Manifest::default()
        };
        assert_eq!(store.explain_miss(&manifest), "no earlier run");
        store.note_failure(&manifest).unwrap();
        assert_eq!(store.get(&manifest.key(), now(1)), None);
        assert_eq!(store.explain_miss(&manifest), "it failed with these inputs");
    }
}
