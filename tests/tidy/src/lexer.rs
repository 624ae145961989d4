//! Rust source to tokens, as far as these checks need them. It is small so that the checks take a
//! fraction of a second in a debug build.

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An identifier or a keyword.
    Word,
    Punct,
    /// `(`, `[` or `{`.
    Open,
    Close,
    /// A string literal; its text is the value.
    Text,
    /// One line of a doc comment.
    Doc,
    /// A number, a character, a byte string or a lifetime.
    Other,
}

/// One token.
#[derive(Debug)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    pub line: usize,
    /// Of an opening bracket, the index of its closing one.
    pub close: usize,
}

impl Token {
    #[must_use]
    pub fn is(&self, kind: Kind, text: &str) -> bool {
        self.kind == kind && self.text == text
    }
}

/// Reads all tokens.
///
/// # Errors
/// When a bracket has no partner.
pub fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer {
        source,
        at: 0,
        line: 1,
        tokens: Vec::new(),
        open: Vec::new(),
    };
    while lexer.next()? {}
    match lexer.open.last() {
        Some(open) => Err(format!(
            "the bracket of line {} is not closed",
            lexer.tokens[*open].line
        )),
        None => Ok(lexer.tokens),
    }
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
    /// Indexes of the brackets that are open.
    open: Vec<usize>,
}

