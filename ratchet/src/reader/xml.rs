//! Attributes of an XML element, all in one pass: reports have one for every ten bytes.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;
use quick_xml::events::attributes::Attribute;
use quick_xml::name::QName;

use super::error::ReadError;
use super::input::Input;

/// The values of those attributes, in the order of the names; absent for a name without one.
pub(super) fn attributes<'s, const N: usize>(
    input: &Input<'_>,
    start: &'s BytesStart<'_>,
    names: [&str; N],
    offset: usize,
) -> Result<[Option<Cow<'s, str>>; N], ReadError> {
    let mut values = [const { None }; N];
    let mut rest = start.attributes_raw();
    loop {
        let next = next(rest).map_err(|found| {
            let element = start.local_name();
            let expected = format!("well-formed attributes of `<{}>`", element.as_ref());
            input.error_at(offset, expected, found)
        })?;
        let Some((name, raw, after)) = next else {
            return Ok(values);
        };
        rest = after;
        // Of two attributes of one name the first counts.
        let Some(at) = names.iter().position(|wanted| *wanted == name) else {
            continue;
        };
        if values[at].is_none() {
            values[at] = Some(value(raw).map_err(|error| {
                let expected = format!("a well-formed attribute `{name}`");
                input.error_at(offset, expected, error.to_string())
            })?);
        }
    }
}

/// The name, the value as it is written and the rest behind the first attribute of a text.
fn next(text: &str) -> Result<Option<(&str, &str, &str)>, &'static str> {
    let text = text.trim_ascii_start();
    if text.is_empty() {
        return Ok(None);
    }
    let ends_name = |byte: u8| byte == b'=' || byte.is_ascii_whitespace();
    let end = text.bytes().position(ends_name).ok_or("a name alone")?;
    let (name, after) = text.split_at(end);
    let after = after.trim_ascii_start().strip_prefix('=');
    let after = after.ok_or("a name without `=`")?.trim_ascii_start();
    let quote = match after.as_bytes().first() {
        Some(quote @ (b'"' | b'\'')) => *quote,
        _ => return Err("a value without quotes"),
    };
    let body = &after[1..];
    let end = body.bytes().position(|byte| byte == quote);
    let end = end.ok_or("a value whose quote is not closed")?;
    Ok(Some((name, &body[..end], &body[end + 1..])))
}

/// The text of an attribute; most have nothing to replace.
fn value(raw: &str) -> Result<Cow<'_, str>, quick_xml::Error> {
    let is_plain = |byte: u8| !matches!(byte, b'&' | b'\t' | b'\r' | b'\n');
    if raw.bytes().all(is_plain) {
        return Ok(Cow::Borrowed(raw));
    }
    let attribute = Attribute {
        key: QName("value"),
        value: Cow::Borrowed(raw),
    };
    attribute.normalized_value(XmlVersion::Implicit1_0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_taken_apart_as_xml_writes_them() {
        let text = " a=\"1\"\n\tb = 'x\"y' ü=\"\" ";
        let (name, raw, rest) = next(text).unwrap().unwrap();
        assert_eq!((name, raw), ("a", "1"));
        let (name, raw, rest) = next(rest).unwrap().unwrap();
        assert_eq!((name, raw), ("b", "x\"y"));
        assert_eq!(next(rest).unwrap(), Some(("ü", "", " ")));
        assert_eq!(value("a&amp;b\nc").unwrap(), "a&b c");
        for wrong in ["a", "a b=\"1\"", "a=1", "a=\"1", "="] {
            assert!(next(wrong).is_err(), "{wrong}");
        }
    }
}
