//! The `[canary]` section of `tollgate.toml`, and the frozen plan made from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::{Percent, Size, Span};
use tollgate_report::{Digest, Finding};

use crate::Weight;
use crate::analysis::coin::{Coin, STRENGTH};
use crate::analysis::words::{ERRORS_SHARES, Metric};
use crate::numbers::{ms, real, round_u32, round_u64, us};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tollgate_stats::calibrate::{calibrated_limit, calibrated_ratio_limit};

/// The p95 that is critical when the settings name none.
const P95_CRITICAL: Duration = Duration::from_millis(500);

/// One step of the plan: this share of the traffic for this long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepSettings {
    /// The canary's share of the traffic, above 0% and below 100%.
    pub weight: Percent,
    /// How long this share is held and watched. Time without data does not count.
    pub bake: Span,
}

/// What is done when the evidence neither promotes nor rolls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnInconclusive {
    /// The weight is kept and watched until evidence comes, a person approves, or somebody aborts.
    Hold,
    /// All traffic goes back to the stable version and the run ends.
    RollBack,
}

/// Settings of a canary run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Weights and how long each is held; the default is 10% for 10 min.
    pub steps: Vec<StepSettings>,
    /// A promotion claims that the canary's error rate exceeds the stable one's by less than this;
    /// default 1%.
    pub margin: Percent,
    /// Chance that a release as good as the stable version is rolled back by statistics; default
    /// 0.1%, of which failed requests get 75% and the 18 other metrics an equal part of the rest.
    pub alpha: Percent,
    /// Chance that a release worse by the margin or more is promoted; default 1%.
    pub promote_alpha: Percent,
    /// How long the stable version alone is watched, to learn which answers are slow; default 10s.
    pub warmup: Span,
    /// Fewest stable requests from which the slow threshold is learnt; with fewer, slow answers
    /// are not judged against the baseline; default 50.
    pub warmup_requests_min: u32,
    /// An answer is slow when its end comes later than the p95 of the stable version for the same
    /// operation, plus this share of it; default 25%.
    pub slow_margin: Percent,
    /// The smallest such margin; default 10ms.
    pub slow_margin_min: Span,
    /// Slow answers of a just started canary are not counted for this long; default 5s.
    pub slow_grace: Span,
    /// Hard rule: the canary's p95 to the first byte over this is critical. Without it 500ms, and
    /// only while the stable version is faster.
    pub latency_p95_critical: Option<Span>,
    /// How long the p95 must be critical; default 5m.
    pub latency_for: Span,
    /// Hard rule: a share of bad answers over this is critical; default 5%.
    pub error_rate_critical: Percent,
    /// How long it must be critical, with at least 20 requests and 3 bad ones; default 2m.
    pub error_rate_for: Span,
    /// Hard rule: memory of the candidate over this is critical; default 1GiB.
    pub memory_critical: Size,
    /// A leak needs at least this much growth; default 64MiB.
    pub memory_growth_min: Size,
    /// A leak must reach the critical limit within this time, at its lowest likely slope; default 1h.
    pub memory_horizon: Span,
    /// A leak is detected only in samples that span at least this long; default 1m. CPU is compared
    /// over the same time, at least 8s.
    pub memory_window: Span,
    /// Hard rule: this many failures of one probe in a row are critical; default 3.
    pub probe_failures_max: u32,
    /// A promotion needs at least this many passed probes; default 1, 0 means that no probes run.
    pub probe_passes_min: u32,
    /// How long the candidate serves everything before it becomes the stable version; until then all
    /// traffic can go back. Default 2s.
    pub confirm: Span,
    /// Queries to a Prometheus server that judge the canary, too.
    pub queries: Vec<QuerySettings>,
    /// How long the candidate may take to become ready; default 30s.
    pub ready_within: Span,
    /// After the last step, how long to wait for enough evidence; default 2m.
    pub decide_within: Span,
    /// How long the proxy keeps the canary's weight without hearing from the controller; default 5s.
    pub lease: Span,
    /// A controller that was away for longer sends all traffic back to stable; default 5m.
    pub gone_max: Span,
    /// How long requests and tunnels may finish before a version is stopped; default 30s.
    pub drain_within: Span,
    /// How long a process may take to stop by itself before it is killed; default 10s.
    pub stop_within: Span,
    /// After the promotion by `canary run`: how long the version before is kept running and the new
    /// one is watched by the rules for errors, latency, memory and crashes; a breach sends all
    /// traffic back. Default 10m.
    pub watch: Span,
    /// A person must approve the promotion (`canary run` then waits); default false.
    pub manual_gate: bool,
    /// What is done without enough evidence; default hold.
    pub on_inconclusive: OnInconclusive,
    /// The path of verifying requests; default `/health`.
    pub verify_path: String,
    /// How many verifying requests must be answered in the proportion of the weight; default 10.
    pub verify_requests: u32,
}

