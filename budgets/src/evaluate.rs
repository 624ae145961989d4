//! One limit against one measurement: an estimate with its interval, and the verdict.

use serde::{Deserialize, Serialize};
use tollgate_report::Outcome;
use tollgate_stats::binomial::{n_for_share, share_bounds};
use tollgate_stats::order::{n_for_quantile, quantile_ranks};

use crate::limits::{Bound, Limit, Statistic};
use crate::measurement::{Data, Measurement};
use crate::unit::{Unit, shown};

/// The result of a measurement compared with its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The promise is kept.
    Within,
    /// Beyond the target; a warning.
    OverTarget,
    /// There is no measurement; never a pass.
    NotChecked,
    /// There are too few samples for a verdict; never a pass.
    NotEnoughData,
    /// Beyond the critical value, by more than chance; the gate fails.
    OverCritical,
}

impl Standing {
    /// The words shown to people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::OverTarget => "over target",
            Self::NotChecked => "unmeasured",
            Self::NotEnoughData => "not enough data",
            Self::OverCritical => "over critical",
        }
    }

    /// The outcome that a gate has with this standing.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Within => Outcome::Pass,
            Self::OverTarget => Outcome::Warn,
            Self::NotChecked => Outcome::NotChecked,
            Self::NotEnoughData => Outcome::Inconclusive,
            Self::OverCritical => Outcome::Fail,
        }
    }
}

/// The measured number in the unit of the limit, with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The measured number.
    pub point: f64,
    /// It is at least this, with the confidence of the settings; absent with too few samples.
    pub lower: Option<f64>,
    /// It is at most this, with the confidence of the settings; absent with too few samples.
    pub upper: Option<f64>,
    /// Samples it was computed of.
    pub n: u64,
    /// Samples that a verdict needs.
    pub n_needed: u64,
}

/// The verdict of a measurement on a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetVerdict {
    /// The result.
    pub standing: Standing,
    /// The measured number; absent when the measurement has no such number.
    pub estimate: Option<Estimate>,
    /// Why, with the numbers.
    pub reason: String,
}

/// Judges a measurement. `confidence` (above 0.5, below 1) is that of each bound of the interval.
///
/// Over critical means that the interval as a whole is beyond the critical value, so chance fails
/// a gate with a probability of at most 1 − confidence. Below the needed number of samples nothing
/// is within.
#[must_use]
pub fn evaluate(limit: &Limit, measurement: &Measurement, confidence: f64) -> BudgetVerdict {
    match estimate(limit, measurement, confidence.clamp(0.5, 0.999_999)) {
        Ok(estimate) => decide(limit, estimate),
        Err(reason) => BudgetVerdict {
            standing: Standing::NotEnoughData,
            estimate: None,
            reason,
        },
    }
}

fn estimate(limit: &Limit, measurement: &Measurement, confidence: f64) -> Result<Estimate, String> {
    let factor = measurement.unit.factor_to(limit.unit).ok_or_else(|| {
        format!(
            "`{}` is in `{}`, the limit in `{}`",
            measurement.id, measurement.unit, limit.unit
        )
    })?;
    let estimate = match (limit.statistic, &measurement.data) {
        (Statistic::Percentile(percentile), Data::Histogram(histogram)) => {
            let at_rank = |rank| histogram.at_rank(rank).map(|value| value as f64);
            by_rank(percentile, histogram.n(), confidence, at_rank)
        }
        (Statistic::Percentile(percentile), Data::Samples(samples)) => {
            let at_rank = |rank: u64| {
                samples
                    .get(usize::try_from(rank).ok()?.checked_sub(1)?)
                    .copied()
            };
            by_rank(percentile, samples.len() as u64, confidence, at_rank)
        }
        (Statistic::Percentile(percentile), Data::Percentiles { values, n }) => values
            .get(&limit.statistic.to_string())
            .map(|point| Estimate {
                point: *point,
                lower: None,
                upper: None,
                n: *n,
                n_needed: n_for_quantile(percentile / 100.0, confidence),
            }),
        (Statistic::Rate, Data::Events { events, total } | Data::Windows { events, total, .. }) => {
            (*total > 0).then(|| by_share(limit, *events, *total, confidence))
        }
        (Statistic::Value, Data::Value(value)) => Some(Estimate {
            point: *value,
            lower: Some(*value),
            upper: Some(*value),
            n: 1,
            n_needed: 1,
        }),
        (Statistic::Value, Data::Samples(samples)) => {
            let at_rank = |rank: u64| {
                samples
                    .get(usize::try_from(rank).ok()?.checked_sub(1)?)
                    .copied()
            };
            by_rank(50.0, samples.len() as u64, confidence, at_rank)
        }
        _ => None,
    };
    let estimate = estimate.ok_or_else(|| {
        format!(
            "`{}` does not contain `{}`",
            measurement.id, limit.statistic
        )
    })?;
    let estimate = Estimate {
        point: estimate.point * factor,
        lower: estimate.lower.map(|bound| bound * factor),
        upper: estimate.upper.map(|bound| bound * factor),
        ..estimate
    };
    if estimate.point.is_finite() {
        Ok(estimate)
    } else {
        Err(format!("`{}` is not a finite number", measurement.id))
    }
}

