//! Which formats of text have a type of their own in the generated `formats` module.

use crate::ir::Format;

/// The type in `formats` of a format's word.
pub(crate) fn format_type(format: Option<&str>) -> Option<&'static str> {
    Some(match typed(format)? {
        Format::DateTime => "DateTime",
        Format::Date => "Date",
        Format::Time => "Time",
        Format::Duration => "Duration",
        Format::Uuid => "Uuid",
        Format::Uri => "Uri",
        Format::UriReference => "UriReference",
        Format::Byte => "Byte",
        Format::Email => "Email",
        Format::Hostname => "Hostname",
        Format::Ipv4 => "Ipv4",
        Format::Ipv6 => "Ipv6",
        Format::Decimal => "Decimal",
        Format::Password => "Password",
        Format::Binary => return None,
    })
}

/// The format of a type that is checked beyond being text.
fn typed(format: Option<&str>) -> Option<Format> {
    let format = Format::of(format?)?;
    (format != Format::Binary).then_some(format)
}
