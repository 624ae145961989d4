//! `codegen verify DIR…`: compiles what was generated, and proves the wire among the languages
//! whose compiler is here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;
use tollgate_codegen::Artifact;
use tollgate_contracts_model::Contract;
use tollgate_report::render::render_table;
use tollgate_report::{Digest, ExitCode};

use crate::commands::codegen::child::Limits;
use crate::commands::codegen::compile::Compilers;
use crate::commands::codegen::proof::{Extent, LanguageProof, Proof, Source, State, prove};
use crate::commands::codegen::wire::cases::Amount;
use crate::commands::codegen::{ProofArgs, VerifyArgs};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use tollgate_gates::contracts;
use tollgate_gates::models::manifest::{self, Manifest};

/// How deep packages are looked for below a folder.
const DEPTH_MAX: usize = 6;

/// A generated package on disk.
#[derive(Debug)]
struct Found {
    folder: PathBuf,
    manifest: Manifest,
    files: Vec<Artifact>,
    /// Files that are gone or are not what was written.
    changed: Vec<String>,
}

/// The packages that came from the same contracts.
#[derive(Debug, Serialize)]
struct Row {
    folder: String,
    contracts: Vec<String>,
    /// Files that are not what was generated.
    changed: Vec<String>,
    #[serde(flatten)]
    proof: LanguageProof,
}

/// What flags say about limits and amounts.
pub fn extent(args: &ProofArgs, slot: usize) -> Extent {
    Extent {
        limits: Limits {
            time: args.time.0,
            memory_bytes: args.memory.0,
        },
        amount: Amount {
            seed: args.seed,
            per_type: args.per_type,
        },
        has_wire: !args.no_wire,
        slot,
    }
}

/// `codegen verify`.
pub fn run(context: &Context, args: &VerifyArgs) -> CommandResult {
    let mut found = Vec::new();
    for folder in &args.folders {
        look(&manifest::normal(&context.here.join(folder)), 0, &mut found)?;
    }
    if found.is_empty() {
        return Err(Failure::usage(format!(
            "verify: no `{}` stands in the given folders, which says what was generated",
            manifest::FILE
        ))
        .hint("{tollgate} codegen --contract FILE --out DIR, then {tollgate} codegen verify DIR"));
    }
    let compilers = Compilers::find(context);
    let mut rows: Vec<Row> = Vec::new();
    let mut proofs: Vec<Proof> = Vec::new();
    for (contracts, group) in groups(context, args, found) {
        let loaded: Vec<Contract> = contracts
            .iter()
            .map(|path| contracts::load(context, path))
            .collect::<Result<_, _>>()?;
        let (whole, parts): (Vec<Found>, Vec<Found>) = group
            .into_iter()
            .partition(|found| is_package(&found.files));
        for part in parts {
            let reason = "a part of another package; its own build compiles it";
            rows.push(row(context, &part, skipped(&part, reason)));
        }
        let sources: Vec<Source> = whole.iter().map(source).collect();
        let work = work_folder(context, &whole);
        let proof = prove(
            &compilers,
            &loaded,
            &sources,
            &work,
            &extent(&args.proof, 0),
        )?;
        for (found, language) in whole.iter().zip(&proof.languages) {
            rows.push(row(context, found, language.clone()));
        }
        proofs.push(proof);
    }
    print(context, &rows, &proofs);
    Ok(exit_of(
        rows.iter().map(|row| (&row.proof, !row.changed.is_empty())),
        args.proof.may_be_missing,
    ))
}

/// Bad is bad; a language whose compiler is missing is bad where everything should be there.
pub fn exit_of<'a>(
    proofs: impl Iterator<Item = (&'a LanguageProof, bool)>,
    may_be_missing: bool,
) -> ExitCode {
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1");
    let mut code = ExitCode::Pass;
    for (proof, is_changed) in proofs {
        if proof.is_bad() || is_changed {
            return ExitCode::Findings;
        }
        if proof.compiles == State::NotChecked && is_ci && !may_be_missing {
            code = ExitCode::Environment;
        }
    }
    code
}

/// The packages in and below a folder.
fn look(folder: &Path, depth: usize, found: &mut Vec<Found>) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Err(Failure::usage(format!(
            "verify `{}`: it is no folder",
            folder.display()
        )));
    }
    if let Some(manifest) = Manifest::read(folder)? {
        found.push(open(folder, manifest));
        return Ok(());
    }
    if depth >= DEPTH_MAX {
        return Ok(());
    }
    let mut below: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("read `{}`", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !path.is_symlink())
        .collect();
    below.sort();
    let is_passed = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('.') || name == "node_modules" || name == "target"
    };
    for path in below.iter().filter(|path| !is_passed(path)) {
        look(path, depth + 1, found)?;
    }
    Ok(())
}

