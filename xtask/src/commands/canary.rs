//! `canary`: run one by the settings, look at it, end it, take it over, replay it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tollgate_canary::persist::{RunFolder, is_locked};
use tollgate_canary::report::{render_text, report, verdict};
use tollgate_canary::{State, replay as replays};
use tollgate_report::{Clock, ExitCode, Outcome, Verdict};

use crate::cli::CanaryCommand;
use crate::commands::{alert, serve};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::hub::{Feed, HubClient};
use crate::ship::build::{self, Binaries};
use crate::ship::judged::{canary_summary, judge_release, traffic_summary};
use crate::ship::release::{Begin, Release, deliver, release};
use crate::ship::stage::{Stage, Wanted, canary_folder};
use crate::ship::summary::duration_words;
use crate::ship::{dashboard, introduce};

/// Computes a recorded verdict again from the events of its run.
pub fn replay(bytes: &[u8]) -> Result<Verdict, Failure> {
    let folder = tempfile_folder()?;
    let path = folder.join("events.ndjson");
    std::fs::write(&path, bytes)?;
    let replayed = replays::replay(&path, None).map_err(Failure::settings);
    // The folder is ours and of no use after this.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(verdict(&replayed?.state))
}

fn tempfile_folder() -> Result<PathBuf, Failure> {
    let folder = std::env::temp_dir().join(format!("tollgate-replay-{}", std::process::id()));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("make the folder `{}`", folder.display()))?;
    Ok(folder)
}

/// Runs, newest last: their ids begin with the same word and the time.
fn runs(context: &Context) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(canary_folder(context)) else {
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

fn chosen(context: &Context, id: Option<String>) -> Result<String, Failure> {
    id.or_else(|| runs(context).pop()).ok_or_else(|| {
        Failure::usage("find a canary: there was none in this repository")
            .hint("cargo xtask canary run, or cargo xtask ship")
    })
}

fn load(context: &Context, id: &str) -> Result<State, Failure> {
    RunFolder::new(&canary_folder(context), id)
        .load()
        .map_err(|error| {
            Failure::usage(format!("find canary run `{id}`: {error}"))
                .hint("`ls .tollgate/canary` lists the runs")
        })
}

/// Refuses to begin while an earlier run is unfinished: its canary may still have traffic.
pub fn refuse_unfinished(context: &Context) -> Result<(), Failure> {
    let folder = canary_folder(context);
    for id in runs(context) {
        let Ok(state) = load(context, &id) else {
            continue;
        };
        if state.is_over() {
            continue;
        }
        let (what, next) = if is_locked(&folder) {
            (
                "another controller is at work on it",
                "`cargo xtask canary status` shows it, `cargo xtask canary abort` ends it",
            )
        } else {
            (
                "its controller is gone",
                "`cargo xtask canary resume` goes on with it, `cargo xtask canary abort` ends it",
            )
        };
        let phase = state.phase;
        return Err(Failure::environment(anyhow::anyhow!(
            "begin a release: canary `{id}` is unfinished ({phase}), and {what}"
        ))
        .hint(next));
    }
    Ok(())
}

/// Stops what a run that is over, or that never began, left running when its command was killed.
pub async fn sweep(context: &Context) {
    let folder = canary_folder(context);
    if is_locked(&folder) {
        return;
    }
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let id = entry.file_name().to_string_lossy().into_owned();
        let is_unfinished = load(context, &id).is_ok_and(|state| !state.is_over());
        if let (Ok(stage), false) = (Stage::load(context, &id), is_unfinished)
            && stage.clear().await > 0
        {
            context
                .output
                .progress(format!("stopped what {id} had left running"));
        }
    }
}

/// Runs whose binaries and databases are kept; of older ones only the evidence stays.
const KEPT_WHOLE: usize = 5;

