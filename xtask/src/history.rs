//! `history`: consecutive revisions of contracts in a git repository, compared. It shows
//! that real histories are read without a crash, and that what is the same gives nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tollgate_contracts_diff::{CompareSettings, Level, diff_with};
use tollgate_contracts_model::{Contract, parse_contract};
use tollgate_report::{Clock, Day, ExitCode};

use tollgate::{CommandResult, Context, Failure};

/// What was counted for one contract.
#[derive(Default)]
struct Tally {
    n_pairs: usize,
    n_unreadable: usize,
    n_changed: usize,
    n_breaking: usize,
    /// Findings between a revision and itself.
    n_false: usize,
    slowest: Duration,
    codes: BTreeMap<String, usize>,
    /// Of some breaking changes, what they say.
    samples: Vec<String>,
}

/// `history REPO PATH…`: exit 3 when something is found where nothing is.
pub fn run(context: &Context, repository: &Path, paths: &[String], max: usize) -> CommandResult {
    let repository = context.here.join(repository);
    let mut rows = Vec::new();
    for path in paths {
        rows.push((path, history(context, &repository, path, max)?));
    }
    let total = |count: &dyn Fn(&Tally) -> usize| rows.iter().map(|(_, tally)| count(tally)).sum();
    let n_pairs: usize = total(&|tally| tally.n_pairs);
    let n_false: usize = total(&|tally| tally.n_false);
    context.output.json(&json!({
        "version": 1,
        "pairs": n_pairs,
        "contracts": rows.iter().map(|(path, tally)| json!({
            "path": path,
            "pairs": tally.n_pairs,
            "unreadable": tally.n_unreadable,
            "changed": tally.n_changed,
            "breaking": tally.n_breaking,
            "false": tally.n_false,
            "slowest_ms": tally.slowest.as_millis(),
            "codes": tally.codes,
            "samples": tally.samples,
        })).collect::<Vec<_>>(),
    }));
    context.output.text(|out| {
        for (path, tally) in &rows {
            writeln!(
                out,
                "{path}: {} pairs, {} revisions not read, {} with changes, {} breaking, \
                 {} false, slowest {} ms",
                tally.n_pairs,
                tally.n_unreadable,
                tally.n_changed,
                tally.n_breaking,
                tally.n_false,
                tally.slowest.as_millis()
            )?;
            for sample in &tally.samples {
                writeln!(out, "  {sample}")?;
            }
        }
        writeln!(out, "{n_pairs} pairs of revisions")
    });
    Ok(if n_false > 0 {
        ExitCode::Findings
    } else {
        ExitCode::Pass
    })
}

fn git(repository: &Path, args: &[&str]) -> Result<Vec<u8>, Failure> {
    let output = Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(args)
        .output()
        .context("cannot start `git`")?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::environment(anyhow::anyhow!(
            "cannot run `git {}`: {text}",
            args.join(" ")
        )));
    }
    Ok(output.stdout)
}

fn history(context: &Context, repository: &Path, path: &str, max: usize) -> Result<Tally, Failure> {
    let limit = format!("-n{}", max.saturating_add(1));
    let log = git(
        repository,
        &["log", "--format=%H", &limit, "HEAD", "--", path],
    )?;
    let log = String::from_utf8_lossy(&log).into_owned();
    let today = Day::of(context.clock.now());
    let settings = CompareSettings {
        witnesses_max: 0,
        ..CompareSettings::default()
    };
    let settings = settings.on(today);
    let mut tally = Tally::default();
    let mut newer: Option<Contract> = None;
    for revision in log.lines() {
        let text = git(repository, &["show", &format!("{revision}:{path}")]);
        let text = text.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let contract = text.and_then(|text| parse_contract(path, &text).ok());
        let Some(contract) = contract else {
            tally.n_unreadable += 1;
            newer = None;
            continue;
        };
        tally.n_false += usize::from(!diff_with(&contract, &contract, &settings).is_empty());
        if let Some(newer) = &newer {
            let started = context.clock.monotonic();
            let changes = diff_with(&contract, newer, &settings);
            let took = context.clock.monotonic().saturating_sub(started);
            tally.slowest = tally.slowest.max(took);
            tally.n_pairs += 1;
            tally.n_changed += usize::from(!changes.is_empty());
            let mut breaking = changes
                .iter()
                .filter(|change| change.level == Level::Breaking);
            if let Some(first) = breaking.next() {
                tally.n_breaking += 1;
                if tally.samples.len() < 12 {
                    let operation = first.operation.as_deref().unwrap_or("-");
                    let start = &revision[..revision.len().min(10)];
                    tally.samples.push(format!(
                        "{start} {operation} {}: {} ({})",
                        first.code, first.message, first.path
                    ));
                }
            }
            for change in &changes {
                *tally.codes.entry(change.code.clone()).or_insert(0) += 1;
            }
        }
        newer = Some(contract);
    }
    Ok(tally)
}
