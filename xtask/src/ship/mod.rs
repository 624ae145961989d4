//! The main job: this repository from contract to a promoted release, on this machine.

mod alerting;
pub mod build;
mod html;
pub mod release;
mod show;
pub mod stage;
pub mod summary;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::SecretString;
use tollgate_alerts::Dispatcher;
use tollgate_alerts::loopback::{Loopback, Which};
use tollgate_budgets::measurement::{MeasurementEntry, MeasurementsFile};
use tollgate_models as models;
use tollgate_report::{Clock, EvidenceLog, ExitCode, Outcome, SystemClock, Verdict, write_atomic};
use tollgate_tiers::settings::Tier;

use crate::cli::{Fault, ShipArgs, TierArgs};
use crate::commands::{alert, budget, canary, codegen, contract, ratchet, serve, tier};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::gate::{self, Gate, Inputs};
use crate::git;
use crate::hub::{Feed, HubClient, Shown};
use crate::ship::alerting::Delivered;
use crate::ship::build::{Binaries, BuildResult};
use crate::ship::release::{Begin, Release, Released, deliver, release};
use crate::ship::stage::{Stage, Wanted};
use crate::ship::summary::{
    CanarySummary, ReceivedRow, ShipSummary, StepRow, TimelineRow, TrafficSummary, render_text,
};

/// The project under which a ship shows itself at the hub.
const PROJECT: &str = "tollgate";

/// Computes a recorded verdict over a build again.
pub fn replay_build(bytes: &[u8]) -> Result<Verdict, Failure> {
    let result: BuildResult = serde_json::from_slice(bytes).context("read the recorded build")?;
    Ok(build::judge(&result))
}

/// Computes a recorded verdict over live traffic again.
pub fn replay_traffic(bytes: &[u8]) -> Result<Verdict, Failure> {
    let summary: TrafficSummary =
        serde_json::from_slice(bytes).context("read the recorded traffic")?;
    Ok(show::judge_traffic(&summary))
}

/// Computes a recorded verdict over the delivery of alerts again.
pub fn replay_alert(bytes: &[u8]) -> Result<Verdict, Failure> {
    let delivered: Delivered =
        serde_json::from_slice(bytes).context("read the recorded deliveries")?;
    Ok(alerting::judge(&delivered))
}

fn fault_word(fault: Fault) -> &'static str {
    match fault {
        Fault::Errors => "errors",
        Fault::Latency => "latency",
        Fault::Memory => "memory",
        Fault::Crash => "crash",
        Fault::Probe => "probe",
    }
}

/// A ship on its way: what is known so far.
struct Ship<'a> {
    context: &'a Context,
    evidence: EvidenceLog,
    run: String,
    started: Duration,
    summary: ShipSummary,
    /// What the dashboard is shown once it is up.
    shown: Vec<Shown>,
    is_stale: bool,
}

impl Ship<'_> {
    /// Remembers a gate, says so, and tells whether the ship goes on.
    fn passed(&mut self, gate: Gate) -> bool {
        let output = &self.context.output;
        output.progress(format!(
            "{} {}: {} ({})",
            output.paint.outcome(gate.outcome()),
            output.paint.bold(&gate.gate),
            gate.verdict.reason,
            summary::duration_words(gate.duration_ms)
        ));
        let goes_on = !matches!(gate.outcome(), Outcome::Fail | Outcome::Inconclusive);
        if !goes_on {
            output.findings(&gate.verdict.findings, &self.context.root);
        }
        self.summary.gates.push(gate);
        goes_on
    }

    fn record(
        &self,
        subject: (&str, &str),
        inputs: Inputs,
        verdict: Verdict,
        since: Duration,
    ) -> Result<Gate, Failure> {
        let duration = self.context.clock.monotonic().saturating_sub(since);
        gate::record(
            self.context,
            &self.evidence,
            &self.run,
            subject,
            inputs,
            verdict,
            duration,
        )
    }
}

