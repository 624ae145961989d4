//! The main job: this repository from contract to a promoted release, on this machine.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use secrecy::SecretString;
use tollgate_alerts::loopback::Loopback;
use tollgate_gates::{Failure, Inputs, Repository, git, worst};
use tollgate_models as models;
use tollgate_report::program::spell;
use tollgate_report::{Clock, ExitCode, Outcome, SystemClock, write_atomic};

use crate::before::gates;
use crate::context::Context;
use crate::hub::{Feed, HubClient};
use crate::judged::{budget_gate, canary_summary, finish_alerts, judge_release};
pub use crate::progress::ShipRequest;
use crate::progress::{PROJECT, Ship};
use crate::release::{Begin, Release, release};
use crate::stage::{Stage, Wanted};
use crate::summary::ShipSummary;
use crate::{alerting, html, runs};

/// Takes the repository through all gates, the release and its report.
pub async fn run(context: Context<'_>, request: &ShipRequest) -> Result<ExitCode, Failure> {
    if context.settings.service.binary.is_empty() {
        return Err(Failure::settings(anyhow::anyhow!(
            "there is nothing to release: tollgate.toml has no `binary` in [service]"
        ))
        .hint(
            "set `build`, `binary` and `args` in [service]; `{tollgate} schema` describes them",
        ));
    }
    runs::refuse_unfinished(&context, "a release can't begin")?;
    runs::sweep(&context).await;
    runs::prune(&context);
    let evidence = context.open_evidence()?;
    if let Some(note) = Repository::torn_note(&evidence) {
        context.narrator.progress(&note);
    }
    let run = context.new_run_id("ship");
    let summary = ShipSummary {
        version: 1,
        run: run.clone(),
        revision: git::head(&context.root),
        fault: request.fault.map(str::to_owned),
        outcome: Outcome::Pass,
        started_at: context.clock.now(),
        duration_ms: 0,
        gates: Vec::new(),
        steps: Vec::new(),
        canary: None,
        traffic: None,
        received: Vec::new(),
        report: String::new(),
    };
    let started = context.clock.monotonic();
    let mut ship = Ship {
        context,
        evidence,
        run,
        started,
        summary,
        shown: Vec::new(),
        is_stale: false,
    };
    let mut stage = None;
    let result = gates_and_release(&mut ship, request, &mut stage).await;
    let code = match result {
        Ok(()) => finish(&mut ship),
        Err(failure) => Err(failure),
    };
    if let Some(stage) = stage {
        hold(&context, request, &stage).await;
        stage.clear(&context).await;
        context.narrator.progress(
            "the service is stopped again: `{tollgate} ship` is a demonstration; `{tollgate} canary run` makes a release that serves on",
        );
    }
    code
}

