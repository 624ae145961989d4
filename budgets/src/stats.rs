//! Binomial distribution and the intervals made of it. It must not know what is measured.

/// Terms of the continued fraction; it needs about √max(a, b), so this suffices to 10¹⁰ samples.
const FRACTION_MAX: usize = 200_000;

/// ln Γ(x) for x > 0, relative error below 2e-10.
/// Source: Lanczos; Press et al., "Numerical Recipes in C", 2nd edition, §6.1, `gammln`.
fn ln_gamma(x: f64) -> f64 {
    let coefficients = [
        76.180_091_729_471_46,
        -86.505_320_329_416_77,
        24.014_098_240_830_91,
        -1.231_739_572_450_155,
        0.120_865_097_386_617_9e-2,
        -0.539_523_938_495_3e-5,
    ];
    let shifted = x + 5.5;
    let mut series = 1.000_000_000_190_015;
    for (idx, coefficient) in coefficients.iter().enumerate() {
        series += coefficient / (x + 1.0 + idx as f64);
    }
    (x + 0.5) * shifted.ln() - shifted + (2.506_628_274_631_000_5 * series / x).ln()
}

/// The regularised incomplete beta function Iₓ(a, b) for a, b > 0 and 0 ≤ x ≤ 1.
/// Source: Press et al., §6.4, by Lentz's continued fraction.
#[must_use]
pub fn beta_regularised(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let ln_front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p();
    let front = ln_front.exp();
    // The fraction converges fast on this side of the mean; the other follows by symmetry.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for step in 1..FRACTION_MAX {
        let m = step as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let factor = d * c;
        h *= factor;
        if (factor - 1.0).abs() < 1e-14 {
            break;
        }
    }
    h
}

/// P(X ≤ k) for X binomial with `n` trials of probability `p`.
#[must_use]
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    beta_regularised(1.0 - p, (n - k) as f64, k as f64 + 1.0)
}

/// Ranks, from 1, of the order statistics that bound a quantile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuantileRanks {
    /// Of `n` values sorted, the quantile lies at or above this one with the confidence; absent
    /// with too few values.
    pub lower: Option<u64>,
    /// The nearest rank ⌈q · n⌉.
    pub point: u64,
    /// The quantile lies at or below this one with the confidence; absent with too few values.
    pub upper: Option<u64>,
}

