//! The controller's actions done for real: at the proxy, the deployer and the disk. Each reports
//! back with an event; none decides anything.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{CanaryError, Done, Progress, Shell};
use crate::controller::{Action, Candidate};
use crate::deploy::{start, wait_ready};
use crate::events::Event;
use crate::persist::Line;
use crate::proxy::{
    ControlError, RenewLease, SetThresholds, SetVersion, SetWeight, VersionName, verify,
};
use crate::weight::Weight;

impl Shell {
    pub(super) async fn perform(&mut self, action: Action) -> Result<(), CanaryError> {
        let effect = action.effect();
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
            Action::DrainVersion { name } => {
                self.drain(name);
                return Ok(());
            }
            Action::StopVersion { name } => {
                self.stop(name);
                return Ok(());
            }
            Action::SetCanary { addr } => self.set_canary(addr).await,
            Action::SetThresholds {
                slow_us,
                critical_us,
            } => self.set_thresholds(slow_us, critical_us).await,
            Action::SetWeight { weight, epoch } => self.set_weight(weight, epoch).await,
            Action::VerifyWeight { weight } => self.verify_weight(weight).await,
            Action::RenewLease { epoch } => {
                let lease_ms = self.state.plan.lease_ms;
                let renewed = self.cx.proxy.renew(&RenewLease { epoch, lease_ms }).await;
                renewed.map(|_| None)
            }
            Action::Swap { epoch } => self.swap(epoch).await,
        };
        match result {
            Ok(Some(event)) => self.queue.push_back(event),
            Ok(None) => {}
            Err(error) if error.is_fenced() => self.queue.push_back(Event::Fenced {
                detail: error.to_string(),
            }),
            Err(error) => self.queue.push_back(Event::EffectFailed {
                effect: effect.to_owned(),
                detail: error.to_string(),
            }),
        }
        Ok(())
    }

    async fn set_canary(&self, addr: SocketAddr) -> Result<Option<Event>, ControlError> {
        let seen = self.cx.proxy.state().await?;
        if seen.versions.get(&VersionName::Canary) == Some(&addr) {
            return Ok(None);
        }
        let wanted = SetVersion {
            name: VersionName::Canary,
            addr: Some(addr),
            epoch: self.lock.epoch,
        };
        self.cx.proxy.set_version(&wanted).await.map(|_| None)
    }

    async fn set_thresholds(
        &self,
        slow_us: Option<u64>,
        critical_us: u64,
    ) -> Result<Option<Event>, ControlError> {
        let wanted = SetThresholds {
            slow_us,
            critical_us: Some(critical_us),
            epoch: self.lock.epoch,
        };
        let set = self.cx.proxy.set_thresholds(&wanted).await;
        set.map(|_| Some(Event::ThresholdsSet))
    }

    async fn set_weight(&self, weight: Weight, epoch: u64) -> Result<Option<Event>, ControlError> {
        let wanted = SetWeight {
            weight,
            epoch,
            lease_ms: self.state.plan.lease_ms,
        };
        self.cx.proxy.set_weight(&wanted).await.map(|_| None)
    }

    /// A share between none and all is read at the proxy; none and all are also tried by requests.
    async fn verify_weight(&self, weight: Weight) -> Result<Option<Event>, ControlError> {
        let seen = self.cx.proxy.state().await?;
        let plan = &self.state.plan;
        let (n_checked, n_canary) = if weight == Weight::NONE || weight == Weight::ALL {
            verify(seen.listen, &plan.verify_path, plan.verify_requests).await
        } else {
            (0, 0)
        };
        Ok(Some(Event::WeightObserved {
            weight: seen.weight,
            n_checked,
            n_canary,
        }))
    }

    async fn swap(&self, epoch: u64) -> Result<Option<Event>, ControlError> {
        let seen = self.cx.proxy.state().await?;
        let is_swapped = matches!(&self.state.candidate, Candidate::Ready { addr, .. }
            if seen.versions.get(&VersionName::Stable) == Some(addr));
        if !is_swapped {
            self.cx.proxy.promote(epoch).await?;
        }
        Ok(Some(Event::Swapped))
    }

    fn start_candidate(&mut self) {
        let (spec, done) = (self.cx.spec.clone(), self.done.0.clone());
        let cancel = CancellationToken::new();
        let cancelled = cancel.clone();
        // Owned by `starting`; `stop` cancels and joins it.
        let handle = tokio::spawn(async move {
            let failed = |detail: String| Done::Event(Event::CandidateFailed { detail });
            let (mut process, port) = match start(&spec) {
                Ok(started) => started,
                Err(error) => {
                    let cause = error.source().map(|e| format!(": {e}"));
                    let _ = done.send(failed(format!("{error}{}", cause.unwrap_or_default())));
                    return;
                }
            };
            let _ = done.send(Done::Event(Event::CandidateStarted {
                process: process.id.clone(),
            }));
            // A lost wait leaves the process running; it is stopped below.
            let ready = tokio::select! {
                ready = wait_ready(&mut process, &spec, port) => Some(ready),
                () = cancelled.cancelled() => None,
            };
            match ready {
                Some(Ok(addr)) => {
                    let _ = done.send(Done::Ready(process, addr));
                }
                Some(Err(error)) => {
                    let _ = done.send(failed(error.to_string()));
                }
                None => process.stop(Duration::from_secs(5)).await,
            }
        });
        self.starting = Some((handle, cancel));
    }

    fn drain(&self, name: VersionName) {
        let (proxy, done) = (self.cx.proxy.clone(), self.done.0.clone());
        let deadline = Duration::from_millis(self.state.plan.drain_within_ms);
        // Ends at its deadline at the latest, and the loop waits for its event.
        tokio::spawn(async move {
            let event = match proxy.drain(name, deadline).await {
                Ok(drained) => Event::Drained {
                    n_in_flight: drained.n_in_flight,
                },
                Err(error) => Event::EffectFailed {
                    effect: "drain".to_owned(),
                    detail: error.to_string(),
                },
            };
            let _ = done.send(Done::Event(event));
        });
    }

    fn stop(&mut self, name: VersionName) {
        let process = match name {
            VersionName::Canary => self.process.take(),
            VersionName::Retired | VersionName::Stable => self.cx.stable_process.take(),
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
            if let Some(mut process) = process {
                process.stop(within).await;
            }
            let _ = done.send(Done::Event(Event::Stopped));
        });
    }
}
