//! Applies one event to the state. Pure.

use super::actions::{Action, NoticeKind};
use super::phase::{Phase, Stage};
use super::state::{Candidate, State};
use crate::Weight;
use crate::analysis::{Alarm, Cause};
use crate::events::{ArmSample, Event, GateVerdict, Moment};

/// Bake time of one sample at most; a longer gap means that nobody was looking.
const BAKE_MAX_MS: u64 = 2_000;
/// A failed effect is retried after this time.
const RETRY_MS: u64 = 300;
/// People are notified after this many failed checks of the data plane.
const VERIFY_FAILURES_TOLD: u32 = 10;

pub(super) fn fold(state: &mut State, event: &Event, now: Moment, actions: &mut Vec<Action>) {
    match event {
        Event::Start => state.record(Phase::Pending, None, "the run begins", now, actions),
        Event::CandidateStarted { process } => {
            state.candidate = Candidate::Starting {
                process: process.clone(),
            };
        }
        Event::CandidateReady { process, addr } => {
            state.candidate = Candidate::Ready {
                process: process.clone(),
                addr: *addr,
            };
            state.attempt = None;
        }
        Event::CandidateFailed { detail } | Event::CandidateExited { detail } => {
            state.candidate = Candidate::Gone {
                detail: detail.clone(),
            };
        }
        Event::Counts {
            stable,
            canary,
            weight,
            examples,
            ..
        } => {
            state.evidence.add_examples(examples);
            fold_counts(state, (**stable, **canary), *weight, now);
        }
        Event::CountsMissing { .. } => state.is_data_missing = true,
        Event::ThresholdsSet => {
            state.are_thresholds_set = true;
            if state.phase == Phase::Pending {
                state.attempt = None;
            }
        }
        Event::WeightObserved {
            weight,
            n_checked,
            n_canary,
        } => fold_observed(state, *weight, (*n_checked, *n_canary), now, actions),
        Event::Swapped => {
            // Only the gates lead to this stage.
            if state.phase == Phase::Promoting && state.stage == Stage::Swap {
                state.go_to(Stage::Drain);
            }
        }
        Event::Drained { .. } => {
            if state.stage == Stage::Drain {
                state.go_to(Stage::Stop);
            }
        }
        Event::Stopped => fold_stopped(state, now, actions),
        Event::EffectFailed { effect, .. } => {
            if let Some(attempt) = state
                .attempt
                .as_mut()
                .filter(|attempt| attempt.effect.starts_with(effect.as_str()))
            {
                attempt.retry_at_run_ms = state.run_ms + RETRY_MS;
            }
        }
        Event::Fenced { .. } => {}
        Event::Memory { bytes } => state.evidence.add_memory(*bytes, state.run_ms, now.at),
        Event::Cpu {
            canary_ms,
            stable_ms,
        } => {
            if state.counts_slow() {
                let evidence = &mut state.evidence;
                evidence.add_cpu(*canary_ms, *stable_ms, state.run_ms, now.at);
            }
        }
        Event::Traffic { stable, canary } => {
            let weight = state.last_weight;
            state.evidence.add_live(*stable, *canary, weight, now.at);
        }
        Event::Query {
            name,
            is_over,
            detail,
        } => {
            let run_ms = state.run_ms;
            state
                .evidence
                .add_query(name, *is_over, detail, run_ms, now.at);
        }
        Event::Judged { gates } => fold_judged(state, gates, now, actions),
        Event::Probe {
            name,
            is_fail,
            detail,
        } => state.evidence.add_probe(name, *is_fail, detail, now.at),
        Event::Approved { by, reason } => state.approve(by, reason, now, actions),
        Event::AbortRequested { by, reason } => abort(state, by, reason, now, actions),
        Event::Notified { id } => state.mark_sent(id),
        Event::Resumed { .. } => fold_resumed(state, event, now, actions),
    }
}

fn fold_counts(
    state: &mut State,
    (stable, canary): (ArmSample, ArmSample),
    weight: Weight,
    now: Moment,
) {
    let was_missing = std::mem::replace(&mut state.is_data_missing, false);
    state.first_stable_n.get_or_insert(stable.n);
    state.observed_weight = Some(weight);
    let Some((stable_before, canary_before)) = state.last_counts.replace((stable, canary)) else {
        state.last_sample_run_ms = state.run_ms;
        return;
    };
    let elapsed_ms = (state.run_ms - state.last_sample_run_ms).min(BAKE_MAX_MS);
    state.last_sample_run_ms = state.run_ms;
    let is_weighed = matches!(
        state.phase,
        Phase::Progressing | Phase::Inconclusive | Phase::Promoting
    );
    let is_open = matches!(state.stage, Stage::Shift | Stage::Confirm);
    if !is_weighed || !is_open || !state.is_frozen {
        return;
    }
    let (stable_delta, canary_delta) = (stable.since(stable_before), canary.since(canary_before));
    let sampled = crate::analysis::Sampled {
        // Requests that were sent under the old weight may finish under the new one: the larger
        // of the two is the careful choice.
        weight: weight.max(state.last_weight),
        at: now.at,
        run_ms: state.run_ms,
        counts_slow: state.counts_slow(),
    };
    state.last_weight = weight;
    state.evidence.add_traffic(
        (stable_delta, canary_delta),
        (stable, canary),
        sampled,
        &state.plan,
    );
    if was_missing || weight != state.intended_weight {
        return;
    }
    let is_baked = state
        .plan
        .steps
        .get(state.step_idx)
        .is_none_or(|step| state.bake_ms >= step.bake_ms);
    if is_baked {
        state.waited_ms += elapsed_ms;
    } else {
        state.bake_ms += elapsed_ms;
    }
}

