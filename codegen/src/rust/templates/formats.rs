//! Strings with a format: the text as it was sent, its meaning, and whether it is valid.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::support::{self, Decode, Encode, Encoded, Path, Validate, Violation};

macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident $article:literal $is_valid:path;)*) => {$(
        $(#[$doc])*
        ///
        /// Holds the text as it is; `validate` reports one that is not of the format.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0
            }

            /// Whether the text is of the format.
            #[must_use]
            pub fn is_valid(&self) -> bool {
                $is_valid(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Encode for $name {
            fn encode(&self) -> Encoded<'_> {
                Encoded::Text(&self.0)
            }
        }

        impl Decode for $name {
            fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
                String::decode(value, path).map(Self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                support::deserialize(deserializer)
            }
        }

        impl Validate for $name {
            fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>) {
                if !self.is_valid() {
                    violations.push(Violation::new(path, concat!("is not ", $article)));
                }
            }
        }
    )*};
}

formats! {
    /// A date and time with offset (RFC 3339), such as `2026-01-31T12:00:00Z`.
    DateTime "a date-time of RFC 3339" is_date_time;
    /// A date (RFC 3339), such as `2026-01-31`.
    Date "a date of RFC 3339" is_date;
    /// A time with offset (RFC 3339), such as `12:00:00Z`.
    Time "a time of RFC 3339" is_time;
    /// A duration (ISO 8601), such as `P1DT12H`.
    Duration "a duration of ISO 8601" is_duration;
    /// A UUID (RFC 9562), in any case.
    Uuid "a UUID" is_uuid;
    /// An absolute URI (RFC 3986) or IRI (RFC 3987).
    Uri "an absolute URI" is_uri;
    /// A URI, absolute or relative.
    UriReference "a URI reference" is_uri_reference;
    /// Bytes in base64 (RFC 4648).
    Byte "base64" is_base64;
    /// An address of electronic mail.
    Email "an email address" is_email;
    /// A host name (RFC 1123), also an internationalised one.
    Hostname "a host name" is_hostname;
    /// An address of IP version 4.
    Ipv4 "an IPv4 address" is_ipv4;
    /// An address of IP version 6.
    Ipv6 "an IPv6 address" is_ipv6;
    /// A decimal number as text: no digit is lost.
    Decimal "a decimal number" is_decimal;
    /// A secret: `Debug` does not show it.
    Password "a password" is_password;
}

macro_rules! shown {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    )*};
}

shown! { DateTime Date Time Duration Uuid Uri UriReference Byte Email Hostname Ipv4 Ipv6 Decimal }

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Byte {
    /// The bytes as base64.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
            let word = at(0) << 16 | at(1) << 8 | at(2);
            for place in 0..4 {
                let six = (word >> (18 - 6 * place)) & 63;
                text.push(if place <= chunk.len() { char::from(BASE64[six as usize]) } else { '=' });
            }
        }
        Self(text)
    }

    /// The bytes; nothing when the text is not base64. The alphabet for URLs is accepted too.
    #[must_use]
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let text: Vec<u8> = self.0.trim_end_matches('=').bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let mut bytes = Vec::new();
        for chunk in text.chunks(4) {
            let mut word = 0;
            for place in 0..4 {
                let six = match chunk.get(place) {
                    Some(b'-') => 62,
                    Some(b'_') => 63,
                    Some(byte) => u32::try_from(BASE64.iter().position(|known| known == byte)?).ok()?,
                    None => 0,
                };
                word = word << 6 | six;
            }
            if chunk.len() < 2 {
                return None;
            }
            bytes.extend_from_slice(&word.to_be_bytes()[1..chunk.len()]);
        }
        Some(bytes)
    }
}

impl Ipv4 {
    /// The address.
    ///
    /// # Errors
    /// The text is not an address.
    pub fn to_addr(&self) -> Result<Ipv4Addr, std::net::AddrParseError> {
        self.0.parse()
    }
}

