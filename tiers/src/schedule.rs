//! The coordinator: decides when each step is looked up in the cache, started, skipped or left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Scope};

use tollgate_report::{Digest, Outcome};

use crate::context::{Event, Shared, TierError};
use crate::plan::Step;
use crate::probe::{Job, Probe, probe};
use crate::record::{How, StepReport};
use crate::{graph, step};

/// The coordinator's state while steps run.
struct State {
    waiting: Vec<usize>,
    ready: Vec<(usize, Box<Job>)>,
    done: BTreeMap<usize, (StepReport, Digest)>,
    locks: BTreeSet<String>,
    n_running: usize,
}

type Ended = (usize, Digest, Result<StepReport, TierError>);

/// Runs every step of the plan; reports in the plan's order.
pub(crate) fn run_all(
    shared: &Shared<'_>,
    durations: &BTreeMap<String, u64>,
) -> Result<Vec<StepReport>, TierError> {
    let steps = &shared.plan.steps;
    let needs = steps
        .iter()
        .map(|step| (step.name.clone(), step.needs.clone()))
        .collect();
    let priorities = graph::priorities(&needs, durations);
    let mut waiting: Vec<usize> = (0..steps.len()).collect();
    waiting.sort_by_key(|idx| {
        let step = &steps[*idx];
        (step.optional, std::cmp::Reverse(priorities[&step.name]))
    });
    let mut state = State {
        waiting,
        ready: Vec::new(),
        done: BTreeMap::new(),
        locks: BTreeSet::new(),
        n_running: 0,
    };
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| drive(shared, scope, &mut state, &sender, &receiver))?;
    Ok(state.done.into_values().map(|(report, _)| report).collect())
}

fn drive<'scope, 'env>(
    shared: &'env Shared<'env>,
    scope: &'scope Scope<'scope, 'env>,
    state: &mut State,
    sender: &Sender<Ended>,
    receiver: &Receiver<Ended>,
) -> Result<(), TierError> {
    let mut first_error = None;
    loop {
        let n_done = state.done.len();
        while first_error.is_none() {
            match look_up_waiting(shared, state) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => first_error = Some(error),
            }
        }
        if first_error.is_none() {
            start_ready(shared, scope, state, sender);
        }
        if state.n_running == 0 {
            // Steps that were just left out may free others to be looked up and left out too.
            let is_stuck = state.ready.is_empty() && state.done.len() == n_done;
            if is_stuck || first_error.is_some() {
                break;
            }
            continue;
        }
        let (idx, key, result) = receiver.recv().expect("a sender is alive in this function");
        state.n_running -= 1;
        if let Some(lock) = &shared.plan.steps[idx].lock {
            state.locks.remove(lock);
        }
        match result {
            Ok(report) => finish(shared, state, idx, report, key),
            // The other steps end first: nothing is left behind.
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(()), Err)
}

fn finish(shared: &Shared<'_>, state: &mut State, idx: usize, report: StepReport, key: Digest) {
    (shared.cx.on_event)(Event::Finished(&report));
    state.done.insert(idx, (report, key));
}

/// Looks up the waiting steps whose needs have ended. True when one of them ended by that,
/// so that others may now be looked up.
fn look_up_waiting(shared: &Shared<'_>, state: &mut State) -> Result<bool, TierError> {
    let mut has_ended = false;
    for idx in std::mem::take(&mut state.waiting) {
        let step = &shared.plan.steps[idx];
        match needs_of(shared, state, step) {
            Needs::Open => state.waiting.push(idx),
            Needs::Bad(report) => {
                finish(shared, state, idx, *report, Digest::of(""));
                has_ended = true;
            }
            Needs::Passed(keys) => match probe(shared, step, keys)? {
                Probe::Done(report, key) => {
                    finish(shared, state, idx, *report, key);
                    has_ended = true;
                }
                Probe::Run(job) => state.ready.push((idx, job)),
            },
        }
    }
    Ok(has_ended)
}

