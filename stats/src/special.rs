//! Special functions: gamma, beta, and the normal distribution.
//!
//! Written here rather than taken from a library, because the budgets need the incomplete beta
//! function at ten million samples: `statrs` 0.19.1 stops its continued fraction after 140 terms
//! and takes ln Γ(a + b) − ln Γ(a) − ln Γ(b) of numbers near 10⁸, which leaves 8 digits.

use std::f64::consts::{PI, SQRT_2};

/// ½ ln 2π.
const LN_SQRT_2PI: f64 = 0.918_938_533_204_672_8;

/// From here on eight terms of Stirling's series are exact to the last digit of an `f64`.
const STIRLING_MIN: f64 = 10.0;

/// Most steps of a continued fraction. That of the beta function needs about √max(a, b), so this
/// suffices for 10¹⁰ samples.
const FRACTION_STEPS_MAX: usize = 200_000;

/// A continued fraction has converged when a step changes it by less than this share.
const FRACTION_CHANGE_MIN: f64 = 1e-15;

/// Δ(x) = ln Γ(x) − ((x − ½) ln x − x + ½ ln 2π) for x > 0: what Stirling's formula leaves out.
///
/// Series: Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 6.1.40. Below 10 by
/// the recurrence Δ(x) = Δ(x + 1) + (x + ½) ln(1 + 1/x) − 1, which follows from Γ(x + 1) = x Γ(x).
fn stirling_error(x: f64) -> f64 {
    let mut x = x;
    let mut below = 0.0;
    while x < STIRLING_MIN {
        below += (x + 0.5) * (1.0 / x).ln_1p() - 1.0;
        x += 1.0;
    }
    let coefficients = [
        3_617.0 / 122_400.0,
        1.0 / 156.0,
        691.0 / 360_360.0,
        1.0 / 1_188.0,
        1.0 / 1_680.0,
        1.0 / 1_260.0,
        1.0 / 360.0,
        1.0 / 12.0,
    ];
    let square = 1.0 / (x * x);
    let series = coefficients
        .iter()
        .fold(0.0, |sum, coefficient| coefficient - sum * square);
    below + series / x
}

/// ln Γ(x) for x > 0; NaN elsewhere. The error is below 3·10⁻¹⁵ of max(1, |ln Γ(x)|).
///
/// Source: Stirling's formula with the series of Abramowitz and Stegun, 6.1.40.
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    (x - 0.5) * x.ln() - x + LN_SQRT_2PI + stirling_error(x)
}

/// ln B(a, b) = ln Γ(a) + ln Γ(b) − ln Γ(a + b) for a, b > 0; NaN elsewhere.
///
/// The large terms of Stirling's formula cancel before they are computed, so that the result keeps
/// its digits for millions of events. Same source as [`ln_gamma`].
#[must_use]
pub fn ln_beta(a: f64, b: f64) -> f64 {
    if !(a > 0.0 && b > 0.0) {
        return f64::NAN;
    }
    let sum = a + b;
    let ln_share = |part: f64, rest: f64| {
        // ln(part / sum), from the smaller share where the larger one is near 1.
        if part > rest {
            (-rest / sum).ln_1p()
        } else {
            (part / sum).ln()
        }
    };
    (a - 0.5) * ln_share(a, b) + (b - 0.5) * ln_share(b, a) - 0.5 * sum.ln()
        + LN_SQRT_2PI
        + (stirling_error(a) + stirling_error(b) - stirling_error(sum))
}

/// x ln(x / m) + m − x for x, m > 0, without cancellation where x is near m.
///
/// Source: Loader, "Fast and accurate computation of binomial probabilities" (2000), function `bd0`.
fn deviance(x: f64, m: f64) -> f64 {
    let difference = x - m;
    if difference.abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() - difference;
    }
    let ratio = difference / (x + m);
    let square = ratio * ratio;
    let mut sum = difference * ratio;
    let mut term = 2.0 * x * ratio;
    let mut n = 1.0;
    loop {
        term *= square;
        n += 2.0;
        let next = sum + term / n;
        if next == sum {
            return sum;
        }
        sum = next;
    }
}

