//! Tests and estimates that rest on ranks: Mann–Whitney, and the slope of Theil and Sen.

use crate::special::normal_cdf;

/// Largest number of values in both samples together for which the exact distribution of U is
/// computed.
const EXACT_MAX: usize = 60;

/// At most this many points take part in a slope, evenly picked: the pairs grow with the square.
const SLOPE_POINTS_MAX: usize = 120;

/// A slope needs this many points.
const SLOPE_POINTS_MIN: usize = 8;

/// The result of a one-sided Mann–Whitney test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which `lower` exceeds `reference`, ties counted half.
    pub u: f64,
    /// Probability of a U this small when both come from one distribution, 0 to 1.
    pub p: f64,
    /// Whether `p` is exact.
    pub is_exact: bool,
}

/// Tests whether `lower` tends to be lower than `reference`. Absent when either is empty. Values
/// must not be NaN.
///
/// Exact by counting arrangements when there are no ties and at most 60 values; else the normal
/// approximation with tie and continuity correction. Source: Mann and Whitney, "On a test of
/// whether one of two random variables is stochastically larger than the other", Annals of
/// Mathematical Statistics 18 (1947); tie correction: Lehmann, "Nonparametrics" (1975), §1.4.
#[must_use]
pub fn mann_whitney_less(lower: &[f64], reference: &[f64]) -> Option<MannWhitney> {
    if lower.is_empty() || reference.is_empty() {
        return None;
    }
    let u: f64 = lower
        .iter()
        .flat_map(|left| reference.iter().map(move |right| (left, right)))
        .map(|(left, right)| match left.total_cmp(right) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        })
        .sum();
    let ties = tie_sizes(lower, reference);
    let has_ties = ties.iter().any(|size| *size > 1.0);
    let is_exact = !has_ties && lower.len() + reference.len() <= EXACT_MAX;
    let p = if is_exact {
        exact_p(lower.len(), reference.len(), u)
    } else {
        normal_p(lower.len() as f64, reference.len() as f64, u, &ties)
    };
    Some(MannWhitney { u, p, is_exact })
}

fn tie_sizes(left: &[f64], right: &[f64]) -> Vec<f64> {
    let mut all: Vec<f64> = left.iter().chain(right).copied().collect();
    all.sort_by(f64::total_cmp);
    let mut sizes: Vec<f64> = Vec::new();
    for (idx, value) in all.iter().enumerate() {
        match sizes.last_mut() {
            Some(size) if all[idx - 1] == *value => *size += 1.0,
            _ => sizes.push(1.0),
        }
    }
    sizes
}

/// P(U ≤ u) by the recursion of Mann and Whitney (1947): the number of arrangements of m and n
/// values with a given U is count(m, n, u) = count(m − 1, n, u − n) + count(m, n − 1, u).
fn exact_p(m: usize, n: usize, u: f64) -> f64 {
    let u_max = m * n;
    // probability[j][u] for the current i: arrangements as probabilities, so nothing overflows.
    let mut before: Vec<Vec<f64>> = vec![vec![1.0]; n + 1];
    for i in 1..=m {
        let mut current: Vec<Vec<f64>> = vec![vec![1.0]];
        for j in 1..=n {
            let share_left = i as f64 / (i + j) as f64;
            let mut row = vec![0.0; i * j + 1];
            for (at, probability) in before[j].iter().enumerate() {
                row[at + j] += share_left * probability;
            }
            for (at, probability) in current[j - 1].iter().enumerate() {
                row[at] += (1.0 - share_left) * probability;
            }
            current.push(row);
        }
        before = current;
    }
    before[n][..=(u as usize).min(u_max)]
        .iter()
        .sum::<f64>()
        .min(1.0)
}

