//! `tier0` to `tier3`: the steps of a tier, and its verdict as evidence.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tollgate_ratchet::Measurement;
use tollgate_report::{Clock, EvidenceLog, ExitCode, Outcome, Verdict, write_atomic};
use tollgate_tiers::files::FileSource;
use tollgate_tiers::record::{How, StepReport};
use tollgate_tiers::render::Detail;
use tollgate_tiers::run::Mode;
use tollgate_tiers::settings::Tier;
use tollgate_tiers::staged::{self, Staged};
use tollgate_tiers::{
    Event, OverTime, Plan, SystemGauge, TierRecord, TierReport, plan, render_text, verdict,
};

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

/// Where the files are: the working tree, or the snapshot of what is staged.
struct Places {
    root: PathBuf,
    files: FileSource,
    env: BTreeMap<String, String>,
    /// Holds the lock of the snapshot until the steps are through.
    _staged: Option<Staged>,
}

impl Places {
    fn of(context: &Context) -> Self {
        Self {
            root: context.root.clone(),
            files: FileSource::Auto,
            env: BTreeMap::new(),
            _staged: None,
        }
    }

    fn staged(context: &Context) -> Result<Self, Failure> {
        let folder = staged::default_folder(&context.root, &context.state_dir);
        let staged = staged::prepare(&context.root, &folder).map_err(Failure::environment)?;
        Ok(Self {
            root: staged.root.clone(),
            files: staged.files.clone(),
            env: staged.env.clone(),
            _staged: Some(staged),
        })
    }
}

fn run_plan(
    context: &Context,
    plan: &Plan,
    run: &str,
    places: Places,
    mode: Mode,
    explain: bool,
    over_time: OverTime,
) -> Result<TierReport, Failure> {
    let output = &context.output;
    let bar = output.bar(plan.tier.word());
    let on_event = |event: Event<'_>| match event {
        Event::Planned { n_steps } => bar.line(&format!("{}: {n_steps} steps", plan.tier.word())),
        Event::Started { step, explanation } => {
            bar.message(&format!("{step} runs: {explanation}"));
            if explain {
                bar.line(&format!("  {step}: {explanation}"));
            }
        }
        Event::Finished(step) => {
            let seconds = Duration::from_millis(step.duration_ms).as_secs_f64();
            let outcome = output.paint.outcome(step.outcome);
            bar.line(&format!(
                "  {outcome} {} ({}, {seconds:.1} s)",
                step.name,
                step.how.word()
            ));
            let _guard = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = note(context, step_measurements(step)) {
                output.progress(format!(
                    "  what `{}` measured could not be kept: {error}",
                    step.name
                ));
            }
        }
    };
    let cx = tollgate_tiers::Context {
        root: places.root.clone(),
        state_dir: context.state_dir.clone(),
        files: places.files.clone(),
        run: run.to_owned(),
        jobs: std::thread::available_parallelism().map_or(2, usize::from),
        mode,
        tollgate: context.executable()?,
        env: places.env.clone(),
        is_ci: tollgate_report::unchecked::is_ci(),
        clock: &context.clock,
        gauge: &SystemGauge::default(),
        over_time,
        interrupt: &INTERRUPT,
        on_event: &on_event,
    };
    let report = tollgate_tiers::run(plan, &cx).map_err(Failure::environment);
    bar.finish();
    report
}

/// Runs a tier and records its verdict: the gate of `ship` and of `tierN`.
pub fn gate(
    context: &Context,
    evidence: &EvidenceLog,
    run: &str,
    tier: Tier,
    args: &TierArgs,
    over_time: OverTime,
) -> Result<TierRun, Failure> {
    let started = context.clock.monotonic();
    let plan = plan(&context.settings.tiers, tier, &context.root).map_err(Failure::settings)?;
    let places = if args.staged {
        Places::staged(context)?
    } else {
        Places::of(context)
    };
    let mode = match (&args.since, args.all) {
        (Some(revision), _) => Mode::Since(revision.clone()),
        (None, true) => Mode::All,
        (None, false) => Mode::Affected,
    };
    let report = run_plan(context, &plan, run, places, mode, args.explain, over_time)?;
    let inputs = Inputs::json("tier", &report.record);
    let duration = context.clock.monotonic().saturating_sub(started);
    let gate = gate::record(
        context,
        evidence,
        run,
        (tier.word(), "steps"),
        inputs,
        report.verdict.clone(),
        duration,
    )?;
    Ok(TierRun { gate, report })
}

/// Computes a recorded verdict again.
pub fn replay(bytes: &[u8]) -> Result<Verdict, Failure> {
    let record: TierRecord = serde_json::from_slice(bytes).context("read the recorded steps")?;
    Ok(verdict(&record))
}

/// Where the newest measurements of steps are kept for the ratchet, by metric.
pub const MEASURED: &str = "reports/measured.json";

/// Steps end on several threads; one writes at a time.
static NOTES: Mutex<()> = Mutex::new(());