/// ln(xᵃ (1 − x)ᵇ / B(a, b)) for a, b > 0 and 0 < x < 1, by Loader's saddle point form.
fn ln_beta_front(x: f64, a: f64, b: f64) -> f64 {
    let sum = a + b;
    0.5 * (a / sum * b / (2.0 * PI)).ln()
        - deviance(a, sum * x)
        - deviance(b, sum * (1.0 - x))
        - (stirling_error(a) + stirling_error(b) - stirling_error(sum))
}

/// The regularised incomplete beta function Iₓ(a, b), 0 to 1, for a, b > 0; 0 for x ≤ 0 and 1 for
/// x ≥ 1; NaN for other a, b or a NaN.
///
/// The relative error is below 10⁻¹² up to a + b = 10⁷ wherever the result is not rounded to 1.
/// Source: the continued fraction DLMF 8.17.22 by Lentz's method (Press et al., "Numerical Recipes
/// in C", 2nd edition, §6.4), with the factor before it as in Loader (2000).
#[must_use]
pub fn beta_regularised(x: f64, a: f64, b: f64) -> f64 {
    if x.is_nan() || !(a > 0.0 && b > 0.0) {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = ln_beta_front(x, a, b).exp();
    // The fraction converges fast on this side of the mean; the other follows by symmetry.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let first = 1.0 - (a + b) * x / (a + 1.0);
    let mut fraction = Lentz::new(1.0, first);
    for step in 1..FRACTION_STEPS_MAX {
        let m = step as f64;
        fraction.step(m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)), 1.0);
        let change = fraction.step(
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
            1.0,
        );
        if (change - 1.0).abs() < FRACTION_CHANGE_MIN {
            break;
        }
    }
    fraction.value
}

/// Lentz's method for a continued fraction, in the modified form of Thompson and Barnett, "Coulomb
/// and Bessel functions of complex arguments and order", Journal of Computational Physics 64 (1986).
struct Lentz {
    c: f64,
    d: f64,
    value: f64,
}

impl Lentz {
    /// Starts with 1 / `first`; `c` is what the next numerator is divided by.
    fn new(c: f64, first: f64) -> Self {
        let d = 1.0 / away_from_zero(first);
        Self { c, d, value: d }
    }

    /// Adds `numerator / (denominator + …)`; returns the factor by which the value changed.
    fn step(&mut self, numerator: f64, denominator: f64) -> f64 {
        self.d = 1.0 / away_from_zero(denominator + numerator * self.d);
        self.c = away_from_zero(denominator + numerator / self.c);
        let change = self.c * self.d;
        self.value *= change;
        change
    }
}

fn away_from_zero(value: f64) -> f64 {
    if value.abs() < 1e-300 { 1e-300 } else { value }
}

/// The standard normal distribution function Φ(z), 0 to 1, for any z; NaN for NaN. The relative
/// error is below 10⁻¹³, also in the lower tail, to z = −37 where Φ is 6·10⁻³⁰⁰.
///
/// Source: Abramowitz and Stegun, 7.1.6 (series of erf) for |z| < 2.5, and 7.1.14 (continued
/// fraction of erfc) beyond.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    if z.is_nan() {
        return f64::NAN;
    }
    let tail = if z.abs() < 2.5 {
        0.5 - half_erf(z.abs())
    } else {
        upper_tail(z.abs())
    };
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// ½ erf(z / √2) = φ(z) Σ z²ⁿ⁺¹ / (1·3·5 … (2n + 1)) for z ≥ 0: all terms are positive.
fn half_erf(z: f64) -> f64 {
    let mut term = z;
    let mut sum = z;
    let mut odd = 1.0;
    loop {
        odd += 2.0;
        term *= z * z / odd;
        let next = sum + term;
        if next == sum {
            return sum * density(z);
        }
        sum = next;
    }
}

