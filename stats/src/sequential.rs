//! Tests and intervals that stay valid however often they are read (anytime-valid).

use crate::bisect::bisect;
use crate::integral::log_integral;
use crate::special::ln_beta;

/// The natural logarithm of the e-value against "each event is ours with at most its share"; 0
/// without events.
///
/// `ours` holds (share, number of our events while that share was in force) with 0 < share < 1;
/// `others` is the number of events that were not ours. H0: an event is ours with probability
/// θᵢ ≤ wᵢ, its share. For one share w the e-value is
/// `[∫_w^1 θ^s (1−θ)^f dθ / (1−w)] / [w^s (1−w)^f]`.
///
/// Shares change over time, so the mixture is taken over u ∈ [0, 1] with θᵢ(u) = wᵢ + (1 − wᵢ)·u.
/// An event of ours then multiplies the likelihood ratio by 1 + u·(1−wᵢ)/wᵢ, another by 1 − u:
/// `E = ∫₀¹ (1−u)^f · Π (1 + u(1−wᵢ)/wᵢ) du`, which is the formula above for one share.
/// For each u every factor has mean ≤ 1 under H0 whatever share was set beforehand, so E is an
/// e-process for any predictable shares: one mixture, no restart at a step, and by Ville's
/// inequality P(E ever ≥ 1/α) ≤ α. A share stated too high only lowers E.
///
/// Source: Lindon and Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022.
#[must_use]
pub fn ln_e_value(ours: &[(f64, u64)], others: u64) -> f64 {
    if ours.is_empty() && others == 0 {
        return 0.0;
    }
    let odds: Vec<(f64, f64)> = ours
        .iter()
        .map(|(share, n)| ((1.0 - share) / share, *n as f64))
        .collect();
    log_integral(&odds, others as f64)
}

/// The natural logarithm of the likelihood ratio of one alternative: the factors of [`ln_e_value`] at
/// u = `strength`, above 0 and below 1. It detects an event stream that is nearly all ours sooner than
/// the mixture, and one that is partly ours later or never. Source: Wald, "Sequential Tests of
/// Statistical Hypotheses" (1945).
#[must_use]
pub fn ln_ratio(ours: &[(f64, u64)], others: u64, strength: f64) -> f64 {
    let factor = |share: f64| (strength * (1.0 - share) / share).ln_1p();
    let ours: f64 = ours
        .iter()
        .map(|(share, n)| factor(*share) * *n as f64)
        .sum();
    ours + (-strength).ln_1p() * others as f64
}

/// How many trials there were, and how many of them were bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trials {
    /// All trials.
    pub n: u64,
    /// The bad ones among them, at most `n`.
    pub n_bad: u64,
}

impl Trials {
    /// Bad and good trials as real numbers.
    fn counts(self) -> (f64, f64) {
        (self.n_bad as f64, self.n.saturating_sub(self.n_bad) as f64)
    }

    fn rate(self) -> f64 {
        self.n_bad as f64 / self.n as f64
    }
}

/// ln M(p) = ln(mixture / likelihood of p) for a rate p, above 0 and below 1: a martingale when the
/// rate is p.
///
/// The mixture is half on the rate `likely` (above 0, below 1), and half uniform over all rates. It
/// is fixed before the data. M grows away from the observed rate on both sides, so
/// {p : M(p) < 1/α} is an interval that covers the true rate at all times with probability ≥ 1 − α.
/// Source: Robbins, "Statistical methods related to the law of the iterated logarithm" (1970);
/// Howard et al., Annals of Statistics 49 (2021); betting form: Waudby-Smith and Ramdas, JRSS B 86
/// (2024).
#[must_use]
pub fn ln_martingale(trials: Trials, likely: f64, p: f64) -> f64 {
    let (s, f) = trials.counts();
    let good = if f > 0.0 { f * (-p).ln_1p() } else { 0.0 };
    let bad = if s > 0.0 { s * p.ln() } else { 0.0 };
    ln_mixture(trials, likely) - bad - good
}

fn ln_mixture(trials: Trials, likely: f64) -> f64 {
    let (s, f) = trials.counts();
    let atom = s * likely.ln() + f * (-likely).ln_1p();
    let uniform = ln_beta(s + 1.0, f + 1.0);
    let top = atom.max(uniform);
    top + (0.5 * ((atom - top).exp() + (uniform - top).exp())).ln()
}

/// The upper end of the interval for the rate of bad trials, 0 to 1; 1 without data. `likely` is a
/// rate as in [`ln_martingale`]; the rate is below the end at all times with probability
/// ≥ 1 − `alpha`. Source: as [`ln_martingale`].
#[must_use]
pub fn rate_upper(trials: Trials, likely: f64, alpha: f64) -> f64 {
    if trials.n == 0 {
        return 1.0;
    }
    let is_inside = |p: f64| ln_martingale(trials, likely, p) < -alpha.ln();
    bisect(trials.rate(), 1.0, 60, is_inside).1
}

