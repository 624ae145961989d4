//! What a Rust file imports, defines, mentions and says, read from its tokens. Items under
//! `#[cfg(test)]` are left out.

use std::collections::BTreeSet;

use crate::lexer::{self, Kind, Token};

/// The items of a file or of a module inside it.
#[derive(Default)]
pub struct Module {
    pub uses: Vec<Use>,
    pub modules: Vec<SubModule>,
    /// Names of structs, functions, macros and the like that are defined here.
    pub items: BTreeSet<String>,
    /// Paths in code (`crate::a::B`, `b::c`, `D`), without those of `uses`.
    pub paths: BTreeSet<Vec<String>>,
    /// String literals and doc comments.
    pub texts: Vec<Text>,
}

/// One name that a `use` brings in.
pub struct Use {
    /// `pub` in any form: a re-export.
    pub is_public: bool,
    pub path: Vec<String>,
    /// `None` for a glob.
    pub name: Option<String>,
}

/// `mod name;` or `mod name { … }`.
pub struct SubModule {
    pub name: String,
    pub inline: Option<Module>,
}

/// A string literal, or a doc comment with all its lines.
pub struct Text {
    pub line: usize,
    pub text: String,
}

/// Reads a file.
///
/// # Errors
/// When the text does not consist of Rust tokens.
pub fn parse(text: &str) -> Result<Module, String> {
    let tokens = lexer::tokens(text)?;
    Ok(module(&tokens, 0, tokens.len()))
}

fn module(tokens: &[Token], from: usize, to: usize) -> Module {
    let mut reader = Reader {
        tokens,
        at: from,
        to,
        module: Module::default(),
    };
    reader.items();
    reader.module
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    to: usize,
    module: Module,
}

impl Reader<'_> {
    fn items(&mut self) {
        let mut is_public = false;
        let mut is_test = false;
        while self.at < self.to {
            let token = &self.tokens[self.at];
            match token.kind {
                Kind::Punct if token.text == "#" => is_test |= self.attribute(),
                Kind::Doc => {
                    let from = self.at;
                    while self.at < self.to && self.tokens[self.at].kind == Kind::Doc {
                        self.at += 1;
                    }
                    self.walk(from, self.at);
                }
                Kind::Word if token.text == "pub" => {
                    is_public = true;
                    self.at += 1;
                    if self.tokens[self.at].is(Kind::Open, "(") {
                        self.at = self.tokens[self.at].close + 1;
                    }
                }
                Kind::Word => {
                    self.item(is_public, is_test);
                    (is_public, is_test) = (false, false);
                }
                _ => {
                    self.at += 1;
                    (is_public, is_test) = (false, false);
                }
            }
        }
    }

    fn item(&mut self, is_public: bool, is_test: bool) {
        let from = self.at;
        let word = &self.tokens[from].text;
        self.at = self.end_of_item();
        if is_test {
            return;
        }
        match word.as_str() {
            "use" => use_tree(
                self.tokens,
                from + 1,
                self.at - 1,
                &[],
                is_public,
                &mut self.module.uses,
            ),
            "mod" => {
                let end = &self.tokens[self.at - 1];
                let inline = end
                    .is(Kind::Close, "}")
                    .then(|| module(self.tokens, from + 3, self.at - 1));
                self.module.modules.push(SubModule {
                    name: self.tokens[from + 1].text.clone(),
                    inline,
                });
            }
            _ => {
                if let Some(name) = name_of(&self.tokens[from..self.at]) {
                    self.module.items.insert(name);
                }
                self.walk(from, self.at);
            }
        }
    }

    /// Behind the `;` of the item, or behind its braces.
    fn end_of_item(&self) -> usize {
        let mut at = self.at;
        while at < self.to {
            let token = &self.tokens[at];
            if token.is(Kind::Punct, ";") {
                return at + 1;
            }
            if token.kind == Kind::Open {
                at = token.close;
                // The braces of `use a::{b};` are not its end.
                if token.text == "{" && !self.tokens[self.at].is(Kind::Word, "use") {
                    return at + 1;
                }
            }
            at += 1;
        }
        self.to
    }

    /// Reads `#[…]` or `#![…]`; returns whether it is a `cfg` of tests.
    fn attribute(&mut self) -> bool {
        self.at += 1;
        if self.tokens[self.at].is(Kind::Punct, "!") {
            self.at += 1;
        }
        let Some(open) = self
            .tokens
            .get(self.at)
            .filter(|token| token.kind == Kind::Open)
        else {
            return false;
        };
        let inner = &self.tokens[self.at + 1..open.close];
        // Of an attribute only the texts count: reasons, and messages of errors.
        let texts = inner.iter().filter(|token| token.kind == Kind::Text);
        self.module.texts.extend(texts.map(|token| Text {
            line: token.line,
            text: token.text.clone(),
        }));
        self.at = open.close + 1;
        is_test_cfg(inner)
    }

    fn walk(&mut self, from: usize, to: usize) {
        walk(self.tokens, from, to, &mut self.module);
    }
}