impl Default for Settings {
    fn default() -> Self {
        let span = |seconds| Span(Duration::from_secs(seconds));
        Self {
            steps: vec![StepSettings {
                weight: Percent(0.10),
                bake: span(600),
            }],
            margin: Percent(0.01),
            alpha: Percent(0.001),
            promote_alpha: Percent(0.01),
            warmup: span(10),
            warmup_requests_min: 50,
            slow_margin: Percent(0.25),
            slow_margin_min: Span(Duration::from_millis(10)),
            slow_grace: span(5),
            latency_p95_critical: None,
            latency_for: span(300),
            error_rate_critical: Percent(0.05),
            error_rate_for: span(120),
            memory_critical: Size(1 << 30),
            memory_growth_min: Size(64 << 20),
            memory_horizon: span(3600),
            memory_window: span(60),
            probe_failures_max: 3,
            probe_passes_min: 1,
            confirm: span(2),
            queries: Vec::new(),
            ready_within: span(30),
            decide_within: span(120),
            lease: span(5),
            gone_max: span(300),
            drain_within: span(30),
            stop_within: span(10),
            watch: span(600),
            manual_gate: false,
            on_inconclusive: OnInconclusive::Hold,
            verify_path: "/health".to_owned(),
            verify_requests: 10,
        }
    }
}

impl Settings {
    /// The short plan of `ship`: 10% for 12 s with margin 10%, windows shortened to match. About
    /// 54 clean canary requests promote.
    #[must_use]
    pub fn short() -> Self {
        let span = |seconds| Span(Duration::from_secs(seconds));
        Self {
            steps: vec![StepSettings {
                weight: Percent(0.10),
                bake: span(12),
            }],
            margin: Percent(0.10),
            warmup: span(3),
            slow_grace: span(2),
            latency_for: span(6),
            error_rate_for: span(6),
            memory_window: span(5),
            decide_within: span(30),
            lease: span(3),
            drain_within: span(5),
            stop_within: span(5),
            on_inconclusive: OnInconclusive::RollBack,
            ..Self::default()
        }
    }

    /// The p95 that is critical.
    #[must_use]
    pub fn p95_critical(&self) -> Span {
        self.latency_p95_critical.unwrap_or(Span(P95_CRITICAL))
    }

