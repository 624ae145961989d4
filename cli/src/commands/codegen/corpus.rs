//! `codegen corpus DIR`: every document of a folder in every language, as a table and as JSON.

use std::path::{Path, PathBuf};

use clap::Args;
use tollgate_codegen::manifest;
use tollgate_proof::corpus::{Plan, Progress, Row, run as prove};
use tollgate_proof::{State, exit_code};
use tollgate_report::ExitCode;
use tollgate_report::render::render_table;

use crate::commands::codegen::arguments::{ProofArgs, WantedArgs, failed};
use crate::commands::codegen::verify::{self, cells};
use crate::context::Context;
use crate::failure::CommandResult;

/// Take every document of a folder through every language: generate, compile, wire
#[derive(Debug, Clone, Args)]
pub struct CorpusArgs {
    /// The folder: documents, and folders with documents of several files
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    #[command(flatten)]
    pub wanted: WantedArgs,
    /// Only documents whose path below the folder fits this pattern, such as '*petstore*' or '{a,b}.json'
    #[arg(long, value_name = "GLOB")]
    pub only: Option<String>,
    /// How many documents at once
    #[arg(long, default_value_t = 1)]
    pub jobs: usize,
    /// The folder that keeps the packages for reading; by default .tollgate/corpus
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Also keep the folders in which was compiled
    #[arg(long)]
    pub keep_work: bool,
    #[command(flatten)]
    pub proof: ProofArgs,
}

/// `codegen corpus`.
pub fn run(context: &Context, args: &CorpusArgs) -> CommandResult {
    let absolute = |path: &PathBuf| manifest::normal(&context.here.join(path));
    let out = args.out.as_ref().map(absolute);
    let plan = Plan {
        folder: absolute(&args.folder),
        only: args.only.clone(),
        languages: args.wanted.languages()?,
        emit: args.wanted.parts()?,
        n_jobs: args.jobs,
        out: out.unwrap_or_else(|| context.state_dir.join("corpus")),
        keeps_work: args.keep_work,
        extent: verify::extent(&args.proof, 0),
        compilers: verify::compilers(context),
        program: context.executable()?,
        here: context.root.clone(),
    };
    let bar = context.output.bar("corpus");
    let corpus = prove(&plan, &|event| match event {
        Progress::Started(document) => bar.message(document),
        Progress::Finished { row, nth, n_all } => bar.line(&progress(row, nth, n_all)),
    });
    bar.finish();
    let corpus = corpus.map_err(failed)?;
    let rows = corpus.rows;
    print(context, &rows, corpus.n_fragments, &plan.out);
    let mut all = rows.iter();
    if all.any(|row| row.problem.is_some() && !row.is_skipped) {
        return Ok(ExitCode::Findings);
    }
    let cells = rows.iter().flat_map(|row| &row.cells);
    Ok(exit_code(
        cells.map(|cell| (&cell.proof, cell.is_bad())),
        verify::needs_all(&args.proof),
    ))
}

/// One finished document in one line.
fn progress(row: &Row, nth: usize, n_all: usize) -> String {
    let state = match &row.problem {
        Some(problem) => problem.clone(),
        None => {
            let cells = row.cells.iter().map(|cell| {
                let mark = if cell.is_bad() { "bad" } else { "good" };
                format!("{} {mark}", cell.proof.language.word())
            });
            cells.collect::<Vec<_>>().join(", ")
        }
    };
    format!(
        "[{nth}/{n_all}] {} {:.1} s: {state}",
        row.document, row.seconds
    )
}

