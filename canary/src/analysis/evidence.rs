//! The state of the analysis, and the decisions that follow from it. Pure; whole numbers only, so
//! that a state read back from disk leads to the same decisions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;
use tollgate_stats::rank::theil_sen;
use tollgate_stats::sequential::Trials;

use super::bound::{Claim, excess_upper, n_more_to_decide};
use super::coin::Coin;
use super::rules::{ERROR_RULE_BAD_MIN, ERROR_RULE_REQUESTS_MIN, Limits, Lookback};
use super::words::{Alarm, Cause, Metric, MetricReading, Promotion};
use crate::Weight;
use crate::events::{ArmSample, Delta, TrafficArm};
use crate::fault::Fault;
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
    /// Each metric's events as coins; those without an event are absent.
    pub coins: BTreeMap<Metric, Coin>,
    /// When the canary gave its first bad answer.
    pub first_bad_at: Option<Timestamp>,
    /// When each metric's first event of the canary occurred.
    first_at: BTreeMap<Metric, Timestamp>,
    /// The operation of the canary in which a fault occurred last, by the fault's word.
    examples: BTreeMap<String, String>,
    /// The live traffic as last reported: stable and canary.
    live: (TrafficArm, TrafficArm),
    /// What the canary did with all of the traffic.
    full: Delta,
    n_slow_open: u64,
    cpu: Vec<(u64, u64, u64)>,
    cpu_since: Option<Timestamp>,
    queries: BTreeMap<String, QueryState>,
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

/// A promotion waits while a metric's e-value is above this.
const SUSPICIOUS: f64 = 100.0;
/// CPU is judged over at least this time, in two halves.
const CPU_WINDOW_MIN_MS: u64 = 8_000;
/// Cores above twice the stable version's that are critical.
const CPU_EXCESS_CORES: f64 = 0.5;