impl Lexer<'_> {
    /// Reads one token; returns whether there was one.
    fn next(&mut self) -> Result<bool, String> {
        let bytes = self.source.as_bytes();
        let Some(&byte) = bytes.get(self.at) else {
            return Ok(false);
        };
        let rest = &self.source[self.at..];
        match byte {
            b'\n' => {
                self.line += 1;
                self.at += 1;
            }
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'/' if rest.starts_with("//") => self.line_comment(rest),
            b'/' if rest.starts_with("/*") => self.block_comment(),
            b'"' => self.text(self.at, true),
            b'\'' => self.quote(rest),
            b'(' | b'[' | b'{' => {
                self.open.push(self.tokens.len());
                self.push(Kind::Open, 1);
            }
            b')' | b']' | b'}' => {
                let Some(open) = self.open.pop() else {
                    return Err(format!("a bracket of line {} is not opened", self.line));
                };
                self.tokens[open].close = self.tokens.len();
                self.push(Kind::Close, 1);
            }
            _ if byte == b'_' || byte.is_ascii_alphabetic() || byte >= 0x80 => self.word(rest),
            _ if byte.is_ascii_digit() => {
                let n = length(rest, |byte| byte == b'_' || byte.is_ascii_alphanumeric());
                self.push(Kind::Other, n);
            }
            _ => self.push(Kind::Punct, 1),
        }
        Ok(true)
    }

    fn push(&mut self, kind: Kind, n_bytes: usize) {
        let text = self.source[self.at..self.at + n_bytes].to_owned();
        self.add(kind, text, self.line);
        self.at += n_bytes;
    }

    fn add(&mut self, kind: Kind, text: String, line: usize) {
        self.tokens.push(Token {
            kind,
            text,
            line,
            close: 0,
        });
    }

    fn line_comment(&mut self, rest: &str) {
        let comment = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let doc = comment
            .strip_prefix("//!")
            .or_else(|| comment.strip_prefix("///"))
            .filter(|doc| !doc.starts_with('/'));
        if let Some(doc) = doc {
            self.add(Kind::Doc, doc.to_owned(), self.line);
        }
        self.at += comment.len();
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            let rest = &self.source.as_bytes()[self.at..];
            match rest {
                [b'/', b'*', ..] => {
                    depth += 1;
                    self.at += 2;
                }
                [b'*', b'/', ..] => {
                    depth -= 1;
                    self.at += 2;
                }
                [byte, ..] => {
                    self.line += usize::from(*byte == b'\n');
                    self.at += 1;
                }
                [] => return,
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// A word, or a literal with a prefix: `r"…"`, `r#"…"#`, `b"…"`, `b'…'`, `c"…"`.
    fn word(&mut self, rest: &str) {
        let n = length(rest, |byte| {
            byte == b'_' || byte >= 0x80 || byte.is_ascii_alphanumeric()
        });
        let (word, after) = rest.split_at(n);
        let n_hashes = length(after, |byte| byte == b'#');
        let is_quoted = after[n_hashes..].starts_with('"');
        match word {
            "r" | "br" | "cr" if is_quoted => {
                let start = n + n_hashes + 1;
                let end = format!("\"{}", "#".repeat(n_hashes));
                let text = rest[start..]
                    .find(&end)
                    .map_or("", |found| &rest[start..start + found]);
                let kind = if word == "r" { Kind::Text } else { Kind::Other };
                self.add(kind, text.to_owned(), self.line);
                self.line += text.matches('\n').count();
                self.at += start + text.len() + end.len();
            }
            "b" | "c" if after.starts_with('"') => self.text(self.at + 1, false),
            "b" if after.starts_with('\'') => {
                self.at += 1;
                self.quote(after);
            }
            // `r#type`
            "r" if n_hashes == 1 => self.at += 2,
            _ => self.push(Kind::Word, n),
        }
    }

    /// A string literal whose quote is at `start`. A line that ends in `\` goes on in the next.
    fn text(&mut self, start: usize, is_text: bool) {
        let line = self.line;
        let mut value = String::new();
        let mut chars = self.source[start + 1..].char_indices().peekable();
        self.at = self.source.len();
        while let Some((n, char)) = chars.next() {
            self.line += usize::from(char == '\n');
            match char {
                '"' => {
                    self.at = start + 1 + n + 1;
                    break;
                }
                '\\' => match chars.next().map(|(_, escaped)| escaped) {
                    Some('n') => value.push('\n'),
                    Some('\n') => {
                        self.line += 1;
                        while let Some((_, space)) = chars.next_if(|(_, char)| char.is_whitespace())
                        {
                            self.line += usize::from(space == '\n');
                        }
                    }
                    Some(escaped @ ('"' | '\\' | '\'')) => value.push(escaped),
                    _ => value.push(' '),
                },
                char => value.push(char),
            }
        }
        let kind = if is_text { Kind::Text } else { Kind::Other };
        self.add(kind, value, line);
    }

    /// A character or a lifetime.
    fn quote(&mut self, rest: &str) {
        let mut chars = rest.char_indices().skip(1);
        let first = chars.next().map(|(_, char)| char);
        let second = chars.next();
        let n = match (first, second) {
            (Some('\\'), Some((n, escaped))) => {
                let from = n + escaped.len_utf8();
                rest[from..].find('\'').map_or(from, |end| from + end + 1)
            }
            (Some(_), Some((n, '\''))) => n + 1,
            _ => {
                1 + length(&rest[1..], |byte| {
                    byte == b'_' || byte.is_ascii_alphanumeric()
                })
            }
        };
        self.push(Kind::Other, n);
    }
}

fn length(text: &str, is_part: impl Fn(u8) -> bool) -> usize {
    text.bytes()
        .position(|byte| !is_part(byte))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, want: &[(Kind, &str, usize)]) {
        let got = tokens(source).unwrap();
        let got: Vec<(Kind, &str, usize)> = got
            .iter()
            .map(|token| (token.kind, token.text.as_str(), token.line))
            .collect();
        assert_eq!(got, want);
    }

    #[test]
    fn strings_are_their_values() {
        check(
            "\"a \\\"b\\\" \\\n   c\" r#\"d\"e\"# b\"f\" x",
            &[
                (Kind::Text, "a \"b\" c", 1),
                (Kind::Text, "d\"e", 2),
                (Kind::Other, "f", 2),
                (Kind::Word, "x", 2),
            ],
        );
    }

    #[test]
    fn characters_are_not_lifetimes() {
        check(
            "'\"' '\\'' '\\u{7f}' &'a b'{' 'é' r#type",
            &[
                (Kind::Other, "'\"'", 1),
                (Kind::Other, "'\\''", 1),
                (Kind::Other, "'\\u{7f}'", 1),
                (Kind::Punct, "&", 1),
                (Kind::Other, "'a", 1),
                (Kind::Other, "'{'", 1),
                (Kind::Other, "'é'", 1),
                (Kind::Word, "type", 1),
            ],
        );
    }

    #[test]
    fn comments_are_left_out_and_docs_are_kept() {
        check(
            "//! a\n// b\n/// c\n//// d\n/* e /* f */\n g */ h",
            &[
                (Kind::Doc, " a", 1),
                (Kind::Doc, " c", 3),
                (Kind::Word, "h", 6),
            ],
        );
    }

    #[test]
    fn a_bracket_needs_its_partner() {
        assert!(tokens("( [ ]").unwrap_err().contains("not closed"));
        assert!(tokens("]").unwrap_err().contains("not opened"));
        assert_eq!(tokens("( [ ] )").unwrap()[0].close, 3);
    }
}
