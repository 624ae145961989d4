//! Runs a plan: the graph in parallel, through the cache, inside the budget.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use tollgate_report::{Day, Outcome, Timestamp};

use crate::cold::ColdMeter;
use crate::context::{Context, Event, Mode, Shared, TierError, as_ms};
use crate::files::{self, Scan, Tree};
use crate::git::{Git, touched_since};
use crate::load::LoadMeter;
use crate::outputs::literal_prefix;
use crate::plan::Plan;
use crate::record::{How, REPORT_VERSION, StepReport, TierRecord, TierReport, verdict};
use crate::settings::AlsoReads;
use crate::store::Store;
use crate::walk::Rules;
use crate::{crates, history, noop, outward, schedule, tools};

/// Runs a plan to its end and gives the report, its verdict included. A failed step is not an error.
///
/// # Errors
/// When the files, the crates or git cannot be read, or a log or the cache cannot be written.
pub fn run(plan: &Plan, cx: &Context<'_>) -> Result<TierReport, TierError> {
    let at = cx.clock.now();
    let (mut shared, scan) = prepare(plan, cx)?;
    (cx.on_event)(Event::Planned {
        n_steps: plan.steps.len(),
    });
    let known = scan.known_digest();
    let steps = match known.and_then(|tree| noop::look_up(&shared, &tree)) {
        Some(steps) => {
            steps
                .iter()
                .for_each(|step| (cx.on_event)(Event::Finished(step)));
            steps
        }
        None => {
            load(&mut shared, scan)?;
            run_steps(&shared)?
        }
    };
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
        may_be_unmeasured: live(plan, at),
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
        notes: notes(plan, cx),
    })
}

fn run_steps(shared: &Shared<'_>) -> Result<Vec<StepReport>, TierError> {
    let durations = shared.store.durations();
    let steps = schedule::run_all(shared, &durations)?;
    remember_durations(shared, durations, &steps)?;
    noop::keep(shared, &shared.tree()?.digest, &steps)?;
    Ok(steps)
}

/// What may be unmeasured on the day of the run.
fn live(plan: &Plan, at: Timestamp) -> BTreeSet<String> {
    let live = plan.unmeasured.iter().filter(|(_, day)| !day.is_over(at));
    live.map(|(name, _)| name.clone()).collect()
}

fn notes(plan: &Plan, cx: &Context<'_>) -> Vec<String> {
    let of_snapshot = cx.staged.map_or(&[][..], |staged| &staged.notes);
    plan.notes.iter().chain(of_snapshot).cloned().collect()
}

fn prepare<'a>(plan: &'a Plan, cx: &'a Context<'a>) -> Result<(Shared<'a>, Scan), TierError> {
    let started = cx.clock.monotonic();
    let cache = cx.state_dir.join("cache");
    let rules = Rules {
        wanted: wanted(plan),
        linked: cx.staged.map(|staged| staged.linked.clone()),
    };
    let memo = match cx.staged {
        Some(staged) => staged.memo.clone(),
        None => cache.join("files"),
    };
    let scan = files::scan(&cx.root, &rules, &memo, cx.clock.now())?;
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
    let env = cx.variables.clone();
    let target = cx
        .env
        .get("CARGO_TARGET_DIR")
        .or_else(|| env.get("CARGO_TARGET_DIR"));
    let target = target.map_or_else(|| cx.root.join("target"), PathBuf::from);
    let is_first_build = cx.root.join("Cargo.toml").is_file() && !target.is_dir();
    let tree = Arc::new(Tree::empty(&cx.root, cx.clock.now()));
    let shared = Shared {
        cx,
        plan,
        outward: None,
        crates: None,
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
        is_first_build,
        known_staged: Mutex::new(Arc::clone(&tree)),
        tree: Mutex::new(tree),
        rules,
        is_stale: AtomicBool::new(false),
        besides: besides(plan, cx),
        started,
        tollgate_digest: OnceLock::new(),
        machine: OnceLock::new(),
    };
    Ok((shared, scan))
}

/// Reads the files that have changed, and the crates.
fn load(shared: &mut Shared<'_>, scan: Scan) -> Result<(), TierError> {
    let tree = Arc::new(scan.load()?);
    let outward = outward::first(&shared.cx.root, tree.entries.keys());
    shared.outward = outward.map(|(manifest, path)| {
        format!("`{manifest}` names `{path}`, which lies outside of the repository")
    });
    if shared.plan.steps.iter().any(|step| step.per_crate) {
        let kept = shared.store.folder.join("crates.json");
        shared.crates = Some(crates::load(&tree, &kept)?);
    }
    shared.known_staged = Mutex::new(Arc::clone(&tree));
    shared.tree = Mutex::new(tree);
    Ok(())
}

/// Paths that globs of the settings name: they count although a cache holds them.
fn wanted(plan: &Plan) -> BTreeSet<String> {
    let globs = plan.steps.iter().flat_map(|step| &step.input_globs);
    globs
        .map(|glob| literal_prefix(glob))
        .filter(|path| !path.is_empty())
        .collect()
}

/// What some step of the plan reads besides files.
fn besides(plan: &Plan, cx: &Context<'_>) -> BTreeMap<AlsoReads, String> {
    let reads: BTreeSet<AlsoReads> = plan
        .steps
        .iter()
        .flat_map(|step| step.also_reads.iter().copied())
        .collect();
    let value = |what| match what {
        AlsoReads::History => history::digest(&cx.root),
        AlsoReads::Day => Day::of(cx.clock.now()).to_string(),
    };
    reads.into_iter().map(|what| (what, value(what))).collect()
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
