//! The values of filter expressions over a tree, by the rules of JavaScript.

use std::sync::Arc;

use tollgate_contracts_model::NodeValue;
use tollgate_contracts_model::pattern::{Pattern, Patterns, split_flags};

use crate::expression::{Expression, Operator};
use crate::tree::{Item, Tree};

/// Where an expression is evaluated: the tested value, its key, and the path to it.
pub(crate) struct Scope<'t, 'a> {
    pub(crate) tree: &'t Tree<'a>,
    pub(crate) patterns: &'t Patterns,
    /// Whether references are followed.
    pub(crate) is_resolved: bool,
    pub(crate) this: Item,
    pub(crate) property: &'t dyn Fn() -> Value,
    pub(crate) parent: Option<Item>,
    pub(crate) parent_property: &'t dyn Fn() -> Value,
    pub(crate) path: &'t dyn Fn() -> String,
}

/// A value of an expression.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(Arc<str>),
    /// An object or array of the document.
    Item(Item),
    List(Vec<Value>),
    Pattern(Arc<Pattern>),
}

impl Value {
    fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    /// Whether JavaScript treats it as true.
    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Item(_) | Self::List(_) | Self::Pattern(_) => true,
        }
    }

    fn number(&self) -> f64 {
        match self {
            Self::Null => 0.0,
            Self::Bool(value) => f64::from(u8::from(*value)),
            Self::Number(number) => *number,
            Self::Text(text) if text.trim().is_empty() => 0.0,
            Self::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
            _ => f64::NAN,
        }
    }

    fn is_strictly(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Undefined, Self::Undefined) | (Self::Null, Self::Null) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Number(left), Self::Number(right)) => left == right,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Item(left), Self::Item(right)) => left == right,
            _ => false,
        }
    }

    fn is_loosely(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Undefined | Self::Null, Self::Undefined | Self::Null) => true,
            (Self::Undefined | Self::Null, _) | (_, Self::Undefined | Self::Null) => false,
            (Self::Text(_), Self::Text(_)) | (Self::Item(_), Self::Item(_)) => {
                self.is_strictly(other)
            }
            _ => self.number() == other.number(),
        }
    }
}

/// A number as JavaScript writes it.
pub(crate) fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        format!("{number:.0}")
    } else {
        number.to_string()
    }
}

impl Scope<'_, '_> {
    fn follow(&self, item: Item) -> Item {
        if self.is_resolved {
            self.tree.follow(item)
        } else {
            item
        }
    }

    /// The value of an item.
    pub(crate) fn value(&self, item: Item) -> Value {
        value_of(self.tree, self.follow(item))
    }

    /// The value of an expression here.
    pub(crate) fn evaluate(&self, expression: &Expression) -> Value {
        match expression {
            Expression::Undefined => Value::Undefined,
            Expression::Null => Value::Null,
            Expression::Bool(value) => Value::Bool(*value),
            Expression::Number(number) => Value::Number(*number),
            Expression::Text(text) => Value::Text(text.clone()),
            Expression::Pattern(pattern) => Value::Pattern(pattern.clone()),
            Expression::List(items) => {
                Value::List(items.iter().map(|item| self.evaluate(item)).collect())
            }
            Expression::This => self.value(self.this),
            Expression::Property => (self.property)(),
            Expression::Parent => match self.parent {
                Some(parent) => self.value(parent),
                None => Value::Undefined,
            },
            Expression::ParentProperty => (self.parent_property)(),
            Expression::Path => Value::text((self.path)()),
            Expression::Root => self.value(self.tree.root()),
            Expression::Member(value, key) => {
                let (value, key) = (self.evaluate(value), self.evaluate(key));
                self.member(&value, &self.text(&key))
            }
            Expression::Call(value, name, arguments) => {
                let value = self.evaluate(value);
                let arguments: Vec<Value> = arguments
                    .iter()
                    .map(|argument| self.evaluate(argument))
                    .collect();
                self.call(&value, name, &arguments)
            }
            Expression::Function(name, arguments) => {
                let arguments: Vec<Value> = arguments
                    .iter()
                    .map(|argument| self.evaluate(argument))
                    .collect();
                self.function(name, &arguments)
            }
            Expression::Not(inner) => Value::Bool(!self.evaluate(inner).is_truthy()),
            Expression::Negate(inner) => Value::Number(-self.evaluate(inner).number()),
            Expression::TypeOf(inner) => Value::text(type_of(&self.evaluate(inner))),
            Expression::Binary(operator, left, right) => self.binary(*operator, left, right),
            Expression::Choice(condition, yes, no) => {
                let is_yes = self.evaluate(condition).is_truthy();
                self.evaluate(if is_yes { yes } else { no })
            }
        }
    }