/// `cargo xtask ship`.
pub async fn run(context: &Context, args: &ShipArgs) -> CommandResult {
    if context.settings.service.binary.is_empty() {
        return Err(Failure::settings(anyhow::anyhow!("ship: tollgate.toml has no [service], so there is nothing to release"))
            .hint("name its `build` command, its `binary` and its `args`; docs/tollgate.schema.json describes them"));
    }
    canary::refuse_unfinished(context)?;
    let evidence = context.evidence()?;
    let run = context.new_run_id("ship");
    let summary = ShipSummary {
        version: 1,
        run: run.clone(),
        revision: git::head(&context.root),
        fault: args.fault.map(|fault| fault_word(fault).to_owned()),
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
    let result = gates_and_release(&mut ship, args, &mut stage).await;
    let code = match result {
        Ok(()) => finish(&mut ship),
        Err(failure) => Err(failure),
    };
    if let Some(stage) = stage {
        hold(context, args, &stage).await;
        stage.clear().await;
    }
    code
}

async fn hold(context: &Context, args: &ShipArgs, stage: &Stage) {
    if let Some(hold) = args.hold {
        context.output.progress(format!(
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
    args: &ShipArgs,
    stage: &mut Option<Stage>,
) -> Result<(), Failure> {
    let Some(binaries) = gates(ship, args)? else {
        return Ok(());
    };
    let context = ship.context;
    let hub_binary = serve::hub_binary(context)?;
    let wanted = Wanted {
        run: &ship.run,
        binaries: &binaries,
        fault: args.fault.map(fault_word),
        is_ship: true,
        hub_binary: &hub_binary,
        port: args.port,
        dashboard_port: args.dashboard_port,
    };
    let mut placed = Stage::start(context, &wanted).await?;
    context
        .output
        .progress(format!("dashboard: {}", dashboard(context, &placed)));
    context.output.progress(format!(
        "service:   http://{}/ (the embedded proxy, {} behind it)",
        placed.proxy.addr, placed.stable.addr
    ));
    let key = placed.key(context)?;
    let hub = HubClient::new(&format!("http://{}", placed.hub.addr), &key)?;
    let shown = introduce(context, &hub, &mut placed).await;
    *stage = Some(placed.clone());
    let feed = match shown {
        Ok(()) => Some(Feed::start(hub)),
        Err(error) => {
            context
                .output
                .progress(format!("the dashboard can't show this run: {error:#}"));
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
            context.output.progress(format!(
                "the dashboard missed {} messages, the first: {first}",
                failures.len()
            ));
        }
    }
    released
}

/// Everything before the release. Absent when a gate stops the ship.
fn gates(ship: &mut Ship<'_>, args: &ShipArgs) -> Result<Option<Binaries>, Failure> {
    let context = ship.context;
    let gate = contract::gate(context, &ship.evidence, &ship.run, &[], contract::Part::All)?;
    if !ship.passed(gate) {
        return Ok(None);
    }
    let gate = codegen::gate(context, &ship.evidence, &ship.run)?;
    ship.is_stale = gate.outcome() == Outcome::Fail;
    if !ship.passed(gate) {
        return Ok(None);
    }
    let tier_args = TierArgs {
        staged: false,
        since: None,
        all: args.all,
        explain: false,
    };
    let tier_run = tier::gate(context, &ship.evidence, &ship.run, Tier::Tier0, &tier_args)?;
    let report = &tier_run.report;
    ship.summary.steps = report.record.steps.iter().map(step_row).collect();
    let upload = show::run_upload(report, &ship.summary.revision, &tier_run.gate.evidence);
    ship.shown.push(Shown::Run {
        project: PROJECT.into(),
        run: Box::new(upload),
    });
    let more = tier::measurements(report);
    let kept = tier::history(report, &more);
    if !ship.passed(tier_run.gate) {
        for step in tier_run
            .report
            .record
            .steps
            .iter()
            .filter(|step| step.outcome == Outcome::Fail)
        {
            step.excerpt
                .iter()
                .for_each(|line| context.output.line(line));
        }
        return Ok(None);
    }
    let since = context.clock.monotonic();
    if let Some(coverage) = tier::run_step(context, &ship.run, Tier::Tier1, "coverage")?
        && let Some(cause) = &coverage.cause
    {
        let hint = coverage.hint.as_deref().unwrap_or("cargo xtask doctor");
        context.output.progress(format!(
            "coverage: {}: {cause}; {hint}",
            coverage.outcome.word()
        ));
    }
    let inputs = ratchet::inputs(context, &[], more)?;
    let (gate, checked) = ratchet::gate(context, &ship.evidence, &ship.run, &inputs, since)?;
    ratchet::remember(context, &inputs, &kept, &ship.run)?;
    if let Some(metrics) = show::metrics_report(&checked, inputs.now, &ship.summary.revision) {
        ship.shown.push(Shown::Metrics {
            project: PROJECT.into(),
            metrics,
        });
    }
    if !ship.passed(gate) {
        return Ok(None);
    }
    let since = context.clock.monotonic();
    context
        .output
        .progress(format!("building the {}", context.settings.service.name));
    let folder = stage::canary_folder(context).join(&ship.run).join("bin");
    let (result, binaries) = build::build(context, &folder, args.fault.is_some())?;
    let gate = ship.record(
        ("build", &context.settings.service.name),
        Inputs::json("build", &result),
        build::judge(&result),
        since,
    )?;
    ship.passed(gate);
    Ok(binaries)
}

fn step_row(step: &tollgate_tiers::record::StepReport) -> StepRow {
    StepRow {
        name: step.name.clone(),
        outcome: step.outcome,
        how: step.how.word().to_owned(),
        duration_ms: step.duration_ms,
        cause: step
            .cause
            .clone()
            .unwrap_or_else(|| step.explanation.clone()),
    }
}

/// The dashboard's address with the key, which the page takes out of the address at once.
pub fn dashboard(context: &Context, stage: &Stage) -> String {
    let key = stage.key(context).unwrap_or_default();
    format!("http://{}/#key={key}", stage.hub.addr)
}

/// Creates the project and the deployment at the evidence hub.
pub async fn introduce(
    context: &Context,
    hub: &HubClient,
    stage: &mut Stage,
) -> anyhow::Result<()> {
    hub.create_project(PROJECT, "Tollgate").await?;
    let request = models::CreateDeploymentRequest {
        project_id: Some(PROJECT.to_owned()),
        service: context.settings.service.name.clone(),
        baseline_version: stage.stable_identity.label.clone(),
        candidate_version: stage.candidate_identity.label.clone(),
        plan: None,
    };
    stage.deployment = Some(hub.create_deployment(&request).await?);
    stage.save(context).map_err(|failure| failure.error)
}

/// The receivers of a ship: on loopback, started for it, shown at its end.
async fn release_stage(
    ship: &mut Ship<'_>,
    placed: &Stage,
    feed: Option<&Feed>,
) -> Result<(), Failure> {
    let context = ship.context;
    let folder = placed.folder(context);
    let secret = SecretString::from(placed.key(context)?);
    let loopback = Loopback::start(Arc::new(SystemClock::new()), secret)
        .await
        .context("start the loopback receivers")?;
    let mut settings = context.settings.alerts.clone();
    settings.receivers = loopback
        .receivers(&folder.join("receivers"))
        .context("describe the loopback receivers")?;
    settings.routes.clear();
    // A journal of its own: these receivers end with the run, so nothing may wait for them after it.
    settings.journal = folder.join("alerts.ndjson");
    let mut dispatcher = alert::open(context, settings).await?;
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
    let released = release(context, job).await;
    let delivered = finish_alerts(
        dispatcher,
        loopback,
        released.as_ref().is_ok_and(|released| released.has_alerted),
    )
    .await?;
    let released = released?;
    let gates = judge_release(context, &ship.evidence, &ship.run, placed, &released, since)?;
    ship.summary.canary = Some(canary_summary(&released, placed));
    ship.summary.traffic = released
        .traffic
        .as_ref()
        .map(|_| traffic_summary(&released, placed));
    for gate in gates {
        ship.passed(gate);
    }
    ship.summary.received.clone_from(&delivered.received);
    let gate = ship.record(
        ("alert", "receivers"),
        Inputs::json("received", &delivered),
        alerting::judge(&delivered),
        since,
    )?;
    ship.passed(gate);
    if let Some(gate) = budget_gate(ship, &released)? {
        ship.passed(gate);
    }
    Ok(())
}

async fn finish_alerts(
    dispatcher: Dispatcher,
    loopback: Loopback,
    has_alerted: bool,
) -> Result<Delivered, Failure> {
    deliver(&dispatcher).await?;
    let console = dispatcher
        .list()
        .rows
        .values()
        .filter(|row| {
            row.receiver == "console"
                && matches!(
                    row.status,
                    tollgate_alerts::change::RowStatus::Delivered { .. }
                )
        })
        .count();
    dispatcher
        .shutdown()
        .await
        .context("end the delivery of alerts")?;
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let mut received = vec![ReceivedRow {
        receiver: "console".into(),
        count: count(console),
        first_line: if console > 0 {
            "printed above".into()
        } else {
            String::new()
        },
    }];
    for which in [Which::Webhook, Which::Slack, Which::Smtp] {
        let messages = loopback.received_by(which);
        received.push(ReceivedRow {
            receiver: which.name().to_owned(),
            count: count(messages.len()),
            first_line: messages
                .first()
                .map(|message| message.first_line.clone())
                .unwrap_or_default(),
        });
    }
    loopback.stop().await;
    Ok(Delivered {
        has_alerted,
        received,
    })
}

/// The gates over a release: the canary's verdict and the live traffic.
pub fn judge_release(
    context: &Context,
    evidence: &EvidenceLog,
    run: &str,
    stage: &Stage,
    released: &Released,
    since: Duration,
) -> Result<Vec<Gate>, Failure> {
    let duration = context.clock.monotonic().saturating_sub(since);
    let events = std::fs::read(&released.events_path)
        .with_context(|| format!("read `{}`", released.events_path.display()))?;
    let inputs = Inputs::default().with("events", events);
    let subject = ("canary", context.settings.service.name.as_str());
    let verdict = released.report.verdict.clone();
    let mut gates = vec![gate::record(
        context, evidence, run, subject, inputs, verdict, duration,
    )?];
    if released.traffic.is_some() {
        let summary = traffic_summary(released, stage);
        let verdict = show::judge_traffic(&summary);
        let inputs = Inputs::json("traffic", &summary);
        gates.push(gate::record(
            context,
            evidence,
            run,
            ("traffic", "through the proxy"),
            inputs,
            verdict,
            duration,
        )?);
    }
    Ok(gates)
}

/// What became of the candidate, for people.
pub fn canary_summary(released: &Released, stage: &Stage) -> CanarySummary {
    let report = &released.report;
    let first = released.weights.first().map_or(0.0, |first| first.0);
    CanarySummary {
        id: stage.run.clone(),
        phase: report.phase.to_string(),
        reason: report.verdict.reason.clone(),
        weight_observed: released
            .weight_at_end
            .or(report.observed_weight.map(tollgate_canary::Weight::share))
            .unwrap_or_default(),
        numbers: show::numbers(report),
        timeline: report
            .timeline
            .iter()
            .map(|record| TimelineRow {
                at: record.at,
                phase: record.phase.to_string(),
                message: record.reason.clone(),
            })
            .collect(),
        weights: released
            .weights
            .iter()
            .map(|(second, percent)| (second - first, *percent))
            .collect(),
        first_bad_to_rollback_ms: report.rollback_ms,
    }
}

/// Every request of the live traffic, accounted for.
pub fn traffic_summary(released: &Released, stage: &Stage) -> TrafficSummary {
    let Some(counts) = &released.traffic else {
        return TrafficSummary::default();
    };
    TrafficSummary {
        sent: counts.n_sent,
        ok: counts.n_ok,
        errors: counts.n_http_error(),
        lost: counts.n_lost(),
        p50_ms: counts.latency.p50_us as f64 / 1_000.0,
        p95_ms: counts.latency.p95_us as f64 / 1_000.0,
        by_version: released
            .by_version
            .iter()
            .map(|(name, n)| (name.clone(), *n))
            .collect(),
        has_fault: stage.fault.is_some(),
        first_lost: counts
            .first_lost
            .iter()
            .map(|lost| format!("{} {} {}: {}", lost.at, lost.name, lost.kind, lost.what))
            .collect(),
    }
}

/// The promises about what the live traffic measured. Absent without traffic.
fn budget_gate(ship: &Ship<'_>, released: &Released) -> Result<Option<Gate>, Failure> {
    let context = ship.context;
    let Some(counts) = &released.traffic else {
        return Ok(None);
    };
    if ship.summary.fault.is_some() || !context.root.join(&context.settings.budgets.file).is_file()
    {
        return Ok(None);
    }
    let latency = &counts.latency;
    let ms = |us: u64| us as f64 / 1_000.0;
    let percentiles = [
        ("p50", ms(latency.p50_us)),
        ("p95", ms(latency.p95_us)),
        ("p99", ms(latency.p99_us)),
    ];
    let file = MeasurementsFile {
        version: 1,
        measurements: vec![MeasurementEntry {
            id: "api.latency".to_owned(),
            unit: Some(tollgate_budgets::Unit::Millis),
            percentiles: Some(
                percentiles
                    .map(|(name, value)| (name.to_owned(), value))
                    .into(),
            ),
            count: Some(latency.n),
            ..MeasurementEntry::default()
        }],
    };
    let text = serde_json::to_string_pretty(&file).expect("measurements are JSON");
    write_atomic(
        &context.state_dir.join(budget::MEASUREMENTS),
        text.as_bytes(),
    )
    .map_err(Failure::environment)?;
    let since = context.clock.monotonic();
    let scope = budget::Scope::Measured;
    let (gate, _) = budget::gate(
        context,
        &ship.evidence,
        &ship.run,
        ("live traffic", text),
        scope,
        since,
    )?;
    Ok(Some(gate))
}

/// Writes the report, prints the tables, and says what the process exits with.
fn finish(ship: &mut Ship<'_>) -> CommandResult {
    let context = ship.context;
    ship.summary.outcome = gate::worst(&ship.summary.gates);
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
    write_atomic(&path, html::render(&ship.summary).as_bytes()).map_err(Failure::environment)?;
    context
        .output
        .text(|out| render_text(out, &ship.summary, context.output.paint));
    context.output.json(&ship.summary);
    Ok(if ship.is_stale {
        ExitCode::Stale
    } else {
        ExitCode::from_outcome(ship.summary.outcome)
    })
}
