//! The logarithms of the gamma and beta functions. It must not know any domain.

/// Lanczos coefficients for g = 7, n = 9 (Numerical Recipes, 3rd edition, 6.1).
const LANCZOS: [f64; 8] = [
    676.520_368_121_885_1,
    -1_259.139_216_722_402_8,
    771.323_428_777_653_1,
    -176.615_029_162_140_6,
    12.507_343_278_686_905,
    -0.138_571_095_265_720_12,
    9.984_369_578_019_572e-6,
    1.505_632_735_149_311_6e-7,
];

/// ln Γ(x) for x ≥ 1, to about 1e-13 of its size.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    let x = x - 1.0;
    let mut sum = 0.999_999_999_999_809_9;
    let mut step = 0.0;
    for coefficient in LANCZOS {
        step += 1.0;
        sum += coefficient / (x + step);
    }
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// ln B(a, b) for a, b ≥ 1.
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_of_a_whole_number_is_a_factorial() {
        for (x, want) in [(1.0, 1.0f64), (2.0, 1.0), (5.0, 24.0), (11.0, 3_628_800.0)] {
            assert!((ln_gamma(x) - want.ln()).abs() < 1e-11, "{x}");
        }
    }
}
