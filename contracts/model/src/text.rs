//! Bytes to text, and a line of text to show.

/// How many characters of a line are shown around a place.
const SHOWN_MAX: usize = 100;

/// Why bytes are not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Undecodable {
    /// Line of the first wrong byte, from 1.
    pub(crate) line: u32,
    /// Column of the first wrong byte in characters, from 1.
    pub(crate) column: u32,
    /// How many bytes are before it.
    pub(crate) offset: usize,
    /// The encoding that was tried.
    pub(crate) encoding: &'static str,
}

/// Bytes as text without a byte order mark: UTF-8, or UTF-16 of either order when a byte order mark
/// or the zero of an ASCII character indicates it (RFC 4627, section 3; YAML 1.2.2, section 5.2).
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, Undecodable> {
    match bytes.as_slice() {
        [0xFF, 0xFE, rest @ ..] => utf_16(rest, 2, u16::from_le_bytes, "UTF-16LE"),
        [0xFE, 0xFF, rest @ ..] => utf_16(rest, 2, u16::from_be_bytes, "UTF-16BE"),
        [first, 0, third, ..] if *first != 0 && *third != 0 => {
            utf_16(&bytes, 0, u16::from_le_bytes, "UTF-16LE")
        }
        [0, second, 0, ..] if *second != 0 => utf_16(&bytes, 0, u16::from_be_bytes, "UTF-16BE"),
        _ => utf_8(bytes),
    }
}

fn utf_8(bytes: Vec<u8>) -> Result<String, Undecodable> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..offset]);
        undecodable(&before, offset, "UTF-8")
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

fn utf_16(
    bytes: &[u8],
    n_skipped: usize,
    unit: fn([u8; 2]) -> u16,
    encoding: &'static str,
) -> Result<String, Undecodable> {
    let units = bytes.chunks(2).map(|pair| match pair {
        [a, b] => unit([*a, *b]),
        // Half a unit at the end: a lone surrogate, which no text has.
        _ => 0xDC00,
    });
    let mut text = String::with_capacity(bytes.len() / 2);
    let mut offset = n_skipped;
    for letter in char::decode_utf16(units) {
        let Ok(letter) = letter else {
            return Err(undecodable(&text, offset, encoding));
        };
        offset += 2 * letter.len_utf16();
        text.push(letter);
    }
    Ok(text)
}

fn undecodable(before: &str, offset: usize, encoding: &'static str) -> Undecodable {
    let n_lines = before.matches('\n').count();
    let last = before.rsplit('\n').next().unwrap_or_default();
    Undecodable {
        line: u32::try_from(n_lines + 1).unwrap_or(u32::MAX),
        column: u32::try_from(last.chars().count() + 1).unwrap_or(u32::MAX),
        offset,
        encoding,
    }
}

/// The line of a place with a caret under its column, each on a line of its own after a line
/// break; empty when the text has no such line. Control characters are shown as `.`.
pub(crate) fn excerpt(text: &str, line: u32, column: u32) -> String {
    let Some(shown) = text.lines().nth(line as usize - 1) else {
        return String::new();
    };
    let column = column as usize - 1;
    let start = column.saturating_sub(SHOWN_MAX / 2);
    let shown: String = shown
        .chars()
        .skip(start)
        .take(SHOWN_MAX)
        .map(|letter| match letter {
            '\t' => ' ',
            letter if letter.is_control() => '.',
            letter => letter,
        })
        .collect();
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let before = " ".repeat((column - start).min(shown.chars().count()));
    format!("\n  {number} | {shown}\n  {margin} | {before}^")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_either_byte_order_are_read() {
        let text = "a: é😀";
        for (mark, unit) in [
            (&[0xFF, 0xFE][..], u16::to_le_bytes as fn(u16) -> [u8; 2]),
            (&[0xFE, 0xFF], u16::to_be_bytes),
            (&[], u16::to_le_bytes),
            (&[], u16::to_be_bytes),
        ] {
            let units = text.encode_utf16().flat_map(unit);
            let bytes: Vec<u8> = mark.iter().copied().chain(units).collect();
            assert_eq!(decode(bytes), Ok(text.to_owned()));
        }
        assert_eq!(decode(b"\xEF\xBB\xBFa".to_vec()), Ok("a".to_owned()));
    }

    #[test]
    fn wrong_bytes_are_named_by_line_column_and_offset() {
        let error = decode(b"a\nb\xC3\xA9\xFF".to_vec()).expect_err("0xFF is not UTF-8");
        assert_eq!((error.line, error.column, error.offset), (2, 3, 5));
        let error = decode(b"\xFF\xFEa\0b".to_vec()).expect_err("half a unit");
        assert_eq!((error.line, error.column, error.offset), (1, 2, 4));
    }

    #[test]
    fn an_excerpt_has_the_caret_under_the_place_also_in_a_long_line() {
        assert_eq!(excerpt("a\nb\tc", 2, 3), "\n  2 | b c\n    |   ^");
        let long = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let shown = excerpt(&long, 1, 501);
        let lines: Vec<&str> = shown.lines().skip(1).collect();
        assert_eq!(lines[0].find('X'), lines[1].find('^'));
        assert!(shown.len() < 300);
        assert_eq!(excerpt("a", 7, 1), "");
    }
}
