//! Runs a plan: the graph in parallel, through the cache, inside the budget.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::OnceLock;

use tollgate_report::Outcome;

use crate::cold::ColdMeter;
use crate::context::{Context, Event, Mode, Shared, TierError, as_ms};
use crate::files;
use crate::git::{Git, touched_since};
use crate::load::LoadMeter;
use crate::plan::Plan;
use crate::record::{How, REPORT_VERSION, StepReport, TierRecord, TierReport, verdict};
use crate::store::Store;
use crate::{crates, environment, schedule, tools};

/// Runs a plan to its end and gives the report, its verdict included. A failed step is not an error.
///
/// # Errors
/// When the files, the crates or git cannot be read, or a log or the cache cannot be written.
pub fn run(plan: &Plan, cx: &Context<'_>) -> Result<TierReport, TierError> {
    let at = cx.clock.now();
    let shared = prepare(plan, cx)?;
    (cx.on_event)(Event::Planned {
        n_steps: plan.steps.len(),
    });
    let durations = shared.store.durations();
    let steps = schedule::run_all(&shared, &durations)?;
    remember_durations(&shared, durations, &steps)?;
    let ended = shared.now();
    let warm = ended
        .saturating_sub(shared.started)
        .saturating_sub(shared.cold.total(ended));
    let record = TierRecord {
        tier: plan.tier,
        target: plan.target,
        critical: plan.critical,
        duration_ms: as_ms(ended.saturating_sub(shared.started)),
        cold_ms: as_ms(shared.cold.total(ended)),
        is_ci: cx.is_ci,
        may_be_missing: plan.may_be_missing.clone(),
        is_interrupted: shared.is_interrupted(),
        pace: shared.final_pace(warm),
        over_time: cx.over_time,
        loosened: Vec::new(),
        steps,
    };
    Ok(TierReport {
        version: REPORT_VERSION,
        run: cx.run.clone(),
        at,
        verdict: verdict(&record),
        record,
        notes: plan.notes.clone(),
    })
}

fn prepare<'a>(plan: &'a Plan, cx: &'a Context<'a>) -> Result<Shared<'a>, TierError> {
    let started = cx.clock.monotonic();
    let cache = cx.state_dir.join("cache");
    let tree = files::load(&cx.root, &cx.files, &cache.join("files"), cx.clock.now())?;
    let crates = if plan.steps.iter().any(|step| step.per_crate) {
        Some(crates::load(&tree, &cache.join("crates.json"))?)
    } else {
        None
    };
    let touched = match &cx.mode {
        Mode::Since(revision) => Some(touched_since(&Git::at(&cx.root), revision)?),
        Mode::Affected | Mode::All => None,
    };
    let commands: BTreeSet<Vec<String>> = plan
        .steps
        .iter()
        .flat_map(|step| step.tools.iter().cloned())
        .collect();
    let commands: Vec<Vec<String>> = commands.into_iter().collect();
    let tools = tools::versions(&cx.root, &commands, &cache.join("tools.json"));
    let env = environment::of_process();
    let target = cx
        .env
        .get("CARGO_TARGET_DIR")
        .or_else(|| env.get("CARGO_TARGET_DIR"));
    let target = target.map_or_else(|| cx.root.join("target"), PathBuf::from);
    Ok(Shared {
        cx,
        plan,
        crates,
        touched,
        tools,
        store: Store {
            folder: cache,
            size_max: plan.cache_size_max.0,
        },
        env,
        cold: ColdMeter::default(),
        load: LoadMeter::default(),
        run_folder: cx.state_dir.join("runs").join(&cx.run),
        is_first_build: tree.entries.contains_key("Cargo.toml") && !target.is_dir(),
        tree,
        started,
        tollgate_digest: OnceLock::new(),
        machine: OnceLock::new(),
    })
}

fn remember_durations(
    shared: &Shared<'_>,
    mut durations: BTreeMap<String, u64>,
    steps: &[StepReport],
) -> Result<(), TierError> {
    let ran = steps
        .iter()
        .filter(|step| step.how == How::Ran && step.outcome == Outcome::Pass);
    let mut has_run = false;
    for step in ran {
        let warm_ms = step.duration_ms.saturating_sub(step.cold_ms);
        durations.insert(step.name.clone(), warm_ms);
        has_run = true;
    }
    if has_run {
        shared.store.put_durations(&durations)?;
        shared.store.evict();
    }
    Ok(())
}