fn normal_p(m: f64, n: f64, u: f64, ties: &[f64]) -> f64 {
    let total = m + n;
    let tie_term: f64 = ties.iter().map(|t| t * t * t - t).sum();
    let variance = m * n / 12.0 * ((total + 1.0) - tie_term / (total * (total - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    normal_cdf((u - m * n / 2.0 + 0.5) / variance.sqrt())
}

/// A robust slope and its lower confidence bound, in the unit of y per unit of x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// The median of the slopes of all pairs.
    pub median: f64,
    /// The slope is at least this, with the confidence that `z` stands for.
    pub lower: f64,
}

/// The slope of `points` (x, y), x rising, none of them NaN; absent below 8 points, or when all
/// have one x. `z` is the normal quantile of the one-sided confidence, such as 3.09 for 99.9%.
///
/// The lower bound is the pair slope of rank (N − C) / 2 with C = z · √(n (n − 1) (2n + 5) / 18).
/// Of more than 120 points every k-th takes part, the last one always. Source: Sen, "Estimates of
/// the regression coefficient based on Kendall's tau", JASA 63 (1968).
#[must_use]
pub fn theil_sen(points: &[(f64, f64)], z: f64) -> Option<Slope> {
    if points.len() < SLOPE_POINTS_MIN {
        return None;
    }
    let stride = points.len().div_ceil(SLOPE_POINTS_MAX);
    let picked: Vec<_> = points.iter().rev().step_by(stride).rev().collect();
    let mut slopes = Vec::new();
    for (idx, left) in picked.iter().enumerate() {
        for right in &picked[idx + 1..] {
            if right.0 > left.0 {
                slopes.push((right.1 - left.1) / (right.0 - left.0));
            }
        }
    }
    if slopes.is_empty() {
        return None;
    }
    slopes.sort_by(f64::total_cmp);
    let n = picked.len() as f64;
    let spread = z * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    // A negative rank saturates at 0 in the cast, which is the least slope.
    let rank = ((slopes.len() as f64 - spread) / 2.0).floor() as usize;
    Some(Slope {
        median: slopes[slopes.len() / 2],
        lower: slopes[rank.saturating_sub(1).min(slopes.len() - 1)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const Z: f64 = 3.090_232;

    #[test]
    fn exact_distribution_of_u_equals_the_reference() {
        // Ten all below five: 1 / C(15, 5); four and four, U = 1: 2 / C(8, 4).
        let low: Vec<f64> = (0..10).map(f64::from).collect();
        let high: Vec<f64> = (10..15).map(f64::from).collect();
        let got = mann_whitney_less(&low, &high).unwrap();
        assert!(
            got.is_exact && (got.p - 1.0 / 3003.0).abs() < 1e-12,
            "{got:?}"
        );
        let got = mann_whitney_less(&[1.0, 2.0, 3.0, 5.0], &[4.0, 6.0, 7.0, 8.0]).unwrap();
        assert!((got.u, got.is_exact) == (1.0, true) && (got.p - 2.0 / 70.0).abs() < 1e-12);
        // SciPy 1.17.1: mannwhitneyu(…, alternative="less", method="exact").
        let left = [12.1, 9.3, 11.7, 10.2, 8.8, 13.4, 7.9];
        let right = [12.9, 14.2, 11.1, 15.3, 10.9, 13.8, 16.0, 9.9];
        let got = mann_whitney_less(&left, &right).unwrap();
        assert!((got.u, got.is_exact) == (11.0, true));
        assert!((got.p - 0.027_039_627_039_627_038).abs() < 1e-14, "{got:?}");
    }

    #[test]
    fn normal_approximation_equals_the_reference_with_ties_and_without() {
        // SciPy 1.17.1: mannwhitneyu(…, alternative="less", method="asymptotic"); R's wilcox.test
        // with exact=FALSE agrees.
        let got =
            mann_whitney_less(&[1.0, 2.0, 2.0, 3.0, 4.0], &[2.0, 3.0, 4.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!((got.u, got.is_exact), (5.5, false));
        assert!((got.p - 0.046_688_621_802_557_77).abs() < 1e-14, "{got:?}");
        let left: Vec<f64> = (0..40).map(f64::from).collect();
        let right: Vec<f64> = left.iter().map(|value| value + 3.5).collect();
        let got = mann_whitney_less(&left, &right).unwrap();
        assert_eq!((got.u, got.is_exact), (666.0, false));
        assert!((got.p - 0.099_465_289_093_086_56).abs() < 1e-14, "{got:?}");
    }

    #[test]
    fn slope_of_a_line_is_found_and_a_sawtooth_has_none() {
        let line: Vec<_> = (0..40)
            .map(|i| (f64::from(i), 3.0 * f64::from(i)))
            .collect();
        let slope = theil_sen(&line, Z).unwrap();
        assert!((slope.median - 3.0).abs() < 1e-12 && slope.lower > 2.9);
        let sawtooth: Vec<_> = (0..200).map(|i| (f64::from(i), f64::from(i % 7))).collect();
        assert!(theil_sen(&sawtooth, Z).unwrap().lower <= 0.0);
    }

    #[test]
    fn slope_equals_the_reference() {
        // SciPy 1.17.1: theilslopes(y, x, 0.95) gives 1.1269… as the slope, of 66 pairs, and 0.875
        // as its lower end.
        let y = [
            1.0, 3.0, 2.0, 5.0, 4.0, 8.0, 6.0, 9.0, 11.0, 10.0, 13.0, 12.5,
        ];
        let points: Vec<(f64, f64)> = (0..12).map(f64::from).zip(y).collect();
        let slope = theil_sen(&points, 1.959_964).unwrap();
        assert!(
            (slope.median - 1.126_984_126_984_127).abs() < 0.02,
            "{slope:?}"
        );
        assert!((slope.lower - 0.875).abs() < 0.03, "{slope:?}");
    }

    #[test]
    fn one_wild_sample_does_not_make_a_slope() {
        let points: Vec<_> = (0..30)
            .map(|i| (f64::from(i), if i == 29 { 1e9 } else { 5.0 }))
            .collect();
        assert!(theil_sen(&points, Z).unwrap().lower <= 0.0);
        assert_eq!(theil_sen(&points[..7], Z), None);
        assert_eq!(theil_sen(&[(1.0, 1.0); 20], Z), None);
    }

    proptest! {
        #[test]
        fn both_sides_of_u_make_up_all_pairs(
            left in prop::collection::vec(0.0f64..100.0, 1..30),
            right in prop::collection::vec(0.0f64..100.0, 1..30),
        ) {
            let one = mann_whitney_less(&left, &right).unwrap();
            let other = mann_whitney_less(&right, &left).unwrap();
            prop_assert!((one.u + other.u - (left.len() * right.len()) as f64).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&one.p));
            prop_assert!(one.p + other.p >= 1.0 - 1e-9, "both tails hold the observed U");
        }
    }
}