/// Prints rows, reasons and totals.
fn print(context: &Context, rows: &[Row], n_fragments: usize, out: &Path) {
    let output = &context.output;
    let totals = Totals::of(rows);
    output.json(&serde_json::json!({
        "version": 1, "rows": rows, "fragments": n_fragments, "out": out,
        "totals": {
            "documents": rows.len(), "unreadable": totals.n_unread, "skipped": totals.n_skipped,
            "cells": totals.n_cells, "bad": totals.n_bad, "not_checked": totals.n_unchecked,
            "instances": totals.n_instances, "equal": totals.n_equal,
            "broken": totals.n_broken, "refused": totals.n_refused,
            "explained": totals.n_explained, "right_path": totals.n_right_path,
            "around_path": totals.n_around_path, "types": totals.n_types,
            "untyped_fields": totals.n_untyped, "seconds": totals.seconds,
        },
    }));
    let mut lines = Vec::new();
    for row in rows {
        if let Some(problem) = &row.problem {
            let what = if row.is_skipped {
                "skipped"
            } else {
                "unreadable"
            };
            lines.push(vec![
                row.document.clone(),
                what.to_owned(),
                problem.chars().take(90).collect(),
            ]);
            continue;
        }
        for cell in &row.cells {
            let [compiles, wire, refused, paths] = cells(&cell.proof);
            let generated = match cell.generated {
                State::Good => format!("{} types, {} kB", cell.types, cell.bytes / 1000),
                _ => "no".to_owned(),
            };
            lines.push(vec![
                row.document.clone(),
                cell.proof.language.word().to_owned(),
                generated,
                cell.untyped_fields.to_string(),
                compiles,
                wire,
                refused,
                paths,
                format!("{:.2}", cell.generate_seconds),
                format!("{:.1}", cell.proof.seconds),
            ]);
        }
    }
    let header = [
        "document",
        "language",
        "generated",
        "untyped",
        "compiles",
        "wire",
        "refused",
        "paths",
        "generate s",
        "compile s",
    ];
    output.text(|out| render_table(out, &header, &lines));
    for row in rows {
        for cell in row.cells.iter().filter(|cell| cell.is_bad()) {
            for reason in &cell.proof.reasons {
                output.line(format!(
                    "{} {}: {reason}",
                    row.document,
                    cell.proof.language.word()
                ));
            }
        }
    }
    output.line(format!(
        "{} documents ({} unreadable, {} skipped), {n_fragments} other files; {} cells: {} bad, {} not checked; {:.0} s",
        rows.len(), totals.n_unread, totals.n_skipped, totals.n_cells, totals.n_bad, totals.n_unchecked, totals.seconds
    ));
    output.line(format!(
        "wire {} of {} ({}), refused {} of {} and {} let through for a known reason, paths {} of {} \
         ({} at alternatives around); {} types, {} untyped fields; packages in {}",
        totals.n_equal,
        totals.n_instances,
        percent(totals.n_equal, totals.n_instances),
        totals.n_refused,
        totals.n_broken,
        totals.n_explained,
        totals.n_right_path + totals.n_around_path,
        totals.n_refused,
        totals.n_around_path,
        totals.n_types,
        totals.n_untyped,
        out.display()
    ));
}

/// A share as a percentage that is 100 only when nothing is missing.
fn percent(n: usize, n_all: usize) -> String {
    if n_all == 0 {
        return "nothing sent".to_owned();
    }
    format!("{}.{} %", n * 100 / n_all, n * 1000 / n_all % 10)
}

/// What the rows add up to.
#[derive(Debug, Default)]
struct Totals {
    n_unread: usize,
    n_skipped: usize,
    n_cells: usize,
    n_bad: usize,
    n_unchecked: usize,
    n_instances: usize,
    n_equal: usize,
    n_broken: usize,
    n_refused: usize,
    n_explained: usize,
    n_right_path: usize,
    n_around_path: usize,
    n_types: usize,
    n_untyped: usize,
    seconds: f64,
}

impl Totals {
    fn of(rows: &[Row]) -> Self {
        let mut totals = Self::default();
        for row in rows {
            totals.n_skipped += usize::from(row.is_skipped);
            totals.n_unread += usize::from(row.problem.is_some() && !row.is_skipped);
            totals.seconds += row.seconds;
            for cell in &row.cells {
                totals.n_types += cell.types;
                totals.n_untyped += cell.untyped_fields;
                totals.n_cells += 1;
                totals.n_bad += usize::from(cell.is_bad());
                let unchecked = [cell.proof.compiles, cell.proof.wire].contains(&State::NotChecked);
                totals.n_unchecked += usize::from(unchecked && !cell.is_bad());
                if let Some(share) = &cell.proof.share {
                    totals.n_instances += share.instances;
                    totals.n_equal += share.equal;
                    totals.n_broken += share.broken;
                    totals.n_refused += share.refused;
                    totals.n_right_path += share.right_path;
                    totals.n_around_path += share.around_path;
                    totals.n_explained += share.n_explained();
                }
            }
        }
        totals
    }
}
