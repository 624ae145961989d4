//! Compares the intended state with the observed one and chooses the next actions. Pure.

use super::actions::Action;
use super::phase::{Phase, Stage};
use super::state::{Attempt, Candidate, State};
use crate::Weight;
use crate::events::Moment;
use crate::numbers::real;
use crate::version::VersionName;

/// A quick effect without an answer is asked for again after this.
const RETRY_MS: u64 = 1_000;
/// An effect whose end the shell always reports is not asked for twice.
const NEVER_MS: u64 = u64::MAX;
/// The baseline is awaited for so many warm-up times before the slow metric is given up.
const WARMUP_TIMES_MAX: u64 = 3;

pub(super) fn reconcile(state: &mut State, now: Moment, actions: &mut Vec<Action>) {
    if matches!(
        state.phase,
        Phase::Progressing | Phase::Inconclusive | Phase::Promoting
    ) && state.intended_weight > Weight::NONE
        && matches!(state.stage, Stage::Shift | Stage::Confirm)
    {
        actions.push(Action::RenewLease { epoch: state.epoch });
    }
    match state.phase {
        Phase::Pending => pending(state, now, actions),
        Phase::Progressing | Phase::Inconclusive => {
            if state.stage == Stage::Shift {
                shift(state, actions);
            }
        }
        Phase::Promoting => promoting(state, actions),
        Phase::RollingBack => rolling_back(state, actions),
        Phase::Succeeded | Phase::RolledBack | Phase::Aborted => {}
    }
}

/// Requests an effect, unless it was requested less than `retry_ms` ago.
fn want(
    state: &mut State,
    effect: &str,
    retry_ms: u64,
    wanted: Vec<Action>,
    actions: &mut Vec<Action>,
) {
    let is_waiting = state
        .attempt
        .as_ref()
        .is_some_and(|attempt| attempt.effect == effect && state.run_ms < attempt.retry_at_run_ms);
    if is_waiting {
        return;
    }
    state.attempt = Some(Attempt {
        effect: effect.to_owned(),
        retry_at_run_ms: state.run_ms.saturating_add(retry_ms),
    });
    actions.extend(wanted);
}

fn pending(state: &mut State, now: Moment, actions: &mut Vec<Action>) {
    match &state.candidate {
        Candidate::Absent => {
            want(
                state,
                "start_candidate",
                NEVER_MS,
                vec![Action::StartCandidate],
                actions,
            );
        }
        Candidate::Ready { .. } => {
            freeze_when_warm(state);
            if state.is_frozen && !state.are_thresholds_set {
                let wanted = vec![set_thresholds(state)];
                want(state, "weight thresholds", RETRY_MS, wanted, actions);
            } else if state.is_frozen {
                let slow = state
                    .slow_us
                    .map_or("not judged, the baseline was too short".to_owned(), |us| {
                        format!("above {:.1} ms", real(us) / 1000.0)
                    });
                let weight = state
                    .plan
                    .steps
                    .first()
                    .map_or(Weight::NONE, |step| step.weight);
                state.intend(weight);
                let reason = format!(
                    "the candidate is ready; {weight} of the traffic, slow answers are {slow}"
                );
                state.enter(Phase::Progressing, None, &reason, now, actions);
                shift(state, actions);
            }
        }
        Candidate::Starting { .. } | Candidate::Gone { .. } => {}
    }
}

fn freeze_when_warm(state: &mut State) {
    if state.is_frozen || state.run_ms < state.plan.warmup_ms {
        return;
    }
    let Some((stable, _)) = state.last_counts else {
        return;
    };
    let n = stable.n - state.first_stable_n.unwrap_or(stable.n).min(stable.n);
    if n >= u64::from(state.plan.warmup_requests_min) && stable.p95_us > 0 {
        state.slow_us = Some(state.plan.slow_us(stable.p95_us));
        state.is_frozen = true;
    } else if state.run_ms >= state.plan.warmup_ms.saturating_mul(WARMUP_TIMES_MAX) {
        state.is_frozen = true;
    }
}

