//! The state of the analysis, and the decisions that follow from it. Pure; whole numbers only, so
//! that a state read back from disk leads to the same decisions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;
use tollgate_stats::rank::theil_sen;
use tollgate_stats::sequential::Trials;

use super::bound::{Claim, excess_upper, n_more_to_decide};
use super::coin::Coin;
use super::rules::{Limits, Lookback};
use super::words::{Alarm, Cause, Metric, MetricReading, Promotion};
use crate::Weight;
use crate::events::{ArmSample, Delta};
use crate::numbers::real;
use crate::settings::Plan;

/// One arm since the canary got traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmTotals {
    /// Summed counts.
    pub total: Delta,
    /// p95 of the run, in microseconds.
    pub p95_us: u64,
}

/// Requests and errors, the coins, the windows, memory and probes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The canary arm.
    pub canary: ArmTotals,
    /// The stable arm.
    pub stable: ArmTotals,
    /// Bad answers as coins.
    pub errors: Coin,
    /// Timeouts as coins.
    pub timeouts: Coin,
    /// Slow answers as coins.
    pub slow: Coin,
    /// When the canary gave its first bad answer.
    pub first_bad_at: Option<Timestamp>,
    first_timeout_at: Option<Timestamp>,
    first_slow_at: Option<Timestamp>,
    canary_lookback: Lookback,
    stable_lookback: Lookback,
    memory: Vec<(u64, u64)>,
    memory_since: Option<Timestamp>,
    probe_failures: BTreeMap<String, (u32, Option<Timestamp>)>,
    last_probe_failure: Option<String>,
    /// Passed probes.
    pub n_probe_passes: u32,
    /// Failed probes.
    pub n_probe_failures: u32,
}

/// Memory samples kept; older ones are thinned out by two.
const N_MEMORY_MAX: usize = 240;
/// The 99.9% point of the standard normal: the lower bound of the growth fails once in a thousand.
const MEMORY_SLOPE_Z: f64 = 3.090_232;

/// One sample's context.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampled {
    pub(crate) weight: Weight,
    pub(crate) at: Timestamp,
    pub(crate) run_ms: u64,
    pub(crate) counts_slow: bool,
}

impl Evidence {
    pub(crate) fn add_traffic(
        &mut self,
        (stable, canary): (Delta, Delta),
        (stable_sample, canary_sample): (ArmSample, ArmSample),
        sampled: Sampled,
        plan: &Plan,
    ) {
        let Sampled { at, run_ms, .. } = sampled;
        self.stable.p95_us = stable_sample.p95_us;
        self.canary.p95_us = canary_sample.p95_us;
        self.stable.total = self.stable.total.plus(stable);
        self.canary.total = self.canary.total.plus(canary);
        let share = self.share_in_force(sampled.weight);
        self.errors.record(share, canary.n_bad, stable.n_bad);
        self.timeouts
            .record(share, canary.n_timeout, stable.n_timeout);
        if canary.n_bad > 0 {
            self.first_bad_at.get_or_insert(at);
        }
        if canary.n_timeout > 0 {
            self.first_timeout_at.get_or_insert(at);
        }
        if sampled.counts_slow {
            self.slow.record(share, canary.n_slow, stable.n_slow);
            if canary.n_slow > 0 {
                self.first_slow_at.get_or_insert(at);
            }
        }
        let limits = limits(plan);
        self.canary_lookback.add(canary, run_ms, at, limits);
        self.stable_lookback.add(stable, run_ms, at, limits);
    }

    /// The weight that was set, or the share that was seen when it is clearly larger (pinned
    /// clients, a router that ignores the weight). Stating too much only lowers the e-value.
    fn share_in_force(&self, weight: Weight) -> Weight {
        let (canary, all) = (
            self.canary.total.n,
            self.canary.total.n + self.stable.total.n,
        );
        if all < 200 {
            return weight;
        }
        let seen = Weight::from_bp(crate::numbers::round_u32(
            real(canary) * 10_000.0 / real(all),
        ));
        if seen.bp() * 4 > weight.bp() * 5 {
            seen
        } else {
            weight
        }
    }

    pub(crate) fn add_memory(&mut self, bytes: u64, run_ms: u64, at: Timestamp) {
        self.memory_since.get_or_insert(at);
        self.memory.push((run_ms, bytes));
        if self.memory.len() > N_MEMORY_MAX {
            let mut is_kept = false;
            self.memory.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
        }
    }

