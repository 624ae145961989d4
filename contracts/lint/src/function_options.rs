//! The functions that rules of a ruleset name, read with their options.

use std::sync::Arc;

use tollgate_contracts_model::Node;
use tollgate_contracts_model::pattern::Patterns;
use tollgate_report::{Finding, suggest};

use crate::functions::{Casing, Function, Matcher, NAMES, SchemaOption};
use crate::rule::Action;
use crate::validate::Dialect;

/// Reads `function` and `functionOptions` of a `then`.
pub(crate) fn read_function(
    file: &str,
    then: &Node,
    own_functions: &[&str],
    patterns: &Patterns,
) -> Result<Action, Box<Finding>> {
    let Some(name) = then.get("function").and_then(Node::as_str) else {
        let message = "`then` needs a `function`";
        return Err(Box::new(
            Finding::error("ruleset-function", message)
                .at(then.place(file))
                .fix(format!("write one of `{}`", NAMES.join("`, `"))),
        ));
    };
    let node = then.get("function").unwrap_or(then);
    if own_functions.contains(&name) || !NAMES.contains(&name) {
        return Err(Box::new(custom(file, node, name, own_functions)));
    }
    let options = Options {
        node: then.get("functionOptions"),
        patterns,
    };
    options.function(name).map_err(|problem| {
        let place = options.node.unwrap_or(node).place(file);
        Box::new(
            Finding::error(
                "ruleset-options",
                format!("the options of `{name}` are wrong: {problem}"),
            )
            .at(place),
        )
    })
}

fn custom(file: &str, node: &Node, name: &str, own_functions: &[&str]) -> Finding {
    let near = suggest::nearest(name, NAMES.iter().copied());
    match near.filter(|_| !own_functions.contains(&name)) {
        Some(near) => Finding::error("ruleset-function", format!("there is no function `{name}`"))
            .at(node.place(file))
            .fix(format!("did you mean `{near}`?")),
        None => Finding::warning(
            "ruleset-function",
            format!(
                "`{name}` is not a core function but JavaScript, which is not run: this check is left out"
            ),
        )
        .at(node.place(file))
        .because("Tollgate does not run code of a ruleset")
        .fix(format!("express the rule with `{}`", NAMES.join("`, `"))),
    }
}

struct Options<'o> {
    node: Option<&'o Node>,
    patterns: &'o Patterns,
}

