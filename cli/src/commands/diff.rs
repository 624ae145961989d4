//! `contract diff`: what changed between two contracts, what breaks, and a value that shows it.

use clap::Args;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;
use tollgate_contracts_diff::{
    Change, Level, PeerFinding, Witness, diff_and_peer, diff_json, suggest_bump, take_allowed,
    take_ignored, witness_share,
};
use tollgate_contracts_model::Contract;
use tollgate_gates::contracts::side;
use tollgate_report::render::{SourceLine, render_finding, render_finding_line};
use tollgate_report::{Clock, Day, ExitCode, Finding, in_threads};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};

#[derive(Debug, Clone, Args)]
pub struct DiffArgs {
    /// The old contract: a file, or REVISION:PATH
    pub old: String,
    /// The new contract: a file, or REVISION:PATH
    pub new: String,
    /// Lines of an oasdiff ignore file: breaking changes that they name are left out
    #[arg(long, value_name = "FILE")]
    pub err_ignore: Option<PathBuf>,
    /// Lines of an oasdiff ignore file: warnings that they name are left out
    #[arg(long, value_name = "FILE")]
    pub warn_ignore: Option<PathBuf>,
    /// Also list each finding as oasdiff counts it
    #[arg(long)]
    pub oasdiff: bool,
}

/// What is printed.
struct Result {
    changes: Vec<Change>,
    peer: Vec<PeerFinding>,
    /// Changes that somebody agreed to, with the reason.
    allowed: Vec<(Change, String)>,
    findings: Vec<Finding>,
}

/// `contract diff OLD NEW`: exit 3 when something breaks.
pub fn run(context: &Context, args: &DiffArgs) -> CommandResult {
    let mut sides = in_threads(&[&args.old, &args.new], |name| side(context, name)).into_iter();
    let mut next = || sides.next().expect("there is a result for each side");
    // The process ends after this, which gives all memory back at once.
    let (old, new) = (ManuallyDrop::new(next()?), ManuallyDrop::new(next()?));
    let result = compare(context, args, &old, &new)?;
    let mut stored = diff_json(&result.changes, &result.peer);
    stored["allowed"] = result
        .allowed
        .iter()
        .map(|(change, reason)| json!({"fingerprint": change.fingerprint(), "code": change.code, "reason": reason}))
        .collect();
    if args.oasdiff {
        stored["oasdiff_findings"] = result.peer.iter().map(peer_json).collect();
    }
    context.output.json(&stored);
    let texts: BTreeMap<&str, &str> = old
        .documents
        .values()
        .chain(new.documents.values())
        .map(|document| (document.file.as_str(), document.text.as_str()))
        .collect();
    context
        .output
        .text(|out| show(context, out, &result, &texts, args.oasdiff));
    let breaks = result
        .changes
        .iter()
        .any(|change| change.level == Level::Breaking);
    Ok(if breaks {
        ExitCode::Findings
    } else {
        ExitCode::Pass
    })
}

fn compare(
    context: &Context,
    args: &DiffArgs,
    old: &Contract,
    new: &Contract,
) -> std::result::Result<Result, Failure> {
    let today = Day::of(context.clock.now());
    let rules = &context.settings.contracts.diff;
    let settings = rules.on(today);
    let (mut changes, peer) = diff_and_peer(old, new, &settings);
    let (mut allowed, findings) = take_allowed(&mut changes, &rules.allow, today);
    for (file, level) in [
        (&args.err_ignore, Level::Breaking),
        (&args.warn_ignore, Level::Warning),
    ] {
        let Some(file) = file else {
            continue;
        };
        let lines = read(&context.here.join(file))?;
        let taken = take_ignored(&mut changes, &peer, &lines, level);
        let reason = format!("named in `{}`", file.display());
        allowed.extend(taken.into_iter().map(|change| (change, reason.clone())));
    }
    Ok(Result {
        changes,
        peer,
        allowed,
        findings,
    })
}

fn read(file: &Path) -> std::result::Result<String, Failure> {
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("cannot read the ignore file `{}`", file.display()));
    text.map_err(Failure::settings)
}

fn peer_json(finding: &PeerFinding) -> serde_json::Value {
    json!({
        "id": finding.id,
        "level": finding.level.word(),
        "method": finding.method,
        "path": finding.path,
        "args": finding.args,
    })
}

fn show(
    context: &Context,
    out: &mut dyn Write,
    result: &Result,
    texts: &BTreeMap<&str, &str>,
    has_peer: bool,
) -> io::Result<()> {
    let paint = context.output.paint;
    let lines: BTreeMap<&str, Vec<SourceLine<'_>>> = texts
        .iter()
        .map(|(file, text)| (*file, text.lines().map(SourceLine::new).collect()))
        .collect();
    for finding in &result.findings {
        render_finding(out, finding, None, paint)?;
        writeln!(out)?;
    }
    for change in &result.changes {
        let finding = change.finding();
        let line = finding.place.as_ref().and_then(|place| {
            let lines = lines.get(place.file.as_str())?;
            lines.get((place.line as usize).checked_sub(1)?)
        });
        render_finding_line(out, &finding, line, paint)?;
        match &change.witness {
            Witness::Found {
                instance,
                is_refused_by_new,
            } => {
                let side = if *is_refused_by_new { "new" } else { "old" };
                writeln!(
                    out,
                    "  witness: the {side} contract refuses {}",
                    short(instance)
                )?;
            }
            Witness::NotFound => writeln!(out, "  witness: none was found within the bound")?,
            Witness::BeyondBound => writeln!(
                out,
                "  witness: none was sought, beyond `witnesses_max` of `[contracts.diff]`"
            )?,
            Witness::NotAsked => {}
        }
        if change.operations.len() > 1 {
            writeln!(out, "  operations: {}", change.operations.join(", "))?;
        }
        writeln!(out)?;
    }
    if has_peer {
        for finding in &result.peer {
            let place = [finding.method.as_str(), finding.path.as_str()].join(" ");
            writeln!(
                out,
                "oasdiff {} {place} [{}]",
                finding.level.word(),
                finding.id
            )?;
        }
    }
    let share = witness_share(&result.changes);
    if share.n_sought > 0 {
        writeln!(
            out,
            "witnesses: {} of {} breaking changes of schemas",
            share.n_found, share.n_sought
        )?;
    }
    let bump = suggest_bump(&result.changes).word();
    if !result.allowed.is_empty() {
        writeln!(out, "{} changes are allowed", result.allowed.len())?;
    }
    writeln!(out, "{} changes; version: {bump}", result.changes.len())
}

/// A value on one line, cut where it gets long.
fn short(text: &str) -> String {
    const LENGTH_MAX: usize = 200;
    match text.char_indices().nth(LENGTH_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
