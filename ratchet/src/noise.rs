//! Whether a noisy metric got worse: two exact tests over the newest runs.
//!
//! A run is *worse* when its value is beyond the floor and the tolerance. A single worse run is a
//! spike, whatever its size. The newest worse runs in a row are compared with
//! - the runs before them: Fisher's exact test of "worse" against "newest in a row";
//! - the floor: the sign test, for which no run before is needed.
//!
//! Each test has half of the allowed probability of failing by chance. Both hold whatever the
//! distribution of the values, as long as the order of the runs is exchangeable when nothing changed.

use crate::settings::NoiseSettings;

/// Longest row of worse runs that is counted.
const ROW_MAX: usize = 64;

/// What the recorded runs show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shown {
    /// The metric got worse.
    Change {
        /// Worse runs in a row, this one included.
        n_worse: usize,
        /// Runs before them.
        n_before: usize,
        /// The smaller probability of the two tests.
        p: f64,
    },
    /// Noise may explain it.
    Undecided {
        /// Worse runs in a row, this one included.
        n_worse: usize,
        /// Runs before them.
        n_before: usize,
        /// How many more runs, as bad as this one, show a change.
        n_missing: usize,
    },
}

/// Judges a run that is worse. `past` holds, for each recorded run from the oldest, whether it was
/// worse.
#[must_use]
pub fn judge(past: &[bool], noise: &NoiseSettings) -> Shown {
    let n_row = past.iter().rev().take_while(|is_worse| **is_worse).count();
    let n_worse = (n_row + 1).min(ROW_MAX);
    let before = &past[..past.len() - n_row];
    let before = &before[before.len().saturating_sub(noise.window)..];
    let n_before = before.len();
    let n_worse_before = before.iter().filter(|is_worse| **is_worse).count();
    let p = |n_worse| p_step(n_worse, n_before, n_worse_before).min(p_level(n_worse));
    let is_shown = |n_worse: &usize| p(*n_worse) <= noise.p_max / 2.0;
    if is_shown(&n_worse) {
        return Shown::Change {
            n_worse,
            n_before,
            p: p(n_worse),
        };
    }
    let enough = (n_worse..=ROW_MAX).find(is_shown).unwrap_or(ROW_MAX);
    Shown::Undecided {
        n_worse,
        n_before,
        n_missing: (enough - n_worse).max(1),
    }
}

/// The probability that the newest `n_worse` runs hold none but worse ones, when the worse ones
/// among all runs are spread by chance. R. A. Fisher, "Statistical Methods for Research Workers",
/// 5th edition (1934), §21.02.
fn p_step(n_worse: usize, n_before: usize, n_worse_before: usize) -> f64 {
    // C(w + b, w) / C(n + w, w), as a product of w factors.
    (1..=n_worse)
        .map(|idx| (n_worse_before + idx) as f64 / (n_before + idx) as f64)
        .product()
}

/// The probability of so many worse runs in a row when at most half of all runs are worse.
fn p_level(n_worse: usize) -> f64 {
    0.5f64.powi(i32::try_from(n_worse).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_stats::Rng;

    fn runs_until_change(n_before: usize) -> usize {
        let noise = NoiseSettings::default();
        let mut past = vec![false; n_before];
        loop {
            if let Shown::Change { n_worse, .. } = judge(&past, &noise) {
                return n_worse;
            }
            past.push(true);
        }
    }

    #[test]
    fn a_step_change_is_found_within_three_to_eleven_runs() {
        let want = [(0, 11), (5, 9), (8, 6), (12, 5), (20, 4), (30, 3), (500, 3)];
        for (n_before, n_runs) in want {
            assert_eq!(runs_until_change(n_before), n_runs, "after {n_before} runs");
        }
    }

    #[test]
    fn the_missing_runs_are_counted_down_to_the_change() {
        let noise = NoiseSettings::default();
        let mut past = vec![false; 12];
        for n_left in [4, 3, 2, 1] {
            let Shown::Undecided { n_missing, .. } = judge(&past, &noise) else {
                panic!("{n_left} runs are missing")
            };
            assert_eq!(n_missing, n_left);
            past.push(true);
        }
        assert!(matches!(judge(&past, &noise), Shown::Change { .. }));
    }

    #[test]
    fn a_spike_is_never_a_change_however_many_quiet_runs_there_are() {
        let noise = NoiseSettings::default();
        for n_before in [1, 5, 30, 1000] {
            let got = judge(&vec![false; n_before], &noise);
            assert!(
                matches!(got, Shown::Undecided { .. }),
                "{n_before}: {got:?}"
            );
        }
    }

    #[test]
    fn noise_alone_fails_less_often_than_the_stated_rate() {
        let noise = NoiseSettings::default();
        let mut rng = Rng::new(11);
        for share_worse in [0.02, 0.1, 0.2, 0.3, 0.4, 0.5] {
            let (mut n_checks, mut n_failed) = (0u32, 0u32);
            let mut past: Vec<bool> = Vec::new();
            for _ in 0..60_000 {
                let is_worse = rng.happens(share_worse);
                n_checks += 1;
                if is_worse && matches!(judge(&past, &noise), Shown::Change { .. }) {
                    n_failed += 1;
                }
                past.push(is_worse);
                if past.len() > 60 {
                    past.remove(0);
                }
            }
            let rate = f64::from(n_failed) / f64::from(n_checks);
            assert!(rate <= noise.p_max, "{share_worse}: {rate}");
        }
    }
}
