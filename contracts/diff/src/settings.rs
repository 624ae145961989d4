//! The settings of a comparison: the day, deprecation windows, stability.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A day, as the number of days since 1970-01-01. Written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// The day of a number of microseconds since 1970.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.div_euclid(86_400_000_000))
    }

    /// How many days `self` is after `earlier`; negative when it is before.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

/// The text is not a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a day; write YYYY-MM-DD")]
pub struct DayError {
    text: String,
}

impl FromStr for Day {
    type Err = DayError;

    /// Reads `YYYY-MM-DD`, alone or at the start of an RFC 3339 time.
    fn from_str(text: &str) -> Result<Self, DayError> {
        parse_day(text).ok_or_else(|| DayError {
            text: text.to_owned(),
        })
    }
}

fn parse_day(text: &str) -> Option<Day> {
    let (date, rest) = text.split_at_checked(10)?;
    let is_time = rest.starts_with(['T', 't', ' ']) && rest.len() >= 9;
    if !(rest.is_empty() || is_time) {
        return None;
    }
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let is_plain = year.len() == 4 && month.len() == 2 && day.len() == 2;
    if !is_plain || parts.next().is_some() {
        return None;
    }
    let (year, month, day): (i64, i64, i64) =
        (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Days from civil: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(Day(era * 146_097 + day_of_era - 719_468))
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Civil from days: the inverse of the algorithm above.
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// The stability that an operation declares (`x-stability-level`), least stable first.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stability {
    /// Nobody may rely on it.
    Draft,
    /// It may change.
    Alpha,
    /// It changes with notice.
    #[default]
    Beta,
    /// It stays.
    Stable,
}

impl Stability {
    /// The word in a document.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Alpha => "alpha",
            Self::Beta => "beta",
            Self::Stable => "stable",
        }
    }

    /// The level of a word; none for any other word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let all = [Self::Draft, Self::Alpha, Self::Beta, Self::Stable];
        all.into_iter().find(|level| level.word() == word)
    }
}

/// The settings of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiffSettings {
    /// The day of the comparison; without it no sunset is judged.
    pub today: Option<Day>,
    /// Days between deprecation and sunset of what is beta; 0 requires no sunset.
    pub deprecation_days_beta: u32,
    /// Days between deprecation and sunset of what is stable; 0 requires no sunset.
    pub deprecation_days_stable: u32,
    /// Operations below this level may change as they like.
    pub stability_level: Stability,
    /// The maximum number of breaking changes of schemas for which a witness is searched.
    pub witnesses_max: usize,
}