/// The name that an item defines.
fn name_of(item: &[Token]) -> Option<String> {
    let mut words = item
        .iter()
        .filter(|token| token.kind != Kind::Text && !token.is(Kind::Punct, "!"))
        .map(|token| token.text.as_str())
        .peekable();
    while let Some(word) = words.next() {
        let next = *words.peek()?;
        match word {
            // `const fn name`, `async unsafe fn name`, `extern "C" fn name`, `static mut NAME`
            "const" | "async" | "unsafe" | "extern"
                if matches!(
                    next,
                    "fn" | "async" | "unsafe" | "extern" | "trait" | "impl"
                ) => {}
            "static" if next == "mut" => {
                words.next();
                return words.next().map(str::to_owned);
            }
            "fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "static"
            | "macro_rules" => return Some(next.to_owned()),
            _ => return None,
        }
    }
    None
}

/// `cfg(test)` and `cfg(all(test, …))`, not `cfg(not(test))`.
fn is_test_cfg(attribute: &[Token]) -> bool {
    attribute.first().is_some_and(|token| token.text == "cfg")
        && attribute.iter().any(|token| token.is(Kind::Word, "test"))
        && !attribute.iter().any(|token| token.is(Kind::Word, "not"))
}

/// Flattens `a::{b, c::{self, d as e}, f::*}`.
fn use_tree(
    tokens: &[Token],
    from: usize,
    to: usize,
    before: &[String],
    is_public: bool,
    uses: &mut Vec<Use>,
) {
    let mut at = from;
    while at < to {
        let mut path = before.to_vec();
        let mut name = None;
        let mut is_renamed = false;
        let mut is_done = false;
        while at < to && !tokens[at].is(Kind::Punct, ",") {
            let token = &tokens[at];
            match token.kind {
                Kind::Word if token.text == "as" => is_renamed = true,
                Kind::Word if is_renamed => name = Some(token.text.clone()),
                Kind::Word if token.text == "self" && !path.is_empty() => {}
                Kind::Word => path.push(token.text.clone()),
                Kind::Open => {
                    use_tree(tokens, at + 1, token.close, &path, is_public, uses);
                    at = token.close;
                    is_done = true;
                }
                Kind::Punct if token.text == "*" => {
                    uses.push(Use {
                        is_public,
                        path: path.clone(),
                        name: None,
                    });
                    is_done = true;
                }
                _ => {}
            }
            at += 1;
        }
        at += 1;
        if !is_done && !path.is_empty() {
            let name = name.or_else(|| path.last().cloned());
            uses.push(Use {
                is_public,
                path,
                name,
            });
        }
    }
}

