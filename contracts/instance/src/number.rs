//! Numbers for given bounds, as texts: typical, at the borders, wide.

use serde_json::Number;

use crate::flat::{Bound, Flat};

/// Whole numbers and fractions whose digits survive only where numbers are kept as text.
const WIDE_INTEGERS: [&str; 3] = [
    "9007199254740993",
    "18446744073709551616",
    "-123456789012345678901234567890",
];
const WIDE_NUMBERS: [&str; 3] = [
    "3.14159265358979323846264338327950288",
    "12345678901234567890.123456789",
    "0.1000000000000000000000000000000001",
];

/// Valid integers, best first: a typical one, then the borders.
pub(crate) fn integers(flat: &Flat<'_>, has_wide: bool) -> Vec<String> {
    let (floor, ceiling) = match flat.format {
        Some("int32") => (i128::from(i32::MIN), i128::from(i32::MAX)),
        Some("int64" | "long") => (i128::from(i64::MIN), i128::from(i64::MAX)),
        Some("uint32") => (0, i128::from(u32::MAX)),
        Some("uint64") => (0, i128::from(u64::MAX)),
        Some("int8") => (-128, 127),
        Some("uint8") => (0, 255),
        Some("int16") => (-32_768, 32_767),
        Some("uint16") => (0, 65_535),
        _ => (-9_007_199_254_740_991, 9_007_199_254_740_991),
    };
    let low = flat.low.as_ref().map(|bound| whole(bound, true));
    let high = flat.high.as_ref().map(|bound| whole(bound, false));
    let is_open = low.is_none() && high.is_none();
    let (low, high) = (
        low.unwrap_or_else(|| floor.min(high.unwrap_or(floor))),
        high.unwrap_or_else(|| ceiling.max(low.unwrap_or(ceiling))),
    );
    let step = flat
        .multiple
        .and_then(|number| {
            number
                .as_i64()
                .map(i128::from)
                .or_else(|| whole_float(number))
        })
        .filter(|step| *step > 0)
        .unwrap_or(1);
    let mut found: Vec<i128> = Vec::new();
    for wanted in [1, 2, 42, low, high, low + 1, high - 1, 0, -1, 1_000_000] {
        let down = wanted.div_euclid(step) * step;
        for value in [down, down + step] {
            if (low..=high).contains(&value) && !found.contains(&value) {
                found.push(value);
                break;
            }
        }
    }
    let mut texts: Vec<String> = found.iter().map(i128::to_string).collect();
    if is_open && has_wide && flat.format.is_none() && step == 1 {
        texts.extend(WIDE_INTEGERS.map(str::to_owned));
    }
    texts
}

/// The tightest whole number inside a bound.
fn whole(bound: &Bound, is_low: bool) -> i128 {
    let exact = bound
        .number
        .as_i64()
        .map(i128::from)
        .or_else(|| bound.number.as_u64().map(i128::from));
    let sign = if is_low { 1 } else { -1 };
    match exact {
        Some(exact) if bound.is_exclusive => exact + sign,
        Some(exact) => exact,
        None => {
            let float = bound.number.as_f64().unwrap_or(0.0);
            let rounded = if is_low { float.ceil() } else { float.floor() };
            let value = as_whole(rounded);
            if bound.is_exclusive && rounded == float {
                value + sign
            } else {
                value
            }
        }
    }
}

fn as_whole(float: f64) -> i128 {
    let bounded = float.clamp(-1e30, 1e30);
    // The shortest text of a float is the number that the document has.
    bounded.to_string().parse().unwrap_or(0)
}

fn whole_float(number: &Number) -> Option<i128> {
    let float = number.as_f64()?;
    (float.fract() == 0.0).then(|| as_whole(float))
}