fn by_rank(
    percentile: f64,
    n: u64,
    confidence: f64,
    at_rank: impl Fn(u64) -> Option<f64>,
) -> Option<Estimate> {
    let q = percentile / 100.0;
    let ranks = quantile_ranks(q, n, confidence);
    Some(Estimate {
        point: at_rank(ranks.point)?,
        lower: ranks.lower.and_then(&at_rank),
        upper: ranks.upper.and_then(&at_rank),
        n,
        n_needed: n_for_quantile(q, confidence),
    })
}

fn by_share(limit: &Limit, events: u64, total: u64, confidence: f64) -> Estimate {
    let (lower, upper) = share_bounds(events, total, confidence);
    // What a perfect run has to prove: so few bad events as the target allows.
    let bad_share = match limit.bound {
        Bound::Max => limit.target / 100.0,
        Bound::Min => 1.0 - limit.target / 100.0,
    };
    Estimate {
        point: 100.0 * events as f64 / total as f64,
        lower: Some(100.0 * lower),
        upper: Some(100.0 * upper),
        n: total,
        n_needed: n_for_share(bad_share, confidence),
    }
}

fn decide(limit: &Limit, estimate: Estimate) -> BudgetVerdict {
    let is_enough = estimate.n >= estimate.n_needed;
    // The best that the data still allow; another tool's percentile has no interval.
    let best = match limit.bound {
        Bound::Max => estimate.lower,
        Bound::Min => estimate.upper,
    };
    let has_interval = estimate.lower.is_some() || estimate.upper.is_some();
    let best = best.or((is_enough && !has_interval).then_some(estimate.point));
    let is_surely_over = |value| best.is_some_and(|best| limit.bound.is_broken(best, value));
    let is_over = |value| limit.bound.is_broken(estimate.point, value);
    let sign = limit.bound.sign();
    let target = format!("target {sign} {} {}", shown(limit.target), limit.unit);
    let critical = format!("critical {sign} {} {}", shown(limit.critical), limit.unit);
    let measured = measured(limit.statistic, limit.unit, &estimate);
    let (standing, reason) = if is_surely_over(limit.critical) {
        (Standing::OverCritical, format!("{measured}; {critical}"))
    } else if !is_enough && is_surely_over(limit.target) {
        (
            Standing::OverTarget,
            format!("{measured}; surely over the {target}"),
        )
    } else if !is_enough {
        let needed = format!(
            "{} of {} samples that {} requires",
            estimate.n, estimate.n_needed, limit.statistic
        );
        (Standing::NotEnoughData, format!("{measured}; {needed}"))
    } else if is_over(limit.critical) {
        (
            Standing::OverTarget,
            format!("{measured}; beyond {critical}, but chance is not ruled out"),
        )
    } else if is_over(limit.target) {
        (Standing::OverTarget, format!("{measured}; {target}"))
    } else {
        (Standing::Within, format!("{measured}; {target}"))
    };
    BudgetVerdict {
        standing,
        estimate: Some(estimate),
        reason,
    }
}

fn measured(statistic: Statistic, unit: Unit, estimate: &Estimate) -> String {
    let point = format!("{statistic} {} {unit}", shown(estimate.point));
    if estimate.n == 1 && estimate.n_needed == 1 {
        return point;
    }
    let interval = match (estimate.lower, estimate.upper) {
        (None, None) => "no interval".to_owned(),
        (lower, upper) => {
            let end = |bound: Option<f64>| bound.map_or_else(|| "?".to_owned(), shown);
            format!("{} … {}", end(lower), end(upper))
        }
    };
    format!("{point} [{interval}] of {} samples", estimate.n)
}
