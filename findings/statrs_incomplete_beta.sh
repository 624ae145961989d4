#!/usr/bin/env bash
# statrs 0.19.1: `beta_reg` loses digits when both parameters are in the hundred thousands.
#
# A comparison of two error rates needs the regularised incomplete beta function I_x(a, b) with as many
# trials as there were requests. mpmath 1.3.0 integrates the density with 40 digits
# for the reference values.
# Seen: near the median, 1e6 trials give an error of about 1e-3, though a million requests are an
# ordinary hour of a service. No error is reported.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet mpmath==1.3.0
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"
[dependencies]
statrs = { version = "=0.19.1", default-features = false }
TOML
cat > src/main.rs <<'RUST'
use statrs::function::beta::beta_reg;
fn main() {
    for (a, b, x) in [(40.0, 60.0, 0.41), (4e5, 6e5, 0.4), (499_000.0, 501_000.0, 0.499)] {
        println!("{a} {b} {x} {:.17e}", beta_reg(a, b, x));
    }
}
RUST
cargo run --quiet > values
venv/bin/python - <<'PY'
import mpmath
mpmath.mp.dps = 40
worst = {}
for line in open("values"):
    a, b, x, got = (mpmath.mpf(word) for word in line.split())
    x = mpmath.mpf(float(x))
    log_beta = mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)
    density = lambda t: mpmath.exp((a - 1) * mpmath.log(t) + (b - 1) * mpmath.log(1 - t) - log_beta)
    # Below 30 standard deviations under the mean there is less than 1e-190 of the mass.
    sd = mpmath.sqrt(a * b / (a + b) / (a + b) / (a + b + 1))
    low = max(mpmath.mpf(0), a / (a + b) - 30 * sd)
    want = mpmath.quad(density, mpmath.linspace(low, x, 61))
    error = float(abs(got - want))
    print(f"I_{float(x)}({float(a):.0f}, {float(b):.0f}): statrs {float(got):.12f}, mpmath {float(want):.12f}, error {error:.1e}")
    worst["large" if a > 1000 else "small"] = max(error, worst.get("large" if a > 1000 else "small", 0))
assert worst["small"] < 1e-12, "small parameters are exact"
assert worst["large"] > 1e-6, "large parameters have become exact: this finding is out of date"
PY