fn note(context: &Context, measurements: Vec<Measurement>) -> Result<(), Failure> {
    if measurements.is_empty() {
        return Ok(());
    }
    let mut kept = measured(context);
    kept.extend(
        measurements
            .into_iter()
            .map(|measurement| (measurement.metric.clone(), measurement)),
    );
    let text = serde_json::to_vec_pretty(&kept).expect("measurements have only string keys");
    write_atomic(&context.state_dir.join(MEASURED), &text).map_err(Failure::environment)
}

/// The newest measurements of steps; none when there are none, or when they can't be read.
pub fn measured(context: &Context) -> BTreeMap<String, Measurement> {
    let text = std::fs::read(context.state_dir.join(MEASURED)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// What one step measures: its tests, or that no lint warns.
fn step_measurements(step: &StepReport) -> Vec<Measurement> {
    if step.outcome != Outcome::Pass {
        return Vec::new();
    }
    let whole = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    match (step.name.as_str(), step.counts) {
        ("test", Some(counts)) => vec![
            Measurement::new(
                "test_count_min",
                "count",
                whole(counts.run),
                "tests of step `test`",
            ),
            Measurement::new(
                "flaky_test_count_max",
                "count",
                whole(counts.flaky),
                "flaky tests of step `test`",
            ),
        ],
        ("lint", _) => vec![Measurement::new(
            "lint_warnings_max",
            "count",
            0.0,
            "step `lint` passes with warnings denied",
        )],
        _ => Vec::new(),
    }
}

/// What a tier run measures for the ratchet: its warm time.
pub fn measurements(report: &TierReport) -> Vec<Measurement> {
    let record = &report.record;
    let n_ran = record
        .steps
        .iter()
        .filter(|step| step.how == How::Ran)
        .count();
    let detail = format!(
        "{n_ran} of {} steps ran, cold time apart",
        record.steps.len()
    );
    let seconds = record.judged().0.as_secs_f64();
    let measurements = vec![Measurement::new(
        &format!("{}_time_max", record.tier.word()),
        "s",
        seconds,
        detail,
    )];
    measurements
}

/// What of it becomes history: times only where every step ran and nothing was cold, because a
/// cached run says nothing about how long the steps take.
pub fn history(report: &TierReport, measurements: &[Measurement]) -> Vec<Measurement> {
    let is_whole =
        report.record.cold_ms == 0 && report.record.steps.iter().all(|step| step.how == How::Ran);
    measurements
        .iter()
        .filter(|measurement| is_whole || measurement.unit.as_str() != "s")
        .cloned()
        .collect()
}

/// Runs one step of a tier alone, through the cache; absent when the tier has no such step.
pub fn run_step(
    context: &Context,
    run: &str,
    tier: Tier,
    name: &str,
) -> Result<Option<StepReport>, Failure> {
    let mut plan = plan(&context.settings.tiers, tier, &context.root).map_err(Failure::settings)?;
    plan.steps.retain(|step| step.name == name);
    plan.steps.iter_mut().for_each(|step| step.needs.clear());
    if plan.steps.is_empty() {
        return Ok(None);
    }
    let report = run_plan(
        context,
        &plan,
        run,
        Places::of(context),
        Mode::Affected,
        false,
        OverTime::Reported,
    )?;
    Ok(report.record.steps.into_iter().next())
}

/// `cargo xtask tierN`.
pub fn run(context: &Context, tier: Tier, args: &TierArgs) -> CommandResult {
    catch_interrupt();
    let evidence = context.evidence()?;
    let run = context.new_run_id(tier.word());
    let tier_run = gate(context, &evidence, &run, tier, args, OverTime::Fails)?;
    let report = &tier_run.report;
    let detail = Detail {
        paint: context.output.paint,
        explain: args.explain,
    };
    context.output.text(|out| {
        render_text(out, report, detail)?;
        writeln!(out, "evidence {}", tier_run.gate.evidence)
    });
    context.output.json(report);
    let measured = history(report, &measurements(report));
    if !measured.is_empty() {
        remember(context, &measured, &run)?;
    }
    // The test runner's own closing lines come last, where people and CI look for them.
    for line in report
        .record
        .steps
        .iter()
        .flat_map(|step| &step.closing_lines)
    {
        context.output.line(line);
    }
    if report.record.is_interrupted {
        return Ok(ExitCode::Environment);
    }
    Ok(ExitCode::from_outcome(tier_run.gate.outcome()))
}

fn remember(context: &Context, measured: &[Measurement], run: &str) -> Result<(), Failure> {
    let now = context.clock.now();
    let entries: Vec<_> = measured
        .iter()
        .map(|measurement| tollgate_ratchet::HistoryEntry::new(measurement, now, run))
        .collect();
    tollgate_ratchet::history::append(
        &context.root.join(&context.settings.ratchet.history),
        &entries,
    )
    .map_err(Failure::environment)
}

/// Whether somebody pressed Ctrl-C.
pub fn is_interrupted() -> bool {
    INTERRUPT.load(std::sync::atomic::Ordering::Relaxed)
}

/// The first Ctrl-C lets the runner stop its children and report; they are groups of their own.
pub fn catch_interrupt() {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        if let Ok(runtime) = runtime
            && runtime.block_on(tokio::signal::ctrl_c()).is_ok()
        {
            INTERRUPT.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
}
