//! The evidence record: append-only, hash-chained, synced before an effect is acknowledged.
//!
//! A record names its inputs by digest; the inputs themselves are kept beside the log, so that a
//! verdict can be computed again. It must not know how any gate computes its verdict.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::atomic::{WriteError, write_atomic};
use crate::{Digest, Timestamp, Verdict};

/// Version of the record's form.
pub const RECORD_VERSION: u32 = 1;

/// What a gate hands over to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordDraft {
    /// When the verdict was reached.
    pub at: Timestamp,
    /// The run it belongs to.
    pub run: String,
    /// The gate: `contract`, `models`, `tier0`, `ratchet`, `budget`, `canary`, `alert` and so on.
    pub gate: String,
    /// What was judged, such as a file, a service or a step.
    pub subject: String,
    /// The inputs by name: the digest of bytes kept with [`EvidenceLog::keep_input`].
    pub inputs: BTreeMap<String, Digest>,
    /// The settings that the verdict depends on.
    pub settings: Value,
    /// What was decided and why.
    pub verdict: Verdict,
}

/// One kept decision. `hash` covers all other fields; `prev` is the hash of the record before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Form of this record, see [`RECORD_VERSION`].
    pub version: u32,
    /// The first 12 digits of `hash`; what people type.
    pub id: String,
    /// Position in the log, from 0.
    pub seq: u64,
    /// Hash of the record before; 64 zeros at the start.
    pub prev: String,
    /// When the verdict was reached.
    pub at: Timestamp,
    /// The run it belongs to.
    pub run: String,
    /// The gate that decided.
    pub gate: String,
    /// What was judged.
    pub subject: String,
    /// Inputs by name.
    pub inputs: BTreeMap<String, Digest>,
    /// The settings that the verdict depends on.
    pub settings: Value,
    /// What was decided and why.
    pub verdict: Verdict,
    /// BLAKE3 over this record as JSON with `id` and `hash` empty.
    pub hash: String,
}

impl Record {
    fn new(draft: RecordDraft, seq: u64, prev: String) -> Self {
        let mut record = Self {
            version: RECORD_VERSION,
            id: String::new(),
            seq,
            prev,
            at: draft.at,
            run: draft.run,
            gate: draft.gate,
            subject: draft.subject,
            inputs: draft.inputs,
            settings: draft.settings,
            verdict: draft.verdict,
            hash: String::new(),
        };
        record.hash = record.computed_hash();
        record.id = record.hash[..12].to_owned();
        record
    }

    /// The hash that this record should carry.
    #[must_use]
    pub fn computed_hash(&self) -> String {
        let bare = Self {
            id: String::new(),
            hash: String::new(),
            ..self.clone()
        };
        Digest::of(to_json(&bare)).as_str().to_owned()
    }
}

fn to_json(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).expect("a record has only string keys and finite numbers")
}

/// The evidence could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The log could not be opened, read or written.
    #[error("{operation} evidence in `{path}`")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An input could not be kept.
    #[error("keep an input of the evidence")]
    Keep(#[from] WriteError),
    /// A whole line is not a record.
    #[error("read line {line} of `{path}` as a record")]
    Malformed {
        /// The log.
        path: PathBuf,
        /// Line from 1.
        line: usize,
        /// What was wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A record does not carry its own hash, or does not follow the one before it.
    #[error(
        "trust line {line} of `{path}`, which breaks the chain: a record was changed, removed or put in later"
    )]
    Broken {
        /// The log.
        path: PathBuf,
        /// Line from 1.
        line: usize,
    },
    /// An input's bytes do not have the digest they are filed under.
    #[error("input `{digest}` is damaged or missing in `{path}`")]
    InputDamaged {
        /// The digest asked for.
        digest: Digest,
        /// Where it should be.
        path: PathBuf,
    },
    /// More than one record starts with this id, or none does.
    #[error("find one record whose id starts with `{id}`: there are {n_found}")]
    NotFound {
        /// What was asked for.
        id: String,
        /// How many fit.
        n_found: usize,
    },
}

/// The append-only log `evidence.ndjson` and the folder `inputs/` beside it.
///
/// Several processes may append at once: each append holds the file's lock and reads the tail.
#[derive(Debug)]
pub struct EvidenceLog {
    folder: PathBuf,
    /// Bytes of a torn last line that opening the log cut off; 0 when it was whole.
    pub n_torn_bytes: u64,
}

impl EvidenceLog {
    /// Opens the log in `folder` (usually `.tollgate`), makes it when it is missing, and cuts off
    /// a torn last line.
    pub fn open(folder: &Path) -> Result<Self, EvidenceError> {
        let mut log = Self {
            folder: folder.to_owned(),
            n_torn_bytes: 0,
        };
        fs::create_dir_all(folder).map_err(log.fail("make the folder for"))?;
        let mut file = log.locked()?;
        log.n_torn_bytes = log.repair(&mut file)?;
        Ok(log)
    }

