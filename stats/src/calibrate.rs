//! The limit at which a sequential test stops, as low as its chance of a false alarm allows.

use crate::bisect::bisect;

/// Events over which the chance is summed; what can happen later is bounded.
const N_EVENTS: usize = 1_500;

/// The smallest limit for the e-value of [`crate::sequential::ln_e_value`] with one share that an
/// honest stream, read after each event, ever reaches with probability ≤ `alpha`.
///
/// Ville's inequality gives 1/`alpha`, which is careful: an e-value jumps over the limit and the
/// surplus is lost. Here the probability is summed over all numbers of our events until 1500, and
/// the rest is bounded by Ville's inequality for what has not stopped by then. It is never above
/// 1/`alpha`. The share lies above 0 and below 1.
#[must_use]
pub fn calibrated_limit(share: f64, alpha: f64) -> f64 {
    // By the sums of the binomial distribution: ∫ θ^s (1−θ)^f from the share to 1 is
    // B(s + 1, f + 1) · P(Bin(n + 1, share) ≤ s).
    let mixture =
        |event: Event| event.at_most / ((event.n + 1.0) * (1.0 - share) * event.probability);
    lowest(share, alpha, mixture)
}

/// The same for the likelihood ratio of [`crate::sequential::ln_ratio`].
#[must_use]
pub fn calibrated_ratio_limit(share: f64, strength: f64, alpha: f64) -> f64 {
    let ours = (strength * (1.0 - share) / share).ln_1p();
    let others = (-strength).ln_1p();
    let ratio = |event: Event| (event.ours * ours + (event.n - event.ours) * others).exp();
    lowest(share, alpha, ratio)
}

/// A number of our events among the first `n` of an honest stream.
#[derive(Debug, Clone, Copy)]
struct Event {
    n: f64,
    ours: f64,
    probability: f64,
    /// P(Bin(n + 1, share) ≤ ours)
    at_most: f64,
}

fn lowest(share: f64, alpha: f64, e_value: impl Fn(Event) -> f64) -> f64 {
    let ville = -alpha.ln();
    let is_too_low = |ln_limit: f64| crossing(share, ln_limit.exp(), &e_value) > alpha;
    if is_too_low(ville) {
        return ville.exp();
    }
    bisect(1.0, ville, 14, is_too_low).1.exp()
}

/// An upper bound on the probability that the e-value of an honest stream ever reaches `limit`.
fn crossing(share: f64, limit: f64, e_value: &impl Fn(Event) -> f64) -> f64 {
    // By number of our events: the probability of being there without having stopped, and of being
    // there at all.
    let (mut alive, mut all) = (vec![1.0], vec![1.0]);
    let (mut crossed, mut wealth) = (0.0, 0.0);
    for n in 1..=N_EVENTS {
        alive = next(&alive, share);
        all = next(&all, share);
        let mut below = 0.0;
        for ours in 0..alive.len() {
            let event = Event {
                n: n as f64,
                ours: ours as f64,
                probability: all[ours],
                at_most: below + all[ours] * (1.0 - share),
            };
            below += all[ours];
            if alive[ours] <= 0.0 || event.ours <= share * event.n {
                continue;
            }
            let e_value = e_value(event);
            if e_value >= limit {
                crossed += alive[ours];
                wealth += alive[ours] * e_value;
                alive[ours] = 0.0;
            }
        }
        while alive.last().is_some_and(|p| *p == 0.0) {
            alive.pop();
        }
    }
    crossed + (1.0 - wealth).max(0.0) / limit
}

fn next(before: &[f64], share: f64) -> Vec<f64> {
    let mut after = vec![0.0; before.len() + 1];
    for (ours, probability) in before.iter().enumerate() {
        after[ours] += probability * (1.0 - share);
        after[ours + 1] += probability * share;
    }
    // What can no longer be told from 0 would only cost time.
    while after.len() > 1 && after.last().is_some_and(|p| *p < 1e-30) {
        after.pop();
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;
    use crate::sequential::{ln_e_value, ln_ratio};

    #[test]
    fn limits_are_below_those_of_ville_and_lower_for_a_larger_alpha() {
        for (share, alpha) in [(0.1, 7e-4), (0.2, 2e-5), (0.5, 1e-3), (0.01, 7e-4)] {
            let (limit, ratio) = (
                calibrated_limit(share, alpha),
                calibrated_ratio_limit(share, 0.8, alpha),
            );
            assert!(limit <= 1.0 / alpha + 1e-6, "{share} {alpha}: {limit}");
            assert!(ratio <= 1.0 / alpha + 1e-6, "{share} {alpha}: {ratio}");
            assert!(calibrated_limit(share, alpha * 2.0) < limit);
        }
    }

    #[test]
    fn ratio_stops_after_four_of_five_events_at_ten_percent() {
        // Summed over all paths in Python: 5.94e-4 for the bounds 4, 4, 5, 6, 7, 7 and so on.
        let limit = calibrated_ratio_limit(0.1, 0.8, 6e-4).ln();
        assert!(ln_ratio(&[(0.1, 4)], 1, 0.8) >= limit, "{}", limit.exp());
        assert!(ln_ratio(&[(0.1, 4)], 2, 0.8) < limit);
        assert!(ln_ratio(&[(0.1, 3)], 0, 0.8) < limit);
    }

    #[test]
    fn honest_streams_reach_the_limit_no_oftener_than_alpha() {
        let (seed, share, alpha) = (20_261_201, 0.1, 0.01);
        let ln_limit = calibrated_limit(share, alpha).ln();
        let mut rng = Rng::new(seed);
        let n_runs = 4_000;
        let n_alarms = (0..n_runs)
            .filter(|_| {
                let (mut ours, mut others) = (0, 0);
                (0..150).any(|_| {
                    if rng.happens(share) {
                        ours += 1;
                        ln_e_value(&[(share, ours)], others) >= ln_limit
                    } else {
                        others += 1;
                        false
                    }
                })
            })
            .count();
        assert!(n_alarms <= 48, "seed {seed}: {n_alarms} of {n_runs}");
        assert!(n_alarms >= 8, "seed {seed}: {n_alarms} of {n_runs}");
    }
}
