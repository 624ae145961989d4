//! `canary`: starts a canary from the settings, shows, aborts, resumes and replays it.

use clap::Subcommand;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tollgate_canary::Phase;
use tollgate_canary::persist::{RunFolder, is_locked};
use tollgate_canary::replay as replays;
use tollgate_canary::report::{render_text, report, verdict};
use tollgate_gates::worst;
use tollgate_release::build::{self, Binaries};
use tollgate_release::hub::{Feed, HubClient};
use tollgate_release::remembered::{GoBack, Home};
use tollgate_release::runs::{chosen, end_unrecorded, load, prune, refuse_unfinished, sweep};
use tollgate_release::ship::{dashboard, introduce};
use tollgate_release::stage::{Stage, Wanted, canary_folder};
use tollgate_release::standing::{ensure, forget_promotion, keep_evidence, take_binary};
use tollgate_release::summary::duration_words;
use tollgate_release::{
    Begin, Narrator, Release, alerting, canary_summary, deliver, judge_release, release,
};
use tollgate_report::{Clock, Digest, ExitCode};

use crate::commands::serve;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::narrator::Voice;

mod approve;

use approve::ApproveArgs;
pub(super) use approve::user;

/// Drive a canary to promotion or rollback
#[derive(Debug, Subcommand)]
#[command(after_help = "Example: {tollgate} canary status")]
pub enum CanaryCommand {
    /// Run a canary of the service by the plan of the settings
    #[command(after_help = "Example: {tollgate} canary run")]
    Run {
        /// The binary of the stable version; by default the service is built
        #[arg(long, value_name = "FILE")]
        stable: Option<PathBuf>,
        /// The binary of the candidate; by default the service is built
        #[arg(long, value_name = "FILE")]
        candidate: Option<PathBuf>,
        /// The port of the embedded proxy; 0 takes a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Show the canary in progress, or the last one
    #[command(after_help = "Example: {tollgate} canary status")]
    Status {
        /// The run; by default the last
        id: Option<String>,
    },
    /// End the canary now, with all traffic on the stable version
    #[command(after_help = "Example: {tollgate} canary abort")]
    Abort {
        /// The run; by default the last
        id: Option<String>,
    },
    /// Promote a canary that waits for a person
    #[command(
        after_help = "Example: {tollgate} canary approve --reason \"the error budget is untouched\""
    )]
    Approve(ApproveArgs),
    /// Continue a canary whose controller has stopped
    #[command(after_help = "Example: {tollgate} canary resume")]
    Resume {
        /// The run; by default the last
        id: Option<String>,
    },
    /// Compute a canary's verdict again from its events
    #[command(after_help = "Example: {tollgate} canary replay .tollgate/canary/ID/events.ndjson")]
    Replay {
        /// The events file
        file: PathBuf,
    },
}

/// `{tollgate} canary …`.
pub async fn run(context: &Context, command: CanaryCommand) -> CommandResult {
    match command {
        CanaryCommand::Run {
            stable,
            candidate,
            port,
        } => begin(context, stable, candidate, port).await,
        CanaryCommand::Status { id } => status(context, id),
        CanaryCommand::Abort { id } => abort(context, id).await,
        CanaryCommand::Approve(args) => approve::run(context, args).await,
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
        (false, true) => context.output.line("\na controller is running it; `{tollgate} canary abort` ends it"),
        (false, false) => context.output.line("\nits controller has stopped; `{tollgate} canary resume` continues it, `{tollgate} canary abort` ends it"),
    }
    Ok(ExitCode::Pass)
}