/// 1 − Φ(z) = φ(z) / (z + 1/(z + 2/(z + 3/(z + …)))) for z > 0.
fn upper_tail(z: f64) -> f64 {
    let mut fraction = Lentz::new(f64::INFINITY, z);
    for step in 1..1_000 {
        let change = fraction.step(f64::from(step), z);
        if (change - 1.0).abs() < FRACTION_CHANGE_MIN {
            break;
        }
    }
    fraction.value * density(z)
}

/// The standard normal density φ(z).
fn density(z: f64) -> f64 {
    // z² in two parts, so that the rounding of a large square is not raised to a power.
    let high = (z * 16.0).trunc() / 16.0;
    let rest = (z - high) * (z + high);
    (-0.5 * high * high).exp() * (-0.5 * rest).exp() / (SQRT_2 * PI.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(got: f64, want: f64, relative: f64) {
        let error = if want == 0.0 {
            got.abs()
        } else {
            (got / want - 1.0).abs()
        };
        assert!(error <= relative, "got {got:e}, want {want:e}: {error:e}");
    }

    // Reference values: mpmath 1.4.1 with 50 digits (`loggamma`, `ncdf`, and for the incomplete
    // beta function the continued fraction in 50 digits, equal to `betainc` where that converges).

    #[test]
    fn ln_gamma_equals_the_reference() {
        for (x, want) in [
            (1e-5, 11.512_919_692_895_826),
            (0.1, 2.252_712_651_734_206),
            (0.5, 0.572_364_942_924_700_1),
            (1.0, 0.0),
            (1.25, -0.098_271_836_421_813_16),
            (1.5, -0.120_782_237_635_245_22),
            (2.0, 0.0),
            (2.5, 0.284_682_870_472_919_2),
            (3.75, 1.486_815_578_593_417),
            (7.0, 6.579_251_212_010_101),
            (10.0, 12.801_827_480_081_469),
            (20.5, 40.831_500_974_530_8),
            (100.0, 359.134_205_369_575_4),
            (1234.5, 7_550.550_901_077_895),
            (1e5, 1_051_287.708_973_656_9),
            (1e7, 151_180_949.369_473_9),
            (1e10, 220_258_509_288.810_58),
        ] {
            let error = (ln_gamma(x) - want).abs() / want.abs().max(1.0);
            assert!(error < 3e-15, "{x}: {error:e}");
        }
    }

    #[test]
    fn ln_beta_equals_the_reference() {
        for (a, b, want) in [
            (0.5, 0.5, 1.144_729_885_849_400_2),
            (2.0, 3.0, -2.484_906_649_788_000_4),
            (0.1, 50.0, 1.862_412_745_670_004_6),
            (5.0, 1000.0, -31.370_707_597_807_833),
            (101.0, 400.0, -253.081_849_468_459_18),
            (1_000_001.0, 9_000_001.0, -3_250_838.077_996_595),
            (500_001.0, 500_001.0, -693_153.862_524_621_7),
            (3.0, 1e7, -47.661_140_072_314_986),
        ] {
            check(ln_beta(a, b), want, 1e-14);
        }
        assert!(ln_beta(1.0, 1.0).abs() < 1e-15);
    }

    #[test]
    fn incomplete_beta_equals_the_reference_up_to_ten_million_samples() {
        for (x, a, b, want, relative) in [
            (0.5, 0.5, 0.5, 0.5, 1e-14),
            (0.25, 2.0, 3.0, 0.261_718_75, 1e-14),
            (0.9, 2.0, 3.0, 0.9963, 1e-14),
            (0.01, 1.0, 300.0, 0.950_959_105_928_714_1, 1e-14),
            (0.001, 0.1, 50.0, 0.774_907_183_609_521_9, 1e-14),
            (0.2, 20.0, 80.0, 0.519_978_586_973_662_2, 1e-13),
            (0.02, 3.0, 400.0, 0.987_292_482_632_701_3, 1e-13),
            (1e-10, 1.0, 1e6, 9.999_500_017_166_2e-5, 1e-13),
            (
                0.99,
                9_900_001.0,
                100_000.0,
                0.499_573_132_976_446_34,
                1e-12,
            ),
            (
                0.9901,
                9_900_001.0,
                100_000.0,
                0.999_282_920_585_133_5,
                1e-12,
            ),
            (0.5, 500_000.0, 500_001.0, 0.500_398_942_180_665_8, 1e-12),
            (0.503, 500_000.0, 500_001.0, 0.999_999_999_019_805_2, 1e-12),
        ] {
            check(beta_regularised(x, a, b), want, relative);
        }
    }

    #[test]
    fn normal_distribution_equals_the_reference_in_its_tails_too() {
        for (z, want) in [
            (-37.0, 5.725_571_222_524_577e-300),
            (-20.0, 2.753_624_118_606_233_7e-89),
            (-10.0, 7.619_853_024_160_525e-24),
            (-5.0, 2.866_515_718_791_939e-7),
            (-3.090_232_306_167_813, 0.001_000_000_000_000_001_8),
            (-2.326_347_874_040_841, 0.010_000_000_000_000_002),
            (-1.959_963_984_540_054, 0.025_000_000_000_000_015),
            (-1.0, 0.158_655_253_931_457_05),
            (-0.5, 0.308_537_538_725_986_9),
            (-0.1, 0.460_172_162_722_971),
            (0.0, 0.5),
            (0.1, 0.539_827_837_277_029),
            (1.0, 0.841_344_746_068_542_9),
            (2.5, 0.993_790_334_674_223_8),
            (3.090_232_306_167_813, 0.999),
            (6.0, 0.999_999_999_013_412_3),
        ] {
            check(normal_cdf(z), want, 1e-13);
        }
        assert_eq!((normal_cdf(-40.0), normal_cdf(40.0)), (0.0, 1.0));
    }

    #[test]
    fn outside_the_domain_the_result_is_nan() {
        assert!(ln_gamma(0.0).is_nan() && ln_gamma(-1.5).is_nan() && ln_gamma(f64::NAN).is_nan());
        assert!(ln_beta(0.0, 1.0).is_nan() && ln_beta(1.0, f64::NAN).is_nan());
        assert!(beta_regularised(0.5, -1.0, 1.0).is_nan());
        assert!(beta_regularised(f64::NAN, 1.0, 1.0).is_nan() && normal_cdf(f64::NAN).is_nan());
        assert_eq!(
            (
                beta_regularised(-0.1, 1.0, 1.0),
                beta_regularised(1.1, 1.0, 1.0)
            ),
            (0.0, 1.0)
        );
    }

    proptest! {
        #[test]
        fn gamma_grows_by_its_argument(x in 1e-3f64..1e6) {
            let error = ln_gamma(x + 1.0) - ln_gamma(x) - x.ln();
            prop_assert!(error.abs() < 1e-14 * ln_gamma(x + 1.0).abs().max(10.0), "{error:e}");
        }

        #[test]
        fn both_sides_of_the_beta_distribution_make_up_one(x in 0.0f64..1.0, a in 0.01f64..1e4, b in 0.01f64..1e4) {
            let sum = beta_regularised(x, a, b) + beta_regularised(1.0 - x, b, a);
            prop_assert!((sum - 1.0).abs() < 1e-10, "{sum}");
        }

        #[test]
        fn normal_distribution_rises(z in -38.0f64..9.0, more in 1e-3f64..1.0) {
            prop_assert!(normal_cdf(z) <= normal_cdf(z + more));
        }
    }
}
