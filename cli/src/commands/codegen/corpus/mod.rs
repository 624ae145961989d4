//! `codegen corpus DIR`: every document of a folder through every language, as a table:
//! generated, compiles, wire round trips, seconds.

mod discover;
mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use globset::Glob;
use serde::Serialize;
use tollgate_codegen::{Artifact, Language};
use tollgate_contracts_model::{Contract, LoadSettings, load_with};

use crate::commands::codegen::CorpusArgs;
use crate::commands::codegen::child::{self, End};
use crate::commands::codegen::compile::Compilers;
use crate::commands::codegen::proof::{LanguageProof, Sent, Source, State, prove};
use crate::commands::codegen::{language_of, verify};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use tollgate_gates::models::manifest::{self, Manifest};

use discover::Entry;

/// One document and what became of it.
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

/// What every document needs.
struct Run<'a> {
    context: &'a Context,
    args: &'a CorpusArgs,
    root: PathBuf,
    out: PathBuf,
    languages: Vec<Language>,
    compilers: Compilers,
    program: PathBuf,
}

/// `codegen corpus`.
pub fn run(context: &Context, args: &CorpusArgs) -> CommandResult {
    let root = manifest::normal(&context.here.join(&args.folder));
    let found = discover::discover(&root).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("read `{}`", root.display()));
        Failure::usage(format!("{error:#}"))
    })?;
    let entries = chosen(found.entries, args.only.as_deref())?;
    if entries.is_empty() {
        return Err(Failure::usage(format!(
            "find a document below `{}`: no file names openapi or asyncapi at its top",
            root.display()
        )));
    }
    let languages = args.language.iter().map(|word| language_of(word));
    let languages: BTreeSet<Language> = languages.collect::<Result<_, _>>()?;
    let out = args
        .out
        .as_ref()
        .map(|out| manifest::normal(&context.here.join(out)));
    let run = Run {
        context,
        args,
        root,
        out: out.unwrap_or_else(|| context.state_dir.join("corpus")),
        languages: languages.into_iter().collect(),
        compilers: Compilers::find(context),
        program: context.executable()?,
    };
    let rows = all(&run, &entries);
    table::print(context, &rows, found.n_fragments, &run.out);
    let proofs = rows
        .iter()
        .flat_map(|row| &row.cells)
        .map(|cell| (&cell.proof, cell.is_bad()));
    let code = verify::exit_of(proofs, args.proof.may_be_missing);
    let is_unread = rows
        .iter()
        .any(|row| row.problem.is_some() && !row.is_skipped);
    Ok(if is_unread {
        tollgate_report::ExitCode::Findings
    } else {
        code
    })
}

