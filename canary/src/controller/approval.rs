//! The manual gate: a person is waited for, and approves with a name and a reason. Pure.

use super::actions::{Action, NoticeKind};
use super::phase::{Phase, Stage};
use super::state::State;
use crate::events::Moment;

/// The title of the message that a person is waited for.
pub const WAITING: &str = "waiting for approval";

impl State {
    /// Whether a person is waited for: at the manual gate, or because the evidence decides nothing.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        let is_open = matches!(self.phase, Phase::Progressing | Phase::Inconclusive)
            && self.stage == Stage::Shift;
        let is_held = self.phase == Phase::Inconclusive;
        is_open && self.approved_by.is_none() && (self.waiting_since.is_some() || is_held)
    }

    /// What the person who is waited for can do.
    #[must_use]
    pub fn waiting_text(&self) -> Option<String> {
        let run = &self.run;
        self.is_waiting().then(|| {
            format!(
                "it waits for a person: `{{tollgate}} canary approve {run} --reason TEXT` promotes it, `{{tollgate}} canary abort {run}` takes it back"
            )
        })
    }

    pub(super) fn must_wait(&self) -> bool {
        self.plan.manual_gate && self.approved_by.is_none()
    }

    /// A held run was approved although the evidence does not show that it is good.
    pub(super) fn is_held_approved(&self) -> bool {
        self.phase == Phase::Inconclusive && self.approved_by.is_some()
    }

    pub(super) fn wait_for_approval(
        &mut self,
        shown: &str,
        now: Moment,
        actions: &mut Vec<Action>,
    ) {
        // The time that a person takes is not time without evidence.
        self.waited_ms = 0;
        if self.is_gate_told {
            return;
        }
        self.is_gate_told = true;
        self.waiting_since = Some(now.at);
        let how = self.waiting_text().unwrap_or_default();
        let text = format!("{shown}; {how}; it is judged meanwhile");
        self.record(self.phase, None, &text, now, actions);
        self.notify(NoticeKind::Warning, WAITING, &text, now, actions);
    }

    pub(super) fn approve(
        &mut self,
        by: &str,
        reason: &str,
        now: Moment,
        actions: &mut Vec<Action>,
    ) {
        if !self.is_waiting() {
            let text = format!("`{by}` approved ({reason}), but nobody was waited for");
            return self.record(self.phase, None, &text, now, actions);
        }
        self.approved_by = Some(by.to_owned());
        reason.clone_into(&mut self.approved_because);
        let text = format!("approved by `{by}`: {reason}");
        self.record(self.phase, None, &text, now, actions);
    }

    /// The reason of a promotion, with the approval.
    pub(super) fn approved_reason(&self, shown: String) -> String {
        match &self.approved_by {
            Some(by) => format!("{shown}; approved by `{by}`: {}", self.approved_because),
            None => shown,
        }
    }
}
