//! The claim that a promotion needs: an anytime-valid upper bound on the canary's excess error rate.
//! The absence of an alarm does not imply it. Pure.

use tollgate_stats::sequential::{Trials, rate_lower, rate_upper};

/// The parameters of the claim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claim {
    /// The declared margin for the excess, from 0 to 1.
    pub margin: f64,
    /// Chance of a false claim, however often the bound is evaluated.
    pub alpha: f64,
}

/// Share of alpha spent on the stable arm's lower bound; without stable errors that bound is 0.
const STABLE_SHARE: f64 = 0.1;

/// The rate on which half of the mixture lies: a twentieth of the margin, so that a clean canary is
/// cleared soon.
fn likely(claim: Claim) -> f64 {
    claim.margin / 20.0
}

/// An upper bound on (canary's error rate − stable's), valid at any time with probability
/// ≥ 1 − alpha: the canary's upper end at 0.9·alpha less the stable arm's lower end at 0.1·alpha.
#[must_use]
pub fn excess_upper(canary: Trials, stable: Trials, claim: Claim) -> f64 {
    let likely = likely(claim);
    rate_upper(canary, likely, claim.alpha * (1.0 - STABLE_SHARE))
        - rate_lower(stable, likely, claim.alpha * STABLE_SHARE)
}

/// How many more good canary requests would bring the bound below the margin: 0 when it is below
/// already, absent when ten million would not be enough.
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
    use tollgate_stats::Rng;
    use tollgate_stats::sequential::ln_martingale;

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
    fn no_data_is_never_a_pass() {
        assert!(excess_upper(trials(0, 0), trials(10_000, 0), SHORT) > 0.99);
    }

    /// Simulations that take seconds.
    mod slow {
        use super::*;

        #[test]
        fn a_fault_at_the_margin_is_promoted_in_at_most_one_run_of_a_hundred() {
            let seed = 20_261_121;
            let mut rng = Rng::new(seed);
            let n_runs = 2_000;
            let mut n_promoted = 0;
            for _ in 0..n_runs {
                let mut canary = trials(0, 0);
                let is_promoted = (0..300).any(|_| {
                    canary.n += 1;
                    canary.n_bad += u64::from(rng.happens(0.10));
                    ln_martingale(canary, likely(SHORT), 0.1) >= -(0.009f64.ln())
                        && canary.n_bad * 10 < canary.n
                });
                n_promoted += u32::from(is_promoted);
            }
            assert!(n_promoted <= n_runs / 100, "seed {seed}: {n_promoted}");
        }
    }
}