    pub(crate) fn add_probe(&mut self, name: &str, is_fail: bool, detail: &str, at: Timestamp) {
        let row = self.probe_failures.entry(name.to_owned()).or_default();
        if is_fail {
            row.0 += 1;
            row.1.get_or_insert(at);
            self.n_probe_failures += 1;
            self.last_probe_failure = Some(detail.to_owned());
        } else {
            *row = (0, None);
            self.n_probe_passes += 1;
        }
    }

    /// Whether the stable version itself is unhealthy right now.
    #[must_use]
    pub fn is_stable_ill(&self, run_ms: u64, plan: &Plan) -> bool {
        self.stable_lookback
            .is_ill(run_ms, plan.error_rate_critical_ppm)
    }

    /// The newest memory sample in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> Option<u64> {
        self.memory.last().map(|(_, bytes)| *bytes)
    }

    /// The e-processes against their limits.
    #[must_use]
    pub fn readings(&self, plan: &Plan) -> Vec<MetricReading> {
        Metric::ALL
            .into_iter()
            .map(|metric| {
                let coin = match metric {
                    Metric::Errors => &self.errors,
                    Metric::Timeouts => &self.timeouts,
                    Metric::Slow => &self.slow,
                };
                MetricReading {
                    metric,
                    n_canary: coin.n_canary(),
                    n_stable: coin.stable,
                    e_value: coin.log_e_value().exp(),
                    limit: 1e6 / (f64::from(plan.alpha_ppm) * metric.alpha_share()),
                }
            })
            .collect()
    }

    /// The first reason to roll back, the most specific one first.
    #[must_use]
    pub fn alarm(&self, run_ms: u64, plan: &Plan, now: Timestamp) -> Option<Alarm> {
        self.probe_alarm(plan, now)
            .or_else(|| self.memory_alarm(plan, now))
            .or_else(|| self.coin_alarm(plan, now))
            .or_else(|| self.held_alarm(run_ms, plan))
    }

    fn coin_alarm(&self, plan: &Plan, now: Timestamp) -> Option<Alarm> {
        // Timeouts are errors too, and the narrower name says more.
        let order = [Metric::Timeouts, Metric::Errors, Metric::Slow];
        let readings = self.readings(plan);
        let reading = order.into_iter().find_map(|metric| {
            readings
                .iter()
                .find(|reading| reading.metric == metric && reading.e_value >= reading.limit)
        })?;
        let (canary, stable) = (self.canary.total, self.stable.total);
        let (cause, what, since) = match reading.metric {
            Metric::Errors => (Cause::Errors, "errors", self.first_bad_at),
            Metric::Timeouts => (Cause::Timeouts, "timeouts", self.first_timeout_at),
            Metric::Slow => (Cause::SlowAnswers, "slow answers", self.first_slow_at),
        };
        Some(Alarm {
            cause,
            text: format!(
                "{what}: {} of {} canary requests against {} of {} stable ones; e-value {} of {:.0}",
                reading.n_canary,
                canary.n,
                reading.n_stable,
                stable.n,
                e_text(reading.e_value),
                reading.limit
            ),
            since: since.unwrap_or(now),
        })
    }

    fn held_alarm(&self, run_ms: u64, plan: &Plan) -> Option<Alarm> {
        let limits = limits(plan);
        if let Some(held) = self.canary_lookback.errors_for(run_ms, limits) {
            return Some(Alarm {
                cause: Cause::ErrorRateCritical,
                text: format!(
                    "error rate {:.1}% ({} of {} canary requests), over {:.1}% for {}",
                    100.0 * real(held.total.n_bad) / real(held.total.n),
                    held.total.n_bad,
                    held.total.n,
                    f64::from(plan.error_rate_critical_ppm) / 1e4,
                    seconds(run_ms - held.since_run_ms)
                ),
                since: held.since,
            });
        }
        self.canary_lookback.slow_for(run_ms, limits).map(|held| Alarm {
            cause: Cause::LatencyCritical,
            text: format!(
                "p95 over {} ms for {}: {} of {} canary answers were slower; p95 of the run is {} ms",
                plan.p95_critical_us / 1000,
                seconds(run_ms - held.since_run_ms),
                held.total.n_over_critical,
                held.total.n_answered,
                self.canary.p95_us / 1000
            ),
            since: held.since,
        })
    }

    fn probe_alarm(&self, plan: &Plan, now: Timestamp) -> Option<Alarm> {
        let (name, (n, since)) = self
            .probe_failures
            .iter()
            .find(|(_, (n, _))| *n >= plan.probe_failures_max)?;
        Some(Alarm {
            cause: Cause::ProbeFailures,
            text: format!(
                "probe `{name}` failed {n} times in a row: {}",
                self.last_probe_failure.as_deref().unwrap_or("no detail")
            ),
            since: since.unwrap_or(now),
        })
    }

    fn memory_alarm(&self, plan: &Plan, now: Timestamp) -> Option<Alarm> {
        let (last_ms, last) = *self.memory.last()?;
        let since = self.memory_since.unwrap_or(now);
        if last > plan.memory_critical {
            return Some(Alarm {
                cause: Cause::MemoryCritical,
                text: format!(
                    "memory {} of {} at most",
                    mib(last),
                    mib(plan.memory_critical)
                ),
                since,
            });
        }
        let (first_ms, first) = *self.memory.first()?;
        let growth = last.saturating_sub(first);
        if last_ms - first_ms < plan.memory_window_ms || growth < plan.memory_growth_min {
            return None;
        }
        let points: Vec<(f64, f64)> = self
            .memory
            .iter()
            .map(|(ms, bytes)| (real(*ms), real(*bytes)))
            .collect();
        let slope = theil_sen(&points, MEMORY_SLOPE_Z)?;
        let projected = real(last) + slope.lower * real(plan.memory_horizon_ms);
        (slope.lower > 0.0 && projected >= real(plan.memory_critical)).then(|| Alarm {
            cause: Cause::MemoryLeak,
            text: format!(
                "memory grew by {} to {} in {}, at least {:.1} MiB/s; it would pass {} within {}",
                mib(growth),
                mib(last),
                seconds(last_ms - first_ms),
                slope.lower * 1000.0 / 1_048_576.0,
                mib(plan.memory_critical),
                seconds(plan.memory_horizon_ms)
            ),
            since,
        })
    }

    /// Whether the promotion's claim holds.
    #[must_use]
    pub fn promotion(&self, plan: &Plan) -> Promotion {
        let claim = Claim {
            margin: f64::from(plan.margin_ppm) / 1e6,
            alpha: f64::from(plan.promote_alpha_ppm) / 1e6,
        };
        let trials = |arm: ArmTotals| Trials {
            n: arm.total.n,
            n_bad: arm.total.n_bad.min(arm.total.n),
        };
        let (canary, stable) = (trials(self.canary), trials(self.stable));
        let upper = excess_upper(canary, stable, claim);
        let n_more = n_more_to_decide(canary, stable, claim);
        let has_probes = self.n_probe_passes >= plan.probe_passes_min;
        let counted = format!(
            "canary {} bad of {}, stable {} bad of {}",
            canary.n_bad, canary.n, stable.n_bad, stable.n
        );
        let text = if !has_probes {
            format!(
                "{} probes passed, at least {} are needed",
                self.n_probe_passes, plan.probe_passes_min
            )
        } else if n_more == Some(0) {
            format!(
                "excess error rate at most {:.2}%, below the margin of {:.1}% ({counted}; confidence {:.1}%)",
                100.0 * upper,
                100.0 * claim.margin,
                100.0 * (1.0 - claim.alpha)
            )
        } else {
            let wanted = n_more.map_or("more than ten million more requests".to_owned(), |n| {
                format!("{n} more good canary requests")
            });
            format!(
                "excess error rate at most {:.2}%, not yet below the margin of {:.1}% ({counted}); {wanted} would decide",
                100.0 * upper,
                100.0 * claim.margin
            )
        };
        Promotion {
            is_shown: has_probes && n_more == Some(0),
            excess_upper: upper,
            n_more,
            text,
        }
    }
}

fn limits(plan: &Plan) -> Limits {
    Limits {
        latency_for_ms: plan.latency_for_ms,
        error_for_ms: plan.error_rate_for_ms,
        error_rate_ppm: plan.error_rate_critical_ppm,
    }
}

/// An e-value for people: whole below a million, a power of ten above.
pub(crate) fn e_text(e_value: f64) -> String {
    if e_value < 10.0 {
        format!("{e_value:.2}")
    } else if e_value < 1e6 {
        format!("{e_value:.0}")
    } else {
        format!("{e_value:.1e}")
    }
}

/// Milliseconds as seconds with one decimal.
pub(crate) fn seconds(ms: u64) -> String {
    format!("{:.1} s", real(ms) / 1000.0)
}

fn mib(bytes: u64) -> String {
    format!("{:.0} MiB", real(bytes) / 1_048_576.0)
}