async fn abort(context: &Context, id: Option<String>) -> CommandResult {
    let id = chosen(context, id)?;
    if load(context, &id)?.is_over() {
        context
            .output
            .line(format!("canary {id} has already ended"));
        return clean(context).await;
    }
    if !is_locked(&canary_folder(context)) {
        context.output.line(format!(
            "the controller of {id} has stopped; taking over to end it"
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
        .request_abort("the command line", "{tollgate} canary abort")
        .map_err(Failure::environment)?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !load(context, &id)?.is_over() {
        if tokio::time::Instant::now() > deadline {
            return Err(Failure::environment(anyhow::anyhow!(
                "canary `{id}` did not end within 60 s"
            ))
            .hint("`{tollgate} canary status` shows its state"));
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

/// Stops what a controller that was killed after the end of its run has left running.
async fn clean(context: &Context) -> CommandResult {
    let voice = Voice::new(context);
    let hub_binary = serve::finder(context.program);
    sweep(&serve::release_context(context, &voice, &hub_binary)).await;
    Ok(ExitCode::Pass)
}

async fn begin(
    context: &Context,
    stable: Option<PathBuf>,
    candidate: Option<PathBuf>,
    port: u16,
) -> CommandResult {
    refuse_unfinished(context, "a release can't begin")?;
    let voice = Voice::new(context);
    let hub_binary = serve::finder(context.program);
    let release_context = serve::release_context(context, &voice, &hub_binary);
    sweep(&release_context).await;
    prune(context);
    if let Some(finding) = context.settings.canary.check().into_iter().next() {
        return Err(Failure::at(finding, None));
    }
    let run = context.new_run_id("canary");
    let folder = canary_folder(context).join(&run).join("bin");
    refuse_other_stable(context, stable.as_deref(), port)?;
    let binaries = match (stable, candidate) {
        (Some(stable), Some(candidate)) => Binaries {
            stable: context.here.join(stable),
            candidate: context.here.join(candidate),
        },
        (None, Some(candidate)) if has_release(context)? => {
            let candidate = context.here.join(candidate);
            Binaries {
                stable: candidate.clone(),
                candidate,
            }
        }
        (stable, candidate) => {
            if context.settings.service.binary.is_empty() {
                return Err(Failure::settings(anyhow::anyhow!(
                    "there is nothing to release: tollgate.toml has no `binary` in [service]"
                ))
                .hint("set `binary` and `args` in [service]; `{tollgate} schema` describes them"));
            }
            let (result, built) = build::build(context, &folder, false)?;
            let Some(built) = built else {
                let verdict = tollgate_gates::build::judge(&result);
                context.output.findings(&verdict.findings, &context.root);
                return Ok(ExitCode::Findings);
            };
            Binaries {
                stable: stable.map_or(built.stable, |path| context.here.join(path)),
                candidate: candidate.map_or(built.candidate, |path| context.here.join(path)),
            }
        }
    };
    let home = Home::of(context);
    let mut binaries = Binaries {
        stable: take_binary(&home, &binaries.stable)?,
        candidate: take_binary(&home, &binaries.candidate)?,
    };
    let hub_binary = serve::hub_binary(context.program, context)?;
    let standing = ensure(context).await?;
    if let Some(release) = &standing {
        binaries.stable.clone_from(&release.current.program);
        context.output.progress(format!(
            "the candidate is compared with {}, which serves since {}",
            release.current.label, release.current.promoted_at
        ));
    }
    let wanted = Wanted {
        run: &run,
        binaries: &binaries,
        fault: None,
        is_ship: false,
        hub_binary: &hub_binary,
        port,
        dashboard_port: 0,
        standing: standing.as_ref(),
    };
    let mut stage = Stage::start(context, &wanted).await?;
    let hub = HubClient::new(
        &format!("http://{}", stage.hub.addr),
        &stage.key(context)?,
        context.program.name,
    )?;
    if let Err(error) = introduce(context, &hub, &mut stage).await {
        context
            .output
            .progress(format!("the dashboard does not show this run: {error:#}"));
    }
    conclude(context, &stage, Begin::Start).await
}

fn has_release(context: &Context) -> Result<bool, Failure> {
    Ok(Home::of(context).load()?.is_some())
}

/// A release that serves is the stable version, at its address.
fn refuse_other_stable(context: &Context, stable: Option<&Path>, port: u16) -> Result<(), Failure> {
    let Some(release) = Home::of(context).load()? else {
        return Ok(());
    };
    let (service, label, addr) = (&release.service, &release.current.label, release.proxy.addr);
    let refused = |what: String| {
        Err(
            Failure::usage(format!("{what}: `{service}` has a release, {label} at {addr}")).hint(
                "leave the flag out to release against it, or end it: `{tollgate} release stop --forget`",
            ),
        )
    };
    if port != 0 && port != addr.port() {
        return refused(format!("cannot use `--port {port}`"));
    }
    if let Some(stable) = stable {
        let path = context.here.join(stable);
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        if Digest::of(bytes) != release.current.digest {
            return refused(format!("cannot use `--stable {}`", stable.display()));
        }
    }
    Ok(())
}

async fn take_over(context: &Context, id: &str, begin: Begin) -> CommandResult {
    let state = load(context, id)?;
    if state.is_over() {
        context
            .output
            .line(format!("canary {id} has already ended: {}", state.phase));
        return clean(context).await;
    }
    let stage = Stage::load(context, id)?;
    if end_unrecorded(context, id) > 0 {
        context
            .output
            .progress("ended a candidate that its controller had not recorded yet");
    }
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
    if let Ok(code) = &result {
        let is_promoted =
            load(context, &stage.run).is_ok_and(|state| state.phase == Phase::Succeeded);
        if !is_promoted {
            forget_promotion(&Home::of(context), &stage.run)?;
        } else if *code != ExitCode::Pass && !stage.is_ship {
            take_back(context, &stage.run).await?;
        }
        stage.clear(context).await;
        standing_lines(context, stage)?;
    } else if load(context, &stage.run).is_err() {
        // Another controller was faster: this run never began, and only its own parts are stopped.
        stage.clear(context).await;
    }
    result
}

/// A promotion whose gates did not pass in the end does not stay.
async fn take_back(context: &Context, run: &str) -> Result<(), Failure> {
    let home = Home::of(context);
    let release = home.load()?;
    let promoted = release.filter(|release| release.current.run.as_deref() == Some(run));
    let Some(release) = promoted else {
        return Ok(());
    };
    let wanted = GoBack {
        by: "the gates of the release".to_owned(),
        reason: format!("a gate of `{run}` did not pass"),
    };
    super::release::rollback(context, &home, &release, wanted).await?;
    Ok(())
}

/// What serves after the command, and the commands for it.
fn standing_lines(context: &Context, stage: &Stage) -> Result<(), Failure> {
    if stage.is_ship {
        return Ok(());
    }
    let Some(release) = Home::of(context).load()? else {
        return Ok(());
    };
    if release.wanted == tollgate_release::remembered::Wanted::Running {
        context.output.line(format!(
            "{} serves on at http://{}/; `{{tollgate}} release status` shows it, `{{tollgate}} release rollback` goes back, `{{tollgate}} release stop` ends it",
            release.current.label, release.proxy.addr
        ));
    }
    Ok(())
}

async fn conclude_release(context: &Context, stage: &Stage, begin: Begin) -> CommandResult {
    let evidence = context.evidence()?;
    let since = context.clock.monotonic();
    let voice = Voice::new(context);
    let hub_binary = serve::finder(context.program);
    let release_context = serve::release_context(context, &voice, &hub_binary);
    let settings = context.settings.alerts.clone();
    let mut dispatcher =
        alerting::open(context, settings, voice.console(), context.program.name).await?;
    dispatcher.start();
    let hub = HubClient::new(
        &format!("http://{}", stage.hub.addr),
        &stage.key(context)?,
        context.program.name,
    )?;
    let feed = stage.deployment.as_ref().map(|_| Feed::start(hub));
    let (plan, probe_every) = if stage.is_ship {
        (
            &context.settings.ship.canary,
            Some(context.settings.ship.probe_every),
        )
    } else {
        (&context.settings.canary, None)
    };
    let job = Release {
        stage,
        plan: plan.plan(),
        probe_every,
        feed: feed.as_ref(),
        dispatcher: &dispatcher,
        begin,
    };
    let released = release(&release_context, job).await;
    deliver(&dispatcher).await?;
    dispatcher
        .shutdown()
        .await
        .context("cannot finish the delivery of alerts")?;
    if let Some(feed) = feed {
        feed.finish().await;
    }
    let released = released?;
    let gates = judge_release(context, &evidence, &stage.run, &released, since)?;
    if let Some(gate) = gates.first() {
        keep_evidence(&Home::of(context), &stage.run, &gate.evidence)?;
    }
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
    let traffic = &released.summary;
    context.output.json(
        &serde_json::json!({ "version": 1, "gates": gates, "canary": summary, "traffic": traffic }),
    );
    Ok(ExitCode::from_outcome(worst(&gates)))
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
