//! Units of limits and measurements, and which of them convert into each other.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A unit. Units of one dimension convert into each other; others never do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Unit {
    /// Microseconds.
    #[serde(rename = "us")]
    Micros,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Millis,
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Minutes.
    #[serde(rename = "min")]
    Minutes,
    /// Bytes.
    #[serde(rename = "B")]
    Bytes,
    /// Millions of bytes.
    #[serde(rename = "MB")]
    Megabytes,
    /// Mebibytes, 1,048,576 bytes.
    #[serde(rename = "MiB")]
    Mebibytes,
    /// Percent, 0 to 100.
    #[serde(rename = "%")]
    Percent,
    /// Requests a second.
    #[serde(rename = "req/s")]
    RequestsPerSecond,
    /// Tokens a second.
    #[serde(rename = "tokens/s")]
    TokensPerSecond,
}

impl Unit {
    /// The text of the unit, as files write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Micros => "us",
            Self::Millis => "ms",
            Self::Seconds => "s",
            Self::Minutes => "min",
            Self::Bytes => "B",
            Self::Megabytes => "MB",
            Self::Mebibytes => "MiB",
            Self::Percent => "%",
            Self::RequestsPerSecond => "req/s",
            Self::TokensPerSecond => "tokens/s",
        }
    }

    /// The dimension and how many of its base units one is.
    fn base(self) -> (&'static str, f64) {
        match self {
            Self::Micros => ("time", 1.0),
            Self::Millis => ("time", 1e3),
            Self::Seconds => ("time", 1e6),
            Self::Minutes => ("time", 6e7),
            Self::Bytes => ("size", 1.0),
            Self::Megabytes => ("size", 1e6),
            Self::Mebibytes => ("size", 1_048_576.0),
            Self::Percent => ("share", 1.0),
            Self::RequestsPerSecond => ("requests", 1.0),
            Self::TokensPerSecond => ("tokens", 1.0),
        }
    }

    /// The factor that turns a number in `self` into one in `other`; absent across dimensions.
    #[must_use]
    pub fn factor_to(self, other: Self) -> Option<f64> {
        let ((dimension, own), (other_dimension, others)) = (self.base(), other.base());
        (dimension == other_dimension).then(|| own / others)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A number for people: at most three decimals, without trailing zeros.
#[must_use]
pub fn shown(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}
