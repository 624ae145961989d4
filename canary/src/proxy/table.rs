//! Which version the next request goes to: weight, lease and fencing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tollgate_report::Timestamp;

use super::backend::Backend;
use super::wire::VersionName;
use crate::Weight;
use crate::ledger::{Baseline, Thresholds};

/// 2⁶⁴ divided by the golden ratio: the additive sequence with the lowest discrepancy
/// (Knuth, The Art of Computer Programming 3, 6.4). The share is exact to a request or two at all
/// times, and unlike every tenth it never falls in step with a client's own rhythm.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A request was refused; the words are for the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("epoch {got} is out of date: a newer controller is in charge with epoch {seen}")]
    OldEpoch { got: u64, seen: u64 },
    #[error("there is no canary to give a weight to: set its address first")]
    NoCanary,
    #[error("the canary's address cannot change while it has weight {0}")]
    CanaryHasWeight(Weight),
    #[error("the stable version cannot be removed or retired: only a promotion replaces it")]
    StableStays,
    #[error("version `{0}` cannot be drained: it still gets new requests")]
    StillRouted(VersionName),
    #[error("there is no version `{0}`")]
    NoSuchVersion(VersionName),
}

/// The routing table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) versions: BTreeMap<VersionName, Arc<Backend>>,
    pub(super) set_weight: Weight,
    pub(super) epoch: u64,
    lease_until: Option<Instant>,
    pub(super) lease_expired_at: Option<Timestamp>,
    pub(super) thresholds: Thresholds,
    pub(super) baseline: Arc<Baseline>,
    sequence: u64,
}

impl Table {
    pub(super) fn new(stable: SocketAddr, canary: Option<SocketAddr>) -> Self {
        let baseline = Arc::<Baseline>::default();
        let stable = Backend::new(stable, &baseline);
        let mut versions = BTreeMap::from([(VersionName::Stable, stable)]);
        if let Some(canary) = canary {
            versions.insert(VersionName::Canary, Backend::new(canary, &baseline));
        }
        Self {
            versions,
            set_weight: Weight::NONE,
            epoch: 0,
            lease_until: None,
            lease_expired_at: None,
            thresholds: Thresholds::default(),
            baseline,
            sequence: 0,
        }
    }

    pub(super) fn backend(&self, name: VersionName) -> Result<Arc<Backend>, Refused> {
        self.versions
            .get(&name)
            .cloned()
            .ok_or(Refused::NoSuchVersion(name))
    }

    /// The weight in force: 0 once the lease has run out.
    pub(super) fn weight(&self, now: Instant) -> Weight {
        match self.lease_until {
            Some(until) if now < until => self.set_weight,
            _ => Weight::NONE,
        }
    }

    /// Notes that the lease ran out, with the time at which it did.
    pub(super) fn expire(&mut self, now: Instant, at: Timestamp) {
        if let Some(until) = self.lease_until.filter(|until| now >= *until) {
            self.lease_until = None;
            if self.set_weight > Weight::NONE {
                self.lease_expired_at = Some(at.minus(now - until));
            }
        }
    }

    pub(super) fn lease_left(&self, now: Instant) -> Option<Duration> {
        (self.set_weight > Weight::NONE)
            .then_some(self.lease_until?)
            .map(|until| until.saturating_duration_since(now))
    }

    /// The next request's version, and the other live one for a retry.
    pub(super) fn route(&mut self, now: Instant, pin: Option<VersionName>) -> VersionName {
        if let Some(pin) = pin.filter(|pin| self.versions.contains_key(pin)) {
            return pin;
        }
        let weight = self.weight(now);
        self.sequence = self.sequence.wrapping_add(GOLDEN);
        let bound = u128::from(weight.bp()) * (1u128 << 64) / 10_000;
        if self.versions.contains_key(&VersionName::Canary) && u128::from(self.sequence) < bound {
            VersionName::Canary
        } else {
            VersionName::Stable
        }
    }

    /// The version that may take over a request which `failed` could not take. A canary without
    /// weight is not live.
    pub(super) fn other(&self, failed: VersionName, now: Instant) -> Option<VersionName> {
        match failed {
            VersionName::Canary => Some(VersionName::Stable),
            VersionName::Stable => (self.weight(now) > Weight::NONE
                && self.versions.contains_key(&VersionName::Canary))
            .then_some(VersionName::Canary),
            VersionName::Retired => None,
        }
    }

