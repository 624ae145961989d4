//! Every document of a folder in every language: generated, compiled, proved on the wire.

mod discover;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use globset::Glob;
use serde::Serialize;
use tollgate_codegen::manifest::Manifest;
use tollgate_codegen::{Artifact, Emit, Language};
use tollgate_contracts_model::{Contract, LoadSettings, load_with};
use tollgate_process::{self as process, End, Over};
use tollgate_report::{ExitCode, write_atomic};

use crate::error::chain;
use crate::prove::{Extent, LanguageProof, Sent, Source, State, prove};
use crate::{Compilers, ProofError};

use discover::Entry;

/// The exit code of a process that could not read a document.
const UNREADABLE: i32 = ExitCode::Settings as i32;

/// One document and its result.
#[derive(Debug, Serialize)]
pub struct Row {
    pub document: String,
    /// Why nothing could be done with it at all.
    pub problem: Option<String>,
    /// Not a document for us: Swagger 2.
    pub is_skipped: bool,
    pub cells: Vec<Cell>,
    pub sent: Sent,
    pub seconds: f64,
}

/// One document in one language.
#[derive(Debug, Serialize)]
pub struct Cell {
    pub generated: State,
    pub types: usize,
    pub untyped_fields: usize,
    pub bytes: usize,
    pub generate_seconds: f64,
    #[serde(flatten)]
    pub proof: LanguageProof,
}

impl Cell {
    fn new(language: Language) -> Self {
        Self {
            generated: State::Bad,
            types: 0,
            untyped_fields: 0,
            bytes: 0,
            generate_seconds: 0.0,
            proof: LanguageProof::new(language),
        }
    }

    pub fn is_bad(&self) -> bool {
        self.generated == State::Bad || self.proof.is_bad()
    }
}

/// Which documents are proved, and how.
#[derive(Debug)]
pub struct Plan {
    /// The folder of the documents, absolute.
    pub folder: PathBuf,
    /// Only documents whose path below the folder matches this pattern.
    pub only: Option<String>,
    pub languages: BTreeSet<Language>,
    /// The parts to generate.
    pub emit: BTreeSet<Emit>,
    /// How many documents at once.
    pub n_jobs: usize,
    /// The folder that keeps the generated packages.
    pub out: PathBuf,
    /// Whether the folders in which packages are compiled are kept too.
    pub keeps_work: bool,
    pub extent: Extent,
    pub compilers: Compilers,
    /// The program whose `codegen` generates, in a process of its own for each document.
    pub program: PathBuf,
    /// The folder in which it is started.
    pub here: PathBuf,
}

/// All documents of a folder.
#[derive(Debug)]
pub struct Corpus {
    pub rows: Vec<Row>,
    /// How many JSON and YAML files are not entry documents.
    pub n_fragments: usize,
}

/// The progress of a run.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    Started(&'a str),
    Finished {
        row: &'a Row,
        nth: usize,
        n_all: usize,
    },
}