/// Collects paths, inner `use`s and texts of code.
fn walk(tokens: &[Token], from: usize, to: usize, module: &mut Module) {
    let mut at = from;
    while at < to {
        let token = &tokens[at];
        match token.kind {
            Kind::Word if token.text == "use" => {
                let n = tokens[at..to]
                    .iter()
                    .position(|token| token.is(Kind::Punct, ";"));
                let end = n.map_or(to, |n| at + n);
                use_tree(tokens, at + 1, end, &[], false, &mut module.uses);
                at = end;
            }
            Kind::Word => {
                let (path, next) = path_at(tokens, at);
                if starts_path(tokens, at) {
                    module.paths.insert(path);
                }
                at = next;
                continue;
            }
            Kind::Text => module.texts.push(Text {
                line: token.line,
                text: token.text.clone(),
            }),
            Kind::Doc => {
                // Lines of one comment are one text: a phrase may go on in the next line.
                let mut text = token.text.clone();
                while at + 1 < to
                    && tokens[at + 1].kind == Kind::Doc
                    && tokens[at + 1].line == tokens[at].line + 1
                {
                    at += 1;
                    text.push('\n');
                    text.push_str(&tokens[at].text);
                }
                module.texts.push(Text {
                    line: token.line,
                    text,
                });
            }
            _ => {}
        }
        at += 1;
    }
}

/// Whether a word is neither a field or method (`a.b`) nor the rest of a path (`<A>::b`).
fn starts_path(tokens: &[Token], at: usize) -> bool {
    let is_punct = |back: usize, text: &str| {
        at.checked_sub(back)
            .is_some_and(|at| tokens[at].is(Kind::Punct, text))
    };
    let is_field = is_punct(1, ".") && !is_punct(2, ".");
    let is_rest = is_punct(1, ":") && is_punct(2, ":");
    !is_field && !is_rest
}

/// The path that starts at a word, and where it ends.
fn path_at(tokens: &[Token], mut at: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let is_colon = |at: usize| {
        tokens
            .get(at)
            .is_some_and(|token| token.is(Kind::Punct, ":"))
    };
    while let Some(token) = tokens.get(at).filter(|token| token.kind == Kind::Word) {
        path.push(token.text.clone());
        at += 1;
        let is_next = tokens
            .get(at + 2)
            .is_some_and(|token| token.kind == Kind::Word);
        if !(is_colon(at) && is_colon(at + 1) && is_next) {
            break;
        }
        at += 2;
    }
    (path, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read(text: &str) -> Module {
        parse(text).unwrap()
    }

    #[test]
    fn a_use_is_flattened_with_its_names() {
        let module = read("pub(crate) use a::{b, c::{self, d as e}, f::*}; use g;");
        let shown: Vec<String> = module
            .uses
            .iter()
            .map(|one| {
                format!(
                    "{} {} {:?}",
                    one.is_public,
                    one.path.join("::"),
                    one.name.as_deref()
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "true a::b Some(\"b\")",
                "true a::c Some(\"c\")",
                "true a::c::d Some(\"e\")",
                "true a::f None",
                "false g Some(\"g\")",
            ]
        );
    }

    #[test]
    fn names_of_items_are_kept_and_those_of_tests_are_not() {
        let module = read(
            "pub struct A { x: u8 } const fn b() {} static mut C: u8 = 0; macro_rules! d { () => {} } \
             #[cfg(test)] mod tests { struct No; } #[cfg(test)] fn no() {} impl A { fn inner() {} } enum E {}",
        );
        assert_eq!(
            module.items.into_iter().collect::<Vec<_>>(),
            ["A", "C", "E", "b", "d"]
        );
        assert!(module.modules.is_empty());
    }

    #[test]
    fn paths_are_those_of_code_and_not_fields() {
        let module = read("fn f(x: crate::a::B) -> super::C { x.field.g::<u8>(); d::e(x) }");
        let shown: BTreeSet<String> = module.paths.iter().map(|path| path.join("::")).collect();
        assert!(shown.contains("crate::a::B"));
        assert!(shown.contains("super::C"));
        assert!(shown.contains("d::e"));
        assert!(!shown.contains("field"));
    }

    #[test]
    fn lines_of_a_doc_comment_are_one_text() {
        let module =
            read("//! One\n//! two.\n\n/// Three\nfn f() { g(\"a \\\"b\\\"\", r#\"c\"#) }");
        let shown: Vec<(usize, &str)> = module
            .texts
            .iter()
            .map(|text| (text.line, text.text.as_str()))
            .collect();
        assert_eq!(
            shown,
            [(1, " One\n two."), (4, " Three"), (5, "a \"b\""), (5, "c")]
        );
    }
}
