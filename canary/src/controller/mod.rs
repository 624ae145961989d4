//! The controller: `step(state, event, now) → (state, actions)`. Pure. The shell carries out the
//! actions and reports each result as an event.
//!
//! It is level-triggered: each step compares the intended state with the observed one and requests
//! what is missing again. A restart needs no special path.

mod actions;
mod approval;
mod fold;
mod phase;
mod reconcile;
mod state;

pub use actions::{Action, NoticeKind, Notification, Record};
pub use approval::WAITING;
pub use phase::{Phase, Stage};
pub use state::{Candidate, Decision, Identity, State};

use crate::Weight;
use crate::analysis::{Alarm, Cause};
use crate::events::{Event, Moment};
use crate::settings::OnInconclusive;

/// One step: applies the event to the state, decides, and returns the next actions. The first action
/// is [`Action::Persist`] whenever another one has an effect outside.
#[must_use]
pub fn step(mut state: State, event: &Event, now: Moment) -> (State, Vec<Action>) {
    let mut actions = Vec::new();
    state.n_events += 1;
    if state.is_over() {
        if let Event::Notified { id } = event {
            state.mark_sent(id);
            actions.push(Action::Persist);
        }
        return (state, actions);
    }
    state.advance(event, now);
    fold::fold(&mut state, event, now, &mut actions);
    if !state.is_over() {
        decide(&mut state, event, now, &mut actions);
        reconcile::reconcile(&mut state, now, &mut actions);
    }
    if actions
        .iter()
        .any(|action| !matches!(action, Action::RenewLease { .. }))
    {
        actions.insert(0, Action::Persist);
    }
    (state, actions)
}

fn decide(state: &mut State, event: &Event, now: Moment, actions: &mut Vec<Action>) {
    match state.phase {
        Phase::Pending | Phase::Progressing => {
            if let Some(alarm) = alarm_of(state, event, now) {
                return state.roll_back(alarm, Phase::RolledBack, now, actions);
            }
            if state.phase == Phase::Progressing {
                progress(state, now, actions);
            }
        }
        Phase::Inconclusive => {
            if let Some(alarm) = alarm_of(state, event, now) {
                return state.roll_back(alarm, Phase::RolledBack, now, actions);
            }
            progress(state, now, actions);
        }
        Phase::Promoting => {
            if let Some(alarm) = alarm_of(state, event, now) {
                ill_while_promoting(state, alarm, now, actions);
            }
        }
        Phase::RollingBack | Phase::Succeeded | Phase::RolledBack | Phase::Aborted => {}
    }
}

/// The newest reason to roll back: the process first, then the analysis.
fn alarm_of(state: &State, event: &Event, now: Moment) -> Option<Alarm> {
    match event {
        Event::CandidateExited { detail } => Some(Alarm {
            cause: Cause::Crash,
            text: format!("the candidate process ended by itself: {detail}"),
            since: now.at,
        }),
        Event::CandidateFailed { detail } => Some(Alarm {
            cause: Cause::NotReady,
            text: format!("the candidate did not become ready: {detail}"),
            since: state.phase_since,
        }),
        _ => state.evidence.alarm(state.run_ms, &state.plan, now.at),
    }
}

/// Before the swap the old version still runs, so traffic returns to it. The exception is an old
/// version that is unhealthy itself while the candidate still runs: then the promotion continues.
fn ill_while_promoting(state: &mut State, alarm: Alarm, now: Moment, actions: &mut Vec<Action>) {
    if !matches!(state.stage, Stage::Shift | Stage::Confirm) {
        if alarm.cause == Cause::Crash {
            let text = format!("{}; it is the stable version by now", alarm.text);
            state.notify(
                NoticeKind::Critical,
                "the promoted version ended",
                &text,
                now,
                actions,
            );
        }
        return;
    }
    let is_dead = matches!(alarm.cause, Cause::Crash | Cause::NotReady);
    if is_dead || !state.evidence.is_stable_ill(state.run_ms, &state.plan) {
        return state.roll_back(alarm, Phase::RolledBack, now, actions);
    }
    if !state.is_stable_ill_told {
        state.is_stable_ill_told = true;
        let text = format!(
            "{}; the stable version is ill too, so traffic is not sent back to it",
            alarm.text
        );
        state.notify(
            NoticeKind::Critical,
            "both versions are ill",
            &text,
            now,
            actions,
        );
    }
}

fn progress(state: &mut State, now: Moment, actions: &mut Vec<Action>) {
    let is_last = state.step_idx + 1 >= state.plan.steps.len();
    let step = &state.plan.steps[state.step_idx];
    if state.bake_ms < step.bake_ms {
        return;
    }
    if !is_last {
        state.step_idx += 1;
        state.bake_ms = 0;
        state.intend(state.plan.steps[state.step_idx].weight);
        let reason = format!(
            "the step is over without an alarm: on to {}",
            state.intended_weight
        );
        return state.record(Phase::Progressing, None, &reason, now, actions);
    }
    let promotion = state.evidence.promotion(&state.plan);
    if promotion.is_shown || state.is_held_approved() {
        if state.must_wait() {
            return state.wait_for_approval(&promotion.text, now, actions);
        }
        let reason = state.approved_reason(promotion.text);
        state.intend(Weight::ALL);
        state.stage = Stage::Shift;
        return state.enter(Phase::Promoting, None, &reason, now, actions);
    }
    if state.phase == Phase::Progressing && state.waited_ms >= state.plan.decide_within_ms {
        let reason = promotion.text;
        match state.plan.on_inconclusive {
            OnInconclusive::Hold => {
                let text = format!("{reason}; the weight stays at {}", state.intended_weight);
                state.enter(
                    Phase::Inconclusive,
                    Some(Cause::NotEnoughEvidence),
                    &text,
                    now,
                    actions,
                );
            }
            OnInconclusive::RollBack => {
                let alarm = Alarm {
                    cause: Cause::NotEnoughEvidence,
                    text: reason,
                    since: now.at,
                };
                state.roll_back(alarm, Phase::Inconclusive, now, actions);
            }
        }
    }
}
