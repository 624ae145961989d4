//! The string formats that have a type of their own in generated code.

/// A known format of a string. Unknown ones are plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// RFC 3339 date and time with offset.
    DateTime,
    /// RFC 3339 full-date.
    Date,
    /// RFC 3339 full-time.
    Time,
    /// ISO 8601 duration, as in RFC 3339 appendix A.
    Duration,
    /// RFC 4122.
    Uuid,
    /// RFC 3986, absolute.
    Uri,
    /// RFC 3986, absolute or relative.
    UriReference,
    /// Base64 (RFC 4648) of bytes.
    Byte,
    /// Raw bytes: the body or a part of a form; text inside JSON.
    Binary,
    /// RFC 5321.
    Email,
    /// RFC 1123.
    Hostname,
    /// Dotted quad.
    Ipv4,
    /// RFC 4291.
    Ipv6,
    /// A decimal number as text.
    Decimal,
    /// Text that is not to be shown.
    Password,
}

/// The regular expression that describes a format exactly, for formats without a type of their own:
/// RFC 6901, draft-bhutton-relative-json-pointer-00 and RFC 6570. It matches the whole text.
#[must_use]
pub fn pattern_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "json-pointer" => "^(?:/(?:[^~/]|~[01])*)*$",
        "relative-json-pointer" => {
            "^(?:0|[1-9][0-9]*)(?:[+-][1-9][0-9]*)?(?:#|(?:/(?:[^~/]|~[01])*)*)$"
        }
        "uri-template" => {
            "^(?:[^\\x00-\\x20\\x7f\"'<>%\\\\^`{|}]|%[0-9A-Fa-f]{2}|\\{[+#./;?&=,!@|]?(?:[A-Za-z0-9_.]|%[0-9A-Fa-f]{2})+(?::[1-9][0-9]{0,3}|\\*)?(?:,(?:[A-Za-z0-9_.]|%[0-9A-Fa-f]{2})+(?::[1-9][0-9]{0,3}|\\*)?)*\\})*$"
        }
        _ => return None,
    })
}

/// Whether a format is that of regular expressions, which every language checks with its own
/// engine.
#[must_use]
pub fn is_expression(word: &str) -> bool {
    word == "regex"
}

impl Format {
    /// The format that a word of the document names; nothing for words that only describe.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "date-time" => Self::DateTime,
            "date" => Self::Date,
            "time" => Self::Time,
            "duration" => Self::Duration,
            "uuid" => Self::Uuid,
            "uri" | "iri" => Self::Uri,
            "uri-reference" | "iri-reference" => Self::UriReference,
            "byte" => Self::Byte,
            "binary" => Self::Binary,
            "email" | "idn-email" => Self::Email,
            "hostname" | "idn-hostname" => Self::Hostname,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "decimal" | "decimal128" => Self::Decimal,
            "password" => Self::Password,
            _ => return None,
        })
    }
}