/// The lower end of the interval, 0 to 1; 0 without bad trials. Otherwise as [`rate_upper`].
#[must_use]
pub fn rate_lower(trials: Trials, likely: f64, alpha: f64) -> f64 {
    if trials.n_bad == 0 {
        return 0.0;
    }
    let is_inside = |p: f64| ln_martingale(trials, likely, p) < -alpha.ln();
    bisect(trials.rate(), 0.0, 60, is_inside).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn e_value_equals_the_reference() {
        // mpmath 1.4.1: `quad` of the formula with 40 digits.
        for (share, ours, others, want) in [
            (0.1, 4, 0, 7.706_252_975_149_908_5),
            (0.1, 7, 3, 9.354_149_449_608_43),
            (0.05, 1, 20, -2.421_992_824_377_431),
            (0.5, 30, 12, 2.914_993_653_100_312),
            (0.1, 0, 9, -std::f64::consts::LN_10),
        ] {
            let got = ln_e_value(&[(share, ours)], others);
            assert!((got - want).abs() < 1e-12, "{share} {ours} {others}: {got}");
        }
        let mixed = ln_e_value(&[(0.1, 2), (0.25, 4)], 5);
        assert!((mixed - 2.832_359_911_486_09).abs() < 1e-12, "{mixed}");
        assert_eq!(ln_e_value(&[], 0), 0.0);
    }

    #[test]
    fn million_events_neither_overflow_nor_lose_the_sign() {
        // With a share so small that the lower limit of the integral is negligible:
        // ln B(s + 1, f + 1) less the likelihood of the share.
        let (s, f, w) = (500_000u64, 500_000u64, 0.1f64);
        let got = ln_e_value(&[(w, s)], f);
        let (s, f) = (s as f64, f as f64);
        let want = ln_beta(s + 1.0, f + 1.0) - (1.0 - w).ln() - s * w.ln() - f * (1.0 - w).ln();
        assert!((got - want).abs() < 1e-6, "{got} {want}");
        assert!(ln_e_value(&[(0.1, 100_000)], 900_000) < 7.0);
        assert!(ln_e_value(&[(0.1, 0)], 1_000_000) < -13.0);
    }

    #[test]
    fn interval_of_a_rate_equals_the_reference() {
        // mpmath 1.4.1: both ends by halving with 40 digits.
        for (n, n_bad, likely, alpha, lower, upper) in [
            (60, 0, 0.005, 0.009, 0.0, 0.090_362_195_598_584_45),
            (
                540,
                3,
                0.005,
                0.001,
                0.000_167_170_742_256_185_08,
                0.028_452_805_650_061_253,
            ),
            (
                1000,
                17,
                0.0005,
                0.01,
                0.004_608_885_249_283_386_5,
                0.041_883_285_711_071_5,
            ),
            (
                100_000,
                120,
                0.0005,
                0.009,
                0.000_715_637_878_302_304_5,
                0.001_864_843_977_812_752_4,
            ),
            (5, 5, 0.005, 0.01, 0.242_194_206_817_652_8, 1.0),
        ] {
            let trials = Trials { n, n_bad };
            let got = (
                rate_lower(trials, likely, alpha),
                rate_upper(trials, likely, alpha),
            );
            let is_near = |got: f64, want: f64| (got - want).abs() <= 1e-11 * want;
            assert!(
                is_near(got.0, lower) && is_near(got.1, upper),
                "{n_bad} of {n}: {got:?}"
            );
        }
        assert_eq!(rate_upper(Trials::default(), 0.005, 0.01), 1.0);
    }

    #[test]
    fn interval_read_after_every_trial_misses_the_rate_no_oftener_than_alpha() {
        // The probability that the martingale ever reaches 1/α within 300 trials, summed over all
        // numbers of bad trials; the same sum in Python is 0.0076666.
        let (rate, likely, alpha) = (0.1, 0.005, 0.01f64);
        let mut by_n_bad = vec![1.0];
        let mut missed = 0.0;
        for n in 1..=300 {
            let mut next = vec![0.0; by_n_bad.len() + 1];
            for (n_bad, probability) in by_n_bad.iter().enumerate() {
                next[n_bad] += probability * (1.0 - rate);
                next[n_bad + 1] += probability * rate;
            }
            for (n_bad, probability) in (0..).zip(&mut next) {
                if ln_martingale(Trials { n, n_bad }, likely, rate) >= -alpha.ln() {
                    missed += std::mem::take(probability);
                }
            }
            by_n_bad = next;
        }
        assert!((missed - 0.007_666_595).abs() < 1e-8, "{missed}");
        assert!(missed <= alpha);
    }

    proptest! {
        #[test]
        fn share_stated_too_high_only_lowers_the_e_value(
            s in 0u64..40, f in 0u64..40, share in 0.0001f64..0.9, more in 0.0f64..0.09,
        ) {
            let honest = ln_e_value(&[(share, s)], f);
            let high = ln_e_value(&[(share + more, s)], f);
            prop_assert!(high <= honest + 1e-9);
        }

        #[test]
        fn interval_holds_the_observed_rate(n in 1u64..100_000, share in 0.0f64..=1.0) {
            let trials = Trials { n, n_bad: (n as f64 * share) as u64 };
            let rate = trials.n_bad as f64 / n as f64;
            prop_assert!(rate_lower(trials, 0.005, 0.01) <= rate);
            prop_assert!(rate_upper(trials, 0.005, 0.01) >= rate);
        }
    }
}
