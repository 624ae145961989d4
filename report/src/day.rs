//! A calendar day as a value: windows of deprecation, ends of waivers.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Date;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

    /// The first moment after it, in UTC.
    #[must_use]
    pub fn ends(self) -> Timestamp {
        let start = self.0.to_zoned(jiff::tz::TimeZone::UTC);
        let start = start.map_or(0, |start| start.timestamp().as_microsecond());
        Timestamp::from_micros(start).plus(Duration::from_secs(86_400))
    }

    /// Whether it is over at `now`.
    #[must_use]
    pub fn is_over(self, now: Timestamp) -> bool {
        now >= self.ends()
    }

    /// The day so many days later; the last day of the calendar if there is none.
    #[must_use]
    pub fn plus_days(self, n_days: u32) -> Self {
        let later = jiff::Span::new().try_days(n_days);
        let later = later.and_then(|later| self.0.checked_add(later));
        Self(later.unwrap_or(Date::MAX))
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

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let error = || serde::de::Error::custom(format!("`{text}` is not a day; write YYYY-MM-DD"));
        Self::from_date(&text).ok_or_else(error)
    }
}

impl JsonSchema for Day {
    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
            "description": "A day in UTC, written `2026-12-31`."
        })
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
    fn a_day_ends_at_midnight_in_utc() {
        let last = day("2026-12-31");
        assert_eq!(last.ends().to_string(), "2027-01-01T00:00:00.000000Z");
        assert!(!last.is_over("2026-12-31T23:59:59Z".parse().unwrap()));
        assert!(last.is_over("2027-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(last.plus_days(60), day("2027-03-01"));
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
