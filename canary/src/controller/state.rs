//! What one run remembers; the whole of `state.json`. Pure values and their small transitions.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tollgate_report::{Digest, Timestamp};

use super::actions::{Action, NoticeKind, Notification, Record};
use super::phase::{Phase, Stage};
use crate::Weight;
use crate::analysis::{Alarm, Cause, Evidence};
use crate::events::{ArmSample, Event, Moment, ProcessId};
use crate::settings::Plan;

/// The candidate process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are documented in `Event`")]
pub enum Candidate {
    /// Not started yet.
    Absent,
    /// Started, not ready.
    Starting { process: ProcessId },
    /// Ready.
    Ready {
        process: ProcessId,
        addr: SocketAddr,
    },
    /// Ended by itself, or never became ready.
    Gone { detail: String },
}

/// What a version is, for the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// A label such as a version or a commit.
    pub label: String,
    /// The digest of its binary.
    pub digest: Digest,
}

/// Why the run ends as it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// How the run ends.
    pub ends: Phase,
    /// Which rule; absent for a promotion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Why, with its numbers.
    pub reason: String,
    /// When it was decided.
    pub at: Timestamp,
    /// When the trouble began.
    pub since: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attempt {
    pub(super) effect: String,
    pub(super) retry_at_run_ms: u64,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Form of this record.
    pub version: u32,
    /// The run's id.
    pub run: String,
    /// The frozen plan.
    pub plan: Plan,
    /// The plan's digest.
    pub plan_digest: Digest,
    /// The version that serves before the run.
    pub stable: Identity,
    /// The version on trial.
    pub candidate_identity: Identity,
    /// The phase.
    pub phase: Phase,
    /// Since when, in wall time.
    pub phase_since: Timestamp,
    /// Where within promoting or rolling back.
    pub stage: Stage,
    /// The controller's fencing token.
    pub epoch: u64,
    /// The step of the plan, from 0.
    pub step_idx: usize,
    /// Time this step has been held with the weight observed and data present.
    pub bake_ms: u64,
    /// Time spent waiting for evidence after the last step.
    pub waited_ms: u64,
    /// Time a controller has been running this run.
    pub run_ms: u64,
    pub(super) last_mono_ms: Option<u64>,
    pub(super) last_sample_run_ms: u64,
    pub(super) last_weight: Weight,
    /// The weight that is meant.
    pub intended_weight: Weight,
    /// The weight last seen at the data plane.
    pub observed_weight: Option<Weight>,
    pub(super) is_weight_verified: bool,
    /// When weight 0 was seen at the data plane after the decision to go back.
    pub weight_zero_at: Option<Timestamp>,
    /// The candidate process.
    pub candidate: Candidate,
    pub(super) are_thresholds_set: bool,
    /// The slow threshold frozen from the baseline, in microseconds.
    pub slow_us: Option<u64>,
    /// The thresholds are frozen.
    pub is_frozen: bool,
    pub(super) weight_on_since_run_ms: Option<u64>,
    #[serde(default)]
    pub(super) confirm_since_run_ms: u64,
    /// What the analysis remembers.
    pub evidence: Evidence,
    pub(super) last_counts: Option<(ArmSample, ArmSample)>,
    pub(super) is_data_missing: bool,
    pub(super) first_stable_n: Option<u64>,
    /// Failed attempts to observe the weight in this stage.
    pub n_verify_failures: u32,
    /// Who approved the promotion.
    pub approved_by: Option<String>,
    /// Why it was approved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub approved_because: String,
    /// Since when a person is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    #[serde(default)]
    pub(super) is_gate_told: bool,
    pub(super) is_stable_ill_told: bool,
    pub(super) is_unobserved_told: bool,
    /// Why the run ends as it does.
    pub decision: Option<Decision>,
    /// Phases entered, oldest first.
    pub records: Vec<Record>,
    /// Notifications; those not sent are handed over again on resume.
    pub outbox: Vec<Notification>,
    /// Events folded in.
    pub n_events: u64,
    pub(super) attempt: Option<Attempt>,
}

impl State {
    /// A run that has not begun.
    #[must_use]
    pub fn new(
        run: &str,
        plan: Plan,
        versions: (Identity, Identity),
        epoch: u64,
        at: Timestamp,
    ) -> Self {
        Self {
            version: 1,
            run: run.to_owned(),
            plan_digest: plan.digest(),
            plan,
            stable: versions.0,
            candidate_identity: versions.1,
            phase: Phase::Pending,
            phase_since: at,
            stage: Stage::Shift,
            epoch,
            step_idx: 0,
            bake_ms: 0,
            waited_ms: 0,
            run_ms: 0,
            last_mono_ms: None,
            last_sample_run_ms: 0,
            last_weight: Weight::NONE,
            intended_weight: Weight::NONE,
            observed_weight: None,
            is_weight_verified: false,
            weight_zero_at: None,
            candidate: Candidate::Absent,
            are_thresholds_set: false,
            slow_us: None,
            is_frozen: false,
            weight_on_since_run_ms: None,
            confirm_since_run_ms: 0,
            evidence: Evidence::default(),
            last_counts: None,
            is_data_missing: false,
            first_stable_n: None,
            n_verify_failures: 0,
            approved_by: None,
            approved_because: String::new(),
            waiting_since: None,
            is_gate_told: false,
            is_stable_ill_told: false,
            is_unobserved_told: false,
            decision: None,
            records: Vec::new(),
            outbox: Vec::new(),
            n_events: 0,
            attempt: None,
        }
    }