    fn binary(&self, operator: Operator, left: &Expression, right: &Expression) -> Value {
        let left = self.evaluate(left);
        match operator {
            Operator::And if !left.is_truthy() => return left,
            Operator::Or if left.is_truthy() => return left,
            Operator::Coalesce if !matches!(left, Value::Undefined | Value::Null) => return left,
            _ => {}
        }
        let right = self.evaluate(right);
        let compare =
            |test: fn(f64, f64) -> bool, words: fn(&str, &str) -> bool| match (&left, &right) {
                (Value::Text(left), Value::Text(right)) => Value::Bool(words(left, right)),
                _ => Value::Bool(test(left.number(), right.number())),
            };
        match operator {
            Operator::And | Operator::Or | Operator::Coalesce => right,
            Operator::Equal => Value::Bool(left.is_strictly(&right)),
            Operator::NotEqual => Value::Bool(!left.is_strictly(&right)),
            Operator::LooseEqual => Value::Bool(left.is_loosely(&right)),
            Operator::LooseNotEqual => Value::Bool(!left.is_loosely(&right)),
            Operator::Less => compare(|left, right| left < right, |left, right| left < right),
            Operator::LessEqual => {
                compare(|left, right| left <= right, |left, right| left <= right)
            }
            Operator::Greater => compare(|left, right| left > right, |left, right| left > right),
            Operator::GreaterEqual => {
                compare(|left, right| left >= right, |left, right| left >= right)
            }
            Operator::Plus => match (&left, &right) {
                (Value::Number(left), Value::Number(right)) => Value::Number(left + right),
                _ => Value::text(self.text(&left) + &self.text(&right)),
            },
            Operator::Minus => Value::Number(left.number() - right.number()),
            Operator::Times => Value::Number(left.number() * right.number()),
            Operator::Divide => Value::Number(left.number() / right.number()),
            Operator::Remainder => Value::Number(left.number() % right.number()),
            Operator::In => match &right {
                // nimma reads `a in [..]` as membership; JavaScript's own meaning is for keys.
                Value::List(items) => Value::Bool(items.iter().any(|item| item.is_strictly(&left))),
                Value::Item(item) => {
                    Value::Bool(self.tree.child(*item, &self.text(&left)).is_some())
                }
                _ => Value::Bool(false),
            },
            Operator::Matches => Value::Bool(self.matches(&left, &right)),
            Operator::InstanceOf => {
                let is_array = matches!(&left, Value::Item(item)
                    if self.tree.node(*item).as_array().is_some());
                let is_object = matches!(left, Value::Item(_));
                Value::Bool(match &*self.text(&right) {
                    "Array" => is_array,
                    "Object" => is_object,
                    _ => false,
                })
            }
        }
    }

    fn matches(&self, value: &Value, pattern: &Value) -> bool {
        let Value::Text(text) = value else {
            return false;
        };
        match pattern {
            Value::Pattern(pattern) => pattern.is_match(text),
            Value::Text(body) => {
                let (body, flags) = split_flags(body);
                let pattern = self.patterns.with_flags(body, flags);
                pattern.is_some_and(|pattern| pattern.is_match(text))
            }
            _ => false,
        }
    }

    fn items(&self, value: &Value) -> Option<Vec<Value>> {
        match value {
            Value::List(items) => Some(items.clone()),
            Value::Item(item) if self.tree.node(*item).as_array().is_some() => Some(
                self.tree
                    .children(*item)
                    .map(|child| self.value(child))
                    .collect(),
            ),
            _ => None,
        }
    }