    /// The contradictions in these settings; empty when they can be used.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut wrong = |message: String| {
            findings.push(Finding::error("canary-settings", message));
        };
        if self.steps.is_empty() {
            wrong("`canary.steps` is empty: at least one step with a weight is needed".to_owned());
        }
        for step in &self.steps {
            let weight = Weight::from_percent(step.weight);
            if weight == Weight::NONE || weight == Weight::ALL {
                wrong(format!(
                    "`canary.steps` has a weight of `{weight}`: above 0% and below 100% is needed, so that both versions can be compared"
                ));
            }
        }
        for (name, share) in [
            ("margin", self.margin),
            ("alpha", self.alpha),
            ("promote_alpha", self.promote_alpha),
        ] {
            if share.0 <= 0.0 || share.0 >= 1.0 {
                wrong(format!(
                    "`canary.{name}` is `{share}`: above 0% and below 100% is needed"
                ));
            }
        }
        if self.lease.0 < Duration::from_secs(1) {
            wrong(format!(
                "`canary.lease` is `{}`: at least `1s` is needed, the controller renews it every 200 ms",
                self.lease
            ));
        }
        for query in &self.queries {
            if query.max.is_none() && query.min.is_none() {
                wrong(format!(
                    "`canary.queries` has `{}` without `max` and `min`: a limit is needed, so that its value can be judged",
                    query.name
                ));
            }
        }
        findings
    }

    /// Limits are calibrated for plans that hold one weight.
    fn limits(&self) -> Option<Limits> {
        let first = Weight::from_percent(self.steps.first()?.weight);
        let is_one = self
            .steps
            .iter()
            .all(|step| Weight::from_percent(step.weight) == first);
        let is_between = first != Weight::NONE && first != Weight::ALL;
        (is_one && is_between).then(|| Limits::calibrated(first, self.alpha.0))
    }

    /// The plan frozen from these settings.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let ppm = |percent: Percent| round_u32(percent.0 * 1e6);
        Plan {
            steps: self
                .steps
                .iter()
                .map(|step| PlanStep {
                    weight: Weight::from_percent(step.weight),
                    bake_ms: ms(step.bake.0),
                })
                .collect(),
            margin_ppm: ppm(self.margin),
            alpha_ppm: ppm(self.alpha),
            promote_alpha_ppm: ppm(self.promote_alpha),
            warmup_ms: ms(self.warmup.0),
            warmup_requests_min: self.warmup_requests_min,
            slow_margin_ppm: ppm(self.slow_margin),
            slow_margin_min_us: us(self.slow_margin_min.0),
            slow_grace_ms: ms(self.slow_grace.0),
            p95_critical_us: us(self.p95_critical().0),
            is_p95_critical_set: self.latency_p95_critical.is_some(),
            latency_for_ms: ms(self.latency_for.0),
            error_rate_critical_ppm: ppm(self.error_rate_critical),
            error_rate_for_ms: ms(self.error_rate_for.0),
            memory_critical: self.memory_critical.0,
            memory_growth_min: self.memory_growth_min.0,
            memory_horizon_ms: ms(self.memory_horizon.0),
            memory_window_ms: ms(self.memory_window.0),
            probe_failures_max: self.probe_failures_max.max(1),
            probe_passes_min: self.probe_passes_min,
            confirm_ms: ms(self.confirm.0),
            queries: self.queries.iter().map(QuerySettings::plan).collect(),
            limits: self.limits(),
            ready_within_ms: ms(self.ready_within.0),
            decide_within_ms: ms(self.decide_within.0),
            lease_ms: ms(self.lease.0),
            gone_max_ms: ms(self.gone_max.0),
            drain_within_ms: ms(self.drain_within.0),
            stop_within_ms: ms(self.stop_within.0),
            manual_gate: self.manual_gate,
            on_inconclusive: self.on_inconclusive,
            verify_path: self.verify_path.clone(),
            verify_requests: self.verify_requests.max(1),
        }
    }
}

/// Limits of e-values that were computed for one weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The weight that the plan holds.
    pub weight: Weight,
    /// For the quick test of failed requests.
    pub quick: u64,
    /// For the mixture over all alternatives of failed requests.
    pub errors: u64,
    /// For each other metric.
    pub others: u64,
}

impl Limits {
    /// The limits that spend alpha at this weight.
    #[must_use]
    pub fn calibrated(weight: Weight, alpha: f64) -> Self {
        /// Computed limits by weight and alpha in parts per billion: some tests make many plans.
        static KNOWN: Mutex<BTreeMap<(u32, u64), Limits>> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let mixture = |alpha: f64| calibrated_limit(weight.share(), alpha);
            let quick = calibrated_ratio_limit(weight.share(), STRENGTH, alpha * ERRORS_SHARES.0);
            let up = |limit: f64| round_u64(limit.ceil());
            Limits {
                weight,
                quick: up(quick),
                errors: up(mixture(alpha * ERRORS_SHARES.1)),
                others: up(mixture(alpha * Metric::Slow.alpha_share())),
            }
        };
        let key = (weight.bp(), round_u64(alpha * 1e9));
        known.entry(key).or_insert_with(new).clone()
    }
}

/// A query to a Prometheus server. It judges the canary, and a promotion needs a pass of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuerySettings {
    /// Its name in verdicts.
    pub name: String,
    /// The server, such as `http://127.0.0.1:9090`.
    pub url: String,
    /// The PromQL expression. Its value is that of its only series; with several the worst counts.
    pub query: String,
    /// A larger value is a fault.
    #[serde(default)]
    pub max: Option<f64>,
    /// A smaller value is a fault.
    #[serde(default)]
    pub min: Option<f64>,
    /// How long the value must be over its limit; default 0s.
    #[serde(default = "no_time", rename = "for")]
    pub held_for: Span,
    /// How often it is made; default 5s.
    #[serde(default = "five_seconds")]
    pub every: Span,
}

fn no_time() -> Span {
    Span(Duration::ZERO)
}

fn five_seconds() -> Span {
    Span(Duration::from_secs(5))
}

impl QuerySettings {
    fn plan(&self) -> PlanQuery {
        PlanQuery {
            name: self.name.clone(),
            for_ms: ms(self.held_for.0),
        }
    }
}

/// One frozen query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanQuery {
    /// Its name.
    pub name: String,
    /// How long the value must be over its limit, in milliseconds.
    pub for_ms: u64,
}

