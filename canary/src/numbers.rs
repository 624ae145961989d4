//! Small conversions between whole and real numbers, in one place.

use std::time::Duration;

/// A count as a real number; exact below 2⁵³.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests stay far below 2^53"
)]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// The nearest whole number in 0..=`u32::MAX`; what is not a number becomes 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and the clamp makes that explicit"
)]
pub(crate) fn round_u32(value: f64) -> u32 {
    value.round().clamp(0.0, f64::from(u32::MAX)) as u32
}

/// The nearest whole number in 0..=`u64::MAX`; what is not a number becomes 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and the maximum makes that explicit"
)]
pub(crate) fn round_u64(value: f64) -> u64 {
    value.round().max(0.0) as u64
}

/// Whole milliseconds of a duration.
pub(crate) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whole microseconds of a duration.
pub(crate) fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
