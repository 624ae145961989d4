//! Durations (`45s`), sizes (`500MiB`) and percentages (`5%`) as settings write them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text was not a quantity of the form that was expected.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected {expected}, got `{text}`")]
pub struct QuantityError {
    text: String,
    expected: &'static str,
}

macro_rules! text_quantity {
    ($name:ident, $pattern:literal, $title:literal) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $title })
            }
        }
    };
}

/// A length of time, written `250ms`, `45s`, `5m`, `2h` or `7d`; parts may follow each other: `1m30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

const SPAN_EXPECTED: &str = "a duration such as `250ms`, `45s`, `5m`, `2h` or `7d`";

impl FromStr for Span {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || QuantityError {
            text: text.to_owned(),
            expected: SPAN_EXPECTED,
        };
        let mut total_ms: u64 = 0;
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(error());
        }
        while !rest.is_empty() {
            let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: u64 = rest[..n_digits].parse().map_err(|_| error())?;
            rest = &rest[n_digits..];
            let n_letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            let unit_ms: u64 = match &rest[..n_letters] {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return Err(error()),
            };
            rest = &rest[n_letters..];
            total_ms = number
                .checked_mul(unit_ms)
                .and_then(|ms| total_ms.checked_add(ms))
                .ok_or_else(error)?;
        }
        Ok(Self(Duration::from_millis(total_ms)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ms = self.0.as_millis();
        if ms == 0 {
            return f.write_str("0s");
        }
        for (unit, unit_ms) in [
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1_000),
            ("ms", 1),
        ] {
            if ms >= unit_ms {
                write!(f, "{}{unit}", ms / unit_ms)?;
                ms %= unit_ms;
            }
        }
        Ok(())
    }
}

text_quantity!(
    Span,
    r"^([0-9]+(ms|s|m|h|d))+$",
    "A duration such as 250ms, 45s, 5m, 1m30s"
);

/// A number of bytes, written `500MiB`, `64KiB`, `2GiB`, `10MB` or `512B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || QuantityError {
            text: text.to_owned(),
            expected: "a size such as `512B`, `64KiB`, `500MiB` or `2GiB`",
        };
        let text = text.trim();
        let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = text[..n_digits].parse().map_err(|_| error())?;
        let unit: u64 = match text[n_digits..].trim() {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "KB" | "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return Err(error()),
        };
        number.checked_mul(unit).map(Self).ok_or_else(error)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, n_bytes) in [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if self.0 >= n_bytes && self.0.is_multiple_of(n_bytes) {
                return write!(f, "{}{unit}", self.0 / n_bytes);
            }
        }
        write!(f, "{}B", self.0)
    }
}

text_quantity!(
    Size,
    r"^[0-9]+ *(B|KiB|MiB|GiB|KB|kB|MB|GB)$",
    "A size such as 64KiB or 500MiB"
);

/// A share, written `5%` or `0.1%`; held as a fraction from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl FromStr for Percent {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || QuantityError {
            text: text.to_owned(),
            expected: "a percentage from `0%` to `100%` such as `5%`",
        };
        let number = text.trim().strip_suffix('%').ok_or_else(error)?;
        let percent: f64 = number.trim().parse().map_err(|_| error())?;
        if (0.0..=100.0).contains(&percent) {
            Ok(Self(percent / 100.0))
        } else {
            Err(error())
        }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ten decimals hide the last bits of `0.07 * 100` and keep every percentage people write.
        let text = format!("{:.10}", self.0 * 100.0);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

text_quantity!(
    Percent,
    r"^[0-9]+(\.[0-9]+)?%$",
    "A percentage such as 5% or 0.1%"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantities_read_as_people_write_them() {
        assert_eq!("1m30s".parse::<Span>().unwrap().0, Duration::from_secs(90));
        assert_eq!("500MiB".parse::<Size>().unwrap().0, 500 << 20);
        assert_eq!("0.1%".parse::<Percent>().unwrap().to_string(), "0.1%");
        assert_eq!("7%".parse::<Percent>().unwrap().to_string(), "7%");
    }

    #[test]
    fn a_number_without_its_unit_is_refused_with_the_forms_that_work() {
        let error = "45".parse::<Span>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a duration such as `250ms`, `45s`, `5m`, `2h` or `7d`, got `45`"
        );
        assert!("101%".parse::<Percent>().is_err());
        assert!("99999999999999999999d".parse::<Span>().is_err());
        assert!("12 parsecs".parse::<Size>().is_err());
    }

    proptest! {
        #[test]
        fn parse_after_render_is_identity(ms in 0u64..u64::from(u32::MAX), bytes in any::<u64>()) {
            let span = Span(Duration::from_millis(ms));
            prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
            let size = Size(bytes);
            prop_assert_eq!(size.to_string().parse::<Size>().unwrap(), size);
        }
    }
}