    fn member(&self, value: &Value, key: &str) -> Value {
        match value {
            Value::Item(item) => {
                if let Some(child) = self.tree.child(*item, key) {
                    return self.value(child);
                }
                let is_array = self.tree.node(*item).as_array().is_some();
                match key {
                    "length" if is_array => Value::Number(self.tree.n_children(*item) as f64),
                    "constructor" => Value::text(if is_array { "Array" } else { "Object" }),
                    _ => Value::Undefined,
                }
            }
            Value::List(items) => match key {
                "length" => Value::Number(items.len() as f64),
                "constructor" => Value::text("Array"),
                key => {
                    let idx = key.parse::<usize>().ok();
                    idx.and_then(|idx| items.get(idx))
                        .cloned()
                        .unwrap_or(Value::Undefined)
                }
            },
            // `constructor.name`: the constructor is its name here.
            Value::Text(text) if key == "name" => Value::Text(text.clone()),
            Value::Text(text) => match key {
                "length" => Value::Number(text.encode_utf16().count() as f64),
                "constructor" => Value::text("String"),
                key => {
                    let idx = key.parse::<usize>().ok();
                    let letter = idx.and_then(|idx| text.chars().nth(idx));
                    letter.map_or(Value::Undefined, |letter| Value::text(letter.to_string()))
                }
            },
            Value::Number(_) if key == "constructor" => Value::text("Number"),
            Value::Bool(_) if key == "constructor" => Value::text("Boolean"),
            _ => Value::Undefined,
        }
    }

    fn call(&self, value: &Value, name: &str, arguments: &[Value]) -> Value {
        let first = arguments.first().cloned().unwrap_or(Value::Undefined);
        if let Value::Pattern(_) = value {
            return Value::Bool(matches!(name, "test" | "exec") && self.matches(&first, value));
        }
        if let Some(items) = self.items(value) {
            return self.call_list(&items, name, &first);
        }
        if name == "toString" {
            return Value::text(self.text(value));
        }
        let Value::Text(text) = value else {
            return Value::Undefined;
        };
        let argument = self.text(&first);
        let index = |at: usize| arguments.get(at).map(Value::number);
        match name {
            "match" | "search" => Value::Bool(self.matches(value, &first)),
            "includes" => Value::Bool(text.contains(argument.as_str())),
            "startsWith" => Value::Bool(text.starts_with(argument.as_str())),
            "endsWith" => Value::Bool(text.ends_with(argument.as_str())),
            "indexOf" => Value::Number(match text.find(argument.as_str()) {
                Some(at) => text[..at].encode_utf16().count() as f64,
                None => -1.0,
            }),
            "toLowerCase" => Value::text(text.to_lowercase()),
            "toUpperCase" => Value::text(text.to_uppercase()),
            "trim" => Value::text(text.trim()),
            "length" => self.member(value, "length"),
            "charAt" => self.member(value, &number_text(index(0).unwrap_or(0.0))),
            "concat" => Value::text(format!("{text}{argument}")),
            "slice" | "substring" | "substr" => Value::text(slice(text, index(0), index(1))),
            "split" => Value::List(text.split(argument.as_str()).map(Value::text).collect()),
            "replace" | "replaceAll" => {
                let by = arguments.get(1).map(|by| self.text(by)).unwrap_or_default();
                Value::text(match &first {
                    Value::Pattern(pattern) => pattern.replace(text, &by, true),
                    _ if name == "replace" => text.replacen(&argument, &by, 1),
                    _ => text.replace(&argument, &by),
                })
            }
            _ => Value::Undefined,
        }
    }

    fn call_list(&self, items: &[Value], name: &str, first: &Value) -> Value {
        let position = items.iter().position(|item| item.is_strictly(first));
        match name {
            "includes" => Value::Bool(position.is_some()),
            "indexOf" => Value::Number(position.map_or(-1.0, |position| position as f64)),
            "join" => {
                let separator = match first {
                    Value::Undefined => ",".to_owned(),
                    other => self.text(other),
                };
                let texts: Vec<String> = items.iter().map(|item| self.text(item)).collect();
                Value::text(texts.join(&separator))
            }
            "slice" => {
                let from = first.number() as usize;
                Value::List(items.iter().skip(from).cloned().collect())
            }
            "length" => Value::Number(items.len() as f64),
            _ => Value::Undefined,
        }
    }