fn open(folder: &Path, manifest: Manifest) -> Found {
    let mut files = Vec::new();
    let mut changed = Vec::new();
    for (path, digest) in &manifest.files {
        match fs::read(folder.join(path)) {
            Ok(bytes) => {
                if Digest::of(&bytes) != *digest {
                    changed.push(path.clone());
                }
                files.push(Artifact::new(path, String::from_utf8_lossy(&bytes)));
            }
            Err(_) => changed.push(path.clone()),
        }
    }
    Found {
        folder: folder.to_path_buf(),
        manifest,
        files,
        changed,
    }
}

/// Packages by their contracts: those of one contract are proved against each other.
fn groups(
    context: &Context,
    args: &VerifyArgs,
    found: Vec<Found>,
) -> Vec<(Vec<PathBuf>, Vec<Found>)> {
    let mut groups: BTreeMap<Vec<PathBuf>, Vec<Found>> = BTreeMap::new();
    for found in found {
        let contracts = if args.contract.is_empty() {
            found.manifest.contract_paths(&found.folder)
        } else {
            let given = args.contract.iter();
            given
                .map(|path| manifest::normal(&context.here.join(path)))
                .collect()
        };
        groups.entry(contracts).or_default().push(found);
    }
    groups.into_iter().collect()
}

fn is_package(files: &[Artifact]) -> bool {
    let manifests = ["Cargo.toml", "Package.swift", "package.json"];
    files
        .iter()
        .any(|file| manifests.contains(&file.path.as_str()))
}

fn source(found: &Found) -> Source {
    Source {
        language: found.manifest.language,
        package: found.manifest.package.clone(),
        emit: found.manifest.emit.clone(),
        files: found.files.clone(),
    }
}

fn skipped(found: &Found, reason: &str) -> LanguageProof {
    LanguageProof {
        reasons: vec![reason.to_owned()],
        ..LanguageProof::new(found.manifest.language)
    }
}

/// A folder for compiling, the same for the same packages.
fn work_folder(context: &Context, found: &[Found]) -> PathBuf {
    let names: String = found
        .iter()
        .map(|found| found.folder.display().to_string())
        .collect();
    let digest = Digest::of(names);
    context.state_dir.join("codegen").join(digest.short())
}

fn row(context: &Context, found: &Found, proof: LanguageProof) -> Row {
    let shown = |path: &Path| {
        let path = path.strip_prefix(&context.root).unwrap_or(path);
        path.display().to_string()
    };
    Row {
        folder: shown(&found.folder),
        contracts: found
            .manifest
            .contract_paths(&found.folder)
            .iter()
            .map(|path| shown(path))
            .collect(),
        changed: found.changed.clone(),
        proof,
    }
}

fn print(context: &Context, rows: &[Row], proofs: &[Proof]) {
    let output = &context.output;
    output.json(&serde_json::json!({
        "version": 1, "packages": rows,
        "sent": proofs.iter().map(|proof| &proof.sent).collect::<Vec<_>>(),
    }));
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let mut line = vec![row.folder.clone(), row.proof.language.word().to_owned()];
            line.extend(cells(&row.proof));
            line.push(format!("{:.1}", row.proof.seconds));
            line
        })
        .collect();
    let header = [&["package", "language"], &CELLS[..], &["seconds"]].concat();
    output.text(|out| render_table(out, &header, &cells));
    for row in rows {
        for file in &row.changed {
            output.line(format!("{}/{file} is not what was generated", row.folder));
        }
        for reason in &row.proof.reasons {
            output.line(format!("{}: {reason}", row.folder));
        }
    }
}

/// The headers of [`cells`].
pub const CELLS: [&str; 4] = ["compiles", "wire", "refused", "paths"];

/// A language's cells: compiles, values that came back, values that were refused, refusals at the
/// right place.
pub fn cells(proof: &LanguageProof) -> [String; 4] {
    let [wire, refused, paths] = match &proof.share {
        Some(share) => {
            let explained = match share.n_explained() {
                0 => String::new(),
                n => format!(" + {n} explained"),
            };
            [
                format!("{} of {}", share.equal, share.instances),
                format!("{} of {}{explained}", share.refused, share.broken),
                format!(
                    "{} of {}",
                    share.right_path + share.around_path,
                    share.refused
                ),
            ]
        }
        None => [proof.wire.word().to_owned(), "-".to_owned(), "-".to_owned()],
    };
    [proof.compiles.word().to_owned(), wire, refused, paths]
}
