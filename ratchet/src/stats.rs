//! The ratchet's statistics: median, spread, Mann–Whitney. It must not know what the numbers mean.

/// The factor that makes the median absolute deviation estimate the standard deviation of
/// normal data: 1 / Φ⁻¹(3/4). Rousseeuw and Croux, "Alternatives to the median absolute
/// deviation", JASA 88 (1993).
pub const MAD_TO_SPREAD: f64 = 1.4826;

/// Largest number of values in both samples together for which the exact distribution of U is computed.
const EXACT_MAX: usize = 60;

/// The median; absent for no values. Values must not be NaN.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some(sorted[middle - 1] / 2.0 + sorted[middle] / 2.0),
    }
}

/// The spread 1.4826 · MAD, in the unit of the values; absent for no values.
#[must_use]
pub fn spread(values: &[f64]) -> Option<f64> {
    let center = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|value| (value - center).abs()).collect();
    Some(MAD_TO_SPREAD * median(&deviations)?)
}

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

/// Tests whether `lower` tends to be lower than `reference`. Absent when either is empty.
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

/// The standard normal distribution function, relative error below 1.2e-7 also in the tails.
/// Source: Press et al., "Numerical Recipes in C", 2nd edition, §6.2, `erfcc`.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    let x = -z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x.abs());
    let coefficients = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ];
    let polynomial = coefficients.iter().fold(0.0, |sum, c| sum * t + c);
    let erfc = t * (-x * x + polynomial).exp();
    0.5 * if x >= 0.0 { erfc } else { 2.0 - erfc }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_exact_distribution_of_u_is_that_of_the_tables() {
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
    }

    #[test]
    fn ties_are_corrected_in_the_normal_approximation() {
        // R: wilcox.test(c(1,2,2,3,4), c(2,3,4,4,5,6), alternative="less", exact=FALSE)
        // U = 5.5; N = 11; Σ(t³−t) = 24 + 6 + 24; variance = 30/12·(12 − 54/110).
        let got =
            mann_whitney_less(&[1.0, 2.0, 2.0, 3.0, 4.0], &[2.0, 3.0, 4.0, 4.0, 5.0, 6.0]).unwrap();
        let z = (5.5 - 15.0 + 0.5) / (30.0f64 / 12.0 * (12.0 - 54.0 / 110.0)).sqrt();
        assert_eq!((got.u, got.is_exact), (5.5, false));
        assert!((got.p - normal_cdf(z)).abs() < 1e-12, "{got:?} {z}");
    }

    #[test]
    fn the_normal_tail_is_that_of_the_tables() {
        for (z, want) in [(0.0, 0.5), (-1.959_963_985, 0.025), (-3.090_232_306, 1e-3)] {
            assert!((normal_cdf(z) / want - 1.0).abs() < 1e-6, "{z}");
        }
        assert!((normal_cdf(-2.326_347_874) - 0.01).abs() < 1e-8);
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
