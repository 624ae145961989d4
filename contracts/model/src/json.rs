//! JSON text to nodes (RFC 8259), with places. Common extensions of JSON (comments, trailing
//! commas, raw line breaks in a text, `NaN`, `+1`) are read and reported in a finding.

use tollgate_report::Finding;

use crate::json_plain::plain_length;
use crate::node::{Entry, Node, NodeValue, Span};
use crate::numbers;
use crate::objects::{note, object_of};
use crate::source_error::{DEPTH_MAX, SourceError};

/// Reads one JSON text. A lone surrogate escape becomes U+FFFD, as real documents have them.
pub(crate) fn parse(
    file: &str,
    text: &str,
    findings: &mut Vec<Finding>,
) -> Result<Node, SourceError> {
    let mut reader = Reader {
        file,
        text,
        at: 0,
        marked: 0,
        span: Span { line: 1, column: 1 },
        entries: Vec::new(),
        items: Vec::new(),
        findings,
    };
    reader.skip_space();
    let node = reader.value(0)?;
    reader.skip_space();
    if reader.at < text.len() && reader.text[reader.at..].starts_with('\0') {
        return Err(reader.error("there are zero bytes after the value", "remove them"));
    }
    if reader.at < text.len() {
        return Err(reader.error("there is text after the end of the value", "remove it"));
    }
    Ok(node)
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    /// The byte to read next.
    at: usize,
    /// The byte that `span` describes; never beyond `at`.
    marked: usize,
    span: Span,
    /// The entries and items of what is open, outermost first: each object and list takes its
    /// own from the end when it closes, in one piece of the right size.
    entries: Vec<Entry>,
    items: Vec<Node>,
    findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The line and column of the next byte; each byte of the text is counted once. Line breaks
    /// are counted where they are read, so that there are none between the marked byte and here.
    fn here(&mut self) -> Span {
        let passed = &self.text.as_bytes()[self.marked..self.at];
        // A character is its first byte; those that continue it start with the bits 10.
        let n_letters = passed.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        self.span.column += u32::try_from(n_letters).unwrap_or(u32::MAX);
        self.marked = self.at;
        self.span
    }

    /// Steps over a line break.
    fn line_break(&mut self) {
        self.at += 1;
        self.marked = self.at;
        self.span.line += 1;
        self.span.column = 1;
    }

    fn error(&mut self, problem: &str, hint: &str) -> SourceError {
        self.at = self.at.min(self.text.len());
        let span = self.here();
        SourceError::new(self.file, span, problem, hint)
    }

    /// Skips white space, and comments with a finding.
    fn skip_space(&mut self) {
        loop {
            loop {
                match self.peek() {
                    Some(b' ' | b'\t' | b'\r') => self.at += 1,
                    Some(b'\n') => self.line_break(),
                    Some(b'/' | b'#') => break,
                    _ => return,
                }
            }
            let rest = &self.text[self.at..];
            let n_bytes = if rest.starts_with("//") || rest.starts_with('#') {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                match rest.find("*/") {
                    Some(end) => end + 2,
                    None => return,
                }
            } else {
                return;
            };
            self.note("json-comment", "JSON has no comments", "remove it");
            self.pass(n_bytes);
        }
    }

    /// Steps over bytes that may have line breaks among them.
    fn pass(&mut self, n_bytes: usize) {
        for offset in self.at..self.at + n_bytes {
            match self.text.as_bytes()[offset] {
                b'\n' => self.line_break(),
                _ => self.at += 1,
            }
        }
    }

    fn note(&mut self, code: &str, message: &str, fix: &str) {
        let place = self.here().place(self.file);
        note(self.findings, || {
            Finding::error(code, message)
                .at(place)
                .because("other JSON parsers reject the file")
                .fix(fix)
        });
    }

    fn value(&mut self, depth: usize) -> Result<Node, SourceError> {
        if depth > DEPTH_MAX {
            return Err(self.error(
                &format!("values are nested deeper than {DEPTH_MAX} levels"),
                "make the document flatter",
            ));
        }
        let span = self.here();
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => NodeValue::String(self.string()?),
            Some(b'-' | b'0'..=b'9' | b'+' | b'.' | b'N' | b'I') => self.number()?,
            Some(b't') => self.word("true", NodeValue::Bool(true))?,
            Some(b'f') => self.word("false", NodeValue::Bool(false))?,
            Some(b'n') => self.word("null", NodeValue::Null)?,
            Some(b'\'') => return Err(self.error("a string is in single quotes", "write `\"`")),
            Some(_) => return Err(self.error("this is not a JSON value", "write a value here")),
            None => {
                return Err(self.error(
                    "the text ends where a value should be",
                    "check that the file is complete",
                ));
            }
        };
        Ok(Node::new(span, value))
    }

    fn word(&mut self, word: &str, value: NodeValue) -> Result<NodeValue, SourceError> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.error(
                "this is not a JSON value",
                "write `true`, `false` or `null`",
            ))
        }
    }

    fn object(&mut self, depth: usize) -> Result<NodeValue, SourceError> {
        self.at += 1;
        let start = self.entries.len();
        loop {
            self.skip_space();
            if self.peek() == Some(b'}') {
                self.at += 1;
                let entries = self.entries.drain(start..).collect();
                return Ok(object_of(entries, self.file, self.findings));
            }
            if self.peek() != Some(b'"') {
                return Err(self.error("a key in quotes is missing", "write `\"key\": value`"));
            }
            let key_span = self.here();
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.error("a `:` is missing after the key", "write `\"key\": value`"));
            }
            self.at += 1;
            self.skip_space();
            let node = self.value(depth + 1)?;
            self.entries.push(Entry {
                key,
                key_span,
                node,
            });
            self.skip_space();
            match self.peek() {
                Some(b',') => self.comma(b'}'),
                Some(b'}') => {}
                _ => return Err(self.error("a `,` or `}` is missing", "close the object")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<NodeValue, SourceError> {
        self.at += 1;
        let start = self.items.len();
        loop {
            self.skip_space();
            if self.peek() == Some(b']') {
                self.at += 1;
                return Ok(NodeValue::Array(self.items.drain(start..).collect()));
            }
            let item = self.value(depth + 1)?;
            self.items.push(item);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.comma(b']'),
                Some(b']') => {}
                _ => return Err(self.error("a `,` or `]` is missing", "close the list")),
            }
        }
    }

    /// Steps over a comma; a trailing comma is a finding.
    fn comma(&mut self, end: u8) {
        self.at += 1;
        let comma_at = self.at;
        self.skip_space();
        if self.peek() == Some(end) && self.marked <= comma_at {
            self.note(
                "json-trailing-comma",
                "JSON has no comma before the end of a list or object",
                "remove it",
            );
        }
    }

    fn string(&mut self) -> Result<String, SourceError> {
        self.at += 1;
        let start = self.at;
        self.at += plain_length(&self.text.as_bytes()[start..]);
        // The bytes that stop the search are ASCII, so both ends are borders of characters.
        let plain = &self.text[start..self.at];
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(plain.to_owned());
        }
        let mut out = plain.to_owned();
        loop {
            let start = self.at;
            self.at += plain_length(&self.text.as_bytes()[start..]);
            out.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                Some(byte) => {
                    self.note(
                        "json-control-character",
                        "a string contains a control character",
                        "escape it, such as `\\n` or `\\u0001`",
                    );
                    out.push(char::from(byte));
                    self.pass(1);
                }
                None => {
                    return Err(self.error(
                        "the text ends inside quotes",
                        "check that the file is complete",
                    ));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, SourceError> {
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => {
                self.at -= 1;
                return Err(self.error("this escape is unknown", "write `\\\\` for a backslash"));
            }
        })
    }

    fn unicode_escape(&mut self) -> Result<char, SourceError> {
        let high = self.hex4()?;
        if !(0xD800..0xDC00).contains(&high) {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let rest = &self.text.as_bytes()[self.at..];
        if !rest.starts_with(b"\\u") {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let before = self.at;
        self.at += 2;
        let low = self.hex4()?;
        if !(0xDC00..0xE000).contains(&low) {
            self.at = before;
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Result<u32, SourceError> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let code = digits
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => Err(self.error("`\\u` needs four hexadecimal digits", "write them")),
        }
    }

    fn number(&mut self) -> Result<NodeValue, SourceError> {
        let start = self.at;
        while matches!(
            self.peek(),
            Some(b'-' | b'+' | b'.' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9')
        ) {
            self.at += 1;
        }
        let end = self.at;
        let text = &self.text[start..end];
        if numbers::is_number(text) {
            return Ok(NodeValue::Number(text.to_owned()));
        }
        self.at = start;
        let value = match text.trim_start_matches(['-', '+']) {
            "NaN" | "Infinity" => NodeValue::String(text.to_owned()),
            _ => match numbers::number(text) {
                Some(number) => NodeValue::Number(number),
                None => {
                    return Err(self.error(
                        "this is not a JSON number",
                        "write it in quotes or correct it",
                    ));
                }
            },
        };
        self.note(
            "json-number",
            &format!("`{text}` is not a JSON number"),
            "write it as JSON does, or in quotes",
        );
        self.at = end;
        Ok(value)
    }
}