impl Options<'_> {
    fn get(&self, key: &str) -> Option<&Node> {
        self.node?.get(key)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::scalar_text)
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, String> {
        let node = self.get(key).ok_or_else(|| format!("`{key}` is missing"))?;
        let items = node
            .as_array()
            .ok_or_else(|| format!("`{key}` must be a list"))?;
        Ok(items
            .iter()
            .filter_map(Node::scalar_text)
            .map(str::to_owned)
            .collect())
    }

    fn function(&self, name: &str) -> Result<Action, String> {
        let function = match name {
            "alphabetical" => Function::Alphabetical {
                keyed_by: self.text("keyedBy").map(str::to_owned),
            },
            "casing" => Function::Casing(self.casing()?),
            "defined" => Function::Defined,
            "enumeration" => Function::Enumeration {
                values: self
                    .get("values")
                    .and_then(Node::as_array)
                    .ok_or("`values` must be a list")?
                    .to_vec(),
            },
            "falsy" => Function::Falsy,
            "length" => {
                let number = |key: &str| self.get(key).and_then(Node::as_f64);
                let (min, max) = (number("min"), number("max"));
                if min.is_none() && max.is_none() {
                    return Err("`min` or `max` must be a number".to_owned());
                }
                Function::Length { min, max }
            }
            "or" => Function::Or {
                properties: self.texts("properties")?,
            },
            "pattern" => self.pattern()?,
            "schema" => Function::Schema(self.schema()?),
            "truthy" => Function::Truthy,
            "typedEnum" => Function::TypedEnum,
            "undefined" => Function::Undefined,
            "unreferencedReusableObject" => Function::Unreferenced {
                location: self
                    .text("reusableObjectsLocation")
                    .ok_or("`reusableObjectsLocation` is missing")?
                    .trim_start_matches("#/")
                    .to_owned(),
            },
            _ => Function::Xor {
                properties: self.texts("properties")?,
            },
        };
        Ok(Action::Core(Arc::new(function)))
    }

    fn matcher(&self, key: &str) -> Result<Option<Matcher>, String> {
        let Some(text) = self.text(key) else {
            return Ok(None);
        };
        let pattern = self
            .patterns
            .get(text)
            .ok_or_else(|| format!("`{text}` is not a regular expression"))?;
        Ok(Some(Matcher {
            text: text.to_owned(),
            pattern,
        }))
    }

    fn pattern(&self) -> Result<Function, String> {
        let (wanted, unwanted) = (self.matcher("match")?, self.matcher("notMatch")?);
        if wanted.is_none() && unwanted.is_none() {
            return Err("`match` or `notMatch` must be a text".to_owned());
        }
        Ok(Function::Pattern { wanted, unwanted })
    }

    fn schema(&self) -> Result<SchemaOption, String> {
        let node = self.get("schema").ok_or("`schema` is missing")?;
        if node.as_object().is_none() {
            return Err("`schema` must be an object".to_owned());
        }
        if let Some(text) = outside(node) {
            return Err(format!(
                "the schema refers to `{text}`, which isn't read; write it under `$defs` of the schema"
            ));
        }
        let named = self.text("dialect").filter(|dialect| *dialect != "auto");
        let named = named.or_else(|| node.get("$schema").and_then(Node::as_str));
        let dialect = match named {
            Some(text) if text.contains("draft4") || text.contains("draft-04") => Dialect::Draft4,
            Some(text) if text.contains("2019-09") || text.contains("2020-12") => {
                Dialect::Draft2020
            }
            _ => Dialect::Draft7,
        };
        Ok(SchemaOption {
            node: node.clone(),
            dialect,
            all_errors: self.get("allErrors").and_then(Node::as_bool) == Some(true),
        })
    }

    fn casing(&self) -> Result<Casing, String> {
        let kind = self.text("type").ok_or("`type` is missing")?;
        let digits = match self.get("disallowDigits").and_then(Node::as_bool) {
            Some(true) => "",
            _ => "0-9",
        };
        let words =
            |first: &str| format!("{first}[a-z{digits}]*(?:[A-Z{digits}](?:[a-z{digits}]+|$))*");
        let joined = |letters: &str, by: &str| {
            format!("[{letters}][{letters}{digits}]*(?:{by}[{letters}{digits}]+)*")
        };
        let body = match kind {
            "flat" => format!("[a-z][a-z{digits}]*"),
            "camel" => words("[a-z]"),
            "pascal" => words("[A-Z]"),
            "kebab" => joined("a-z", "-"),
            "cobol" => joined("A-Z", "-"),
            "snake" => joined("a-z", "_"),
            "macro" => joined("A-Z", "_"),
            other => {
                let kinds = [
                    "flat", "camel", "pascal", "kebab", "cobol", "snake", "macro",
                ];
                let near = suggest::nearest(other, kinds);
                let meant = near.map_or(String::new(), |near| format!(", did you mean `{near}`?"));
                return Err(format!("there is no casing `{other}`{meant}"));
            }
        };
        let separator = self.get("separator");
        let char_of = |node: &Node| {
            node.get("char")
                .and_then(Node::scalar_text)
                .map(str::to_owned)
        };
        let (text, leading) = match separator.and_then(char_of) {
            None => (format!("^{body}$"), None),
            Some(letter) => {
                let escaped = format!(
                    "[{}]",
                    letter
                        .replace(['\\', ']', '^', '-'], "\\$0")
                        .replace("\\$0", &format!("\\{letter}"))
                );
                let may_lead = separator
                    .and_then(|node| node.get("allowLeading"))
                    .and_then(Node::as_bool)
                    == Some(true);
                let head = if may_lead {
                    format!("{escaped}?")
                } else {
                    String::new()
                };
                let text = format!("^{head}{body}(?:{escaped}{body})*$");
                (text, may_lead.then_some(letter))
            }
        };
        let pattern = self
            .patterns
            .body(&text)
            .ok_or("the separator is not understood")?;
        Ok(Casing {
            kind: kind.to_owned(),
            pattern,
            leading,
        })
    }
}

/// A reference of a schema that leads out of it.
fn outside(node: &Node) -> Option<&str> {
    let own = node.get("$ref").and_then(Node::as_str);
    let children = node.entries().map(|entry| &entry.node).chain(node.items());
    own.filter(|text| !text.starts_with('#'))
        .or_else(|| children.into_iter().find_map(outside))
}
