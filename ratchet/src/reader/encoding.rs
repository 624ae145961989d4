//! The text of a report: UTF-8, UTF-16, or for XML the encoding of its declaration.

use std::borrow::Cow;

use super::error::ReadError;
use super::input::line_at;

/// How the bytes of a report become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    /// ISO-8859-1 as HTML and most writers understand it: with the characters of windows-1252.
    Latin1,
}

/// The characters of the bytes 0x80 to 0x9f in windows-1252; a byte without one is itself.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The whole text of a report.
pub(super) fn text<'b>(
    format: &'static str,
    bytes: &'b [u8],
    file: &str,
) -> Result<Cow<'b, str>, ReadError> {
    let expected =
        |line, expected: &str, found: &str| ReadError::form(format, file, line, expected, found);
    match encoding(bytes) {
        Encoding::Utf8 => std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|error| {
                let line = line_at(bytes, error.valid_up_to());
                expected(line, "UTF-8 text", "other bytes")
            }),
        Encoding::Latin1 => Ok(Cow::Owned(latin1(bytes))),
        encoding if bytes.len().is_multiple_of(2) => {
            let text: Result<String, _> = char::decode_utf16(units(encoding, bytes)).collect();
            text.map(Cow::Owned)
                .map_err(|_| expected(1, "UTF-16 text", "half of a surrogate pair"))
        }
        _ => Err(expected(1, "UTF-16 text", "an odd number of bytes")),
    }
}

/// A part of a report for recognising its format; what is not text is replaced.
pub(super) fn lossy(whole: &[u8], part: &[u8]) -> String {
    match encoding(whole) {
        Encoding::Utf8 => String::from_utf8_lossy(part).into_owned(),
        Encoding::Latin1 => latin1(part),
        encoding => char::decode_utf16(units(encoding, part))
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
    }
}

fn encoding(bytes: &[u8]) -> Encoding {
    match bytes {
        [0xff, 0xfe, ..] | [b'<', 0, ..] => Encoding::Utf16Le,
        [0xfe, 0xff, ..] | [0, b'<', ..] => Encoding::Utf16Be,
        _ => match declared(bytes).as_deref() {
            Some("iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" | "windows-1252" | "cp1252") => {
                Encoding::Latin1
            }
            _ => Encoding::Utf8,
        },
    }
}

/// The encoding that an XML declaration names, in lower case.
fn declared(bytes: &[u8]) -> Option<String> {
    let start = bytes.trim_ascii_start();
    let end = start.iter().take(200).position(|byte| *byte == b'>')?;
    let declaration = std::str::from_utf8(&start[..end]).ok()?;
    let value = declaration
        .strip_prefix("<?xml")?
        .split_once("encoding")?
        .1
        .trim_start()
        .strip_prefix('=')?
        .trim_start();
    let quote = value.chars().next().filter(|mark| "'\"".contains(*mark))?;
    let name = value[1..].split(quote).next()?;
    Some(name.to_ascii_lowercase())
}

fn latin1(bytes: &[u8]) -> String {
    let character = |byte: &u8| match byte {
        0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
        byte => char::from(*byte),
    };
    bytes.iter().map(character).collect()
}

fn units(encoding: Encoding, bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.chunks_exact(2).map(move |pair| {
        let pair = [pair[0], pair[1]];
        if encoding == Encoding::Utf16Be {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        }
    })
}
