//! The traffic of a canary whose promotion stays: the release is recorded before the proxy swaps.

use std::time::Duration;

use tollgate_canary::traffic::{Answer, Change, Check, Observed, Traffic, TrafficError, Verified};
use tollgate_canary::version::VersionName;

/// Calls `promoted` before each swap. Whoever dies in between leaves a record that is carried out.
pub struct RecordedTraffic<T> {
    traffic: T,
    promoted: Box<dyn Fn() -> Result<(), String> + Send + Sync>,
}

impl<T> RecordedTraffic<T> {
    pub fn new(
        traffic: T,
        promoted: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            traffic,
            promoted: Box::new(promoted),
        }
    }
}

impl<T: Traffic> Traffic for RecordedTraffic<T> {
    fn observe(&self) -> Answer<'_, Observed> {
        self.traffic.observe()
    }

    fn set(&self, change: Change, epoch: u64) -> Answer<'_, ()> {
        Box::pin(async move {
            if matches!(change, Change::Swap { .. }) {
                (self.promoted)().map_err(TrafficError::Failed)?;
            }
            self.traffic.set(change, epoch).await
        })
    }

    fn verify(&self, check: Option<Check>) -> Answer<'_, Verified> {
        self.traffic.verify(check)
    }

    fn drain(&self, version: VersionName, deadline: Duration) -> Answer<'_, u64> {
        self.traffic.drain(version, deadline)
    }
}
