//! The string formats that have a type of their own in generated code.
//!
//! It must not know a target language.

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

impl Format {
    /// The format of a document's word; nothing for words that only describe.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "date-time" | "datetime" | "dateTime" => Self::DateTime,
            "date" | "full-date" => Self::Date,
            "time" => Self::Time,
            "duration" => Self::Duration,
            "uuid" | "guid" => Self::Uuid,
            "uri" | "url" | "iri" => Self::Uri,
            "uri-reference" | "iri-reference" => Self::UriReference,
            "byte" | "base64" => Self::Byte,
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
