//! The gates of the four tiers: the steps of a tier, run inside its time budget.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use tollgate_ratchet::Measurement;
use tollgate_report::{Clock, EvidenceLog, Outcome, Timestamp, Verdict, write_atomic};
use tollgate_tiers::Mode;
use tollgate_tiers::record::{How, StepReport};
use tollgate_tiers::settings::Tier;
use tollgate_tiers::staged::{self, Staged};
use tollgate_tiers::{Event, OverTime, Plan, SystemGauge, TierRecord, TierReport, plan, verdict};

use crate::base::{BASE_ENV, Base, STRICT_ENV};
use crate::contract;
use crate::failure::Failure;
use crate::gate::{Gate, NoSettings, from_json};
use crate::loosened::{self, Section};
use crate::record::{Decision, Inputs, record};
use crate::reports::modified;
use crate::repository::Repository;
use crate::settings::{self, Settings};

/// The gate of a tier.
#[derive(Debug)]
pub struct Tiers;

impl Gate for Tiers {
    const NAMES: &'static [&'static str] = &["tier0", "tier1", "tier2", "tier3"];
    const INPUT: &'static str = "tier";
    type Inputs = TierRecord;
    type Settings = NoSettings;

    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure> {
        from_json("the recorded steps", bytes)
    }

    fn judge(inputs: &Self::Inputs, _settings: &Self::Settings) -> Result<Verdict, Failure> {
        Ok(verdict(inputs))
    }
}

/// Set on Ctrl-C; the runner then stops its children.
pub static INTERRUPT: AtomicBool = AtomicBool::new(false);

/// A tier that has run: its gate and the whole report.
#[derive(Debug)]
pub struct TierRun {
    pub gate: Decision,
    pub report: TierReport,
}

/// The options of a tier run.
#[derive(Debug, Clone)]
pub struct TierRequest {
    /// The content of the index instead of the working tree.
    pub staged: bool,
    /// Only what changed since this revision.
    pub since: Option<String>,
    /// Every step, whatever the cache holds.
    pub all: bool,
    /// What it means that the tier took longer than its budget.
    pub over_time: OverTime,
}

/// What happens while a tier runs.
#[derive(Debug)]
pub enum News<'a> {
    /// A step of a tier begins or ends.
    Step(Tier, Event<'a>),
    /// What a step measured could not be kept for the ratchet.
    NotKept { step: &'a str, error: &'a Failure },
}

/// Where the files are: the working tree, or the snapshot of what is staged, which is ours until
/// the steps are through.
struct Places {
    root: PathBuf,
    staged: Option<Staged>,
    /// Variables for every step.
    env: BTreeMap<String, String>,
}

impl Places {
    fn of(repository: &Repository) -> Self {
        Self {
            root: repository.root.clone(),
            staged: None,
            env: BTreeMap::new(),
        }
    }

    /// The settings of the snapshot, when the settings file is staged: an unstaged edit of it
    /// decides nothing.
    fn settings(&self, repository: &Repository) -> Result<Option<Settings>, Failure> {
        let (Some(staged), Some(file)) = (&self.staged, &repository.settings_file) else {
            return Ok(None);
        };
        if !staged.is_staged(file) {
            return Ok(None);
        }
        let path = self.root.join(file);
        settings::load(&self.root, Some(&path)).map(Some)
    }

    fn staged(repository: &Repository) -> Result<Self, Failure> {
        let folder = staged::default_folder(&repository.root, &repository.state_dir);
        let links = &repository.settings.tiers.staged_links;
        let staged =
            staged::prepare(&repository.root, &folder, links).map_err(Failure::environment)?;
        Ok(Self {
            root: staged.root.clone(),
            env: staged.env.clone(),
            staged: Some(staged),
        })
    }
}

impl Places {
    /// Hands the base and strictness to the steps that are commands of this program.
    fn pass_on(&mut self, repository: &Repository, base: &Base) {
        if let Some(commit) = &base.commit {
            self.env.insert(BASE_ENV.to_owned(), commit.clone());
        }
        if repository.is_strict {
            self.env.insert(STRICT_ENV.to_owned(), "true".to_owned());
        }
    }
}

