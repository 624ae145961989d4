//! `codegen --watch`: generates again whenever a contract changes, until ctrl-c. Changes are
//! detected by time and size; a round starts when one check finds no further change.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tollgate_codegen::Settings;
use tollgate_codegen::folders::{make, understand};
use tollgate_report::{Clock, ExitCode};

use crate::commands::codegen::write::{Written, write};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use tollgate_gates::models::made::load_contracts;

/// The time between two looks.
const LOOK: Duration = Duration::from_millis(150);

/// What a file looks like from outside; `None` when it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// Watches until ctrl-c, or for so many rounds when `rounds` is not 0.
pub async fn run(
    context: &Context,
    settings: &Settings,
    root: Option<&Path>,
    rounds: u32,
) -> CommandResult {
    let mut watched: BTreeSet<PathBuf> = entries(context, settings);
    let mut n_rounds = 0;
    loop {
        let before = stamps(&watched);
        match round(context, settings, root) {
            Ok((written, read, duration)) => {
                // What the contracts consist of now; the old list stays when a round fails.
                watched = read;
                watched.extend(entries(context, settings));
                tell(context, &written, duration);
            }
            Err(failure) => context.output.failure(&failure),
        }
        n_rounds += 1;
        if rounds != 0 && n_rounds >= rounds {
            return Ok(ExitCode::Pass);
        }
        // A change while generating counts: what was known before the round is compared.
        let known: BTreeMap<PathBuf, Stamp> = stamps(&watched)
            .into_iter()
            .map(|(path, now)| {
                let stamp = before.get(&path).copied().unwrap_or(now);
                (path, stamp)
            })
            .collect();
        tokio::select! {
            () = change(&known) => {}
            result = tokio::signal::ctrl_c() => {
                result?;
                return Ok(ExitCode::Pass);
            }
        }
    }
}

/// Returns when a file is another than `known` and has stood still since the last look.
async fn change(known: &BTreeMap<PathBuf, Stamp>) {
    let paths: BTreeSet<PathBuf> = known.keys().cloned().collect();
    let mut last = known.clone();
    loop {
        tokio::time::sleep(LOOK).await;
        let now = stamps(&paths);
        if now != *known && now == last {
            return;
        }
        last = now;
    }
}

fn entries(context: &Context, settings: &Settings) -> BTreeSet<PathBuf> {
    let names = settings.targets.iter().flat_map(|target| &target.contracts);
    names.map(|name| context.root.join(name)).collect()
}

fn stamps(paths: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, Stamp> {
    let stamp = |path: &Path| {
        let facts = fs::metadata(path).ok()?;
        Some((facts.modified().ok()?, facts.len()))
    };
    paths
        .iter()
        .map(|path| (path.clone(), stamp(path)))
        .collect()
}

type Round = (Vec<Written>, BTreeSet<PathBuf>, Duration);

/// One round: reads, generates, writes; returns what it did, which files it read and how long.
fn round(context: &Context, settings: &Settings, root: Option<&Path>) -> Result<Round, Failure> {
    let started = context.clock.monotonic();
    let contracts = load_contracts(context, settings, root)?;
    let files = contracts
        .values()
        .flat_map(|contract| contract.documents.keys())
        .map(|file| context.root.join(file));
    let read = files.collect();
    let folders = make(settings, &understand(settings, &contracts)?)?;
    let written = write(&context.root, &folders, false)?;
    let duration = context.clock.monotonic().saturating_sub(started);
    Ok((written, read, duration))
}

fn tell(context: &Context, written: &[Written], duration: Duration) {
    let n_files: usize = written.iter().map(|folder| folder.files).sum();
    let n_written: usize = written.iter().map(|folder| folder.written.len()).sum();
    let n_removed: usize = written.iter().map(|folder| folder.removed.len()).sum();
    context.output.line(format!(
        "{}: {n_written} of {n_files} files written, {n_removed} removed, {} ms",
        context.clock.now(),
        duration.as_millis()
    ));
    context.output.json(&serde_json::json!({
        "version": 1, "files": n_files, "packages": written, "duration_ms": duration.as_millis(),
    }));
}
