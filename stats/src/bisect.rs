//! Finding the point where a condition changes, by halving.

/// Halves the bracket between `inside` and `outside` `n_steps` times, and returns it.
///
/// `is_inside` holds at `inside` and fails at `outside`, which may lie on either side of it. The
/// true point of change is between the two results; a caller picks the end that errs on its safe
/// side.
pub(crate) fn bisect(
    inside: f64,
    outside: f64,
    n_steps: u32,
    is_inside: impl Fn(f64) -> bool,
) -> (f64, f64) {
    let (mut inside, mut outside) = (inside, outside);
    for _ in 0..n_steps {
        let middle = 0.5 * (inside + outside);
        if is_inside(middle) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    (inside, outside)
}

/// The smallest whole number in `low + 1 ..= high` for which `holds`, given that it fails at `low`,
/// holds at `high`, and changes once.
pub(crate) fn first_that_holds(low: u64, high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (low, high);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bracket_closes_on_the_change_from_either_side() {
        let (inside, outside) = bisect(0.0, 2.0, 60, |x| x * x < 2.0);
        assert!((inside - 2f64.sqrt()).abs() < 1e-15 && outside >= inside);
        let (inside, outside) = bisect(2.0, 0.0, 60, |x| x * x >= 2.0);
        assert!((inside - 2f64.sqrt()).abs() < 1e-15 && outside <= inside);
    }

    #[test]
    fn first_number_that_holds_is_found() {
        for want in [1, 2, 7, 99, 100] {
            assert_eq!(first_that_holds(0, 100, |n| n >= want), want);
        }
    }
}
