//! Carries out the controller's actions at the traffic provider, the deployer and the disk. Each
//! reports back with an event; none decides anything.

use std::net::SocketAddr;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{CanaryError, Done, Progress, Shell};
use crate::controller::{Action, Candidate};
use crate::events::Event;
use crate::persist::Line;
use crate::traffic::{Change, Check, TrafficError};
use crate::version::VersionName;
use crate::weight::Weight;

impl Shell {
    pub(super) async fn perform(&mut self, action: Action) -> Result<(), CanaryError> {
        let effect = action.effect();
        let epoch = self.lock.epoch;
        let lease = Duration::from_millis(self.state.plan.lease_ms);
        let result = match action {
            Action::Persist => {
                self.events.sync()?;
                self.folder.save(&self.state)?;
                return Ok(());
            }
            Action::Record(record) => {
                self.events.append(&Line::Record(record.clone()))?;
                self.tell(Progress::Record(record));
                return Ok(());
            }
            Action::Notify(notification) => {
                self.hand_over(notification);
                return Ok(());
            }
            Action::StartCandidate => {
                self.start_candidate();
                return Ok(());
            }
            Action::CloseEvidence => {
                self.close_evidence();
                return Ok(());
            }
            Action::DrainVersion { name } => {
                self.drain(name);
                return Ok(());
            }
            Action::StopVersion { name } => {
                self.stop(name);
                return Ok(());
            }
            Action::SetCanary { addr } => self.set(Change::Canary { addr }, epoch, None).await,
            Action::SetThresholds {
                slow_us,
                slow_margin_ppm,
                slow_margin_min_us,
                critical_us,
            } => {
                let change = Change::Thresholds {
                    slow_us,
                    slow_margin_ppm,
                    slow_margin_min_us,
                    critical_us,
                };
                self.set(change, epoch, Some(Event::ThresholdsSet)).await
            }
            Action::SetWeight { weight, epoch } => {
                self.set(Change::Weight { weight, lease }, epoch, None)
                    .await
            }
            Action::VerifyWeight { weight } => self.verify_weight(weight).await,
            Action::RenewLease { epoch } => self.set(Change::Lease { lease }, epoch, None).await,
            Action::Swap { epoch } => {
                let canary = self.candidate_addr();
                let swapped = Some(Event::Swapped);
                self.set(Change::Swap { canary }, epoch, swapped).await
            }
        };
        match result {
            Ok(Some(event)) => self.queue.push_back(event),
            Ok(None) => {}
            Err(TrafficError::Fenced(detail)) => self.queue.push_back(Event::Fenced { detail }),
            Err(TrafficError::Failed(detail)) => self.queue.push_back(Event::EffectFailed {
                effect: effect.to_owned(),
                detail,
            }),
        }
        Ok(())
    }

    /// Changes the data plane; `done` is what happened then.
    async fn set(
        &self,
        change: Change,
        epoch: u64,
        done: Option<Event>,
    ) -> Result<Option<Event>, TrafficError> {
        self.cx.traffic.set(change, epoch).await?;
        Ok(done)
    }

    fn candidate_addr(&self) -> Option<SocketAddr> {
        match &self.state.candidate {
            Candidate::Ready { addr, .. } => Some(*addr),
            Candidate::Absent | Candidate::Starting { .. } | Candidate::Gone { .. } => None,
        }
    }

    /// A share between none and all is read at the provider; none and all are also tried by requests.
    async fn verify_weight(&self, weight: Weight) -> Result<Option<Event>, TrafficError> {
        let plan = &self.state.plan;
        let check = (weight == Weight::NONE || weight == Weight::ALL).then(|| Check {
            path: plan.verify_path.clone(),
            n_requests: plan.verify_requests,
        });
        let seen = self.cx.traffic.verify(check).await?;
        Ok(Some(Event::WeightObserved {
            weight: seen.weight,
            n_checked: seen.n_checked,
            n_canary: seen.n_canary,
        }))
    }

    fn start_candidate(&mut self) {
        let (deployer, done) = (self.cx.deployer.clone(), self.done.0.clone());
        let cancel = CancellationToken::new();
        let cancelled = cancel.clone();
        // Owned by `starting`; `stop` cancels and joins it.
        let handle = tokio::spawn(async move {
            let failed = |detail: String| Done::Event(Event::CandidateFailed { detail });
            let mut instance = match deployer.start() {
                Ok(instance) => instance,
                Err(error) => {
                    let _ = done.send(failed(error.detail));
                    return;
                }
            };
            let _ = done.send(Done::Event(Event::CandidateStarted {
                process: instance.id().clone(),
            }));
            // A lost wait leaves the version running; it is stopped below.
            let ready = tokio::select! {
                ready = instance.ready() => Some(ready),
                () = cancelled.cancelled() => None,
            };
            match ready {
                Some(Ok(addr)) => {
                    let _ = done.send(Done::Ready(instance, addr));
                }
                Some(Err(error)) => {
                    let _ = done.send(failed(error.detail));
                }
                None => instance.stop(Duration::from_secs(5)).await,
            }
        });
        self.starting = Some((handle, cancel));
    }

    fn close_evidence(&self) {
        let (gates, done) = (self.cx.gates.clone(), self.done.0.clone());
        // Ends within the time that requests in flight take, and the loop waits for its event.
        tokio::spawn(async move {
            let gates = match gates {
                Some(gates) => gates.judge().await,
                None => Vec::new(),
            };
            let _ = done.send(Done::Event(Event::Judged { gates }));
        });
    }

    fn drain(&self, name: VersionName) {
        let (traffic, done) = (self.cx.traffic.clone(), self.done.0.clone());
        let deadline = Duration::from_millis(self.state.plan.drain_within_ms);
        // Ends at its deadline at the latest, and the loop waits for its event.
        tokio::spawn(async move {
            let event = match traffic.drain(name, deadline).await {
                Ok(n_in_flight) => Event::Drained { n_in_flight },
                Err(error) => Event::EffectFailed {
                    effect: "drain".to_owned(),
                    detail: error.to_string(),
                },
            };
            let _ = done.send(Done::Event(event));
        });
    }

    fn stop(&mut self, name: VersionName) {
        let instance = match name {
            VersionName::Canary => self.candidate.take(),
            VersionName::Retired | VersionName::Stable => self.cx.stable_instance.take(),
        };
        let starting = (name == VersionName::Canary)
            .then(|| self.starting.take())
            .flatten();
        let within = Duration::from_millis(self.state.plan.stop_within_ms);
        let done = self.done.0.clone();
        // Ends within the time a stop takes, and the loop waits for its event.
        tokio::spawn(async move {
            if let Some((handle, cancel)) = starting {
                cancel.cancel();
                let _ = handle.await;
            }
            if let Some(mut instance) = instance {
                instance.stop(within).await;
            }
            let _ = done.send(Done::Event(Event::Stopped));
        });
    }
}
