//! Scalars of the YAML 1.2 core schema. It must not know where they stand.

use std::borrow::Cow;

use crate::json;
use crate::source::NodeValue;
use crate::yaml_events::Tag;

/// A scalar by the core schema (YAML 1.2.2, section 10.3.2); only plain ones can be anything but
/// text. What JSON can't hold (`.inf`, `.nan`) stays text.
pub(crate) fn scalar(text: Cow<'_, str>, is_plain: bool, tag: Tag) -> NodeValue {
    if tag == Tag::Text || (!is_plain && tag != Tag::Core) {
        return NodeValue::String(text.into_owned());
    }
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => NodeValue::Null,
        "true" | "True" | "TRUE" => NodeValue::Bool(true),
        "false" | "False" | "FALSE" => NodeValue::Bool(false),
        _ => match number(&text) {
            Some(number) => NodeValue::Number(number),
            None => NodeValue::String(text.into_owned()),
        },
    }
}

/// A number of the core schema in the syntax of JSON.
pub(crate) fn number(text: &str) -> Option<String> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.')) {
        return None;
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u128::from_str_radix(octal, 8).ok().map(|n| n.to_string());
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return u128::from_str_radix(hex, 16).ok().map(|n| n.to_string());
    }
    if json::is_number(text) {
        return Some(text.to_owned());
    }
    let (sign, rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) if first == b'-' => ("-", rest),
        Some(rest) => ("", rest),
        None => ("", text),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    let fraction = if fraction.is_empty() {
        String::new()
    } else {
        format!(".{fraction}")
    };
    let normal = format!("{sign}{whole}{fraction}{exponent}");
    json::is_number(&normal).then_some(normal)
}