enum Needs {
    Open,
    Bad(Box<StepReport>),
    Passed(BTreeMap<String, String>),
}

/// Whether a step that stages what it rewrites has to run before this one. One that such a step
/// needs does not wait for it.
fn waits_for_fixes(shared: &Shared<'_>, state: &State, step: &Step) -> bool {
    if shared.cx.staged.is_none() {
        return false;
    }
    let steps = &shared.plan.steps;
    let own = steps.iter().position(|other| other.name == step.name);
    let mut fixing = steps
        .iter()
        .enumerate()
        .filter(|(idx, other)| other.stage_fixed && !state.done.contains_key(idx));
    fixing.any(|(idx, other)| {
        let is_later = step.stage_fixed && Some(idx) > own;
        Some(idx) != own && !is_later && !needs_transitively(steps, other, &step.name)
    })
}

fn needs_transitively(steps: &[Step], step: &Step, name: &str) -> bool {
    step.needs.iter().any(|need| {
        let below = steps.iter().find(|step| step.name == *need);
        need == name || below.is_some_and(|below| needs_transitively(steps, below, name))
    })
}

fn needs_of(shared: &Shared<'_>, state: &State, step: &Step) -> Needs {
    if waits_for_fixes(shared, state, step) {
        return Needs::Open;
    }
    let mut keys = BTreeMap::new();
    for need in &step.needs {
        let steps = &shared.plan.steps;
        let idx = steps.iter().position(|step| step.name == *need);
        let Some((report, key)) = idx.and_then(|idx| state.done.get(&idx)) else {
            return Needs::Open;
        };
        let verb = match report.outcome {
            Outcome::Pass | Outcome::Warn => {
                keys.insert(need.clone(), key.to_string());
                continue;
            }
            Outcome::Fail => "failed",
            Outcome::NotChecked => "was not checked",
            Outcome::Inconclusive => "did not finish",
        };
        return Needs::Bad(Box::new(left_out(
            step,
            &format!("skipped because `{need}` {verb}"),
        )));
    }
    Needs::Passed(keys)
}

fn left_out(step: &Step, why: &str) -> StepReport {
    let mut report = StepReport::new(&step.name, How::Skipped, Outcome::NotChecked, why);
    report.optional = step.optional;
    report
}

/// Starts what may start: within the number of jobs, one holder a lock, inside the budget.
fn start_ready<'scope, 'env>(
    shared: &'env Shared<'env>,
    scope: &'scope Scope<'scope, 'env>,
    state: &mut State,
    sender: &Sender<Ended>,
) {
    for (idx, job) in std::mem::take(&mut state.ready) {
        let step = &shared.plan.steps[idx];
        if let Some(why) = no_time_for(shared, step) {
            finish(shared, state, idx, left_out(step, &why), Digest::of(""));
            continue;
        }
        let is_locked = step
            .lock
            .as_ref()
            .is_some_and(|lock| state.locks.contains(lock));
        if is_locked || state.n_running >= shared.cx.jobs.max(1) {
            state.ready.push((idx, job));
            continue;
        }
        state.locks.extend(step.lock.clone());
        state.n_running += 1;
        (shared.cx.on_event)(Event::Started {
            step: &step.name,
            explanation: &job.explanation,
        });
        let sender = sender.clone();
        scope.spawn(move || {
            let result = step::run(shared, step, &job);
            // The receiver lives until every step has ended.
            let _ = sender.send((idx, job.key, result));
        });
    }
}

fn no_time_for(shared: &Shared<'_>, step: &Step) -> Option<String> {
    let judged = shared.judged();
    if shared.is_interrupted() {
        Some("the run was interrupted before it".to_owned())
    } else if shared.is_over(judged, shared.plan.critical.0) {
        Some(format!(
            "the critical time of {} was over",
            shared.plan.critical
        ))
    } else if step.optional && judged >= shared.plan.target.0 {
        Some(format!(
            "it is optional and the target time of {} was over",
            shared.plan.target
        ))
    } else {
        None
    }
}