    /// Accepts the newest controller and refuses older ones.
    pub(super) fn fence(&mut self, epoch: u64) -> Result<(), Refused> {
        if epoch < self.epoch {
            return Err(Refused::OldEpoch {
                got: epoch,
                seen: self.epoch,
            });
        }
        self.epoch = epoch;
        Ok(())
    }

    pub(super) fn set_weight(
        &mut self,
        weight: Weight,
        lease_until: Instant,
    ) -> Result<(), Refused> {
        if weight > Weight::NONE && !self.versions.contains_key(&VersionName::Canary) {
            return Err(Refused::NoCanary);
        }
        self.set_weight = weight;
        self.lease_until = (weight > Weight::NONE).then_some(lease_until);
        self.lease_expired_at = None;
        Ok(())
    }

    /// Prolongs a lease that still runs; one that ran out stays out until a weight is set.
    pub(super) fn renew(&mut self, now: Instant, lease_until: Instant) {
        if self.lease_until.is_some_and(|until| now < until) {
            self.lease_until = Some(lease_until);
        }
    }

    pub(super) fn set_version(
        &mut self,
        name: VersionName,
        addr: Option<SocketAddr>,
        now: Instant,
    ) -> Result<(), Refused> {
        if name != VersionName::Canary {
            return Err(Refused::StableStays);
        }
        let has_it = self.versions.get(&name).map(|backend| backend.addr) == addr;
        if has_it {
            return Ok(());
        }
        let weight = self.weight(now);
        if weight > Weight::NONE {
            return Err(Refused::CanaryHasWeight(weight));
        }
        match addr {
            Some(addr) => self
                .versions
                .insert(name, Backend::new(addr, &self.baseline)),
            None => self.versions.remove(&name),
        };
        Ok(())
    }

    /// The canary becomes stable in one step; the old stable version is retired.
    pub(super) fn promote(&mut self) -> Result<(), Refused> {
        let canary = self
            .versions
            .remove(&VersionName::Canary)
            .ok_or(Refused::NoCanary)?;
        if let Some(old) = self.versions.insert(VersionName::Stable, canary) {
            self.versions.insert(VersionName::Retired, old);
        }
        self.set_weight = Weight::NONE;
        self.lease_until = None;
        Ok(())
    }

    /// A version may be drained when nothing new goes to it.
    pub(super) fn drainable(
        &self,
        name: VersionName,
        now: Instant,
    ) -> Result<Arc<Backend>, Refused> {
        let is_routed = match name {
            VersionName::Stable => true,
            VersionName::Canary => self.weight(now) > Weight::NONE,
            VersionName::Retired => false,
        };
        if is_routed {
            return Err(Refused::StillRouted(name));
        }
        self.backend(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let addr = SocketAddr::from(([127, 0, 0, 1], 1));
        Table::new(addr, Some(addr))
    }

    #[test]
    fn the_share_is_exact_and_out_of_step_with_every_rhythm() {
        let now = Instant::now();
        let mut table = table();
        table
            .set_weight(Weight::from_bp(1_000), now + Duration::from_secs(9))
            .unwrap();
        let routed: Vec<bool> = (0..10_000)
            .map(|_| table.route(now, None) == VersionName::Canary)
            .collect();
        let n = routed.iter().filter(|is_canary| **is_canary).count();
        assert!((998..=1_002).contains(&n), "{n}");
        for period in [2, 5, 10, 16] {
            let n_first = routed.iter().step_by(period).filter(|c| **c).count();
            let want = 1_000 / period;
            assert!(
                n_first.abs_diff(want) <= 12,
                "period {period}: {n_first} of {want}"
            );
        }
    }

    #[test]
    fn an_older_controller_is_refused_and_a_lost_lease_is_not_revived_by_renewing() {
        let now = Instant::now();
        let mut table = table();
        table.fence(7).unwrap();
        assert!(matches!(
            table.fence(6),
            Err(Refused::OldEpoch { got: 6, seen: 7 })
        ));
        let soon = now + Duration::from_secs(1);
        table.set_weight(Weight::ALL, soon).unwrap();
        table.expire(soon, Timestamp::EPOCH);
        table.renew(soon, soon + Duration::from_secs(5));
        assert_eq!(table.weight(soon), Weight::NONE);
        assert!(table.lease_expired_at.is_some());
    }
}