/// Clears what only a running release needs from older, finished runs: it is large.
pub fn prune(context: &Context) {
    let runs = runs(context);
    for id in runs.iter().rev().skip(KEPT_WHOLE) {
        if !load(context, id).is_ok_and(|state| state.is_over()) {
            continue;
        }
        let folder = canary_folder(context).join(id);
        // What can't be removed now is tried again at the next release.
        let _ = std::fs::remove_dir_all(folder.join("bin"));
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().contains(".db") {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// `cargo xtask canary …`.
pub async fn run(context: &Context, command: CanaryCommand) -> CommandResult {
    match command {
        CanaryCommand::Run {
            stable,
            candidate,
            port,
        } => begin(context, stable, candidate, port).await,
        CanaryCommand::Status { id } => status(context, id),
        CanaryCommand::Abort { id } => abort(context, id).await,
        CanaryCommand::Resume { id } => {
            let id = chosen(context, id)?;
            take_over(context, &id, Begin::Resume).await
        }
        CanaryCommand::Replay { file } => replay_file(context, &file),
    }
}

fn status(context: &Context, id: Option<String>) -> CommandResult {
    let id = chosen(context, id)?;
    let state = load(context, &id)?;
    let report = report(&state);
    context.output.json(&report);
    context.output.text(|out| render_text(out, &report));
    let is_controlled = is_locked(&canary_folder(context));
    match (state.is_over(), is_controlled) {
        (true, _) => {}
        (false, true) => context.output.line("\na controller is at work; `cargo xtask canary abort` ends it"),
        (false, false) => context.output.line("\nits controller is gone; `cargo xtask canary resume` goes on, `cargo xtask canary abort` ends it"),
    }
    Ok(ExitCode::Pass)
}

async fn abort(context: &Context, id: Option<String>) -> CommandResult {
    let id = chosen(context, id)?;
    if load(context, &id)?.is_over() {
        context.output.line(format!("canary {id} is over already"));
        return Ok(ExitCode::Pass);
    }
    if !is_locked(&canary_folder(context)) {
        context.output.line(format!(
            "the controller of {id} is gone; taking over to end it"
        ));
        take_over(
            context,
            &id,
            Begin::Abort {
                by: "the command line".into(),
            },
        )
        .await?;
        return Ok(ExitCode::Pass);
    }
    let folder = RunFolder::new(&canary_folder(context), &id);
    folder
        .request_abort("the command line", "cargo xtask canary abort")
        .map_err(Failure::environment)?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !load(context, &id)?.is_over() {
        if tokio::time::Instant::now() > deadline {
            return Err(Failure::environment(anyhow::anyhow!(
                "see the end of canary `{id}` within 60 s"
            ))
            .hint("`cargo xtask canary status` shows where it stands"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let state = load(context, &id)?;
    context.output.line(format!(
        "canary {id}: {}, weight {} observed",
        state.phase,
        state
            .observed_weight
            .map_or_else(|| "not".into(), |weight| weight.to_string())
    ));
    Ok(ExitCode::Pass)
}

async fn begin(
    context: &Context,
    stable: Option<PathBuf>,
    candidate: Option<PathBuf>,
    port: u16,
) -> CommandResult {
    refuse_unfinished(context)?;
    sweep(context).await;
    prune(context);
    if let Some(finding) = context.settings.canary.check().into_iter().next() {
        return Err(Failure::at(finding, None));
    }
    let run = context.new_run_id("canary");
    let folder = canary_folder(context).join(&run).join("bin");
    let binaries = match (stable, candidate) {
        (Some(stable), Some(candidate)) => Binaries {
            stable: context.here.join(stable),
            candidate: context.here.join(candidate),
        },
        (stable, candidate) => {
            if context.settings.service.binary.is_empty() {
                return Err(Failure::settings(anyhow::anyhow!(
                    "run a canary: tollgate.toml has no [service], so there is nothing to release"
                ))
                .hint(
                    "name its `binary` and its `args`; docs/tollgate.schema.json describes them",
                ));
            }
            let (result, built) = build::build(context, &folder, false)?;
            let Some(built) = built else {
                let verdict = build::judge(&result);
                context.output.findings(&verdict.findings, &context.root);
                return Ok(ExitCode::Findings);
            };
            Binaries {
                stable: stable.map_or(built.stable, |path| context.here.join(path)),
                candidate: candidate.map_or(built.candidate, |path| context.here.join(path)),
            }
        }
    };
    let hub_binary = serve::hub_binary(context)?;
    let wanted = Wanted {
        run: &run,
        binaries: &binaries,
        fault: None,
        is_ship: false,
        hub_binary: &hub_binary,
        port,
        dashboard_port: 0,
    };
    let mut stage = Stage::start(context, &wanted).await?;
    let hub = HubClient::new(&format!("http://{}", stage.hub.addr), &stage.key(context)?)?;
    if let Err(error) = introduce(context, &hub, &mut stage).await {
        context
            .output
            .progress(format!("the dashboard can't show this run: {error:#}"));
    }
    conclude(context, &stage, Begin::Start).await
}

async fn take_over(context: &Context, id: &str, begin: Begin) -> CommandResult {
    let state = load(context, id)?;
    if state.is_over() {
        context
            .output
            .line(format!("canary {id} is over already: {}", state.phase));
        return Ok(ExitCode::Pass);
    }
    let stage = Stage::load(context, id)?;
    context.output.progress(format!(
        "taking over {id} in phase {}: {} of its bake are done; the time without a controller does not count",
        state.phase,
        duration_words(state.bake_ms)
    ));
    conclude(context, &stage, begin).await
}

/// Runs the stage's canary to its end, records, prints, and clears the stage.
async fn conclude(context: &Context, stage: &Stage, begin: Begin) -> CommandResult {
    context
        .output
        .progress(format!("dashboard: {}", dashboard(context, stage)));
    context
        .output
        .progress(format!("service:   http://{}/", stage.proxy.addr));
    let result = conclude_release(context, stage, begin).await;
    // A controller that lost the right to control must leave the stage to the one that has it.
    if result.is_ok() {
        stage.clear().await;
    }
    result
}

async fn conclude_release(context: &Context, stage: &Stage, begin: Begin) -> CommandResult {
    let evidence = context.evidence()?;
    let since = context.clock.monotonic();
    let mut dispatcher = alert::open(context, context.settings.alerts.clone()).await?;
    dispatcher.start();
    let hub = HubClient::new(&format!("http://{}", stage.hub.addr), &stage.key(context)?)?;
    let feed = stage.deployment.as_ref().map(|_| Feed::start(hub));
    let (settings, probe_every) = if stage.is_ship {
        (
            &context.settings.ship.canary,
            Some(context.settings.ship.probe_every),
        )
    } else {
        (&context.settings.canary, None)
    };
    let job = Release {
        stage,
        plan: settings.plan(),
        probe_every,
        feed: feed.as_ref(),
        dispatcher: &dispatcher,
        begin,
    };
    let released = release(context, job).await;
    deliver(&dispatcher).await?;
    dispatcher
        .shutdown()
        .await
        .context("end the delivery of alerts")?;
    if let Some(feed) = feed {
        feed.finish().await;
    }
    let released = released?;
    let gates = judge_release(context, &evidence, &stage.run, stage, &released, since)?;
    let summary = canary_summary(&released, stage);
    context.output.text(|out| {
        writeln!(out)?;
        render_text(out, &released.report)?;
        for gate in &gates {
            let outcome = context.output.paint.outcome(gate.outcome());
            writeln!(
                out,
                "{outcome} {}: {} (evidence {})",
                gate.gate, gate.verdict.reason, gate.evidence
            )?;
        }
        Ok(())
    });
    let traffic = released
        .traffic
        .as_ref()
        .map(|_| traffic_summary(&released, stage));
    context.output.json(
        &serde_json::json!({ "version": 1, "gates": gates, "canary": summary, "traffic": traffic }),
    );
    Ok(ExitCode::from_outcome(
        gates
            .iter()
            .map(crate::gate::Gate::outcome)
            .fold(Outcome::Pass, Outcome::worst),
    ))
}

fn replay_file(context: &Context, file: &Path) -> CommandResult {
    let path = context.here.join(file);
    let replayed = replays::replay(&path, None).map_err(Failure::settings)?;
    for line in &replayed.computed {
        context.output.line(line);
    }
    let verdict = verdict(&replayed.state);
    let is_same = replayed.is_same();
    context.output.json(&serde_json::json!({
        "version": 1, "same": is_same, "verdict": verdict, "recorded": replayed.recorded, "computed": replayed.computed,
    }));
    context.output.line(format!(
        "verdict: {}: {}",
        context.output.paint.outcome(verdict.outcome),
        verdict.reason
    ));
    let n = replayed.computed.len();
    if is_same {
        context.output.line(format!(
            "all {n} decisions are the recorded ones, byte for byte"
        ));
        return Ok(ExitCode::Pass);
    }
    context.output.line(format!(
        "{n} decisions computed, {} recorded, and they differ",
        replayed.recorded.len()
    ));
    Ok(ExitCode::Bug)
}
