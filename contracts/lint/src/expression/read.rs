//! The text of an expression, read into a tree.

use tollgate_contracts_model::pattern::Patterns;

use super::{Expression, Operator};

/// How deep expressions may be nested.
const DEPTH_MAX: usize = 64;

/// Operators by how strongly they bind, weakest first; longer words before their beginnings.
const LEVELS: &[&[(&str, Operator)]] = &[
    &[("||", Operator::Or), ("??", Operator::Coalesce)],
    &[("&&", Operator::And)],
    &[
        ("===", Operator::Equal),
        ("!==", Operator::NotEqual),
        ("==", Operator::LooseEqual),
        ("!=", Operator::LooseNotEqual),
        ("~=", Operator::Matches),
        ("=~", Operator::Matches),
    ],
    &[
        ("<=", Operator::LessEqual),
        (">=", Operator::GreaterEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
        ("instanceof ", Operator::InstanceOf),
        ("in ", Operator::In),
    ],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
    &[
        ("*", Operator::Times),
        ("/", Operator::Divide),
        ("%", Operator::Remainder),
    ],
];

/// Reads a whole expression.
pub(crate) fn parse(text: &str, patterns: &Patterns) -> Result<Expression, String> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
        patterns,
    };
    let expression = reader.choice()?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(format!("`{}` is not understood", reader.rest()));
    }
    Ok(expression)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    patterns: &'a Patterns,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, word: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.eat(word) {
            Ok(())
        } else {
            Err(format!("`{word}` is missing before `{}`", self.rest()))
        }
    }

    fn choice(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("it is deeper than {DEPTH_MAX} levels"));
        }
        let condition = self.binary(0)?;
        self.skip_space();
        let is_choice = self.rest().starts_with('?') && !self.rest().starts_with("??");
        let result = if is_choice {
            self.at += 1;
            let yes = self.choice()?;
            self.expect(":")?;
            let no = self.choice()?;
            Expression::Choice(Box::new(condition), Box::new(yes), Box::new(no))
        } else {
            condition
        };
        self.depth -= 1;
        Ok(result)
    }

    fn operator(&mut self, level: usize) -> Option<Operator> {
        self.skip_space();
        let (word, operator) = LEVELS[level].iter().find(|(word, _)| {
            let rest = self.rest();
            rest.starts_with(word) && !(word.len() == 1 && rest[1..].starts_with(*word))
        })?;
        self.at += word.len();
        Some(*operator)
    }

    fn binary(&mut self, level: usize) -> Result<Expression, String> {
        if level == LEVELS.len() {
            return self.unary();
        }
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.operator(level) {
            let right = self.binary(level + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, String> {
        self.skip_space();
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("it is deeper than {DEPTH_MAX} levels"));
        }
        let result = if self.rest().starts_with('!') && !self.rest().starts_with("!=") {
            self.at += 1;
            Expression::Not(Box::new(self.unary()?))
        } else if self.eat("-") {
            Expression::Negate(Box::new(self.unary()?))
        } else if self.eat("typeof ") || self.eat_before("typeof", '(') {
            Expression::TypeOf(Box::new(self.unary()?))
        } else if self.eat("void ") || self.eat_before("void", '(') {
            self.unary()?;
            Expression::Undefined
        } else {
            self.postfix()?
        };
        self.depth -= 1;
        Ok(result)
    }

    fn eat_before(&mut self, word: &str, next: char) -> bool {
        let rest = self.rest();
        let found = rest
            .strip_prefix(word)
            .is_some_and(|rest| rest.trim_start().starts_with(next));
        if found {
            self.at += word.len();
        }
        found
    }

    fn postfix(&mut self) -> Result<Expression, String> {
        let mut value = self.primary()?;
        loop {
            if self.eat("?.") || (!self.rest().trim_start().starts_with("..") && self.eat(".")) {
                if self.rest().starts_with('[') {
                    continue;
                }
                let name = self.word();
                if name.is_empty() {
                    return Err(format!("a name is missing before `{}`", self.rest()));
                }
                value = if self.eat("(") {
                    let arguments = self.arguments(")")?;
                    call(value, name, arguments)
                } else {
                    let key = Expression::Text(name.as_str().into());
                    Expression::Member(Box::new(value), Box::new(key))
                };
            } else if self.eat("[") {
                let key = self.choice()?;
                self.expect("]")?;
                value = Expression::Member(Box::new(value), Box::new(key));
            } else {
                return Ok(value);
            }
        }
    }

    fn arguments(&mut self, end: &str) -> Result<Vec<Expression>, String> {
        let mut arguments = Vec::new();
        while !self.eat(end) {
            arguments.push(self.choice()?);
            if !self.eat(",") {
                self.expect(end)?;
                break;
            }
        }
        Ok(arguments)
    }

    fn word(&mut self) -> String {
        self.skip_space();
        let is_word = |letter: char| letter.is_alphanumeric() || "_$".contains(letter);
        let word: String = self
            .rest()
            .chars()
            .take_while(|letter| is_word(*letter))
            .collect();
        self.at += word.len();
        word
    }

    fn primary(&mut self) -> Result<Expression, String> {
        self.skip_space();
        let Some(first) = self.rest().chars().next() else {
            return Err("a value is missing at its end".to_owned());
        };
        match first {
            '(' => {
                self.at += 1;
                let inner = self.choice()?;
                self.expect(")")?;
                Ok(inner)
            }
            '[' => {
                self.at += 1;
                Ok(Expression::List(self.arguments("]")?))
            }
            '\'' | '"' | '`' => self.text(first),
            '/' => self.pattern(),
            '@' => {
                self.at += 1;
                Ok(self.special())
            }
            '0'..='9' | '.' => self.number(),
            _ => self.named(),
        }
    }

    fn special(&mut self) -> Expression {
        let before = self.at;
        if !self.rest().starts_with(char::is_alphabetic) {
            return Expression::This;
        }
        match self.word().as_str() {
            "property" => Expression::Property,
            "parent" => Expression::Parent,
            "parentProperty" => Expression::ParentProperty,
            "path" => Expression::Path,
            "root" => Expression::Root,
            _ => {
                // `@string()` and its like test the type of the value.
                self.at = before;
                let word = self.word();
                if self.eat("(") && self.eat(")") {
                    Expression::Function(format!("@{word}").as_str().into(), vec![Expression::This])
                } else {
                    Expression::Member(
                        Box::new(Expression::This),
                        Box::new(Expression::Text(word.as_str().into())),
                    )
                }
            }
        }
    }

    fn named(&mut self) -> Result<Expression, String> {
        let name = self.word();
        Ok(match name.as_str() {
            "" => return Err(format!("`{}` is not understood", self.rest())),
            "true" => Expression::Bool(true),
            "false" => Expression::Bool(false),
            "null" => Expression::Null,
            "undefined" => Expression::Undefined,
            "NaN" => Expression::Number(f64::NAN),
            "$" => Expression::Root,
            "new" => return self.postfix(),
            "Array" | "Object" | "Number" | "String" | "Boolean" | "RegExp" | "parseInt"
            | "parseFloat" | "isNaN" | "JSON" | "Math" => {
                if self.eat("(") {
                    let arguments = self.arguments(")")?;
                    return self.function(&name, arguments);
                }
                if !self.eat(".") {
                    return Ok(Expression::Text(name.as_str().into()));
                }
                let method = self.word();
                self.expect("(")?;
                let arguments = self.arguments(")")?;
                return self.function(&format!("{name}.{method}"), arguments);
            }
            "index" | "isString" | "isNumber" | "isObject" | "isArray" | "isBoolean" => {
                self.expect("(")?;
                let arguments = self.arguments(")")?;
                return self.function(&name, arguments);
            }
            other => return Err(format!("`{other}` is not known")),
        })
    }

    fn function(&self, name: &str, arguments: Vec<Expression>) -> Result<Expression, String> {
        const KNOWN: &[&str] = &[
            "Object.keys",
            "Object.values",
            "Array.isArray",
            "Number",
            "String",
            "Boolean",
            "parseInt",
            "parseFloat",
            "isNaN",
            "Number.isInteger",
            "isString",
            "isNumber",
            "isObject",
            "isArray",
            "isBoolean",
            "JSON.stringify",
            "Math.max",
            "Math.min",
        ];
        if name == "RegExp"
            && let Some(Expression::Text(body)) = arguments.first()
        {
            let flags = match arguments.get(1) {
                Some(Expression::Text(flags)) => flags.to_string(),
                _ => String::new(),
            };
            return self.compiled(body, &flags);
        }
        if !KNOWN.contains(&name) {
            return Err(format!("the function `{name}` is not known"));
        }
        Ok(Expression::Function(name.into(), arguments))
    }

    fn compiled(&self, body: &str, flags: &str) -> Result<Expression, String> {
        self.patterns
            .with_flags(body, flags)
            .map(Expression::Pattern)
            .ok_or_else(|| format!("`{body}` is not a regular expression"))
    }

    fn number(&mut self) -> Result<Expression, String> {
        let rest = self.rest();
        let end = rest
            .find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))
            .unwrap_or(rest.len());
        let text = &rest[..end];
        let number = text
            .parse()
            .map_err(|_| format!("`{text}` is not a number"))?;
        self.at += end;
        Ok(Expression::Number(number))
    }

    fn text(&mut self, quote: char) -> Result<Expression, String> {
        let mut out = String::new();
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, 't')) => out.push('\t'),
                    Some((_, other)) => out.push(other),
                    None => break,
                },
                letter if letter == quote => {
                    self.at += at + letter.len_utf8();
                    return Ok(Expression::Text(out.as_str().into()));
                }
                letter => out.push(letter),
            }
        }
        Err(format!("the quote is not closed: `{}`", self.rest()))
    }

    fn pattern(&mut self) -> Result<Expression, String> {
        let mut in_class = false;
        let mut letters = self.rest().char_indices().skip(1);
        let mut end = None;
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => {
                    letters.next();
                }
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => {
                    end = Some(at);
                    break;
                }
                _ => {}
            }
        }
        let end = end.ok_or_else(|| format!("the pattern is not closed: `{}`", self.rest()))?;
        let body = self.rest()[1..end].to_owned();
        self.at += end + 1;
        let flags: String = self
            .rest()
            .chars()
            .take_while(|letter| "dgimsuvy".contains(*letter))
            .collect();
        self.at += flags.len();
        self.compiled(&body, &flags)
    }
}

/// `@.length()` and `@.match(..)` are calls; `hasOwnProperty` means the same as `in`.
fn call(value: Expression, name: String, arguments: Vec<Expression>) -> Expression {
    if name == "hasOwnProperty"
        && let [key] = arguments.as_slice()
    {
        return Expression::Binary(Operator::In, Box::new(key.clone()), Box::new(value));
    }
    Expression::Call(Box::new(value), name.as_str().into(), arguments)
}
