//! The evidence record: append-only, hash-chained, synced before an effect is acknowledged.
//!
//! A record names its inputs by digest. The inputs themselves are stored next to the log, so that
//! a verdict can be computed again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::append_log::{self, AppendLog, AppendLogError, Lock, LogKind};
use crate::atomic::{WriteError, write_atomic};
use crate::{Digest, Timestamp, Verdict};

/// Version of the record's form.
pub const RECORD_VERSION: u32 = 1;

const KIND: LogKind = LogKind::new(Lock::Wait);

/// What a gate passes on to be recorded.
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
    /// The inputs by name: the digest of bytes stored with [`EvidenceLog::keep_input`].
    pub inputs: BTreeMap<String, Digest>,
    /// The settings that the verdict depends on.
    pub settings: Value,
    /// What was decided and why.
    pub verdict: Verdict,
}

/// One recorded decision. `hash` covers all other fields; `prev` is the hash of the record before it.
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
    /// The log could not be opened, read or written, or a line is not a record.
    #[error(transparent)]
    Log(#[from] AppendLogError),
    /// An input could not be stored.
    #[error("cannot store an input of the evidence")]
    Keep(#[from] WriteError),
    /// A record does not carry its own hash, or does not follow the one before it.
    #[error(
        "line {line} of `{path}` breaks the chain of evidence: a record was changed, removed or inserted"
    )]
    Broken {
        /// The log.
        path: PathBuf,
        /// Line from 1.
        line: usize,
    },
    /// The stored bytes of an input do not have its digest.
    #[error("the input `{digest}` is damaged or missing in `{path}`")]
    InputDamaged {
        /// The digest of the input.
        digest: Digest,
        /// Where it should be.
        path: PathBuf,
    },
    /// More than one record starts with this id, or none does.
    #[error("{n_found} records have an id that starts with `{id}`; exactly one is required")]
    NotFound {
        /// The start of the id.
        id: String,
        /// How many records have it.
        n_found: usize,
    },
}

/// The append-only log `evidence.ndjson` and the folder `inputs/` next to it.
///
/// Several processes may append at once: each append holds the log's lock.
#[derive(Debug)]
pub struct EvidenceLog {
    folder: PathBuf,
    /// Bytes of a torn last line that opening the log cut off; 0 if there was none.
    pub n_torn_bytes: u64,
}

impl EvidenceLog {
    /// Opens the log in `folder` (usually `.tollgate`), creates it if it is missing, and cuts off
    /// a torn last line.
    pub fn open(folder: &Path) -> Result<Self, EvidenceError> {
        let mut log = Self {
            folder: folder.to_owned(),
            n_torn_bytes: 0,
        };
        log.n_torn_bytes = AppendLog::open(&log.path(), KIND)?.n_torn_bytes();
        Ok(log)
    }

    /// The log's file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join("evidence.ndjson")
    }

    /// Appends a record and syncs it. When this returns, the record survives a crash.
    pub fn append(&self, draft: RecordDraft) -> Result<Record, EvidenceError> {
        let mut log = AppendLog::open(&self.path(), KIND)?;
        let (seq, prev) = match log.last_line()? {
            None => (0, first_prev()),
            Some(last) => match serde_json::from_slice::<Record>(&last) {
                Ok(last) => (last.seq + 1, last.hash),
                Err(source) => {
                    return Err(EvidenceError::Log(AppendLogError::Malformed {
                        path: self.path(),
                        line: log.lines()?.iter().count(),
                        source,
                    }));
                }
            },
        };
        let record = Record::new(draft, seq, prev);
        log.append(&to_json(&record))?;
        Ok(record)
    }

    /// All records, oldest first; the chain is checked.
    pub fn records(&self) -> Result<Vec<Record>, EvidenceError> {
        let lines = append_log::read(&self.path(), KIND)?;
        let mut records: Vec<Record> = Vec::new();
        let mut prev = first_prev();
        for line in lines.iter() {
            let record: Record = line.json()?;
            let is_chained = record.prev == prev && record.seq == records.len() as u64;
            if !is_chained || record.computed_hash() != record.hash {
                return Err(EvidenceError::Broken {
                    path: self.path(),
                    line: line.number,
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

    /// Stores the bytes of an input under their digest. Storing the same bytes again costs nothing.
    pub fn keep_input(&self, bytes: &[u8]) -> Result<Digest, EvidenceError> {
        let digest = Digest::of(bytes);
        let path = self.input_path(&digest);
        if !path.exists() {
            write_atomic(&path, bytes)?;
        }
        Ok(digest)
    }

    /// The bytes of a stored input, checked against their digest.
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

/// What the first record has in the place of a hash before it.
fn first_prev() -> String {
    "0".repeat(64)
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
    fn a_log_of_an_earlier_version_is_read_and_continued() {
        let earlier = include_str!("../tests/fixtures/evidence.ndjson");
        let folder = tempfile::tempdir().unwrap();
        let log = EvidenceLog::open(folder.path()).unwrap();
        fs::write(log.path(), earlier).unwrap();
        let records = log.records().unwrap();
        assert_eq!(records[1].id, "eeb2553c4306");
        let new = log.append(draft("three")).unwrap();
        assert_eq!((new.seq, &new.prev), (2, &records[1].hash));
        let written = fs::read_to_string(log.path()).unwrap();
        let line = String::from_utf8(to_json(&new)).unwrap();
        assert_eq!(written, format!("{earlier}{line}\n"));
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
