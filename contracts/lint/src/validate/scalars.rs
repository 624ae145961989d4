//! Keywords of types, numbers and texts.

use tollgate_contracts_model::Node;

use super::Run;
use crate::evaluate::number_text;
use crate::formats;
use crate::tree::Item;
use crate::values::has_type;

impl Run<'_, '_> {
    pub(super) fn check_type(&mut self, schema: Item, value: Item) -> bool {
        let Some(types) = self.keyword(schema, "type") else {
            return true;
        };
        let words: Vec<&str> = match types.as_str() {
            Some(word) => vec![word],
            None => types.items().filter_map(Node::as_str).collect(),
        };
        let node = self.values().node(value);
        let is_nullable = self.keyword(schema, "nullable").and_then(Node::as_bool) == Some(true);
        let known = words.iter().any(|word| is_type(word));
        if !known
            || (node.is_null() && is_nullable)
            || words.iter().any(|word| has_type(node, word))
        {
            return true;
        }
        let mut words: Vec<&str> = words;
        if is_nullable {
            words.push("null");
        }
        self.fail(value, format!("must be of type `{}`", words.join("` or `")))
    }

    pub(super) fn check_number(&mut self, schema: Item, value: Item) -> bool {
        let Some(number) = self.values().node(value).as_f64() else {
            return true;
        };
        let is_exclusive =
            |name: &str| self.keyword(schema, name).and_then(Node::as_bool) == Some(true);
        let mut bad = None;
        if let Some(max) = self.number_keyword(schema, "maximum") {
            if is_exclusive("exclusiveMaximum") && number >= max {
                bad = Some(format!("must be below {}", number_text(max)));
            } else if number > max {
                bad = Some(format!("must be at most {}", number_text(max)));
            }
        }
        if let Some(min) = self.number_keyword(schema, "minimum") {
            if is_exclusive("exclusiveMinimum") && number <= min {
                bad = Some(format!("must be above {}", number_text(min)));
            } else if number < min {
                bad = Some(format!("must be at least {}", number_text(min)));
            }
        }
        match self.number_keyword(schema, "exclusiveMaximum") {
            Some(max) if number >= max => bad = Some(format!("must be below {}", number_text(max))),
            _ => {}
        }
        match self.number_keyword(schema, "exclusiveMinimum") {
            Some(min) if number <= min => bad = Some(format!("must be above {}", number_text(min))),
            _ => {}
        }
        match self.number_keyword(schema, "multipleOf") {
            Some(step) if step > 0.0 && !is_multiple(number, step) => {
                bad = Some(format!("must be a multiple of {}", number_text(step)));
            }
            _ => {}
        }
        match self.keyword(schema, "format").and_then(Node::as_str) {
            Some(format) if !formats::holds_for_number(format, number) => {
                bad = Some(format!("must have the format `{format}`"));
            }
            _ => {}
        }
        match bad {
            Some(message) => self.fail(value, message),
            None => true,
        }
    }

    pub(super) fn check_text(&mut self, schema: Item, value: Item) -> bool {
        let Some(text) = self.values().node(value).as_str() else {
            return true;
        };
        let length = || text.chars().count() as f64;
        let mut bad = None;
        if let Some(max) = self.number_keyword(schema, "maxLength")
            && length() > max
        {
            bad = Some(format!("must have at most {} characters", number_text(max)));
        }
        if let Some(min) = self.number_keyword(schema, "minLength")
            && length() < min
        {
            bad = Some(format!(
                "must have at least {} characters",
                number_text(min)
            ));
        }
        if let Some(body) = self.keyword(schema, "pattern").and_then(Node::as_str)
            && let Some(pattern) = self.question.patterns.body(body)
            && !pattern.is_match(text)
        {
            bad = Some(format!("must match the pattern `{body}`"));
        }
        if let Some(format) = self.keyword(schema, "format").and_then(Node::as_str)
            && !formats::holds_for_text(format, text)
        {
            bad = Some(format!("must have the format `{format}`"));
        }
        match bad {
            Some(message) => self.fail(value, message),
            None => true,
        }
    }
}

fn is_type(word: &str) -> bool {
    matches!(
        word,
        "string" | "number" | "integer" | "boolean" | "array" | "object" | "null"
    )
}

fn is_multiple(number: f64, step: f64) -> bool {
    let quotient = number / step;
    (quotient - quotient.round()).abs() < 1e-9 * quotient.abs().max(1.0)
}