/// The sections of the settings that the tier itself compares with the base: all but those of its
/// gates that do so themselves.
fn sections(plan: &Plan) -> BTreeSet<Section> {
    let has = |gate: [&str; 2]| {
        let mut steps = plan.steps.iter().filter(|step| !step.optional);
        steps.any(|step| step.command.get(1..3).is_some_and(|words| words == gate))
    };
    let mut sections = BTreeSet::from(Section::ALL);
    if has(["contract", "check"]) {
        sections.remove(&Section::Contracts);
    }
    if has(["budget", "check"]) {
        sections.remove(&Section::Budgets);
    }
    if has(["ratchet", "check"]) {
        sections.remove(&Section::Ratchet);
    }
    sections
}

fn run_plan(
    repository: &Repository,
    plan: &Plan,
    run: &str,
    places: Places,
    (mode, over_time): (Mode, OverTime),
    on_news: &(dyn Fn(News<'_>) + Sync),
) -> Result<TierReport, Failure> {
    let begins = Mutex::new(BTreeMap::new());
    let begins = || begins.lock().unwrap_or_else(PoisonError::into_inner);
    let on_event = |event: Event<'_>| {
        if let Event::Started { step, .. } = &event {
            begins().insert((*step).to_owned(), file_time(repository));
        }
        let finished = match &event {
            Event::Finished(step) => Some(*step),
            _ => None,
        };
        on_news(News::Step(plan.tier, event));
        if let Some(step) = finished {
            let _guard = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
            let began = begins().get(&step.name).copied();
            if let Err(error) = note(repository, plan, step, began) {
                on_news(News::NotKept {
                    step: &step.name,
                    error: &error,
                });
            }
        }
    };
    let cx = tollgate_tiers::Context {
        root: places.root.clone(),
        state_dir: repository.state_dir.clone(),
        staged: places.staged.as_ref(),
        run: run.to_owned(),
        jobs: std::thread::available_parallelism().map_or(2, usize::from),
        mode,
        tollgate: repository.executable()?,
        variables: tollgate_tiers::environment::of_process(),
        env: places.env.clone(),
        is_ci: repository.is_strict,
        clock: &repository.clock,
        gauge: &SystemGauge::default(),
        over_time,
        interrupt: &INTERRUPT,
        on_event: &on_event,
    };
    tollgate_tiers::run(plan, &cx).map_err(Failure::environment)
}

/// Runs a tier and records its verdict: the gate of `ship` and of `tierN`.
pub fn gate(
    repository: &Repository,
    evidence: &EvidenceLog,
    run: &str,
    tier: Tier,
    request: &TierRequest,
    on_news: &(dyn Fn(News<'_>) + Sync),
) -> Result<TierRun, Failure> {
    let started = repository.clock.monotonic();
    let mut places = if request.staged {
        Places::staged(repository)?
    } else {
        Places::of(repository)
    };
    // An unstaged edit of the settings decides nothing, and hides nothing from the comparison.
    let staged = places.settings(repository)?;
    let settings = staged.as_ref().unwrap_or(&repository.settings);
    let plan = plan_of(settings, tier, &places.root)?;
    let mode = match (&request.since, request.all) {
        (Some(revision), _) => Mode::Since(revision.clone()),
        (None, true) => Mode::All,
        (None, false) => Mode::Affected,
    };
    let mut compared = loosened::compared_at(repository, &places.root, settings)?;
    if compared.has_changed_contract() {
        contract::add_classes(
            &mut compared,
            repository,
            &settings.contracts.paths(&places.root),
        )?;
    }
    places.pass_on(repository, &compared.base);
    let mut report = run_plan(
        repository,
        &plan,
        run,
        places,
        (mode, request.over_time),
        on_news,
    )?;
    report.record.loosened = loosened::judge(&compared, &sections(&plan), Vec::new())?;
    report.verdict = verdict(&report.record);
    let inputs = Inputs::json("tier", &report.record);
    let duration = repository.clock.monotonic().saturating_sub(started);
    let gate = record(
        repository,
        evidence,
        run,
        (tier.word(), "steps"),
        inputs,
        report.verdict.clone(),
        duration,
    )?;
    Ok(TierRun { gate, report })
}

fn plan_of(settings: &Settings, tier: Tier, root: &Path) -> Result<Plan, Failure> {
    let floors = &settings.ratchet.file;
    plan(&settings.tiers, tier, root, floors).map_err(Failure::settings)
}

/// Where the newest measurements of steps are kept for the ratchet, by metric.
pub const MEASURED: &str = "reports/measured.json";

/// Steps end on several threads; one writes at a time.
static NOTES: Mutex<()> = Mutex::new(());

/// Where it is kept when the last runs of steps began that write files, by file.
const MADE: &str = "reports/made.json";
/// The file whose time is that at which a step began.
const CLOCK: &str = "reports/clock";

/// Keeps what a step measured, and when it began if it writes files. What a failed step measured
/// before is forgotten: it does not hold any longer.
fn note(
    repository: &Repository,
    plan: &Plan,
    step: &StepReport,
    began: Option<Timestamp>,
) -> Result<(), Failure> {
    note_outputs(repository, plan, step, began)?;
    if step.how == How::Skipped {
        return Ok(());
    }
    let mut kept = measured(repository);
    let before = kept.clone();
    for metric in measured_by(&step.name) {
        kept.remove(*metric);
    }
    kept.extend(
        step_measurements(step)
            .into_iter()
            .map(|measurement| (measurement.metric.clone(), measurement)),
    );
    if kept == before {
        return Ok(());
    }
    write_state(repository, MEASURED, &kept)
}

/// The time that a file written now gets. It is compared with the times of reports, and the clock of
/// files lags behind the system's: by a tick, and on a busy machine by many.
fn file_time(repository: &Repository) -> Timestamp {
    let path = repository.state_dir.join(CLOCK);
    let written = write_atomic(&path, b"");
    let time = written.ok().and_then(|()| modified(&path));
    time.unwrap_or_else(|| repository.clock.now())
}

fn note_outputs(
    repository: &Repository,
    plan: &Plan,
    step: &StepReport,
    began: Option<Timestamp>,
) -> Result<(), Failure> {
    let planned = plan.steps.iter().find(|planned| planned.name == step.name);
    let outputs = planned.map_or(&[][..], |planned| planned.outputs.written());
    if outputs.is_empty() || step.how == How::Skipped {
        return Ok(());
    }
    let mut kept = made(repository);
    for output in outputs {
        match (step.how, began) {
            (How::Ran, Some(began)) => kept.insert(output.clone(), began),
            // What comes from the cache may be older than the last run.
            _ => kept.remove(output),
        };
    }
    write_state(repository, MADE, &kept)
}

fn write_state(
    repository: &Repository,
    name: &str,
    value: &impl serde::Serialize,
) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(value).expect("what is kept has only string keys");
    write_atomic(&repository.state_dir.join(name), &text).map_err(Failure::environment)
}

/// When the last run of the step that writes a file began, by file; empty when it can't be read.
pub fn made(repository: &Repository) -> BTreeMap<String, Timestamp> {
    let text = std::fs::read(repository.state_dir.join(MADE)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// The metrics that a step of this name measures.
fn measured_by(step: &str) -> &'static [&'static str] {
    match step {
        "test" => &["test_count_min", "flaky_test_count_max"],
        "lint" => &["lint_warnings_max"],
        _ => &[],
    }
}

/// The newest measurements of steps; none when there are none, or when they can't be read.
pub fn measured(repository: &Repository) -> BTreeMap<String, Measurement> {
    let text = std::fs::read(repository.state_dir.join(MEASURED)).unwrap_or_default();
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

/// The measurements that become history. Times are included only if every step ran and nothing was
/// cold, because a cached run does not show how long the steps take.
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
    repository: &Repository,
    run: &str,
    tier: Tier,
    name: &str,
    on_news: &(dyn Fn(News<'_>) + Sync),
) -> Result<Option<StepReport>, Failure> {
    let mut plan = plan_of(&repository.settings, tier, &repository.root)?;
    plan.steps.retain(|step| step.name == name);
    plan.steps.iter_mut().for_each(|step| step.needs.clear());
    if plan.steps.is_empty() {
        return Ok(None);
    }
    let report = run_plan(
        repository,
        &plan,
        run,
        Places::of(repository),
        (Mode::Affected, OverTime::Reported),
        on_news,
    )?;
    Ok(report.record.steps.into_iter().next())
}

/// Whether somebody pressed Ctrl-C.
pub fn is_interrupted() -> bool {
    INTERRUPT.load(std::sync::atomic::Ordering::Relaxed)
}