/// The distribution-free bounds of the quantile `q` (above 0, below 1) of `n` ≥ 1 values, each
/// with the one-sided `confidence`.
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
        if n == 0 || !reaches(n) {
            return None;
        }
        let (mut low, mut high) = (0, n);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if reaches(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
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

fn rank_cdf(rank: u64, n: u64, q: f64) -> f64 {
    if rank == 0 {
        0.0
    } else {
        binomial_cdf_below_n(rank - 1, n, q)
    }
}

/// P(X ≤ k), exact at k = n − 1, which decides how many samples are enough.
fn binomial_cdf_below_n(k: u64, n: u64, q: f64) -> f64 {
    if k + 1 == n {
        return 1.0 - (n as f64 * q.ln()).exp();
    }
    binomial_cdf(k, n, q)
}

/// How many values the upper bound of the quantile `q` needs: the least n with 1 − qⁿ ≥ confidence.
/// Source: Wilks, "Determination of sample sizes for setting tolerance limits", Annals of
/// Mathematical Statistics 12 (1941). p99 at 95% needs 299, p95 59, p50 5.
#[must_use]
pub fn n_for_quantile(q: f64, confidence: f64) -> u64 {
    // Below the median the lower bound is the one that needs more values.
    let q = q.max(1.0 - q);
    ((-confidence).ln_1p() / q.ln()).ceil().max(1.0) as u64
}

/// How many trials without an event prove a share of at most `share`: ln(1 − confidence) / ln(1 − share).
#[must_use]
pub fn n_for_share(share: f64, confidence: f64) -> u64 {
    ((-confidence).ln_1p() / (-share).ln_1p()).ceil().max(1.0) as u64
}

/// The exact bounds of a share of `events` in `n` ≥ 1 trials, each with the one-sided `confidence`.
/// Source: Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika 26 (1934).
#[must_use]
pub fn share_bounds(events: u64, n: u64, confidence: f64) -> (f64, f64) {
    let alpha = 1.0 - confidence;
    let lower = if events == 0 {
        0.0
    } else {
        // P(X ≥ events) grows with p.
        bisect(|p| 1.0 - binomial_cdf(events - 1, n, p) < alpha)
    };
    let upper = if events >= n {
        1.0
    } else {
        // P(X ≤ events) falls with p.
        bisect(|p| binomial_cdf(events, n, p) > alpha)
    };
    (lower, upper)
}

/// The point of 0..1 where `is_below` turns from true to false.
fn bisect(is_below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if is_below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn binomial_cdf_by_sum(k: u64, n: u64, p: f64) -> f64 {
        // In logarithms: the first term is below the smallest double for p near 1.
        let mut ln_term = n as f64 * (1.0 - p).ln();
        let mut sum = ln_term.exp();
        for i in 1..=k {
            ln_term += ((n - i + 1) as f64 / i as f64 * p / (1.0 - p)).ln();
            sum += ln_term.exp();
        }
        sum
    }

    #[test]
    fn the_samples_that_a_percentile_needs_are_those_of_wilks() {
        let needed = [(0.5, 5), (0.9, 29), (0.95, 59), (0.99, 299), (0.999, 2995)];
        for (q, want) in needed {
            assert_eq!(n_for_quantile(q, 0.95), want);
            assert_eq!(quantile_ranks(q, want, 0.95).upper, Some(want));
            assert_eq!(quantile_ranks(q, want - 1, 0.95).upper, None);
        }
        assert_eq!(n_for_share(0.001, 0.95), 2995);
    }

    #[test]
    fn the_exact_interval_of_a_share_is_that_of_the_tables() {
        // R: binom.test(1, 100, alternative = "less" / "greater")$conf.int
        let (lower, upper) = share_bounds(1, 100, 0.95);
        assert!((lower - 0.000_512_80).abs() < 1e-7, "{lower}");
        assert!((upper - 0.046_559_8).abs() < 1e-6, "{upper}");
        // None of 100: 1 − 0.05^(1/100).
        let (lower, upper) = share_bounds(0, 100, 0.95);
        assert!(lower == 0.0 && (upper - (1.0 - 0.05f64.powf(0.01))).abs() < 1e-10);
        assert_eq!(share_bounds(5, 5, 0.95).1, 1.0);
    }

    #[test]
    fn ten_million_samples_are_no_trouble() {
        let ranks = quantile_ranks(0.99, 10_000_000, 0.95);
        let spread = (10_000_000f64 * 0.99 * 0.01).sqrt() * 1.645;
        let got = ranks.upper.unwrap() as f64 - 9_900_000.0;
        assert!((got - spread).abs() < 5.0, "{got} {spread}");
    }

    proptest! {
        #[test]
        fn the_distribution_is_the_sum_of_its_terms(n in 1u64..200, share in 0.0f64..1.0, p in 0.01f64..0.99) {
            let k = (n as f64 * share) as u64;
            let (got, want) = (binomial_cdf(k, n, p), binomial_cdf_by_sum(k, n, p));
            prop_assert!((got - want).abs() < 1e-8, "{got} {want}");
        }

        #[test]
        fn bounds_stand_on_both_sides(n in 1u64..5000, q in 0.01f64..0.99, events in 0u64..5000) {
            let ranks = quantile_ranks(q, n, 0.95);
            prop_assert!(ranks.lower.unwrap_or(0) <= ranks.point);
            prop_assert!(ranks.upper.unwrap_or(n) >= ranks.point);
            let events = events.min(n);
            let (lower, upper) = share_bounds(events, n, 0.95);
            let share = events as f64 / n as f64;
            prop_assert!(lower <= share + 1e-9 && share <= upper + 1e-9, "{lower} {share} {upper}");
        }
    }
}