    /// The log's file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join("evidence.ndjson")
    }

    fn fail(&self, operation: &'static str) -> impl Fn(io::Error) -> EvidenceError + use<> {
        let path = self.path();
        move |source| EvidenceError::Io {
            operation,
            path: path.clone(),
            source,
        }
    }

    fn locked(&self) -> Result<File, EvidenceError> {
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(self.path());
        let file = file.map_err(self.fail("open"))?;
        file.lock().map_err(self.fail("lock"))?;
        Ok(file)
    }

    /// Cuts off what follows the last line feed. Returns how many bytes that was.
    fn repair(&self, file: &mut File) -> Result<u64, EvidenceError> {
        let n_bytes = file.metadata().map_err(self.fail("measure"))?.len();
        let tail = self.tail(file, n_bytes)?;
        let n_torn = match tail.iter().rposition(|byte| *byte == b'\n') {
            Some(position) => (tail.len() - position - 1) as u64,
            None => tail.len() as u64,
        };
        if n_torn > 0 {
            file.set_len(n_bytes - n_torn)
                .map_err(self.fail("repair"))?;
            file.sync_all().map_err(self.fail("sync"))?;
        }
        Ok(n_torn)
    }

    /// The last bytes of the file, from the start of its last whole line at the latest.
    fn tail(&self, file: &mut File, n_bytes: u64) -> Result<Vec<u8>, EvidenceError> {
        let mut n_wanted = 16 * 1024u64;
        loop {
            let from = n_bytes.saturating_sub(n_wanted);
            file.seek(SeekFrom::Start(from))
                .map_err(self.fail("read"))?;
            let mut tail = Vec::new();
            file.take(n_bytes - from)
                .read_to_end(&mut tail)
                .map_err(self.fail("read"))?;
            let n_feeds = tail.iter().filter(|byte| **byte == b'\n').count();
            if from == 0 || n_feeds >= 2 {
                return Ok(tail);
            }
            n_wanted *= 4;
        }
    }

    /// Appends a record and syncs it. When this returns, the record survives a crash.
    pub fn append(&self, draft: RecordDraft) -> Result<Record, EvidenceError> {
        let mut file = self.locked()?;
        self.repair(&mut file)?;
        let n_bytes = file.metadata().map_err(self.fail("measure"))?.len();
        let tail = self.tail(&mut file, n_bytes)?;
        let (seq, prev) = match tail.strip_suffix(b"\n") {
            None => (0, "0".repeat(64)),
            Some(whole) => {
                let last = whole.rsplit(|byte| *byte == b'\n').next().unwrap_or(whole);
                let last: Record =
                    serde_json::from_slice(last).map_err(|source| EvidenceError::Malformed {
                        path: self.path(),
                        line: self.n_lines(),
                        source,
                    })?;
                (last.seq + 1, last.hash)
            }
        };
        let record = Record::new(draft, seq, prev);
        let mut line = to_json(&record);
        line.push(b'\n');
        file.seek(SeekFrom::End(0)).map_err(self.fail("append"))?;
        file.write_all(&line).map_err(self.fail("append"))?;
        file.sync_all().map_err(self.fail("sync"))?;
        Ok(record)
    }

    fn n_lines(&self) -> usize {
        fs::read(self.path())
            .map(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
            .unwrap_or(0)
    }

    /// All records, oldest first; the chain is checked on the way.
    pub fn records(&self) -> Result<Vec<Record>, EvidenceError> {
        let bytes = match fs::read(self.path()) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.fail("read")(error)),
        };
        let mut records: Vec<Record> = Vec::new();
        let mut prev = "0".repeat(64);
        // What follows the last line feed is being written by somebody, or torn.
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(&bytes[..0], |end| &bytes[..end]);
        for (idx, line) in whole.split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() && whole.is_empty() {
                break;
            }
            let record: Record =
                serde_json::from_slice(line).map_err(|source| EvidenceError::Malformed {
                    path: self.path(),
                    line: idx + 1,
                    source,
                })?;
            let is_chained = record.prev == prev && record.seq == idx as u64;
            if !is_chained || record.computed_hash() != record.hash {
                return Err(EvidenceError::Broken {
                    path: self.path(),
                    line: idx + 1,
                });
            }
            prev.clone_from(&record.hash);
            records.push(record);
        }
        Ok(records)
    }

    /// The one record whose id starts with `id`.
    pub fn find(&self, id: &str) -> Result<Record, EvidenceError> {
        let mut found: Vec<Record> = self
            .records()?
            .into_iter()
            .filter(|record| !id.is_empty() && record.hash.starts_with(id))
            .collect();
        match (found.len(), found.pop()) {
            (1, Some(record)) => Ok(record),
            (n_found, _) => Err(EvidenceError::NotFound {
                id: id.to_owned(),
                n_found,
            }),
        }
    }

    fn input_path(&self, digest: &Digest) -> PathBuf {
        self.folder.join("inputs").join(digest.as_str())
    }

    /// Keeps the bytes of an input under their digest. Keeping the same bytes twice costs nothing.
    pub fn keep_input(&self, bytes: &[u8]) -> Result<Digest, EvidenceError> {
        let digest = Digest::of(bytes);
        let path = self.input_path(&digest);
        if !path.exists() {
            write_atomic(&path, bytes)?;
        }
        Ok(digest)
    }

    /// The bytes of a kept input, checked against their digest.
    pub fn input(&self, digest: &Digest) -> Result<Vec<u8>, EvidenceError> {
        let path = self.input_path(digest);
        match fs::read(&path) {
            Ok(bytes) if Digest::of(&bytes) == *digest => Ok(bytes),
            _ => Err(EvidenceError::InputDamaged {
                digest: digest.clone(),
                path,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, ManualClock, Outcome};
    use std::thread;

    fn draft(subject: &str) -> RecordDraft {
        RecordDraft {
            at: ManualClock::new(Timestamp::EPOCH).now(),
            run: "run".into(),
            gate: "contract".into(),
            subject: subject.into(),
            inputs: BTreeMap::from([("openapi".into(), Digest::of(subject))]),
            settings: serde_json::json!({"rules": ["a"]}),
            verdict: Verdict::new(Outcome::Pass, "nothing broke"),
        }
    }

    #[test]
    fn records_are_chained_and_found_by_the_start_of_their_id() {
        let folder = tempfile::tempdir().unwrap();
        let log = EvidenceLog::open(folder.path()).unwrap();
        let first = log.append(draft("one")).unwrap();
        let second = log.append(draft("two")).unwrap();
        assert_eq!(second.prev, first.hash);
        assert_eq!(log.records().unwrap(), vec![first, second.clone()]);
        assert_eq!(log.find(&second.id[..6]).unwrap(), second);
        assert!(matches!(
            log.find("zz").unwrap_err(),
            EvidenceError::NotFound { n_found: 0, .. }
        ));
    }

    #[test]
    fn a_torn_last_line_is_cut_and_nothing_before_it_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let log = EvidenceLog::open(folder.path()).unwrap();
        let first = log.append(draft("one")).unwrap();
        log.append(draft("two")).unwrap();
        let whole = fs::read(log.path()).unwrap();
        let first_line = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for n_kept in first_line..whole.len() {
            fs::write(log.path(), &whole[..n_kept]).unwrap();
            let reopened = EvidenceLog::open(folder.path()).unwrap();
            assert_eq!(reopened.n_torn_bytes, (n_kept - first_line) as u64);
            assert_eq!(reopened.records().unwrap(), vec![first.clone()]);
        }
        assert_eq!(log.append(draft("three")).unwrap().prev, first.hash);
    }

    #[test]
    fn a_changed_record_breaks_the_chain_and_its_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let log = EvidenceLog::open(folder.path()).unwrap();
        log.append(draft("one")).unwrap();
        log.append(draft("two")).unwrap();
        let text = fs::read_to_string(log.path()).unwrap();
        fs::write(
            log.path(),
            text.replace("\"subject\":\"two\"", "\"subject\":\"twp\""),
        )
        .unwrap();
        assert!(matches!(
            log.records().unwrap_err(),
            EvidenceError::Broken { line: 2, .. }
        ));
    }

    #[test]
    fn writers_at_the_same_time_make_one_chain() {
        let folder = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for writer in 0..4 {
                let path = folder.path();
                scope.spawn(move || {
                    let log = EvidenceLog::open(path).unwrap();
                    for n in 0..10 {
                        log.append(draft(&format!("{writer} {n}"))).unwrap();
                    }
                });
            }
        });
        assert_eq!(
            EvidenceLog::open(folder.path())
                .unwrap()
                .records()
                .unwrap()
                .len(),
            40
        );
    }

    #[test]
    fn a_damaged_input_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let log = EvidenceLog::open(folder.path()).unwrap();
        let digest = log.keep_input(b"contract").unwrap();
        assert_eq!(log.input(&digest).unwrap(), b"contract");
        fs::write(log.input_path(&digest), b"contrast").unwrap();
        assert!(matches!(
            log.input(&digest).unwrap_err(),
            EvidenceError::InputDamaged { .. }
        ));
    }
}