/// The evidence is closed: a promotion continues only when every gate passed.
fn fold_judged(state: &mut State, gates: &[GateVerdict], now: Moment, actions: &mut Vec<Action>) {
    if state.phase != Phase::Promoting || state.stage != Stage::Confirm {
        return;
    }
    match gates.iter().find(|gate| !gate.has_passed) {
        None => state.go_to(Stage::Swap),
        Some(gate) => {
            let alarm = Alarm {
                cause: Cause::Gate,
                text: format!("gate {}: {}", gate.gate, gate.reason),
                since: now.at,
            };
            state.roll_back(alarm, Phase::RolledBack, now, actions);
        }
    }
}

fn fold_observed(
    state: &mut State,
    weight: Weight,
    (n_checked, n_canary): (u32, u32),
    now: Moment,
    actions: &mut Vec<Action>,
) {
    state.observed_weight = Some(weight);
    let landed = match state.intended_weight {
        Weight::NONE => n_checked > 0 && n_canary == 0,
        Weight::ALL => n_checked > 0 && n_canary == n_checked,
        _ => true,
    };
    if weight == state.intended_weight && landed {
        state.is_weight_verified = true;
        if state.phase == Phase::RollingBack {
            state.weight_zero_at.get_or_insert(now.at);
        }
        state.n_verify_failures = 0;
        state.attempt = None;
        if weight > Weight::NONE {
            state.weight_on_since_run_ms.get_or_insert(state.run_ms);
        }
        return;
    }
    state.n_verify_failures += 1;
    if let Some(attempt) = &mut state.attempt {
        attempt.retry_at_run_ms = state.run_ms + RETRY_MS;
    }
    if state.n_verify_failures >= VERIFY_FAILURES_TOLD && !state.is_unobserved_told {
        state.is_unobserved_told = true;
        let text = format!(
            "weight {} was set, but the data plane shows {weight} and {n_canary} of {n_checked} verifying requests landed on the canary",
            state.intended_weight
        );
        state.notify(
            NoticeKind::Critical,
            "weight not observed",
            &text,
            now,
            actions,
        );
    }
}

fn fold_stopped(state: &mut State, now: Moment, actions: &mut Vec<Action>) {
    if state.stage != Stage::Stop {
        return;
    }
    match state.phase {
        Phase::RollingBack => {
            state.go_to(Stage::Done);
            let decision = state
                .decision
                .clone()
                .expect("rolling back is only entered with a decision");
            state.enter(
                decision.ends,
                decision.cause,
                &decision.reason,
                now,
                actions,
            );
        }
        Phase::Promoting => {
            state.go_to(Stage::Done);
            let reason = state
                .decision
                .as_ref()
                .map(|decision| decision.reason.clone())
                .unwrap_or_default();
            state.enter(Phase::Succeeded, None, &reason, now, actions);
        }
        _ => {}
    }
}

/// Works in every phase until the candidate has become stable; from then on there is nothing to
/// go back to, and the run ends as promoted.
fn abort(state: &mut State, by: &str, reason: &str, now: Moment, actions: &mut Vec<Action>) {
    let can_go_back = matches!(state.stage, Stage::Shift | Stage::Confirm);
    let is_swapped = state.phase == Phase::Promoting && !can_go_back;
    if is_swapped {
        let text = format!("`{by}` asked to abort ({reason}), but the candidate is stable already");
        return state.record(state.phase, Some(Cause::Aborted), &text, now, actions);
    }
    if state.phase == Phase::RollingBack {
        return;
    }
    let alarm = Alarm {
        cause: Cause::Aborted,
        text: format!("aborted by `{by}`: {reason}"),
        since: now.at,
    };
    state.roll_back(alarm, Phase::Aborted, now, actions);
}

fn fold_resumed(state: &mut State, event: &Event, now: Moment, actions: &mut Vec<Action>) {
    let Event::Resumed {
        down_ms,
        epoch,
        is_candidate_alive,
        is_swapped,
        weight,
    } = event
    else {
        return;
    };
    state.epoch = *epoch;
    state.attempt = None;
    state.is_weight_verified = false;
    state.observed_weight = Some(*weight);
    state.is_data_missing = true;
    state.are_thresholds_set = false;
    let text = format!(
        "a new controller took over after {}; the weight at the proxy is {weight}",
        crate::analysis::seconds(*down_ms)
    );
    state.record(state.phase, None, &text, now, actions);
    if *is_swapped && state.phase == Phase::Promoting {
        if matches!(state.stage, Stage::Shift | Stage::Confirm | Stage::Swap) {
            state.go_to(Stage::Drain);
        }
        return;
    }
    if state.phase == Phase::RollingBack {
        return state.go_to(Stage::Shift);
    }
    if state.phase == Phase::Promoting {
        state.go_to(Stage::Shift);
    }
    let alarm = |cause, text: String| Alarm {
        cause,
        text,
        since: now.at,
    };
    if *down_ms > state.plan.gone_max_ms {
        let text = format!(
            "nobody was in control for {}, more than {}",
            crate::analysis::seconds(*down_ms),
            crate::analysis::seconds(state.plan.gone_max_ms)
        );
        return state.roll_back(
            alarm(Cause::ControllerGone, text),
            Phase::RolledBack,
            now,
            actions,
        );
    }
    match &state.candidate {
        Candidate::Ready { .. } if !is_candidate_alive => {
            let text = "the candidate process ended while nobody was in control".to_owned();
            state.candidate = Candidate::Gone {
                detail: text.clone(),
            };
            state.roll_back(alarm(Cause::Crash, text), Phase::RolledBack, now, actions);
        }
        Candidate::Starting { .. } => state.candidate = Candidate::Absent,
        _ => {}
    }
}