/// Valid numbers, best first.
pub(crate) fn numbers(flat: &Flat<'_>, has_wide: bool) -> Vec<String> {
    let low = flat.low.as_ref().and_then(|bound| bound.number.as_f64());
    let high = flat.high.as_ref().and_then(|bound| bound.number.as_f64());
    let is_inside = |value: f64| {
        let above = flat.low.as_ref().is_none_or(|bound| {
            let low = bound.number.as_f64().unwrap_or(f64::MIN);
            value > low || (value == low && !bound.is_exclusive)
        });
        let below = flat.high.as_ref().is_none_or(|bound| {
            let high = bound.number.as_f64().unwrap_or(f64::MAX);
            value < high || (value == high && !bound.is_exclusive)
        });
        above && below
    };
    if let Some(multiple) = flat.multiple {
        return multiples(multiple, low, high, &is_inside);
    }
    let mut wanted = vec![1.5, 1.0];
    wanted.extend(low);
    wanted.extend(high);
    match (low, high) {
        (Some(low), Some(high)) => {
            wanted.extend([f64::midpoint(low, high), low + (high - low) / 8.0])
        }
        (Some(low), None) => wanted.extend([low + 0.25, low + 1000.0]),
        (None, Some(high)) => wanted.extend([high - 0.25, high - 1000.0]),
        (None, None) => {}
    }
    wanted.extend([0.0, -0.25, 1234.5678, 0.000_001]);
    let mut texts: Vec<String> = Vec::new();
    for value in wanted {
        let text = text_of(value);
        if is_inside(value) && !texts.contains(&text) {
            texts.push(text);
        }
    }
    let is_float = matches!(flat.format, Some("float" | "double"));
    if low.is_none() && high.is_none() && has_wide && !is_float {
        texts.extend(WIDE_NUMBERS.map(str::to_owned));
    }
    texts
}

/// The shortest text of a number: whole ones without a point.
fn text_of(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        let text = format!("{value:.0}");
        return if text == "-0" { "0".to_owned() } else { text };
    }
    Number::from_f64(value).map_or_else(|| "0".to_owned(), |number| number.to_string())
}

/// Multiples of a step, written with the step's own decimal places so that they are exact.
fn multiples(
    step: &Number,
    low: Option<f64>,
    high: Option<f64>,
    is_inside: &dyn Fn(f64) -> bool,
) -> Vec<String> {
    let text = step.to_string();
    let n_decimals = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    let step = step.as_f64().filter(|step| *step > 0.0).unwrap_or(1.0);
    let near = |value: f64| (value / step).round();
    let mut counts = vec![1.0, 2.0, 3.0, 10.0, 0.0, -1.0];
    for border in [low, high].into_iter().flatten() {
        counts.extend([near(border), near(border) + 1.0, near(border) - 1.0]);
    }
    let mut texts: Vec<String> = Vec::new();
    for count in counts {
        let value = count * step;
        let text = if text.contains(['e', 'E']) {
            exact_multiple(&text, count).unwrap_or_else(|| text_of(value))
        } else {
            format!("{value:.n_decimals$}")
        };
        if is_inside(value) && !texts.contains(&text) && !text.starts_with("-0") {
            texts.push(text);
        }
    }
    texts
}

/// An exact whole number of steps; nothing when there are too many digits to count.
fn exact_multiple(step: &str, count: f64) -> Option<String> {
    let (mantissa, exponent) = step.split_once(['e', 'E'])?;
    let n_decimals = mantissa
        .split_once('.')
        .map_or(0, |(_, digits)| digits.len());
    let digits: i128 = mantissa.replace('.', "").parse().ok()?;
    let exponent = exponent.parse::<i64>().ok()? - i64::try_from(n_decimals).ok()?;
    let count: i128 = format!("{count:.0}").parse().ok()?;
    Some(match digits.checked_mul(count)? {
        0 => "0".to_owned(),
        product => format!("{product}e{exponent}"),
    })
}

/// The bound and the number just outside it.
pub(crate) fn outside(bound: &Bound, is_low: bool) -> String {
    if bound.is_exclusive {
        return bound.number.to_string();
    }
    let sign = if is_low { -1 } else { 1 };
    let exact = bound
        .number
        .as_i64()
        .map(i128::from)
        .or_else(|| bound.number.as_u64().map(i128::from));
    match exact {
        Some(exact) => (exact + sign).to_string(),
        None => {
            let float = bound.number.as_f64().unwrap_or(0.0);
            let by = float.abs().max(1.0);
            text_of(if is_low { float - by } else { float + by })
        }
    }
}