/// Every document, some at once; rows in the order of entries.
fn all(run: &Run<'_>, entries: &[Entry]) -> Vec<Row> {
    let next = AtomicUsize::new(0);
    let rows: Mutex<Vec<(usize, Row)>> = Mutex::new(Vec::new());
    let bar = run.context.output.bar("corpus");
    std::thread::scope(|scope| {
        for slot in 0..run.args.jobs.clamp(1, entries.len()) {
            let (next, rows, bar) = (&next, &rows, &bar);
            scope.spawn(move || {
                loop {
                    let idx = next.fetch_add(1, Ordering::Relaxed);
                    let Some(entry) = entries.get(idx) else {
                        break;
                    };
                    bar.message(&entry.name);
                    let row = one(run, entry, slot);
                    bar.line(&table::progress(&row, idx + 1, entries.len()));
                    rows.lock()
                        .expect("no thread panics with the rows")
                        .push((idx, row));
                }
            });
        }
    });
    bar.finish();
    let mut rows = rows.into_inner().expect("all threads have ended");
    rows.sort_by_key(|(idx, _)| *idx);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn one(run: &Run<'_>, entry: &Entry, slot: usize) -> Row {
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
    let result = fill(run, entry, slot, &mut row);
    if let Err(failure) = result {
        row.problem = Some(failure.to_string());
    }
    row.seconds = started.elapsed().as_secs_f64();
    row
}

/// Generates every language, compiles, proves the wire.
fn fill(run: &Run<'_>, entry: &Entry, slot: usize, row: &mut Row) -> Result<(), Failure> {
    let place = run.out.join(slug(&entry.name));
    let mut sources = Vec::new();
    for language in &run.languages {
        let mut cell = Cell::new(*language);
        match generate(run, entry, *language, &place, &mut cell)? {
            Some(source) => sources.push(source),
            None if row.cells.is_empty() && cell.types == 0 && is_unreadable(&cell) => {
                row.problem = cell.proof.reasons.first().cloned();
                return Ok(());
            }
            None => {}
        }
        row.cells.push(cell);
    }
    let contract = load(run, entry)?;
    let extent = verify::extent(&run.args.proof, slot);
    let work = run.out.join(".work").join(slug(&entry.name));
    if has_schemas(&contract) {
        for cell in row.cells.iter_mut().filter(|cell| cell.types == 0) {
            cell.generated = State::Bad;
        }
    }
    let proof = prove(&run.compilers, &[contract], &sources, &work, &extent)?;
    row.sent = proof.sent;
    for proof in proof.languages {
        let mut cells = row.cells.iter_mut();
        if let Some(cell) = cells.find(|cell| cell.proof.language == proof.language) {
            if !proof.output.is_empty() {
                let log = place.join(format!("{}.log", proof.language.word()));
                std::fs::write(log, &proof.output)?;
            }
            let empty = "nothing was generated although the document has schemas";
            let is_empty = cell.generated == State::Bad;
            cell.proof = proof;
            cell.proof
                .reasons
                .extend(is_empty.then(|| empty.to_owned()));
        }
    }
    if !run.args.keep_work {
        // What stays for reading is the generated packages.
        let _ = std::fs::remove_dir_all(&work);
    }
    Ok(())
}

/// Whether a document declares something that becomes a type.
fn has_schemas(contract: &Contract) -> bool {
    !contract.component_schemas().is_empty() || !contract.messages().is_empty()
}

fn is_unreadable(cell: &Cell) -> bool {
    let first = cell.proof.reasons.first();
    first.is_some_and(|reason| reason.starts_with("read "))
}

fn load(run: &Run<'_>, entry: &Entry) -> Result<Contract, Failure> {
    let settings = LoadSettings {
        folder: Some(folder_of(run, entry)),
        ..LoadSettings::default()
    };
    load_with(&entry.path, &settings).map_err(Failure::settings)
}

/// The folder that references may not leave: the first one below the corpus on the way.
fn folder_of(run: &Run<'_>, entry: &Entry) -> PathBuf {
    match entry.name.split_once('/') {
        Some((first, _)) => run.root.join(first),
        None => run.root.clone(),
    }
}

/// Generates in a process of its own, so that whatever a document does ends with its cell.
fn generate(
    run: &Run<'_>,
    entry: &Entry,
    language: Language,
    place: &Path,
    cell: &mut Cell,
) -> Result<Option<Source>, Failure> {
    let mut command = Command::new(&run.program);
    command
        .args(["codegen", "--format", "json", "--contract"])
        .arg(&entry.path)
        .arg("--root")
        .arg(folder_of(run, entry))
        .args([
            "--language",
            language.word(),
            "--emit",
            &run.args.emit.join(","),
        ])
        .args(["--package", "models", "--out"])
        .arg(place)
        .current_dir(&run.context.root);
    let limits = verify::extent(&run.args.proof, 0).limits;
    let ran = child::run(command, Vec::new(), &limits)?;
    cell.generate_seconds = ran.duration.as_secs_f64();
    let answer: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    if !ran.is_success() {
        let message = answer["error"]["message"].as_str();
        let first = String::from_utf8_lossy(&ran.stderr);
        let panicked = first
            .lines()
            .find(|line| line.contains("panicked"))
            .unwrap_or_default();
        cell.proof.reasons.push(match (message, ran.end) {
            (Some(message), End::Exited(_)) => message.to_owned(),
            _ => format!("generate: {} {panicked}", ran.reason(&limits)),
        });
        return Ok(None);
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
        return Ok(None);
    };
    let mut files = Vec::new();
    for path in manifest.files.keys() {
        let text = std::fs::read_to_string(folder.join(path))?;
        cell.bytes += text.len();
        files.push(Artifact::new(path, text));
    }
    cell.generated = State::Good;
    Ok(Some(Source {
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
fn chosen(entries: Vec<Entry>, only: Option<&str>) -> Result<Vec<Entry>, Failure> {
    let Some(only) = only else {
        return Ok(entries);
    };
    let glob = Glob::new(only).map_err(|error| Failure::usage(format!("read --only: {error}")))?;
    let glob = glob.compile_matcher();
    let n_entries = entries.len();
    let mut chosen = entries;
    chosen.retain(|entry| glob.is_match(&entry.name));
    if chosen.is_empty() && n_entries > 0 {
        return Err(Failure::usage(format!(
            "find documents for --only `{only}`: none of the {n_entries} documents fits; a pattern is compared with the whole path below the folder, as in `*petstore*` or `{{a,b}}.json`"
        )));
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
    fn a_pattern_that_fits_nothing_or_is_none_is_refused() {
        let error = chosen(entries(&["a.yaml"]), Some("*.json")).unwrap_err();
        assert!(
            error.to_string().contains("none of the 1 documents fits"),
            "{error}"
        );
        let error = chosen(entries(&["a.yaml"]), Some("a[")).unwrap_err();
        assert!(error.to_string().contains("a["), "{error}");
    }
}
