//! `tier0` to `tier3`: the steps of a tier, and its verdict as evidence.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context as _;
use tollgate_ratchet::Measurement;
use tollgate_report::{Clock, EvidenceLog, ExitCode, Outcome, Verdict};
use tollgate_tiers::files::FileSource;
use tollgate_tiers::render::Detail;
use tollgate_tiers::run::Mode;
use tollgate_tiers::settings::Tier;
use tollgate_tiers::{Event, TierRecord, TierReport, plan, render_text, staged as snapshots, verdict};

use crate::cli::TierArgs;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::gate::{self, Gate, Inputs};

/// Set on Ctrl-C; the runner then stops its children.
static INTERRUPT: AtomicBool = AtomicBool::new(false);

/// A tier that has run: its gate and the whole report.
#[derive(Debug)]
pub struct TierRun {
    pub gate: Gate,
    pub report: TierReport,
}

/// Runs a tier and records its verdict: the gate of `ship` and of `tierN`.
pub fn gate(context: &Context, evidence: &EvidenceLog, run: &str, tier: Tier, args: &TierArgs) -> Result<TierRun, Failure> {
    let started = context.clock.monotonic();
    let plan = plan(&context.settings.tiers, tier, &context.root).map_err(Failure::settings)?;
    let mut env = BTreeMap::new();
    let mut staged = None;
    let (root, files) = if args.staged {
        let folder = snapshots::default_folder(&context.root, &context.state_dir);
        let snapshot = snapshots::prepare(&context.root, &folder).map_err(Failure::environment)?;
        env.clone_from(&snapshot.env);
        let places = (snapshot.root.clone(), snapshot.files.clone());
        // It holds the lock of the snapshot until the steps are through.
        staged = Some(snapshot);
        places
    } else {
        (context.root.clone(), FileSource::Auto)
    };
    let tollgate = context.executable()?;
    let is_live = context.output.is_live;
    let on_event = |event: Event<'_>| match event {
        Event::Planned { n_steps } => context.output.progress(format!("{}: {n_steps} steps", tier.word())),
        Event::Started { step, explanation } => {
            if is_live || args.explain {
                context.output.progress(format!("  {step}: {explanation}"));
            }
        }
        Event::Finished(step) => context.output.progress(format!(
            "  {} {} ({}, {:.1} s)",
            context.output.paint.outcome(step.outcome),
            step.name,
            step.how.word(),
            Duration::from_millis(step.duration_ms).as_secs_f64()
        )),
    };
    let mode = match (&args.since, args.all) {
        (Some(revision), _) => Mode::Since(revision.clone()),
        (None, true) => Mode::All,
        (None, false) => Mode::Affected,
    };
    let cx = tollgate_tiers::Context {
        root,
        state_dir: context.state_dir.clone(),
        files,
        run: run.to_owned(),
        jobs: std::thread::available_parallelism().map_or(2, usize::from),
        mode,
        tollgate,
        env,
        is_ci: tollgate_report::unchecked::is_ci(),
        clock: &context.clock,
        interrupt: &INTERRUPT,
        on_event: &on_event,
    };
    let report = tollgate_tiers::run(&plan, &cx).map_err(Failure::environment)?;
    drop(staged);
    let inputs = Inputs::json("tier", &report.record);
    let duration = context.clock.monotonic().saturating_sub(started);
    let gate = gate::record(context, evidence, run, (tier.word(), "steps"), inputs, report.verdict.clone(), duration)?;
    Ok(TierRun { gate, report })
}

/// Computes a recorded verdict again.
pub fn replay(bytes: &[u8]) -> Result<Verdict, Failure> {
    let record: TierRecord = serde_json::from_slice(bytes).context("read the recorded steps")?;
    Ok(verdict(&record))
}

/// What a tier run measures for the ratchet: its time where every step ran warm, its tests.
pub fn measurements(report: &TierReport) -> Vec<Measurement> {
    let all_ran = report.record.steps.iter().all(|step| step.how == tollgate_tiers::record::How::Ran);
    let mut measurements = Vec::new();
    if all_ran && report.record.cold_ms == 0 && report.verdict.outcome < Outcome::Inconclusive {
        let seconds = report.record.judged().0.as_secs_f64();
        let metric = format!("{}_time_max", report.record.tier.word());
        measurements.push(Measurement::new(&metric, "s", seconds, "every step ran, nothing was cold"));
    }
    measurements
}

/// `cargo xtask tierN`.
pub fn run(context: &Context, tier: Tier, args: &TierArgs) -> CommandResult {
    catch_interrupt();
    let evidence = context.evidence()?;
    let run = context.new_run_id(tier.word());
    let tier_run = gate(context, &evidence, &run, tier, args)?;
    let report = &tier_run.report;
    let detail = Detail { paint: context.output.paint, explain: args.explain };
    context.output.text(|out| {
        render_text(out, report, detail)?;
        writeln!(out, "evidence {}", tier_run.gate.evidence)
    });
    context.output.json(report);
    let measured = measurements(report);
    if !measured.is_empty() {
        remember(context, &measured, &run)?;
    }
    // The test runner's own closing lines come last, where people and CI look for them.
    for line in report.record.steps.iter().flat_map(|step| &step.closing_lines) {
        context.output.line(line);
    }
    if report.record.is_interrupted {
        return Ok(ExitCode::Environment);
    }
    Ok(ExitCode::from_outcome(tier_run.gate.outcome()))
}

fn remember(context: &Context, measured: &[Measurement], run: &str) -> Result<(), Failure> {
    let now = context.clock.now();
    let entries: Vec<_> =
        measured.iter().map(|measurement| tollgate_ratchet::HistoryEntry::new(measurement, now, run)).collect();
    tollgate_ratchet::history::append(&context.root.join(&context.settings.ratchet.history), &entries)
        .map_err(Failure::environment)
}

/// The first Ctrl-C lets the runner stop its children and report; they are groups of their own.
fn catch_interrupt() {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime
            && runtime.block_on(tokio::signal::ctrl_c()).is_ok()
        {
            INTERRUPT.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
}
