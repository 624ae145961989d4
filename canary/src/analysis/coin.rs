//! The conditional e-process: each bad event is a coin "was it the canary's?". Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tollgate_stats::sequential::{ln_e_value, ln_ratio};

use crate::Weight;

/// The alternative of the quick test: four fifths of the way from an equal share to all events.
pub const STRENGTH: f64 = 0.8;

/// Bad events of both arms, with the canary's share at each.
///
/// H0: a bad event is the canary's with probability at most its share of the requests at that
/// moment; the test is [`ln_e_value`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coin {
    /// Bad events of the canary, by the canary's weight at that moment (basis points).
    pub canary: BTreeMap<u32, u64>,
    /// Bad events of the stable version while the canary had traffic.
    pub stable: u64,
}

impl Coin {
    /// Adds bad events that occurred while the canary's share was `weight`. They are ignored when
    /// one version had all the traffic, because then the two cannot be compared.
    pub fn record(&mut self, weight: Weight, n_canary: u64, n_stable: u64) {
        if weight == Weight::NONE || weight == Weight::ALL {
            return;
        }
        if n_canary > 0 {
            *self.canary.entry(weight.bp()).or_default() += n_canary;
        }
        self.stable += n_stable;
    }

    /// Bad events of the canary.
    #[must_use]
    pub fn n_canary(&self) -> u64 {
        self.canary.values().sum()
    }

    /// At least [`Coin::log_e_value`], and quick: the likelihood ratio of the best share.
    #[must_use]
    pub fn log_e_value_max(&self) -> f64 {
        let n_canary = crate::numbers::real(self.n_canary());
        let Some((bp, _)) = self.canary.first_key_value() else {
            return 0.0;
        };
        let (share, n) = (
            Weight::from_bp(*bp).share(),
            n_canary + crate::numbers::real(self.stable),
        );
        let seen = n_canary / n;
        if seen <= share {
            return 0.0;
        }
        let others = if seen < 1.0 {
            (1.0 - seen) * ((1.0 - seen) / (1.0 - share)).ln()
        } else {
            0.0
        };
        n * (seen * (seen / share).ln() + others)
    }

    /// The natural logarithm of the e-value; 0 without events.
    #[must_use]
    pub fn log_e_value(&self) -> f64 {
        ln_e_value(&self.by_share(), self.stable)
    }

    /// The natural logarithm of the likelihood ratio of an alternative in which nearly all events
    /// are the canary's, see [`STRENGTH`].
    #[must_use]
    pub fn log_ratio(&self) -> f64 {
        ln_ratio(&self.by_share(), self.stable, STRENGTH)
    }

    fn by_share(&self) -> Vec<(f64, u64)> {
        let shares = self.canary.iter();
        shares
            .map(|(bp, n)| (Weight::from_bp(*bp).share(), *n))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coin(weight_bp: u32, s: u64, f: u64) -> Coin {
        let mut coin = Coin::default();
        coin.record(Weight::from_bp(weight_bp), s, f);
        coin
    }

    /// The page's formula by brute force: Simpson's rule with many points, in plain numbers.
    fn by_simpson(w: f64, s: i32, f: i32) -> f64 {
        let n = 200_000;
        let h = (1.0 - w) / f64::from(n);
        let ratio = |theta: f64| {
            (theta / w).powi(s)
                * if f == 0 {
                    1.0
                } else {
                    ((1.0 - theta) / (1.0 - w)).powi(f)
                }
        };
        let sum: f64 = (0..=n)
            .map(|i| {
                let factor = match i {
                    0 => 1.0,
                    i if i == n => 1.0,
                    i if i % 2 == 1 => 4.0,
                    _ => 2.0,
                };
                factor * ratio(w + h * f64::from(i))
            })
            .sum();
        sum * h / 3.0 / (1.0 - w)
    }

    #[test]
    fn four_canary_errors_and_none_in_the_baseline_suffice_at_ten_percent() {
        assert!(coin(1_000, 4, 0).log_e_value().exp() >= 1_250.0);
        assert!(coin(1_000, 3, 0).log_e_value().exp() < 1_000.0);
    }

    #[test]
    fn the_e_value_is_the_formula_of_the_page() {
        for (bp, s, f) in [
            (1_000, 4, 0),
            (1_000, 7, 3),
            (500, 1, 20),
            (5_000, 30, 12),
            (1_000, 0, 9),
        ] {
            let got = coin(bp, s, f).log_e_value();
            let want = by_simpson(
                f64::from(bp) / 1e4,
                i32::try_from(s).unwrap(),
                i32::try_from(f).unwrap(),
            )
            .ln();
            assert!(
                (got - want).abs() < 1e-9,
                "w={bp} s={s} f={f}: {got} {want}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_quick_bound_is_never_below_the_e_value(
            low in 1u32..9_000, more in 0u32..900, s in 0u64..40, t in 0u64..40, f in 0u64..40,
        ) {
            let mut coin = coin(low, s, f);
            coin.record(Weight::from_bp(low + more), t, 0);
            prop_assert!(coin.log_e_value_max() + 1e-9 >= coin.log_e_value());
        }

        #[test]
        fn a_weight_stated_too_high_only_lowers_the_e_value(
            s in 0u64..40, f in 0u64..40, low in 1u32..9_000, more in 0u32..900,
        ) {
            let honest = coin(low, s, f).log_e_value();
            let high = coin(low + more, s, f).log_e_value();
            prop_assert!(high <= honest + 1e-9);
        }
    }
}
