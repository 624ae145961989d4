//! The claim a promotion needs: an anytime-valid upper bound on the canary's excess error rate.
//! Pure; the absence of an alarm is not this claim.

use serde::{Deserialize, Serialize};

use crate::analysis::gamma::ln_beta;
use crate::numbers::real;

/// Requests of one arm and how many were bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trials {
    /// Finished requests.
    pub n: u64,
    /// Bad ones among them.
    pub n_bad: u64,
}

/// What the bound is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claim {
    /// The declared margin for the excess, from 0 to 1.
    pub margin: f64,
    /// Chance of a false claim, however often one looks.
    pub alpha: f64,
}

/// Share of alpha spent on the stable arm's lower bound; without stable errors that bound is 0.
const STABLE_SHARE: f64 = 0.1;

/// ln of the mixture likelihood: half on a rate of a twentieth of the margin (so that a clean
/// canary is cleared soon), half uniform over all rates. Fixed before the data.
fn ln_mixture(trials: Trials, margin: f64) -> f64 {
    let (s, f) = (
        real(trials.n_bad),
        real(trials.n.saturating_sub(trials.n_bad)),
    );
    let near_zero = margin / 20.0;
    let atom = s * near_zero.ln() + f * (-near_zero).ln_1p();
    let uniform = ln_beta(s + 1.0, f + 1.0);
    let top = atom.max(uniform);
    top + (0.5 * ((atom - top).exp() + (uniform - top).exp())).ln()
}

/// ln M(p) = ln(mixture / likelihood of p): a martingale when the rate is p. It grows away from
/// the observed rate on both sides, so {p : M(p) < 1/α} is an interval that covers the true rate
/// at all times with probability ≥ 1 − α (Robbins 1970; Howard et al., Annals of Statistics 2021;
/// betting form: Waudby-Smith & Ramdas, JRSS B 2024).
fn ln_martingale(trials: Trials, margin: f64, p: f64) -> f64 {
    let (s, f) = (
        real(trials.n_bad),
        real(trials.n.saturating_sub(trials.n_bad)),
    );
    let good = if f > 0.0 { f * (-p).ln_1p() } else { 0.0 };
    let bad = if s > 0.0 { s * p.ln() } else { 0.0 };
    ln_mixture(trials, margin) - bad - good
}

/// The upper end of the interval; 1 without data.
fn rate_upper(trials: Trials, margin: f64, alpha: f64) -> f64 {
    if trials.n == 0 {
        return 1.0;
    }
    let wanted = -alpha.ln();
    let (mut low, mut high) = (real(trials.n_bad) / real(trials.n), 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if ln_martingale(trials, margin, middle) >= wanted {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// The lower end of the interval; 0 without bad requests.
fn rate_lower(trials: Trials, margin: f64, alpha: f64) -> f64 {
    if trials.n_bad == 0 {
        return 0.0;
    }
    let wanted = -alpha.ln();
    let (mut low, mut high) = (0.0, real(trials.n_bad) / real(trials.n));
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if ln_martingale(trials, margin, middle) >= wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// An upper bound on (canary's error rate − stable's), valid at any time with probability
/// ≥ 1 − alpha: the canary's upper end at 0.9·alpha less the stable arm's lower end at 0.1·alpha.
#[must_use]
pub fn excess_upper(canary: Trials, stable: Trials, claim: Claim) -> f64 {
    rate_upper(canary, claim.margin, claim.alpha * (1.0 - STABLE_SHARE))
        - rate_lower(stable, claim.margin, claim.alpha * STABLE_SHARE)
}

/// How many more canary requests, all good, would bring the bound below the margin: 0 when it is
/// there, absent when ten million would not do.
#[must_use]
pub fn n_more_to_decide(canary: Trials, stable: Trials, claim: Claim) -> Option<u64> {
    let decides = |n_more: u64| {
        let more = Trials {
            n: canary.n + n_more,
            ..canary
        };
        excess_upper(more, stable, claim) < claim.margin
    };
    if decides(0) {
        return Some(0);
    }
    let mut high = 1;
    while !decides(high) {
        high *= 2;
        if high > 10_000_000 {
            return None;
        }
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if decides(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    const SHORT: Claim = Claim {
        margin: 0.10,
        alpha: 0.01,
    };

    fn trials(n: u64, n_bad: u64) -> Trials {
        Trials { n, n_bad }
    }

    #[test]
    fn a_clean_short_plan_decides_within_sixty_canary_requests() {
        let stable = trials(540, 0);
        assert_eq!(n_more_to_decide(trials(0, 0), stable, SHORT), Some(54));
        assert!(excess_upper(trials(60, 0), stable, SHORT) < 0.10);
        let long = Claim {
            margin: 0.01,
            alpha: 0.01,
        };
        let n = n_more_to_decide(trials(0, 0), stable, long).unwrap();
        assert!((500..600).contains(&n), "{n}");
    }

    #[test]
    fn a_fault_at_the_margin_is_promoted_in_at_most_one_run_of_a_hundred() {
        let seed = 20_261_121;
        let mut rng = StdRng::seed_from_u64(seed);
        let n_runs = 2_000;
        let mut n_promoted = 0;
        for _ in 0..n_runs {
            let mut canary = trials(0, 0);
            let is_promoted = (0..300).any(|_| {
                canary.n += 1;
                canary.n_bad += u64::from(rng.random_bool(0.10));
                ln_martingale(canary, 0.1, 0.1) >= -(0.009f64.ln()) && canary.n_bad * 10 < canary.n
            });
            n_promoted += u32::from(is_promoted);
        }
        assert!(n_promoted <= n_runs / 100, "seed {seed}: {n_promoted}");
    }

    #[test]
    fn no_data_is_never_a_pass() {
        assert!(excess_upper(trials(0, 0), trials(10_000, 0), SHORT) > 0.99);
    }
}