/// One frozen step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanStep {
    /// The canary's share.
    pub weight: Weight,
    /// How long it is held, in milliseconds.
    pub bake_ms: u64,
}

/// The settings of one run, frozen in whole units so that a record read back decides the same.
/// Fields mean what they mean in [`Settings`]; shares are parts per million.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each field is documented in `Settings`")]
pub struct Plan {
    pub steps: Vec<PlanStep>,
    pub margin_ppm: u32,
    pub alpha_ppm: u32,
    pub promote_alpha_ppm: u32,
    pub warmup_ms: u64,
    pub warmup_requests_min: u32,
    pub slow_margin_ppm: u32,
    pub slow_margin_min_us: u64,
    pub slow_grace_ms: u64,
    pub p95_critical_us: u64,
    #[serde(default)]
    pub is_p95_critical_set: bool,
    pub latency_for_ms: u64,
    pub error_rate_critical_ppm: u32,
    pub error_rate_for_ms: u64,
    pub memory_critical: u64,
    pub memory_growth_min: u64,
    pub memory_horizon_ms: u64,
    pub memory_window_ms: u64,
    pub probe_failures_max: u32,
    pub probe_passes_min: u32,
    #[serde(default)]
    pub confirm_ms: u64,
    #[serde(default)]
    pub queries: Vec<PlanQuery>,
    #[serde(default)]
    pub limits: Option<Limits>,
    pub ready_within_ms: u64,
    pub decide_within_ms: u64,
    pub lease_ms: u64,
    pub gone_max_ms: u64,
    pub drain_within_ms: u64,
    pub stop_within_ms: u64,
    pub manual_gate: bool,
    pub on_inconclusive: OnInconclusive,
    pub verify_path: String,
    pub verify_requests: u32,
}

impl Plan {
    /// The digest of this plan as JSON.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(serde_json::to_vec(self).expect("a plan of numbers and texts is JSON"))
    }

    /// The chance that this metric rolls back a version as good as the stable one.
    #[must_use]
    pub fn alpha_of(&self, metric: Metric) -> f64 {
        f64::from(self.alpha_ppm) / 1e6 * metric.alpha_share()
    }

    /// The e-value from which this metric rolls back. 1/α by Ville's inequality; less where the plan
    /// holds one weight, for which the chance was computed.
    #[must_use]
    pub fn e_limit(&self, metric: Metric, coin: &Coin) -> f64 {
        let limits = self.limits_for(coin);
        if metric == Metric::Errors {
            let alpha = f64::from(self.alpha_ppm) / 1e6 * ERRORS_SHARES.1;
            return limits.map_or(1.0 / alpha, |limits| real(limits.errors));
        }
        limits.map_or(1.0 / self.alpha_of(metric), |limits| real(limits.others))
    }

    /// The limit of the quick test of failed requests.
    #[must_use]
    pub fn quick_limit(&self, coin: &Coin) -> f64 {
        let alpha = f64::from(self.alpha_ppm) / 1e6 * ERRORS_SHARES.0;
        self.limits_for(coin)
            .map_or(1.0 / alpha, |limits| real(limits.quick))
    }

    fn limits_for(&self, coin: &Coin) -> Option<&Limits> {
        let limits = self.limits.as_ref()?;
        let mut weights = coin.canary.keys();
        weights
            .all(|bp| *bp == limits.weight.bp())
            .then_some(limits)
    }

    /// No metric rolls back below this e-value.
    #[must_use]
    pub fn e_limit_min(&self) -> f64 {
        self.quick_limit(&Coin::default())
    }

    /// The slow threshold that follows from the baseline's p95, both in microseconds.
    #[must_use]
    pub fn slow_us(&self, baseline_p95_us: u64) -> u64 {
        let share = crate::numbers::real(baseline_p95_us) * f64::from(self.slow_margin_ppm) / 1e6;
        baseline_p95_us + round_u64(share).max(self.slow_margin_min_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_one_that_people_would_notice() {
        let plan = Settings::default().plan();
        assert_eq!(plan.slow_us(2_000), 12_000, "10 ms over a fast baseline");
        assert_eq!(plan.slow_us(200_000), 250_000, "25% over a slow one");
    }

    #[test]
    fn a_weight_of_all_is_refused_because_nothing_is_left_to_compare_with() {
        let mut settings = Settings::default();
        settings.steps[0].weight = Percent(1.0);
        assert_eq!(settings.check()[0].code, "canary-settings");
        assert!(Settings::short().check().is_empty() && Settings::default().check().is_empty());
    }
}
