//! The binomial distribution, and the exact interval of a share.

use crate::bisect::bisect;
use crate::special::beta_regularised;

/// P(X ≤ k) for X binomial with `n` trials of probability `p`, 0 to 1.
///
/// 1 for k ≥ n; NaN when `p` is NaN. Source: P(X ≤ k) = I₁₋ₚ(n − k, k + 1), Abramowitz and Stegun,
/// "Handbook of Mathematical Functions" (1964), 26.5.24.
#[must_use]
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    beta_regularised(1.0 - p, (n - k) as f64, k as f64 + 1.0)
}

/// The exact bounds (lower, upper) of a share, 0 to 1, after `events` in `n` ≥ 1 trials, each with
/// the one-sided `confidence`, above 0 and below 1.
///
/// The lower bound is 0 without events, the upper one is 1 when every trial is an event. Source:
/// Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika 26 (1934).
#[must_use]
pub fn share_bounds(events: u64, n: u64, confidence: f64) -> (f64, f64) {
    let alpha = 1.0 - confidence;
    let change = |is_below: &dyn Fn(f64) -> bool| {
        let (low, high) = bisect(0.0, 1.0, 80, is_below);
        0.5 * (low + high)
    };
    let lower = if events == 0 {
        0.0
    } else {
        // P(X ≥ events) grows with p.
        change(&|p| 1.0 - binomial_cdf(events - 1, n, p) < alpha)
    };
    let upper = if events >= n {
        1.0
    } else {
        // P(X ≤ events) falls with p.
        change(&|p| binomial_cdf(events, n, p) > alpha)
    };
    (lower, upper)
}

/// How many trials without an event show that the share is at most `share`, with the one-sided
/// `confidence`; both above 0 and below 1. The least n with (1 − share)ⁿ ≤ 1 − confidence.
#[must_use]
pub fn n_for_share(share: f64, confidence: f64) -> u64 {
    ((-confidence).ln_1p() / (-share).ln_1p()).ceil().max(1.0) as u64
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
    fn distribution_equals_the_reference() {
        // SciPy 1.17.1: binom.cdf(k, n, p).
        for (k, n, p, want) in [
            (3, 10, 0.2, 0.879_126_118_4),
            (0, 50, 0.01, 0.605_006_067_137_536_6),
            (950, 1000, 0.95, 0.520_258_942_912_681_5),
            (9_900_000, 10_000_000, 0.99, 0.500_426_867_023_658_1),
        ] {
            let got = binomial_cdf(k, n, p);
            assert!((got / want - 1.0).abs() < 1e-10, "{k} of {n}: {got}");
        }
    }

    #[test]
    fn exact_interval_of_a_share_equals_the_reference() {
        // mpmath 1.4.1, by halving in 30 digits; SciPy's binomtest().proportion_ci(0.9, "exact")
        // and R's binom.test agree.
        for (events, n, lower, upper) in [
            (
                1,
                100,
                0.000_512_801_416_262_292_1,
                0.046_559_811_453_538_95,
            ),
            (0, 100, 0.0, 0.029_513_049_607_039_935),
            (5, 5, 0.549_280_271_653_058_9, 1.0),
            (
                3,
                3000,
                0.000_272_617_545_874_073_2,
                0.002_582_505_138_293_655_3,
            ),
            (
                12,
                12_000,
                0.000_577_115_738_440_187_9,
                0.001_619_711_660_485_814_5,
            ),
            (500, 1000, 0.473_517_731_235_691_2, 0.526_482_268_764_308_8),
            (
                9999,
                10_000,
                0.999_525_702_340_834_6,
                0.999_994_870_683_716_3,
            ),
        ] {
            let got = share_bounds(events, n, 0.95);
            let is_near = |got: f64, want: f64| (got - want).abs() <= 1e-11 * want;
            assert!(
                is_near(got.0, lower) && is_near(got.1, upper),
                "{events} of {n}: {got:?}"
            );
        }
    }

    #[test]
    fn trials_that_a_share_needs_are_the_least_that_suffice() {
        assert_eq!(n_for_share(0.001, 0.95), 2995);
        for share in [0.5, 0.1, 0.01] {
            let n = n_for_share(share, 0.95);
            assert!(share_bounds(0, n, 0.95).1 <= share + 1e-12);
            assert!(share_bounds(0, n - 1, 0.95).1 > share);
        }
    }

    proptest! {
        #[test]
        fn distribution_is_the_sum_of_its_terms(n in 1u64..200, share in 0.0f64..1.0, p in 0.01f64..0.99) {
            let k = (n as f64 * share) as u64;
            let (got, want) = (binomial_cdf(k, n, p), binomial_cdf_by_sum(k, n, p));
            prop_assert!((got - want).abs() < 1e-11, "{got} {want}");
        }

        #[test]
        fn bounds_lie_on_both_sides_of_the_share(n in 1u64..5000, events in 0u64..5000) {
            let events = events.min(n);
            let (lower, upper) = share_bounds(events, n, 0.95);
            let share = events as f64 / n as f64;
            prop_assert!(lower <= share + 1e-9 && share <= upper + 1e-9, "{lower} {share} {upper}");
        }
    }
}
