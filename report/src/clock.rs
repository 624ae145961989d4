//! Time as a value. This is the one file that reads the system clock.

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since 1970-01-01T00:00:00Z. Shown and stored as RFC 3339 in UTC with six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// The beginning of 1970.
    pub const EPOCH: Self = Self(0);

    /// From microseconds since the epoch, held within the years 1 to 9999.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        // 0001-01-01T00:00:00Z and 9999-12-30T00:00:00Z: what RFC 3339 can write.
        Self(micros.clamp(-62_135_596_800_000_000, 253_402_128_000_000_000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This time plus a duration.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::from_micros(
            self.0
                .saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// This time less a duration.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self::from_micros(
            self.0
                .saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = jiff::Timestamp::from_microsecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{timestamp:.6}")
    }
}

/// The text was not an RFC 3339 time.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not an RFC 3339 time")]
pub struct TimestampError {
    text: String,
    #[source]
    source: jiff::Error,
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let timestamp: jiff::Timestamp = text.parse().map_err(|source| TimestampError {
            text: text.to_owned(),
            source,
        })?;
        Ok(Self::from_micros(timestamp.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where long-lived parts get their time from. Pure code takes `now` as an argument instead.
pub trait Clock: Send + Sync {
    /// Wall time.
    fn now(&self) -> Timestamp;
    /// Time since the clock was made; never goes back, not even when the wall clock does.
    fn monotonic(&self) -> Duration;
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts at zero now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that moves only when it is advanced. For tests and replays.
#[derive(Debug)]
pub struct ManualClock {
    state: Mutex<(Timestamp, Duration)>,
}

impl ManualClock {
    /// A clock that is at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            state: Mutex::new((now, Duration::ZERO)),
        }
    }

    /// Moves both wall and monotonic time.
    pub fn advance(&self, duration: Duration) {
        let mut state = self
            .state
            .lock()
            .expect("no code panics while it holds this lock");
        state.0 = state.0.plus(duration);
        state.1 += duration;
    }

    /// Moves wall time alone, as a clock correction does.
    pub fn jump_to(&self, now: Timestamp) {
        self.state
            .lock()
            .expect("no code panics while it holds this lock")
            .0 = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state
            .lock()
            .expect("no code panics while it holds this lock")
            .0
    }

    fn monotonic(&self) -> Duration {
        self.state
            .lock()
            .expect("no code panics while it holds this lock")
            .1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_is_written_with_six_decimals_in_utc() {
        let timestamp: Timestamp = "2026-11-03T10:00:00.5+02:00".parse().unwrap();
        assert_eq!(timestamp.to_string(), "2026-11-03T08:00:00.500000Z");
    }

    #[test]
    fn a_word_is_not_a_time() {
        let error = "yesterday".parse::<Timestamp>().unwrap_err();
        assert_eq!(error.to_string(), "`yesterday` is not an RFC 3339 time");
    }

    proptest! {
        #[test]
        fn parse_after_render_is_identity(micros in -62_135_596_800_000_000i64..=253_402_128_000_000_000) {
            let timestamp = Timestamp::from_micros(micros);
            prop_assert_eq!(timestamp.to_string().parse::<Timestamp>().unwrap(), timestamp);
        }
    }
}
