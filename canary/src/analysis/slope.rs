//! Theil–Sen slope with a rank-based interval: is memory growing, and how fast at least?
//! Pure; it must not know what a byte is.

/// At most this many points take part, evenly picked, so that the pairs stay few.
const N_POINTS_MAX: usize = 120;
/// The 99.9% point of the standard normal: the lower bound fails once in a thousand.
const Z: f64 = 3.090_232;

/// A robust slope and its lower confidence bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// The median of the slopes of all pairs.
    pub median: f64,
    /// The one-sided 99.9% lower bound (Sen, JASA 1968): the pair slope of rank (N − C)/2,
    /// C = z·√(n(n−1)(2n+5)/18).
    pub lower: f64,
}

/// The slope of `points` (x, y), x rising. Absent below 8 points.
#[must_use]
pub fn theil_sen(points: &[(f64, f64)]) -> Option<Slope> {
    if points.len() < 8 {
        return None;
    }
    let stride = points.len().div_ceil(N_POINTS_MAX);
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
    let n = crate::numbers::real(picked.len() as u64);
    let spread = Z * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let rank = (crate::numbers::real(slopes.len() as u64) - spread) / 2.0;
    let rank_idx = usize::try_from(crate::numbers::round_u64(rank.floor())).unwrap_or(0);
    Some(Slope {
        median: slopes[slopes.len() / 2],
        lower: slopes[rank_idx.saturating_sub(1).min(slopes.len() - 1)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_slope_and_a_sawtooth_has_none() {
        let line: Vec<_> = (0..40)
            .map(|i| (f64::from(i), 3.0 * f64::from(i)))
            .collect();
        let slope = theil_sen(&line).unwrap();
        assert!((slope.median - 3.0).abs() < 1e-12 && slope.lower > 2.9);
        let sawtooth: Vec<_> = (0..200).map(|i| (f64::from(i), f64::from(i % 7))).collect();
        assert!(theil_sen(&sawtooth).unwrap().lower <= 0.0);
    }

    #[test]
    fn one_wild_sample_does_not_make_a_leak() {
        let points: Vec<_> = (0..30)
            .map(|i| (f64::from(i), if i == 29 { 1e9 } else { 5.0 }))
            .collect();
        assert!(theil_sen(&points).unwrap().lower <= 0.0);
    }
}