/// The results of one metrics query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryState {
    n_passes: u64,
    over_since: Option<(u64, Timestamp)>,
    detail: String,
}

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
        for metric in Metric::all() {
            let is_slow = matches!(metric, Metric::Slow | Metric::Seen(Fault::FirstByte));
            let (n_canary, n_stable) = (metric.count(&canary), metric.count(&stable));
            if (n_canary > 0 || n_stable > 0) && (sampled.counts_slow || !is_slow) {
                self.record(metric, share, (n_canary, n_stable), at);
            }
        }
        if canary.n_bad > 0 {
            self.first_bad_at.get_or_insert(at);
        }
        self.n_slow_open = canary_sample.n_slow_open;
        if sampled.weight == Weight::ALL {
            self.full = self.full.plus(canary);
        }
        let limits = limits(plan);
        self.canary_lookback.add(&canary, run_ms, at, limits);
        self.stable_lookback.add(&stable, run_ms, at, limits);
    }

    fn record(
        &mut self,
        metric: Metric,
        share: Weight,
        (n_canary, n_stable): (u64, u64),
        at: Timestamp,
    ) {
        let coin = self.coins.entry(metric).or_default();
        coin.record(share, n_canary, n_stable);
        if n_canary > 0 {
            self.first_at.entry(metric).or_insert(at);
        }
    }

    /// Live traffic, cumulative; a count that went back belongs to a new start of the traffic.
    pub(crate) fn add_live(
        &mut self,
        stable: TrafficArm,
        canary: TrafficArm,
        weight: Weight,
        at: Timestamp,
    ) {
        let before = std::mem::replace(&mut self.live, (stable, canary));
        let n_stable = stable.n_bad.saturating_sub(before.0.n_bad);
        let n_canary = canary.n_bad.saturating_sub(before.1.n_bad);
        if n_stable + n_canary > 0 {
            let share = self.share_in_force(weight);
            self.record(Metric::LiveTraffic, share, (n_canary, n_stable), at);
        }
    }

    pub(crate) fn add_examples(&mut self, examples: &BTreeMap<String, String>) {
        self.examples.extend(examples.clone());
    }

    /// CPU time that both versions have used, in milliseconds.
    pub(crate) fn add_cpu(&mut self, canary_ms: u64, stable_ms: u64, run_ms: u64, at: Timestamp) {
        self.cpu_since.get_or_insert(at);
        self.cpu.push((run_ms, canary_ms, stable_ms));
        if self.cpu.len() > N_MEMORY_MAX {
            self.cpu.remove(0);
        }
    }

    /// One result of a metrics query; absent when it could not be made.
    pub(crate) fn add_query(
        &mut self,
        name: &str,
        is_over: Option<bool>,
        detail: &str,
        run_ms: u64,
        at: Timestamp,
    ) {
        let query = self.queries.entry(name.to_owned()).or_default();
        detail.clone_into(&mut query.detail);
        match is_over {
            // Missing data is neither a pass nor a fault.
            None => query.over_since = None,
            Some(true) => {
                query.over_since.get_or_insert((run_ms, at));
            }
            Some(false) => {
                query.over_since = None;
                query.n_passes += 1;
            }
        }
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

    /// One metric's coin.
    #[must_use]
    pub fn coin(&self, metric: Metric) -> Coin {
        self.coins.get(&metric).cloned().unwrap_or_default()
    }

    /// The e-processes against their limits.
    #[must_use]
    pub fn readings(&self, plan: &Plan) -> Vec<MetricReading> {
        let metrics = Metric::all().into_iter();
        metrics.map(|metric| self.reading(metric, plan)).collect()
    }

    fn reading(&self, metric: Metric, plan: &Plan) -> MetricReading {
        let coin = self.coin(metric);
        let mut reading = MetricReading {
            metric,
            n_canary: coin.n_canary(),
            n_stable: coin.stable,
            e_value: coin.log_e_value().exp(),
            limit: plan.e_limit(metric, &coin),
            alpha: plan.alpha_of(metric),
        };
        if metric == Metric::Errors {
            let (quick, limit) = (coin.log_ratio().exp(), plan.quick_limit(&coin));
            // The test that is nearer to its limit is the one that is shown.
            if quick / limit > reading.e_value / reading.limit {
                (reading.e_value, reading.limit) = (quick, limit);
            }
        }
        reading
    }

    /// The readings whose e-value may be at least `floor`; the others need not be computed.
    fn readings_above(&self, floor: f64, plan: &Plan) -> Vec<MetricReading> {
        let likely = Metric::all().into_iter().filter(|metric| {
            let coin = self.coins.get(metric);
            coin.is_some_and(|coin| coin.log_e_value_max() >= floor.ln())
        });
        likely.map(|metric| self.reading(metric, plan)).collect()
    }

    /// The first reason to roll back, the most specific one first.
    #[must_use]
    pub fn alarm(&self, run_ms: u64, plan: &Plan, now: Timestamp) -> Option<Alarm> {
        self.probe_alarm(plan, now)
            .or_else(|| self.memory_alarm(plan, now))
            .or_else(|| self.cpu_alarm(plan, now))
            .or_else(|| self.coin_alarm(plan, now))
            .or_else(|| self.query_alarm(run_ms, plan))
            .or_else(|| self.full_alarm(plan, now))
            .or_else(|| self.held_alarm(run_ms, plan))
    }

    fn coin_alarm(&self, plan: &Plan, now: Timestamp) -> Option<Alarm> {
        let readings = self.readings_above(plan.e_limit_min(), plan);
        let reading = readings
            .iter()
            .find(|reading| reading.e_value >= reading.limit)?;
        let (canary, stable) = (self.canary.total, self.stable.total);
        let (cause, title) = self.named(reading.metric);
        let example = self.examples.get(cause.word());
        let example =
            example.map_or_else(String::new, |operation| format!(", such as `{operation}`"));
        Some(Alarm {
            cause,
            text: format!(
                "{title}: {} of {} canary requests against {} of {} stable ones{example}; e-value {} of {:.0} (alpha {:.4}%)",
                reading.n_canary,
                canary.n.max(reading.n_canary),
                reading.n_stable,
                stable.n.max(reading.n_stable),
                e_text(reading.e_value),
                reading.limit,
                reading.alpha * 100.0
            ),
            since: self.first_at.get(&reading.metric).copied().unwrap_or(now),
        })
    }

    /// The name that describes the events of a metric best: most failed requests may have been cut,
    /// and most slow ones may have no answer at all.
    fn named(&self, metric: Metric) -> (Cause, &'static str) {
        let total = self.canary.total;
        if metric == Metric::Errors {
            let kinds = [
                Metric::Timeouts,
                Metric::Seen(Fault::Refused),
                Metric::Seen(Fault::Reset),
                Metric::Seen(Fault::Cut),
                Metric::Seen(Fault::Grpc),
            ];
            let kind = kinds
                .into_iter()
                .find(|kind| kind.count(&total) * 2 > total.n_bad);
            return kind.map_or((Cause::Errors, metric.title()), |kind| {
                (kind.cause(), kind.title())
            });
        }
        if metric == Metric::LiveTraffic {
            // The client counts what the proxy has counted under a name that says more.
            let n_live = self.coin(metric).n_canary();
            let same = Metric::all()
                .into_iter()
                .find(|other| *other != metric && self.coin(*other).n_canary() * 2 > n_live);
            return same.map_or((metric.cause(), metric.title()), |other| {
                (other.cause(), other.title())
            });
        }
        let is_open = metric == Metric::Slow && self.n_slow_open * 2 > total.n_slow;
        if is_open {
            return (Cause::Unfinished, Metric::Seen(Fault::Unfinished).title());
        }
        (metric.cause(), metric.title())
    }

    fn query_alarm(&self, run_ms: u64, plan: &Plan) -> Option<Alarm> {
        let wanted = plan.queries.iter().find_map(|wanted| {
            let query = self.queries.get(&wanted.name)?;
            let (since_ms, since) = query.over_since?;
            (run_ms.saturating_sub(since_ms) >= wanted.for_ms).then_some((wanted, query, since))
        })?;
        let (wanted, query, since) = wanted;
        Some(Alarm {
            cause: Cause::Query,
            text: format!(
                "query `{}` is over its limit for {}: {}",
                wanted.name,
                seconds(wanted.for_ms),
                query.detail
            ),
            since,
        })
    }

    /// With all of the traffic there is nothing left to compare with but what stable did before.
    fn full_alarm(&self, plan: &Plan, now: Timestamp) -> Option<Alarm> {
        let (full, stable) = (self.full, self.stable.total);
        let is_over = |bad: u64, before: u64, floor_ppm: u64| {
            let is_worse = bad * stable.n.max(1) > 3 * before * full.n;
            full.n >= ERROR_RULE_REQUESTS_MIN
                && bad >= ERROR_RULE_BAD_MIN
                && bad * 1_000_000 > floor_ppm * full.n
                && is_worse
        };
        let floor = u64::from(plan.error_rate_critical_ppm);
        let (cause, title, bad) = if is_over(full.n_bad, stable.n_bad, floor) {
            (Cause::Errors, "errors", full.n_bad)
        } else if is_over(full.n_slow, stable.n_slow, 500_000) {
            (Cause::SlowAnswers, "slow answers", full.n_slow)
        } else {
            return None;
        };
        Some(Alarm {
            cause,
            text: format!(
                "{title}: {bad} of {} requests with all of the traffic",
                full.n
            ),
            since: self.first_bad_at.unwrap_or(now),
        })
    }

    fn cpu_alarm(&self, plan: &Plan, now: Timestamp) -> Option<Alarm> {
        let window_ms = plan.memory_window_ms.max(CPU_WINDOW_MIN_MS);
        let last = *self.cpu.last()?;
        let middle = self
            .cpu
            .iter()
            .rfind(|one| one.0 + window_ms / 2 <= last.0)?;
        let first = self.cpu.iter().rfind(|one| one.0 + window_ms <= last.0)?;
        let cores = |from: &(u64, u64, u64), to: &(u64, u64, u64)| {
            let elapsed = real(to.0 - from.0);
            let canary = real(to.1.saturating_sub(from.1)) / elapsed;
            (canary, real(to.2.saturating_sub(from.2)) / elapsed)
        };
        let is_over = |(canary, stable): (f64, f64)| canary > CPU_EXCESS_CORES + 2.0 * stable;
        if !is_over(cores(first, middle)) || !is_over(cores(middle, &last)) {
            return None;
        }
        let (canary, stable) = cores(first, &last);
        Some(Alarm {
            cause: Cause::CpuCritical,
            text: format!(
                "CPU: the candidate uses {canary:.2} cores against {stable:.2} of the stable version for {}; more than twice as much and {CPU_EXCESS_CORES} cores are critical",
                seconds(last.0 - first.0)
            ),
            since: self.cpu_since.unwrap_or(now),
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
        let is_alike = !plan.is_p95_critical_set && self.stable_lookback.is_slow(run_ms, limits);
        let held = self
            .canary_lookback
            .slow_for(run_ms, limits)
            .filter(|_| !is_alike);
        held.map(|held| Alarm {
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

    /// What a promotion needs in addition to its claim.
    fn lacking(&self, plan: &Plan) -> Option<String> {
        if self.n_probe_passes < plan.probe_passes_min {
            return Some(format!(
                "{} probes passed, at least {} are needed",
                self.n_probe_passes, plan.probe_passes_min
            ));
        }
        if let Some((name, (n, _))) = self.probe_failures.iter().find(|(_, (n, _))| *n > 0) {
            return Some(format!(
                "probe `{name}` failed {n} times in a row and has not passed since"
            ));
        }
        let unanswered = plan.queries.iter().find(|wanted| {
            let query = self.queries.get(&wanted.name);
            query.is_none_or(|query| query.n_passes == 0 || query.over_since.is_some())
        });
        if let Some(wanted) = unanswered {
            let detail = self
                .queries
                .get(&wanted.name)
                .map_or("no result", |query| &query.detail);
            return Some(format!("query `{}` has not passed: {detail}", wanted.name));
        }
        let readings = self.readings_above(SUSPICIOUS, plan);
        let reading = readings
            .iter()
            .find(|reading| reading.e_value >= SUSPICIOUS)?;
        Some(format!(
            "{}: {} at the canary, {} at stable, e-value {} of {:.0}: more requests would decide",
            reading.metric.title(),
            reading.n_canary,
            reading.n_stable,
            e_text(reading.e_value),
            reading.limit
        ))
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
        let lacking = self.lacking(plan);
        let counted = format!(
            "canary {} bad of {}, stable {} bad of {}",
            canary.n_bad, canary.n, stable.n_bad, stable.n
        );
        let text = if let Some(lacking) = &lacking {
            lacking.clone()
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
            is_shown: lacking.is_none() && n_more == Some(0),
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
