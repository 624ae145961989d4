//! The proxy's counts as samples of the analysis.

use std::collections::BTreeMap;

use base64::Engine;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use super::wire::{Counts, VersionCounts};
use crate::events::ArmSample;
use crate::traffic::Observed;
use crate::version::VersionName;

/// Remembers each version's latencies from before the run, so that p95 is that of the run.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    instance: Option<String>,
    before: BTreeMap<VersionName, Histogram<u64>>,
}

impl Sampler {
    pub(super) fn observed(&mut self, counts: &Counts) -> Observed {
        if self.instance.as_ref() != Some(&counts.instance) {
            self.instance = Some(counts.instance.clone());
            self.before = counts
                .versions
                .iter()
                .filter_map(|(name, version)| Some((*name, histogram(version)?)))
                .collect();
        }
        let arm = |name| {
            let version = counts.versions.get(&name);
            version.map_or_else(ArmSample::default, |version| self.sample(name, version))
        };
        Observed {
            stable: arm(VersionName::Stable),
            canary: arm(VersionName::Canary),
            weight: counts.weight,
            lease_expired_at: counts.lease_expired_at,
            examples: counts
                .versions
                .get(&VersionName::Canary)
                .map(|version| version.examples.clone())
                .unwrap_or_default(),
        }
    }

    fn sample(&self, name: VersionName, counts: &VersionCounts) -> ArmSample {
        let p95_us = histogram(counts).map_or(0, |mut histogram| {
            if let Some(before) = self.before.get(&name) {
                // Fails when another version has this place now: its histogram began anew.
                let _ = histogram.subtract(before);
            }
            if histogram.is_empty() {
                0
            } else {
                histogram.value_at_quantile(0.95)
            }
        });
        ArmSample {
            n: counts.finished.saturating_sub(counts.client_aborts),
            n_bad: counts.failed,
            n_timeout: counts.timeouts,
            n_answered: counts.answered,
            n_slow: counts.slow,
            n_slow_open: counts.slow_open,
            faults: counts.faults,
            n_over_critical: counts.over_critical,
            p95_us,
        }
    }
}

fn histogram(counts: &VersionCounts) -> Option<Histogram<u64>> {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(&counts.latency_us_hdr)
        .ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}