async fn hold(context: &Context<'_>, request: &ShipRequest, stage: &Stage) {
    if let Some(hold) = request.hold {
        context.narrator.progress(&format!(
            "the dashboard stays open for {hold}: {}",
            dashboard(context, stage)
        ));
        // Ctrl-C ends the wait early.
        tokio::select! {
            () = tokio::time::sleep(hold.0) => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}

async fn gates_and_release(
    ship: &mut Ship<'_>,
    request: &ShipRequest,
    stage: &mut Option<Stage>,
) -> Result<(), Failure> {
    let Some(binaries) = gates(ship, request)? else {
        return Ok(());
    };
    let context = ship.context;
    let hub_binary = (context.hub_binary)(&context)?;
    let wanted = Wanted {
        run: &ship.run,
        binaries: &binaries,
        fault: request.fault,
        is_ship: true,
        hub_binary: &hub_binary,
        port: request.port,
        dashboard_port: request.dashboard_port,
        standing: None,
    };
    let mut placed = Stage::start(&context, &wanted).await?;
    context
        .narrator
        .progress(&format!("dashboard: {}", dashboard(&context, &placed)));
    context.narrator.progress(&format!(
        "service:   http://{}/ (the embedded proxy, {} behind it)",
        placed.proxy.addr, placed.stable.addr
    ));
    let key = placed.key(&context)?;
    let hub = HubClient::new(
        &format!("http://{}", placed.hub.addr),
        &key,
        context.program,
    )?;
    let shown = introduce(&context, &hub, &mut placed).await;
    *stage = Some(placed.clone());
    let feed = match shown {
        Ok(()) => Some(Feed::start(hub)),
        Err(error) => {
            context
                .narrator
                .progress(&format!("the dashboard can't show this run: {error:#}"));
            None
        }
    };
    if let Some(feed) = &feed {
        ship.shown.drain(..).for_each(|shown| feed.show(shown));
    }
    let released = release_stage(ship, &placed, feed.as_ref()).await;
    if let Some(feed) = feed {
        let failures = feed.finish().await;
        if let Some(first) = failures.first() {
            context.narrator.progress(&format!(
                "the dashboard missed {} messages, the first: {first}",
                failures.len()
            ));
        }
    }
    released
}

/// The dashboard's address with the key, which the page takes out of the address at once.
pub fn dashboard(repository: &Repository, stage: &Stage) -> String {
    let key = stage.key(repository).unwrap_or_default();
    format!("http://{}/#key={key}", stage.hub.addr)
}

/// Creates the project and the deployment at the evidence hub.
pub async fn introduce(
    repository: &Repository,
    hub: &HubClient,
    stage: &mut Stage,
) -> anyhow::Result<()> {
    hub.create_project(PROJECT, "Tollgate").await?;
    let request = models::CreateDeploymentRequest {
        project_id: Some(PROJECT.to_owned()),
        service: repository.settings.service.name.clone(),
        baseline_version: stage.stable_identity.label.clone(),
        candidate_version: stage.candidate_identity.label.clone(),
        plan: None,
    };
    stage.deployment = Some(hub.create_deployment(&request).await?);
    stage.save(repository).map_err(|failure| failure.error)
}

/// The receivers of a ship: on loopback, started for it, shown at its end.
async fn release_stage(
    ship: &mut Ship<'_>,
    placed: &Stage,
    feed: Option<&Feed>,
) -> Result<(), Failure> {
    let context = ship.context;
    let folder = placed.folder(&context);
    let secret = SecretString::from(placed.key(&context)?);
    let loopback = Loopback::start(Arc::new(SystemClock::new()), secret)
        .await
        .context("cannot start the loopback receivers")?;
    let mut settings = context.settings.alerts.clone();
    settings.receivers = loopback
        .receivers(&folder.join("receivers"))
        .context("cannot describe the loopback receivers")?;
    settings.routes.clear();
    // A journal of its own: these receivers end with the run, so nothing may wait for them after it.
    settings.journal = folder.join("alerts.ndjson");
    let mut dispatcher = alerting::open(
        &context,
        settings,
        context.narrator.console(),
        context.program,
    )
    .await?;
    dispatcher.start();
    let plan = context.settings.ship.canary.plan();
    let job = Release {
        stage: placed,
        plan,
        probe_every: Some(context.settings.ship.probe_every),
        feed,
        dispatcher: &dispatcher,
        begin: Begin::Start,
    };
    let since = context.clock.monotonic();
    let released = release(&context, job).await;
    let delivered = finish_alerts(
        dispatcher,
        loopback,
        released.as_ref().is_ok_and(|released| released.has_alerted),
    )
    .await?;
    let released = released?;
    let gates = judge_release(&context, &ship.evidence, &ship.run, &released, since)?;
    ship.summary.canary = Some(canary_summary(&released, placed));
    ship.summary.traffic.clone_from(&released.summary);
    for gate in gates {
        ship.passed(gate);
    }
    ship.summary.received.clone_from(&delivered.received);
    let gate = ship.record(
        ("alert", "receivers"),
        Inputs::json("received", &delivered),
        tollgate_gates::alert::judge(&delivered),
        since,
    )?;
    ship.passed(gate);
    if let Some(gate) = budget_gate(ship, &released)? {
        ship.passed(gate);
    }
    Ok(())
}

/// Writes the report, and returns what the process exits with.
fn finish(ship: &mut Ship<'_>) -> Result<ExitCode, Failure> {
    let context = ship.context;
    ship.summary.outcome = worst(&ship.summary.gates);
    ship.summary.duration_ms = u64::try_from(
        context
            .clock
            .monotonic()
            .saturating_sub(ship.started)
            .as_millis(),
    )
    .unwrap_or(u64::MAX);
    let path: PathBuf = context
        .state_dir
        .join("runs")
        .join(&ship.run)
        .join("report.html");
    ship.summary.report = path.display().to_string();
    let page = html::render(&ship.summary, context.program)
        .context("cannot fill the template of the report")?;
    write_atomic(&path, spell(&page, context.program).as_bytes()).map_err(Failure::environment)?;
    context.narrator.shipped(&ship.summary);
    Ok(if ship.is_stale {
        ExitCode::Stale
    } else {
        ExitCode::from_outcome(ship.summary.outcome)
    })
}
