//! The text of a path, read into its steps.

use tollgate_contracts_model::pattern::Patterns;

use super::step::Step;
use crate::expression;

/// The steps of a path, or what is not understood about it.
pub(super) fn steps(text: &str, patterns: &Patterns) -> Result<Vec<Step>, String> {
    let mut reader = Reader {
        text: text.trim(),
        at: 0,
        patterns,
    };
    reader.steps()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    patterns: &'a Patterns,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn steps(&mut self) -> Result<Vec<Step>, String> {
        if !self.eat("$") {
            return Err("it does not begin with `$`".to_owned());
        }
        let mut steps = Vec::new();
        while self.at < self.text.len() {
            if self.eat("..") {
                if !matches!(steps.last(), Some(Step::Deep)) {
                    steps.push(Step::Deep);
                }
                self.after_dot(&mut steps)?;
            } else if self.eat(".") {
                if self.rest().is_empty() {
                    return Err("it ends with a dot".to_owned());
                }
                self.after_dot(&mut steps)?;
            } else if self.eat("[") {
                steps.push(self.bracket()?);
            } else if self.eat("^") {
                steps.push(Step::Parent);
            } else if self.eat("~") {
                steps.push(Step::Keys);
            } else if self.rest().starts_with('@') {
                steps.push(self.type_test()?);
            } else if self.rest().trim().is_empty() {
                break;
            } else {
                self.after_dot(&mut steps)?;
            }
        }
        let keys_before_end = steps
            .iter()
            .rev()
            .skip(1)
            .any(|step| matches!(step, Step::Keys));
        if keys_before_end {
            return Err("`~` is only allowed at the end of the path".to_owned());
        }
        Ok(steps)
    }

    /// `@string()` and similar: the children so far that have a type.
    fn type_test(&mut self) -> Result<Step, String> {
        Err(format!(
            "`{}` is not understood; write a filter, such as `[?(typeof @ === 'string')]`",
            self.rest()
        ))
    }

    fn after_dot(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        if self.rest().starts_with(['[', '^', '~', '@']) || self.rest().is_empty() {
            return Ok(());
        }
        if self.eat("*") {
            steps.push(Step::Wildcard);
            return Ok(());
        }
        if self.eat("?(") {
            self.at -= 2;
            return Err("a filter must be in brackets: `[?(..)]`".to_owned());
        }
        self.eat("`");
        let rest = self.rest();
        let end = rest.find(['.', '[', '^', '~']).unwrap_or(rest.len());
        let name = rest[..end].trim().to_owned();
        if name.is_empty() {
            return Err(format!("a name is missing before `{rest}`"));
        }
        self.at += end;
        steps.push(if name == "*" {
            Step::Wildcard
        } else {
            Step::Child(name)
        });
        Ok(())
    }

    fn bracket(&mut self) -> Result<Step, String> {
        let inner = self.until_bracket()?;
        let inner = inner.trim();
        if inner == "*" {
            return Ok(Step::Wildcard);
        }
        if let Some(filter) = inner.strip_prefix('?') {
            return expression::parse(filter, self.patterns).map(Step::Filter);
        }
        if inner.starts_with('(') && inner.ends_with(')') {
            return expression::parse(inner, self.patterns).map(Step::Script);
        }
        if inner.is_empty() {
            return Err("the brackets are empty".to_owned());
        }
        let is_quoted = inner.starts_with(['\'', '"']);
        if inner.contains(':')
            && !is_quoted
            && let Some(slice) = read_slice(inner)
        {
            return Ok(slice);
        }
        let mut names = split_names(inner);
        if names.iter().any(|name| name == "*") {
            return Ok(Step::Wildcard);
        }
        Ok(if names.len() == 1 && !names[0].starts_with('-') {
            Step::Child(names.remove(0))
        } else {
            Step::Union(names)
        })
    }

    /// The text up to the bracket that closes; quotes, patterns and inner brackets are skipped.
    fn until_bracket(&mut self) -> Result<String, String> {
        let rest = self.rest();
        let mut depth = 0_usize;
        let mut quote: Option<char> = None;
        let mut before = '(';
        let mut letters = rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match (quote, letter) {
                (Some(_), '\\') => {
                    letters.next();
                }
                (Some(open), letter) if letter == open => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(letter),
                // A slash after an opening bracket, a comma or an operator opens a pattern.
                (None, '/') if "(,=!&|?:~".contains(before) => quote = Some('/'),
                (None, '[') => depth += 1,
                (None, ']') if depth == 0 => {
                    let inner = rest[..at].to_owned();
                    self.at += at + 1;
                    return Ok(inner);
                }
                (None, ']') => depth -= 1,
                (None, _) => {}
            }
            if !letter.is_whitespace() {
                before = letter;
            }
        }
        Err(format!("a `]` is missing after `[{rest}`"))
    }
}

fn read_slice(text: &str) -> Option<Step> {
    let mut parts = Vec::new();
    for part in text.split(':') {
        let part = part.trim();
        parts.push(if part.is_empty() {
            None
        } else {
            Some(part.parse::<i64>().ok()?)
        });
    }
    (parts.len() <= 3).then(|| {
        let part = |idx: usize| parts.get(idx).copied().flatten();
        Step::Slice(part(0), part(1), part(2).unwrap_or(1))
    })
}

/// Names separated by commas, with or without quotes.
fn split_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut name = String::new();
    let mut quote: Option<char> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(_), '\\') => name.extend(letters.next()),
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, ',') => names.push(std::mem::take(&mut name).trim().to_owned()),
            (_, letter) => name.push(letter),
        }
    }
    names.push(name.trim().to_owned());
    names
}
