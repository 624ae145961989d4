//! The conditional e-process: each bad event is a coin "was it the canary's?".
//! Pure; it must not know what made an event bad.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Weight;
use crate::analysis::integral::log_integral;
use crate::numbers::real;

/// Bad events of both arms, with the canary's share at each.
///
/// H0: a bad event is the canary's with probability θᵢ ≤ wᵢ, its share of the requests at that
/// moment. For a constant w the e-value is `[∫_w^1 θ^s (1−θ)^f dθ / (1−w)] / [w^s (1−w)^f]`.
///
/// Weights change over time, so the mixture is taken over u ∈ [0, 1] with θᵢ(u) = wᵢ + (1 − wᵢ)·u.
/// A canary event then multiplies the likelihood ratio by 1 + u·(1−wᵢ)/wᵢ, a stable one by 1 − u:
/// `E = ∫₀¹ (1−u)^f · Π (1 + u(1−wᵢ)/wᵢ) du`, which is the formula above when w is constant.
/// For each u every factor has mean ≤ 1 under H0 whatever weight was set beforehand, so E is an
/// e-process for any predictable weights: one mixture, no restart at a step, and by Ville's
/// inequality P(E ever ≥ 1/α) ≤ α. A weight stated too high only lowers E.
///
/// Source: Lindon & Malek, "Anytime-Valid Inference for Multinomial Count Data", `NeurIPS` 2022.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coin {
    /// Bad events of the canary, by the canary's weight at that moment (basis points).
    pub canary: BTreeMap<u32, u64>,
    /// Bad events of the stable version while the canary had traffic.
    pub stable: u64,
}

impl Coin {
    /// Adds bad events seen while the canary's share was `weight`. A share of 0 or of all says
    /// nothing about either arm and is left out.
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

    /// The natural logarithm of the e-value; 0 without events.
    #[must_use]
    pub fn log_e_value(&self) -> f64 {
        let odds: Vec<(f64, f64)> = self
            .canary
            .iter()
            .map(|(bp, n)| {
                let share = Weight::from_bp(*bp).share();
                ((1.0 - share) / share, real(*n))
            })
            .collect();
        if odds.is_empty() && self.stable == 0 {
            return 0.0;
        }
        log_integral(&odds, real(self.stable))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::gamma::ln_beta;
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

    #[test]
    fn a_million_events_neither_overflow_nor_lose_the_sign() {
        // With w so small that the lower limit of the integral is negligible: ln B(s+1, f+1) form.
        let (s, f, w) = (500_000u64, 500_000u64, 0.1f64);
        let got = coin(1_000, s, f).log_e_value();
        let want = ln_beta(real(s) + 1.0, real(f) + 1.0)
            - (1.0 - w).ln()
            - real(s) * w.ln()
            - real(f) * (1.0 - w).ln();
        assert!((got - want).abs() < 1e-3, "{got} {want}");
        assert!(coin(1_000, 100_000, 900_000).log_e_value() < 7.0);
        assert!(coin(1_000, 0, 1_000_000).log_e_value() < -13.0);
    }

    proptest! {
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
