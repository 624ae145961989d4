//! A calendar day as a value: windows of deprecation, ends of waivers.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use crate::Timestamp;

/// A day of the proleptic Gregorian calendar, of the years 0 to 9999. Written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

/// The text is not a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a day; write YYYY-MM-DD")]
pub struct DayError {
    text: String,
}

impl Day {
    /// The day in UTC at which a time lies.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        let time = jiff::Timestamp::from_microsecond(time.as_micros()).unwrap_or_default();
        Self(time.to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// How many days `self` is after `earlier`; negative when it is before.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i64 {
        i64::from((self.0 - earlier.0).get_days())
    }

    /// Reads `YYYY-MM-DD` and nothing after it: `full-date` of RFC 3339.
    #[must_use]
    pub fn from_date(text: &str) -> Option<Self> {
        let is_shaped = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        is_shaped.then(|| text.parse().ok()).flatten().map(Self)
    }
}

impl FromStr for Day {
    type Err = DayError;

    /// Reads `YYYY-MM-DD`, alone or at the start of an RFC 3339 time.
    fn from_str(text: &str) -> Result<Self, DayError> {
        let fail = || DayError {
            text: text.to_owned(),
        };
        let (date, rest) = text.split_at_checked(10).ok_or_else(fail)?;
        let is_time = rest.starts_with(['T', 't', ' ']) && rest.len() >= 9;
        let is_day = rest.is_empty() || is_time;
        is_day
            .then(|| Self::from_date(date))
            .flatten()
            .ok_or_else(fail)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_read_alone_or_before_a_time_and_written_back() {
        for (text, shown) in [
            ("2024-02-29", "2024-02-29"),
            ("2026-12-31T00:00:00Z", "2026-12-31"),
            ("0000-01-01", "0000-01-01"),
            ("9999-12-31", "9999-12-31"),
        ] {
            assert_eq!(day(text).to_string(), shown);
        }
        for text in [
            "",
            "2026-02-29",
            "2026-02-30",
            "2026-13-01",
            "2026-00-01",
            "2026-1-1",
            "20260101",
            "2026-01-01[UTC]",
            "2026-01-01T",
            "+026-01-01",
            "２026-01-01",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert_eq!(Day::from_date("2026-01-01T00:00:00Z"), None);
    }

    #[test]
    fn days_are_counted_across_leap_years_and_before_1970() {
        assert_eq!(day("2024-03-01").days_since(day("2024-02-28")), 2);
        assert_eq!(day("1900-03-01").days_since(day("1900-02-28")), 1);
        assert_eq!(day("2000-01-01").days_since(day("1970-01-01")), 10_957);
        assert_eq!(day("1969-12-31").days_since(day("1970-01-01")), -1);
        assert_eq!(Day::of(Timestamp::from_micros(-1)), day("1969-12-31"));
        assert_eq!(Day::of(Timestamp::EPOCH), day("1970-01-01"));
    }
}
