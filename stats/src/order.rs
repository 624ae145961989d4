//! Order statistics: median, spread, and the distribution-free bounds of a quantile.

use crate::binomial::binomial_cdf;
use crate::bisect::first_that_holds;

/// The factor that makes the median absolute deviation estimate the standard deviation of normal
/// data: 1 / Φ⁻¹(3/4). Rousseeuw and Croux, "Alternatives to the median absolute deviation",
/// JASA 88 (1993).
pub const MAD_TO_SPREAD: f64 = 1.4826;

/// The median, in the unit of the values; absent for no values. Values must not be NaN.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        // Halves are added, because the sum of two large values may overflow.
        _ => Some(sorted[middle - 1] / 2.0 + sorted[middle] / 2.0),
    }
}

/// The spread 1.4826 · MAD, in the unit of the values; absent for no values. Values must not be
/// NaN. Source: as [`MAD_TO_SPREAD`].
#[must_use]
pub fn spread(values: &[f64]) -> Option<f64> {
    let center = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|value| (value - center).abs()).collect();
    Some(MAD_TO_SPREAD * median(&deviations)?)
}

/// Ranks, from 1, of the order statistics that bound a quantile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuantileRanks {
    /// Of `n` sorted values, the quantile is at least this one with the confidence; absent when
    /// there are too few values.
    pub lower: Option<u64>,
    /// The nearest rank ⌈q · n⌉.
    pub point: u64,
    /// The quantile is at most this one with the confidence; absent when there are too few values.
    pub upper: Option<u64>,
}

/// The distribution-free bounds of the quantile `q` (above 0, below 1) of `n` ≥ 1 values, each
/// with the one-sided `confidence` (above 0, below 1).
///
/// The number of values at or below the quantile is binomial(n, q), so the r-th smallest exceeds
/// it with probability P(X ≤ r − 1). Source: David and Nagaraja, "Order Statistics", 3rd edition
/// (2003), §7.1.
#[must_use]
pub fn quantile_ranks(q: f64, n: u64, confidence: f64) -> QuantileRanks {
    let point = ((q * n as f64).ceil() as u64).clamp(1, n.max(1));
    // Smallest rank r with P(X ≤ r − 1) ≥ level, within 1..=n; absent when there is none.
    let smallest = |level: f64| -> Option<u64> {
        let reaches = |rank: u64| rank_cdf(rank, n, q) >= level;
        (n > 0 && reaches(n)).then(|| first_that_holds(0, n, reaches))
    };
    // Largest rank r with P(X ≤ r − 1) ≤ 1 − confidence is the one before the first above it.
    let first_above = smallest((1.0 - confidence).next_up());
    let lower = first_above
        .unwrap_or(n + 1)
        .checked_sub(1)
        .filter(|rank| *rank >= 1);
    QuantileRanks {
        lower,
        point,
        upper: smallest(confidence),
    }
}

/// P(X ≤ rank − 1) for X binomial(n, q), exact at rank n, which decides how many samples suffice.
fn rank_cdf(rank: u64, n: u64, q: f64) -> f64 {
    if rank == 0 {
        0.0
    } else if rank == n {
        1.0 - (n as f64 * q.ln()).exp()
    } else {
        binomial_cdf(rank - 1, n, q)
    }
}

/// How many values the upper bound of the quantile `q` needs, with the one-sided `confidence`; both
/// above 0 and below 1. The least n with 1 − qⁿ ≥ confidence; p99 at 95% needs 299, p95 59, p50 5.
///
/// Below the median the lower bound is the one that needs more values, and its number is returned.
/// Source: Wilks, "Determination of sample sizes for setting tolerance limits", Annals of
/// Mathematical Statistics 12 (1941).
#[must_use]
pub fn n_for_quantile(q: f64, confidence: f64) -> u64 {
    let q = q.max(1.0 - q);
    ((-confidence).ln_1p() / q.ln()).ceil().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn median_and_spread_ignore_a_wild_value() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[f64::MAX, f64::MAX]), Some(f64::MAX));
        assert_eq!(spread(&[1.0, 2.0, 3.0, 4.0, 1e9]), Some(MAD_TO_SPREAD));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn samples_that_a_percentile_needs_are_those_of_wilks() {
        let needed = [(0.5, 5), (0.9, 29), (0.95, 59), (0.99, 299), (0.999, 2995)];
        for (q, want) in needed {
            assert_eq!(n_for_quantile(q, 0.95), want);
            assert_eq!(quantile_ranks(q, want, 0.95).upper, Some(want));
            assert_eq!(quantile_ranks(q, want - 1, 0.95).upper, None);
        }
    }

    #[test]
    fn bounds_of_ten_million_samples_follow_the_normal_approximation() {
        let ranks = quantile_ranks(0.99, 10_000_000, 0.95);
        let spread = (10_000_000f64 * 0.99 * 0.01).sqrt() * 1.645;
        let got = ranks.upper.unwrap() as f64 - 9_900_000.0;
        assert!((got - spread).abs() < 5.0, "{got} {spread}");
    }

    proptest! {
        #[test]
        fn bounds_lie_on_both_sides_of_the_quantile(n in 1u64..5000, q in 0.01f64..0.99) {
            let ranks = quantile_ranks(q, n, 0.95);
            prop_assert!(ranks.lower.unwrap_or(0) <= ranks.point);
            prop_assert!(ranks.upper.unwrap_or(n) >= ranks.point);
        }
    }
}
