//! The canary runs of a repository: lists them, finds an unfinished one, and cleans up after them.

use std::time::Duration;

use tollgate_canary::State;
use tollgate_canary::controller::Candidate;
use tollgate_canary::deploy::Process;
use tollgate_canary::events::Event;
use tollgate_canary::persist::{Line, RunFolder, is_locked};
use tollgate_gates::{Failure, Repository};
use tollgate_process::{Force, left_behind, signal_process};

use crate::context::Context;
use crate::remembered::{Home, candidate_mark};
use crate::stage::{Stage, canary_folder};

/// Runs, newest last: their ids begin with the same word and the time.
pub fn runs(repository: &Repository) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(canary_folder(repository)) else {
        return Vec::new();
    };
    let mut runs: Vec<(String, String)> = entries
        .flatten()
        .filter(|entry| entry.path().join("state.json").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .map(|id| {
            (
                id.split_once('-')
                    .map_or_else(String::new, |(_, time)| time.to_owned()),
                id,
            )
        })
        .collect();
    runs.sort();
    runs.into_iter().map(|(_, id)| id).collect()
}

/// The named run, or the last one.
pub fn chosen(repository: &Repository, id: Option<String>) -> Result<String, Failure> {
    id.or_else(|| runs(repository).pop()).ok_or_else(|| {
        Failure::usage("this repository has had no canary")
            .hint("start one: `{tollgate} canary run` or `{tollgate} ship`")
    })
}

/// The state of a run below this folder for everything that is kept.
pub(crate) fn load_state(state_dir: &std::path::Path, id: &str) -> Result<State, Failure> {
    RunFolder::new(&state_dir.join("canary"), id)
        .load()
        .map_err(Failure::environment)
}

/// The state of a run.
pub fn load(repository: &Repository, id: &str) -> Result<State, Failure> {
    RunFolder::new(&canary_folder(repository), id)
        .load()
        .map_err(|error| {
            Failure::usage(format!("there is no canary run `{id}`: {error}"))
                .hint("`ls .tollgate/canary` lists the runs")
        })
}

/// Refuses while an earlier run is unfinished: its canary may still have traffic. `refused` begins
/// the error, such as "a release can't begin".
pub fn refuse_unfinished(repository: &Repository, refused: &str) -> Result<(), Failure> {
    let folder = canary_folder(repository);
    for id in runs(repository) {
        let Ok(state) = load(repository, &id) else {
            continue;
        };
        if state.is_over() {
            continue;
        }
        let (what, next) = if is_locked(&folder) {
            (
                "another controller is running it",
                "`{tollgate} canary status` shows it, `{tollgate} canary abort` ends it",
            )
        } else {
            (
                "its controller has stopped",
                "`{tollgate} canary resume` continues it, `{tollgate} canary abort` ends it",
            )
        };
        let phase = state.phase;
        return Err(Failure::environment(anyhow::anyhow!(
            "{refused}: canary `{id}` is unfinished ({phase}), and {what}"
        ))
        .hint(next));
    }
    Ok(())
}

/// Stops the processes that were left running by a killed command whose run is over or never began.
pub async fn sweep(context: &Context<'_>) {
    let folder = canary_folder(context);
    if is_locked(&folder) {
        return;
    }
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let id = entry.file_name().to_string_lossy().into_owned();
        let is_unfinished = load(context, &id).is_ok_and(|state| !state.is_over());
        let (Ok(stage), false) = (Stage::load(context, &id), is_unfinished) else {
            continue;
        };
        let n_stopped = stage.clear(context).await
            + stop_candidate(context, &stage).await
            + end_unrecorded(context, &id);
        if n_stopped > 0 {
            context
                .narrator
                .progress(&format!("stopped what {id} had left running"));
        }
    }
}

/// Stops the candidate of a run that is over, if it still runs; returns how many were stopped.
async fn stop_candidate(repository: &Repository, stage: &Stage) -> usize {
    let Ok(state) = load(repository, &stage.run) else {
        return 0;
    };
    let (Candidate::Starting { process } | Candidate::Ready { process, .. }) = &state.candidate
    else {
        return 0;
    };
    let logs = stage.folder(repository).join("logs/candidate");
    let is_served = Home::of(repository)
        .load()
        .ok()
        .flatten()
        .is_some_and(|release| release.owns_process(process));
    match Process::attach(process, &logs).filter(|_| !is_served) {
        Some(mut candidate) => {
            candidate.stop(STOP_WITHIN).await;
            1
        }
        None => 0,
    }
}

/// Kills a candidate that a controller started and was killed before it could record it; returns
/// how many processes there were. Where the system does not show marks, there are none.
pub fn end_unrecorded(repository: &Repository, run: &str) -> usize {
    let lines = RunFolder::new(&canary_folder(repository), run).lines();
    let is_recorded = lines.is_ok_and(|lines| {
        lines.iter().any(|line| {
            matches!(
                line,
                Line::Event {
                    event: Event::CandidateStarted { .. },
                    ..
                }
            )
        })
    });
    if is_recorded {
        return 0;
    }
    let left = left_behind(&candidate_mark(run)).unwrap_or_default();
    for process in &left {
        signal_process(process.pid, Force::Hard);
    }
    left.len()
}

/// How long a process that was left behind may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Runs whose binaries and databases are kept; of older ones only the evidence stays.
const KEPT_WHOLE: usize = 5;

/// Clears what only a running release needs from older, finished runs: it is large.
pub fn prune(repository: &Repository) {
    let runs = runs(repository);
    for id in runs.iter().rev().skip(KEPT_WHOLE) {
        if !load(repository, id).is_ok_and(|state| state.is_over()) {
            continue;
        }
        let folder = canary_folder(repository).join(id);
        // What can't be removed now is tried again at the next release.
        let _ = std::fs::remove_dir_all(folder.join("bin"));
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().contains(".db") {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}
