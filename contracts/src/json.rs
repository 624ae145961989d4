//! JSON text to nodes (RFC 8259), with places. It must not know YAML.

use tollgate_report::Finding;

use crate::source::{DEPTH_MAX, Entry, Node, NodeValue, ObjectBuilder, SourceError, Span};

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
        findings,
    };
    reader.skip_space();
    let node = reader.value(0)?;
    reader.skip_space();
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
    findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The line and column of the next byte; each byte of the text is counted once.
    fn here(&mut self) -> Span {
        for byte in &self.text.as_bytes()[self.marked..self.at] {
            if *byte == b'\n' {
                self.span.line += 1;
                self.span.column = 1;
            } else if byte & 0xC0 != 0x80 {
                self.span.column += 1;
            }
        }
        self.marked = self.at;
        self.span
    }

    fn error(&mut self, problem: &str, hint: &str) -> SourceError {
        self.at = self.at.min(self.text.len());
        let span = self.here();
        SourceError::new(self.file, span, problem, hint)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, SourceError> {
        if depth > DEPTH_MAX {
            return Err(self.error(
                &format!("values stand in each other deeper than {DEPTH_MAX} levels"),
                "make the document flatter",
            ));
        }
        let span = self.here();
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => NodeValue::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", NodeValue::Bool(true))?,
            Some(b'f') => self.word("false", NodeValue::Bool(false))?,
            Some(b'n') => self.word("null", NodeValue::Null)?,
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
        let mut builder = ObjectBuilder::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(NodeValue::Object(Vec::new()));
        }
        loop {
            self.skip_space();
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
            let entry = Entry {
                key,
                key_span,
                node,
            };
            builder.push(entry, self.file, self.findings);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(NodeValue::Object(builder.finish()));
                }
                _ => return Err(self.error("a `,` or `}` is missing", "close the object")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<NodeValue, SourceError> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(NodeValue::Array(items));
        }
        loop {
            self.skip_space();
            items.push(self.value(depth + 1)?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(NodeValue::Array(items));
                }
                _ => return Err(self.error("a `,` or `]` is missing", "close the list")),
            }
        }
    }

    fn string(&mut self) -> Result<String, SourceError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1F)) {
                self.at += 1;
            }
            // The bytes that stop the loop are ASCII, so both ends are borders of characters.
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
                Some(_) => {
                    return Err(self.error(
                        "a control character stands in a text",
                        "escape it, such as `\\n` or `\\u0001`",
                    ));
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
            Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')
        ) {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        if is_number(text) {
            return Ok(NodeValue::Number(text.to_owned()));
        }
        self.at = start;
        Err(self.error("this is not a JSON number", "write it in quotes or mend it"))
    }
}

/// Whether a text is a JSON number: `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
pub(crate) fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}