    fn function(&self, name: &str, arguments: &[Value]) -> Value {
        let first = arguments.first().cloned().unwrap_or(Value::Undefined);
        let is_array = self.items(&first).is_some();
        let is_integer = matches!(first, Value::Number(number) if number.fract() == 0.0);
        match name {
            "Object.keys" | "Object.values" => match first {
                Value::Item(item) => Value::List(
                    self.tree
                        .children(item)
                        .map(|child| match name {
                            "Object.keys" => Value::text(self.tree.key_text(child)),
                            _ => self.value(child),
                        })
                        .collect(),
                ),
                _ => Value::List(Vec::new()),
            },
            "Array.isArray" | "isArray" | "@array" => Value::Bool(is_array),
            "isString" | "@string" => Value::Bool(matches!(first, Value::Text(_))),
            "isNumber" | "@number" => Value::Bool(matches!(first, Value::Number(_))),
            "isBoolean" | "@boolean" => Value::Bool(matches!(first, Value::Bool(_))),
            "isObject" | "@object" => Value::Bool(matches!(first, Value::Item(_)) && !is_array),
            "@null" => Value::Bool(matches!(first, Value::Null)),
            "@scalar" => Value::Bool(!matches!(first, Value::Item(_) | Value::List(_))),
            "@integer" | "Number.isInteger" => Value::Bool(is_integer),
            "isNaN" => Value::Bool(first.number().is_nan()),
            "Number" | "parseInt" | "parseFloat" => {
                let number = first.number();
                Value::Number(if name == "parseInt" {
                    number.trunc()
                } else {
                    number
                })
            }
            "String" => Value::text(self.text(&first)),
            "Boolean" => Value::Bool(first.is_truthy()),
            "JSON.stringify" => match first {
                Value::Item(item) => Value::text(self.tree.node(item).to_json().to_string()),
                other => Value::text(self.text(&other)),
            },
            "Math.max" => Value::Number(fold(arguments, f64::max)),
            "Math.min" => Value::Number(fold(arguments, f64::min)),
            _ => Value::Undefined,
        }
    }

    /// A value as JavaScript joins it to a text.
    fn text(&self, value: &Value) -> String {
        match value {
            Value::Undefined => "undefined".to_owned(),
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => number_text(*number),
            Value::Text(text) => text.to_string(),
            Value::Item(_) | Value::List(_) => match self.items(value) {
                Some(items) => {
                    let texts: Vec<String> = items.iter().map(|item| self.text(item)).collect();
                    texts.join(",")
                }
                None => "[object Object]".to_owned(),
            },
            Value::Pattern(_) => "[object RegExp]".to_owned(),
        }
    }
}

fn fold(arguments: &[Value], pick: fn(f64, f64) -> f64) -> f64 {
    let numbers = arguments.iter().map(Value::number);
    numbers.reduce(pick).unwrap_or(f64::NAN)
}

fn slice(text: &str, from: Option<f64>, to: Option<f64>) -> String {
    let letters: Vec<char> = text.chars().collect();
    let clamp = |at: f64| {
        let at = if at < 0.0 {
            at + letters.len() as f64
        } else {
            at
        };
        (at.max(0.0) as usize).min(letters.len())
    };
    let from = clamp(from.unwrap_or(0.0));
    let to = to.map_or(letters.len(), clamp).max(from);
    letters[from..to].iter().collect()
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Undefined => "undefined",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::Text(_) => "string",
        Value::Null | Value::Item(_) | Value::List(_) | Value::Pattern(_) => "object",
    }
}

/// The value of an item, its reference not followed.
pub(crate) fn value_of(tree: &Tree<'_>, item: Item) -> Value {
    match &tree.node(item).value {
        NodeValue::Null => Value::Null,
        NodeValue::Bool(value) => Value::Bool(*value),
        NodeValue::Number(text) => Value::Number(text.parse().unwrap_or(f64::NAN)),
        NodeValue::String(text) => Value::text(text),
        NodeValue::Array(_) | NodeValue::Object(_) => Value::Item(item),
    }
}
