//! The embedded proxy as a provider of traffic, spoken to through its control interface.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::client::{ControlClient, ControlError, verify};
use super::samples::Sampler;
use super::wire::{RenewLease, SetThresholds, SetVersion, SetWeight};
use crate::numbers::ms;
use crate::traffic::{Answer, Change, Check, Observed, Traffic, TrafficError, Verified};
use crate::version::VersionName;

/// The traffic through one proxy during one run: counts start with its first observation.
#[derive(Debug)]
pub struct ProxyTraffic {
    control: ControlClient,
    sampler: Mutex<Sampler>,
}

impl ProxyTraffic {
    /// The proxy behind this client.
    #[must_use]
    pub fn new(control: ControlClient) -> Self {
        Self {
            control,
            sampler: Mutex::default(),
        }
    }

    async fn set(&self, change: Change, epoch: u64) -> Result<(), ControlError> {
        let control = &self.control;
        match change {
            Change::Canary { addr } => {
                let seen = control.state().await?;
                if seen.versions.get(&VersionName::Canary) != Some(&addr) {
                    let wanted = SetVersion {
                        name: VersionName::Canary,
                        addr: Some(addr),
                        epoch,
                    };
                    control.set_version(&wanted).await?;
                }
            }
            Change::Thresholds {
                slow_us,
                slow_margin_ppm,
                slow_margin_min_us,
                critical_us,
            } => {
                let wanted = SetThresholds {
                    slow_us,
                    slow_margin_ppm,
                    slow_margin_min_us,
                    critical_us: Some(critical_us),
                    epoch,
                };
                control.set_thresholds(&wanted).await?;
            }
            Change::Weight { weight, lease } => {
                let wanted = SetWeight {
                    weight,
                    epoch,
                    lease_ms: ms(lease),
                };
                control.set_weight(&wanted).await?;
            }
            Change::Lease { lease } => {
                let wanted = RenewLease {
                    epoch,
                    lease_ms: ms(lease),
                };
                control.renew(&wanted).await?;
            }
            Change::Swap { canary } => {
                let seen = control.state().await?;
                let stable = seen.versions.get(&VersionName::Stable);
                if canary.is_none() || stable != canary.as_ref() {
                    control.promote(epoch).await?;
                }
            }
        }
        Ok(())
    }
}

impl From<ControlError> for TrafficError {
    fn from(error: ControlError) -> Self {
        if error.is_fenced() {
            Self::Fenced(error.to_string())
        } else {
            Self::Failed(error.to_string())
        }
    }
}

impl Traffic for ProxyTraffic {
    fn observe(&self) -> Answer<'_, Observed> {
        Box::pin(async {
            let counts = self.control.counts().await?;
            let mut sampler = self.sampler.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(sampler.observed(&counts))
        })
    }

    fn set(&self, change: Change, epoch: u64) -> Answer<'_, ()> {
        Box::pin(async move { Ok(Self::set(self, change, epoch).await?) })
    }

    fn verify(&self, check: Option<Check>) -> Answer<'_, Verified> {
        Box::pin(async move {
            let seen = self.control.state().await?;
            let (n_checked, n_canary) = match check {
                Some(check) => verify(seen.listen, &check.path, check.n_requests).await,
                None => (0, 0),
            };
            Ok(Verified {
                weight: seen.weight,
                stable: seen.versions.get(&VersionName::Stable).copied(),
                n_checked,
                n_canary,
            })
        })
    }

    fn drain(&self, version: VersionName, deadline: Duration) -> Answer<'_, u64> {
        Box::pin(async move { Ok(self.control.drain(version, deadline).await?.n_in_flight) })
    }
}
