//! `ln ∫₀¹ (1−u)^f Π (1 + cⱼu)^{sⱼ} du`, stable for large powers.

use crate::bisect::bisect;

/// Nodes and weights of the 8-point Gauss–Legendre rule on [−1, 1] (Abramowitz & Stegun, 25.4.30).
const GAUSS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// Panels on each side of the mode.
const N_PANELS: u32 = 16;
/// Where the logarithm of the integrand is further than this below its peak, it is left out: e⁻⁴²
/// of the peak is below the last digit of an `f64`.
const DROP: f64 = 42.0;

/// `powers` holds (cⱼ, sⱼ) with cⱼ > 0 and sⱼ ≥ 0; `f` ≥ 0. The log integrand is concave, so its
/// one mode is found by halving, and each side of it is integrated down to where nothing is left.
pub(crate) fn log_integral(powers: &[(f64, f64)], f: f64) -> f64 {
    let log_at = |u: f64| -> f64 {
        let rest = if f > 0.0 { f * (-u).ln_1p() } else { 0.0 };
        rest + powers.iter().map(|(c, s)| s * (c * u).ln_1p()).sum::<f64>()
    };
    let slope_at = |u: f64| -> f64 {
        let rest = if f > 0.0 { f / (1.0 - u) } else { 0.0 };
        powers
            .iter()
            .map(|(c, s)| s * c / (1.0 + c * u))
            .sum::<f64>()
            - rest
    };
    let mode = mode_of(&slope_at, f);
    let peak = log_at(mode);
    let left = edge(&log_at, mode, 0.0, peak - DROP);
    let right = edge(&log_at, mode, 1.0, peak - DROP);
    let sum = panels(&log_at, peak, left, mode) + panels(&log_at, peak, mode, right);
    peak + sum.ln()
}

fn mode_of(slope_at: &impl Fn(f64) -> f64, f: f64) -> f64 {
    if slope_at(0.0) <= 0.0 {
        return 0.0;
    }
    if f <= 0.0 {
        return 1.0;
    }
    bisect(0.0, 1.0, 80, |u| slope_at(u) > 0.0).0
}

/// The point between `mode` and `end` where the log integrand falls to `floor`, or `end`.
fn edge(log_at: &impl Fn(f64) -> f64, mode: f64, end: f64, floor: f64) -> f64 {
    if log_at(end) >= floor {
        return end;
    }
    bisect(mode, end, 60, |u| log_at(u) >= floor).1
}

fn panels(log_at: &impl Fn(f64) -> f64, peak: f64, from: f64, to: f64) -> f64 {
    let half = 0.5 * (to - from) / f64::from(N_PANELS);
    let mut sum = 0.0;
    for panel in 0..N_PANELS {
        let centre = from + half * (2.0 * f64::from(panel) + 1.0);
        for (node, weight) in GAUSS {
            for sign in [-1.0, 1.0] {
                let log = log_at(centre + sign * node * half) - peak;
                sum += weight * half * log.exp();
            }
        }
    }
    sum
}