impl Ipv6 {
    /// The address.
    ///
    /// # Errors
    /// The text is not an address.
    pub fn to_addr(&self) -> Result<Ipv6Addr, std::net::AddrParseError> {
        self.0.parse()
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Whether a text has a format of the contract; every text has an unknown one.
#[must_use]
pub fn is_valid(format: &str, text: &str) -> bool {
    match format {
        "date-time" => is_date_time(text),
        "date" => is_date(text),
        "time" => is_time(text),
        "duration" => is_duration(text),
        "uuid" => is_uuid(text),
        "uri" | "iri" => is_uri(text),
        "uri-reference" | "iri-reference" => is_uri_reference(text),
        "byte" => is_base64(text),
        "email" | "idn-email" => is_email(text),
        "hostname" | "idn-hostname" => is_hostname(text),
        "ipv4" => is_ipv4(text),
        "ipv6" => is_ipv6(text),
        "decimal" => is_decimal(text),
        "regex" => is_expression(text),
        _ => true,
    }
}

/// A number of exactly `n_digits` digits within a range, and the text after it.
fn number(text: &str, n_digits: usize, range: std::ops::RangeInclusive<u32>) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(n_digits)?;
    let number = digits.parse().ok().filter(|_| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    range.contains(&number).then_some((number, rest))
}

fn date(text: &str) -> Option<&str> {
    let (year, rest) = number(text, 4, 0..=9999)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 2, 1..=12)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let n_days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    Some(number(rest.strip_prefix('-')?, 2, 1..=n_days)?.1)
}

fn time(text: &str) -> Option<&str> {
    let (hour, rest) = number(text, 2, 0..=23)?;
    let (minute, rest) = number(rest.strip_prefix(':')?, 2, 0..=59)?;
    let (second, mut rest) = number(rest.strip_prefix(':')?, 2, 0..=60)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == fraction.len() {
            return None;
        }
    }
    let (offset, rest) = match rest.strip_prefix(['Z', 'z']) {
        Some(rest) => (0, rest),
        None => {
            let sign = if rest.starts_with('-') { -1 } else { 1 };
            let (hours, rest) = number(rest.strip_prefix(['+', '-'])?, 2, 0..=23)?;
            let (minutes, rest) = number(rest.strip_prefix(':')?, 2, 0..=59)?;
            (sign * (i64::from(hours) * 60 + i64::from(minutes)), rest)
        }
    };
    // A leap second is at the end of a day in UTC.
    let utc = (i64::from(hour) * 60 + i64::from(minute) - offset).rem_euclid(24 * 60);
    (second < 60 || utc == 24 * 60 - 1).then_some(rest)
}

fn is_date_time(text: &str) -> bool {
    date(text).and_then(|rest| time(rest.strip_prefix(['T', 't', ' '])?)).is_some_and(str::is_empty)
}

fn is_date(text: &str) -> bool {
    date(text).is_some_and(str::is_empty)
}

fn is_time(text: &str) -> bool {
    time(text).is_some_and(str::is_empty)
}

fn is_duration(text: &str) -> bool {
    // Each unit at most once, in this order; weeks are not combined.
    let units = |mut text: &str, units: &str| {
        let mut left = units;
        while !text.is_empty() {
            let rest = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            let Some(unit) = rest.chars().next().filter(|_| rest.len() < text.len()) else {
                return false;
            };
            let Some(place) = left.find(unit) else {
                return false;
            };
            left = &left[place + 1..];
            text = &rest[unit.len_utf8()..];
        }
        true
    };
    let Some(rest) = text.strip_prefix('P') else {
        return false;
    };
    if rest.ends_with('W') {
        return units(rest, "W");
    }
    match rest.split_once('T') {
        Some((days, clock)) => !clock.is_empty() && units(days, "YMD") && units(clock, "HMS"),
        None => !rest.is_empty() && units(rest, "YMD"),
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    }) && is_uri_reference(text)
}

fn is_uri_reference(text: &str) -> bool {
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let is_bad = c.is_control() || c == ' ' || "<>\"{}|\\^`".contains(c);
        let is_bad_escape = c == '%' && !(0..2).all(|_| rest.next().is_some_and(|c| c.is_ascii_hexdigit()));
        if is_bad || is_bad_escape {
            return false;
        }
    }
    true
}

fn is_base64(text: &str) -> bool {
    Byte(text.to_owned()).to_bytes().is_some()
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let is_plain = local.split('.').all(|atom| {
        !atom.is_empty() && !atom.contains(|c: char| c.is_control() || " \"(),:;<>@[\\]".contains(c))
    });
    let address = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']'));
    let is_domain = match address {
        Some(address) => is_ipv4(address) || address.strip_prefix("IPv6:").is_some_and(is_ipv6),
        None => is_hostname(domain),
    };
    (is_quoted || is_plain) && is_domain
}

fn is_hostname(text: &str) -> bool {
    text.chars().count() <= 253
        && text.split('.').all(|label| {
            let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || !c.is_ascii();
            !label.is_empty() && label.len() <= 63 && label.chars().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
        })
}

fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

fn is_decimal(text: &str) -> bool {
    support::Decimal::parse(text.strip_prefix('+').unwrap_or(text)).is_some()
}

/// Whether the groups, classes, escapes and repetitions of an expression are whole.
fn is_expression(text: &str) -> bool {
    let (mut n_open, mut is_class, mut has_atom) = (0_usize, false, false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\\' && rest.next().is_none() {
            return false;
        }
        if is_class {
            is_class = c != ']';
            continue;
        }
        match c {
            '[' => is_class = true,
            '(' => {
                n_open += 1;
                if rest.next_if_eq(&'?').is_some() && rest.next_if(|c| ":=!<imsP>".contains(*c)).is_none() {
                    return false;
                }
            }
            ')' if n_open == 0 => return false,
            ')' => n_open -= 1,
            '*' | '+' | '?' if !has_atom => return false,
            _ => {}
        }
        has_atom = match c {
            '(' | '|' => false,
            '*' | '+' | '?' => {
                // A repetition may be lazy, and is not repeated again.
                rest.next_if_eq(&'?');
                false
            }
            _ => true,
        };
    }
    n_open == 0 && !is_class
}

fn is_password(_: &str) -> bool {
    true
}