    /// Nothing is left to do: the phase is final, and a held `Inconclusive` is not.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase.is_terminal() || (self.phase == Phase::Inconclusive && self.stage == Stage::Done)
    }

    /// Slow answers count: the canary has had traffic for longer than its grace.
    pub(super) fn counts_slow(&self) -> bool {
        self.weight_on_since_run_ms
            .is_some_and(|since| self.run_ms >= since + self.plan.slow_grace_ms)
    }

    /// Moves the run's own clock. Time between two controllers does not count.
    pub(super) fn advance(&mut self, event: &Event, now: Moment) {
        if !matches!(event, Event::Resumed { .. } | Event::Start)
            && let Some(last) = self.last_mono_ms
        {
            self.run_ms += now.mono_ms.saturating_sub(last);
        }
        self.last_mono_ms = Some(now.mono_ms);
    }

    pub(super) fn mark_sent(&mut self, id: &str) {
        for notification in &mut self.outbox {
            if notification.id == id {
                notification.is_sent = true;
            }
        }
    }

    pub(super) fn intend(&mut self, weight: Weight) {
        self.intended_weight = weight;
        self.is_weight_verified = false;
        self.n_verify_failures = 0;
        self.attempt = None;
    }

    pub(super) fn go_to(&mut self, stage: Stage) {
        self.stage = stage;
        self.attempt = None;
    }

    pub(super) fn record(
        &mut self,
        phase: Phase,
        cause: Option<Cause>,
        reason: &str,
        now: Moment,
        actions: &mut Vec<Action>,
    ) {
        let record = Record {
            event: self.n_events,
            at: now.at,
            phase,
            weight: self.intended_weight,
            cause,
            reason: reason.to_owned(),
        };
        self.records.push(record.clone());
        actions.push(Action::Record(record));
    }

    pub(super) fn enter(
        &mut self,
        phase: Phase,
        cause: Option<Cause>,
        reason: &str,
        now: Moment,
        actions: &mut Vec<Action>,
    ) {
        self.phase = phase;
        self.phase_since = now.at;
        self.attempt = None;
        let is_new =
            phase == Phase::Promoting || (phase == Phase::Inconclusive && self.decision.is_none());
        if is_new {
            self.decision = Some(Decision {
                ends: if phase == Phase::Promoting {
                    Phase::Succeeded
                } else {
                    phase
                },
                cause,
                reason: reason.to_owned(),
                at: now.at,
                since: now.at,
            });
        }
        self.record(phase, cause, reason, now, actions);
        let (kind, title) = match phase {
            Phase::Succeeded => (NoticeKind::Info, "canary promoted"),
            Phase::RolledBack => (NoticeKind::Critical, "canary rolled back"),
            Phase::Aborted => (NoticeKind::Warning, "canary aborted"),
            Phase::Inconclusive => (NoticeKind::Warning, "canary inconclusive"),
            _ => return,
        };
        self.notify(kind, title, reason, now, actions);
    }

    pub(super) fn notify(
        &mut self,
        kind: NoticeKind,
        title: &str,
        text: &str,
        now: Moment,
        actions: &mut Vec<Action>,
    ) {
        let n = self.outbox.len();
        let id = Digest::of(format!("{}/{n}/{title}", self.run))
            .short()
            .to_owned();
        let notification = Notification {
            id,
            kind,
            title: title.to_owned(),
            text: text.to_owned(),
            at: now.at,
            is_sent: false,
        };
        self.outbox.push(notification.clone());
        actions.push(Action::Notify(notification));
    }

    pub(super) fn roll_back(
        &mut self,
        alarm: Alarm,
        ends: Phase,
        now: Moment,
        actions: &mut Vec<Action>,
    ) {
        self.decision = Some(Decision {
            ends,
            cause: Some(alarm.cause),
            reason: alarm.text.clone(),
            at: now.at,
            since: alarm.since,
        });
        self.intend(Weight::NONE);
        self.stage = Stage::Shift;
        self.enter(
            Phase::RollingBack,
            Some(alarm.cause),
            &alarm.text,
            now,
            actions,
        );
    }
}