fn set_thresholds(state: &State) -> Action {
    Action::SetThresholds {
        slow_us: state.slow_us,
        slow_margin_ppm: state.plan.slow_margin_ppm,
        slow_margin_min_us: state.plan.slow_margin_min_us,
        critical_us: state.plan.p95_critical_us,
    }
}

/// Sets the intended weight and checks the data plane until the weight is in force. Does so again
/// when the weight is lost later (an expired lease, a restarted proxy).
fn shift(state: &mut State, actions: &mut Vec<Action>) {
    if state
        .observed_weight
        .is_some_and(|seen| seen != state.intended_weight)
    {
        state.is_weight_verified = false;
    }
    if state.is_weight_verified && state.are_thresholds_set {
        return;
    }
    let mut wanted = Vec::new();
    if !state.are_thresholds_set && state.is_frozen {
        wanted.push(set_thresholds(state));
    }
    if state.intended_weight > Weight::NONE
        && let Candidate::Ready { addr, .. } = state.candidate
    {
        wanted.push(Action::SetCanary { addr });
    }
    wanted.push(Action::SetWeight {
        weight: state.intended_weight,
        epoch: state.epoch,
    });
    wanted.push(Action::VerifyWeight {
        weight: state.intended_weight,
    });
    let effect = format!("weight {}", state.intended_weight);
    want(state, &effect, RETRY_MS, wanted, actions);
}

fn promoting(state: &mut State, actions: &mut Vec<Action>) {
    if state.stage == Stage::Shift {
        if !state.is_weight_verified {
            return shift(state, actions);
        }
        state.confirm_since_run_ms = state.run_ms;
        state.go_to(Stage::Confirm);
    }
    if state.stage == Stage::Confirm {
        return confirm(state, actions);
    }
    let (effect, retry_ms, action) = match state.stage {
        Stage::Swap => ("swap", RETRY_MS, Action::Swap { epoch: state.epoch }),
        Stage::Drain => (
            "drain",
            NEVER_MS,
            Action::DrainVersion {
                name: VersionName::Retired,
            },
        ),
        Stage::Stop => (
            "stop",
            NEVER_MS,
            Action::StopVersion {
                name: VersionName::Retired,
            },
        ),
        Stage::Shift | Stage::Confirm | Stage::Done => return,
    };
    want(state, effect, retry_ms, vec![action], actions);
}

/// The canary serves everything for a while and can still go back. Only what the gates say about the
/// closed evidence leads on, see [`super::fold`].
fn confirm(state: &mut State, actions: &mut Vec<Action>) {
    if state
        .observed_weight
        .is_some_and(|seen| seen != state.intended_weight)
    {
        // The lease ran out or the proxy started anew: shown again from the beginning.
        state.is_weight_verified = false;
        return state.go_to(Stage::Shift);
    }
    if state.run_ms >= state.confirm_since_run_ms + state.plan.confirm_ms {
        let wanted = vec![Action::CloseEvidence];
        want(state, "close_evidence", NEVER_MS, wanted, actions);
    }
}

/// The process is stopped only after the data plane was seen to send it nothing. A router that
/// does not obey is tried again until it does; people are told.
fn rolling_back(state: &mut State, actions: &mut Vec<Action>) {
    if state.stage == Stage::Shift {
        if !state.is_weight_verified {
            let wanted = vec![
                Action::SetWeight {
                    weight: Weight::NONE,
                    epoch: state.epoch,
                },
                Action::VerifyWeight {
                    weight: Weight::NONE,
                },
            ];
            return want(state, "weight 0%", RETRY_MS, wanted, actions);
        }
        state.go_to(Stage::Drain);
    }
    let (effect, action) = match state.stage {
        Stage::Drain => (
            "drain",
            Action::DrainVersion {
                name: VersionName::Canary,
            },
        ),
        Stage::Stop => (
            "stop",
            Action::StopVersion {
                name: VersionName::Canary,
            },
        ),
        Stage::Shift | Stage::Confirm | Stage::Swap | Stage::Done => return,
    };
    want(state, effect, NEVER_MS, vec![action], actions);
}