/// Generates and proves every chosen document; `report` is called from several threads.
///
/// # Errors
/// The folder can't be read, holds no document, or `only` chooses none.
pub fn run(plan: &Plan, report: &(dyn Fn(Progress<'_>) + Sync)) -> Result<Corpus, ProofError> {
    let found = discover::discover(&plan.folder).map_err(ProofError::io("read", &plan.folder))?;
    let entries = chosen(found.entries, plan.only.as_deref())?;
    if entries.is_empty() {
        return Err(ProofError::NoDocument(plan.folder.clone()));
    }
    Ok(Corpus {
        rows: all(plan, &entries, report),
        n_fragments: found.n_fragments,
    })
}

/// Every document, some at once; rows in the order of entries.
fn all(plan: &Plan, entries: &[Entry], report: &(dyn Fn(Progress<'_>) + Sync)) -> Vec<Row> {
    let next = AtomicUsize::new(0);
    let rows: Mutex<Vec<(usize, Row)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for slot in 0..plan.n_jobs.clamp(1, entries.len()) {
            let (next, rows) = (&next, &rows);
            scope.spawn(move || {
                loop {
                    let idx = next.fetch_add(1, Ordering::Relaxed);
                    let Some(entry) = entries.get(idx) else {
                        break;
                    };
                    report(Progress::Started(&entry.name));
                    let row = one(plan, entry, slot);
                    report(Progress::Finished {
                        row: &row,
                        nth: idx + 1,
                        n_all: entries.len(),
                    });
                    rows.lock()
                        .expect("no thread panics with the rows")
                        .push((idx, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("all threads have ended");
    rows.sort_by_key(|(idx, _)| *idx);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn one(plan: &Plan, entry: &Entry, slot: usize) -> Row {
    let started = Instant::now();
    let mut row = Row {
        document: entry.name.clone(),
        problem: None,
        is_skipped: false,
        cells: Vec::new(),
        sent: Sent::default(),
        seconds: 0.0,
    };
    if entry.word == "swagger" {
        row.is_skipped = true;
        row.problem = Some("Swagger 2 is neither OpenAPI 3 nor AsyncAPI".to_owned());
        return row;
    }
    let result = fill(plan, entry, slot, &mut row);
    if let Err(error) = result {
        row.problem = Some(chain(&error));
    }
    row.seconds = started.elapsed().as_secs_f64();
    row
}

/// Generates every language, compiles, proves the wire.
fn fill(plan: &Plan, entry: &Entry, slot: usize, row: &mut Row) -> Result<(), ProofError> {
    let place = plan.out.join(slug(&entry.name));
    let mut sources = Vec::new();
    for language in &plan.languages {
        let mut cell = Cell::new(*language);
        match generate(plan, entry, *language, &place, &mut cell)? {
            Ok(source) => sources.push(source),
            // Nothing of the document itself is read in this process before that has gone well in
            // another one.
            Err(end) if row.cells.is_empty() && end == End::Exited(Some(UNREADABLE)) => {
                load(plan, entry)?;
            }
            Err(_) => {}
        }
        row.cells.push(cell);
    }
    let contract = load(plan, entry)?;
    let extent = Extent {
        slot,
        ..plan.extent
    };
    let work = plan.out.join(".work").join(slug(&entry.name));
    if has_schemas(&contract) {
        for cell in row.cells.iter_mut().filter(|cell| cell.types == 0) {
            cell.generated = State::Bad;
        }
    }
    let proof = prove(&plan.compilers, &[contract], &sources, &work, &extent)?;
    row.sent = proof.sent;
    for proof in proof.languages {
        let mut cells = row.cells.iter_mut();
        if let Some(cell) = cells.find(|cell| cell.proof.language == proof.language) {
            if !proof.output.is_empty() {
                let log = place.join(format!("{}.log", proof.language.word()));
                write_atomic(&log, proof.output.as_bytes())?;
            }
            let empty = "nothing was generated although the document has schemas";
            let is_empty = cell.generated == State::Bad;
            cell.proof = proof;
            cell.proof
                .reasons
                .extend(is_empty.then(|| empty.to_owned()));
        }
    }
    if !plan.keeps_work {
        // What stays for reading is the generated packages.
        let _ = std::fs::remove_dir_all(&work);
    }
    Ok(())
}

/// Whether a document declares something that becomes a type.
fn has_schemas(contract: &Contract) -> bool {
    !contract.component_schemas().is_empty() || !contract.messages().is_empty()
}

fn load(plan: &Plan, entry: &Entry) -> Result<Contract, ProofError> {
    let settings = LoadSettings {
        folder: Some(folder_of(plan, entry)),
        ..LoadSettings::default()
    };
    load_with(&entry.path, &settings).map_err(ProofError::Load)
}

/// The folder that references may not leave: the first one below the corpus on the way.
fn folder_of(plan: &Plan, entry: &Entry) -> PathBuf {
    match entry.name.split_once('/') {
        Some((first, _)) => plan.folder.join(first),
        None => plan.folder.clone(),
    }
}

/// Generates in a process of its own, so that a document that breaks it breaks only its cell;
/// without a package, how the process ended.
fn generate(
    plan: &Plan,
    entry: &Entry,
    language: Language,
    place: &Path,
    cell: &mut Cell,
) -> Result<Result<Source, End<Over>>, ProofError> {
    let emit: Vec<&str> = plan.emit.iter().map(|part| part.word()).collect();
    let mut command = Command::new(&plan.program);
    command
        .args(["codegen", "--format", "json", "--contract"])
        .arg(&entry.path)
        .arg("--root")
        .arg(folder_of(plan, entry))
        .args(["--language", language.word(), "--emit", &emit.join(",")])
        .args(["--package", "models", "--out"])
        .arg(place)
        .current_dir(&plan.here);
    let limits = plan.extent.limits;
    let ran = process::run(command, Vec::new(), &limits).map_err(ProofError::Run)?;
    cell.generate_seconds = ran.duration.as_secs_f64();
    let answer: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    if !ran.is_success() {
        let message = answer["error"]["message"].as_str();
        let first = String::from_utf8_lossy(&ran.stderr);
        let panicked = first
            .lines()
            .find(|line| line.contains("panicked"))
            .unwrap_or_default();
        cell.proof.reasons.push(match (message, &ran.end) {
            (Some(message), End::Exited(_)) => message.to_owned(),
            _ => format!("generate: {} {panicked}", ran.reason(&limits)),
        });
        return Ok(Err(ran.end));
    }
    let package = &answer["packages"][0];
    let number = |key: &str| {
        package[key]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(0)
    };
    cell.types = number("types");
    cell.untyped_fields = number("untyped_fields");
    let folder = place.join(language.word());
    let Some(manifest) = Manifest::read(&folder)? else {
        cell.proof
            .reasons
            .push("generate: no manifest was written".to_owned());
        return Ok(Err(ran.end));
    };
    let mut files = Vec::new();
    for path in manifest.files.keys() {
        let path_on_disk = folder.join(path);
        let text = std::fs::read_to_string(&path_on_disk)
            .map_err(ProofError::io("read", &path_on_disk))?;
        cell.bytes += text.len();
        files.push(Artifact::new(path, text));
    }
    cell.generated = State::Good;
    Ok(Ok(Source {
        language,
        package: manifest.package,
        emit: manifest.emit,
        files,
    }))
}

/// A document's folder name: its path with only plain letters.
fn slug(name: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() || letter == '-' || letter == '.' {
            letter
        } else {
            '-'
        }
    };
    name.chars().map(plain).collect()
}

/// The documents that a pattern names; without one all of them.
fn chosen(entries: Vec<Entry>, only: Option<&str>) -> Result<Vec<Entry>, ProofError> {
    let Some(only) = only else {
        return Ok(entries);
    };
    let glob = Glob::new(only).map_err(ProofError::Pattern)?;
    let glob = glob.compile_matcher();
    let n_entries = entries.len();
    let mut chosen = entries;
    chosen.retain(|entry| glob.is_match(&entry.name));
    if chosen.is_empty() && n_entries > 0 {
        return Err(ProofError::NoMatch {
            pattern: only.to_owned(),
            n_documents: n_entries,
        });
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(names: &[&str]) -> Vec<Entry> {
        let entry = |name: &&str| Entry {
            path: PathBuf::from(name),
            name: (*name).to_owned(),
            word: "openapi",
        };
        names.iter().map(entry).collect()
    }

    #[test]
    fn a_pattern_chooses_documents() {
        let all = ["a/b.yaml", "github-2022.yaml", "github-2026.json"];
        for (pattern, n_chosen) in [
            ("*.yaml", 2),
            ("git*-20?6*", 1),
            ("*", 3),
            ("{a/b,github-2026}.*", 2),
        ] {
            let chosen = chosen(entries(&all), Some(pattern)).unwrap();
            assert_eq!(chosen.len(), n_chosen, "{pattern}");
        }
        assert_eq!(chosen(entries(&all), None).unwrap().len(), 3);
    }

    #[test]
    fn a_pattern_that_matches_nothing_or_is_malformed_is_rejected() {
        let error = chosen(entries(&["a.yaml"]), Some("*.json")).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("none of the 1 documents matches"),
            "{error}"
        );
        let error = chosen(entries(&["a.yaml"]), Some("a[")).unwrap_err();
        assert!(chain(&error).contains("a["), "{error}");
    }
}
