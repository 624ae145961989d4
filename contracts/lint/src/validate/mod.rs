//! Checks whether a value of a document follows a schema of a document or of a ruleset. It
//! evaluates drafts 4 to 2020-12 directly over nodes, so that each failure has its place and
//! nothing is compiled. Keywords are checked in the order of Spectral's validator, because only the
//! first failure is shown. This file walks schemas and their references; the keywords are in the
//! files next to it, by subject.

mod arrays;
mod combined;
mod objects;
mod scalars;

use std::collections::HashSet;

use tollgate_contracts_model::Node;
use tollgate_contracts_model::pattern::Patterns;

use crate::evaluate::number_text;
use crate::tree::{Item, Tree};

/// How deep a schema may lead into itself.
const DEPTH_MAX: usize = 160;
/// How many schemas one validation may visit; beyond that, the value counts as valid.
const STEPS_MAX: usize = 400_000;

/// The edition of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Draft4,
    Draft7,
    Draft2020,
}

/// Required properties that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relax {
    No,
    /// `readOnly` ones, in requests.
    ReadOnly,
    /// `writeOnly` ones, in responses.
    WriteOnly,
}

/// The input of a validation.
#[derive(Clone, Copy)]
pub(crate) struct Question<'t, 'a> {
    /// Where the schema is.
    pub(crate) schemas: &'t Tree<'a>,
    /// The schema that `#` means in a ruleset; absent for schemas of the document.
    pub(crate) base: Option<Item>,
    /// Where the value is.
    pub(crate) values: &'t Tree<'a>,
    /// Whether references in the value are followed.
    pub(crate) is_resolved: bool,
    pub(crate) dialect: Dialect,
    pub(crate) relax: Relax,
    /// Whether to continue after the first failure.
    pub(crate) all: bool,
    pub(crate) patterns: &'t Patterns,
}

/// One way in which a value doesn't follow its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The value.
    pub(crate) at: Item,
    /// What is wrong, after the name of the value: `must be ..`.
    pub(crate) message: String,
    is_union: bool,
}

/// How a value doesn't follow a schema; nothing when it does.
pub(crate) fn validate(question: Question<'_, '_>, schema: Item, value: Item) -> Vec<Failure> {
    let mut run = Run {
        question,
        failures: Vec::new(),
        depth: 0,
        n_steps: 0,
        relax: question.relax,
    };
    run.check(schema, value);
    if run.n_steps >= STEPS_MAX {
        return Vec::new();
    }
    without_unions(question.values, run.failures)
}

/// A failed union is explained by the failures below its value, when there are some.
fn without_unions(values: &Tree<'_>, failures: Vec<Failure>) -> Vec<Failure> {
    let mut above: HashSet<Item> = HashSet::new();
    for failure in &failures {
        let mut at = failure.at;
        while let Some(parent) = values.parent(at) {
            if !above.insert(parent) {
                break;
            }
            at = parent;
        }
    }
    let unions: HashSet<Item> = failures
        .iter()
        .filter(|failure| failure.is_union && above.contains(&failure.at))
        .map(|failure| failure.at)
        .collect();
    let mut kept: Vec<Failure> = Vec::new();
    for failure in failures {
        if !unions.contains(&failure.at) && !kept.contains(&failure) {
            kept.push(failure);
        }
    }
    kept
}

struct Run<'t, 'a> {
    question: Question<'t, 'a>,
    failures: Vec<Failure>,
    depth: usize,
    n_steps: usize,
    relax: Relax,
}

impl<'t, 'a> Run<'t, 'a> {
    fn schemas(&self) -> &'t Tree<'a> {
        self.question.schemas
    }

    fn values(&self) -> &'t Tree<'a> {
        self.question.values
    }

    /// The value behind its reference, where references count.
    fn value(&self, value: Item) -> Item {
        if self.question.is_resolved {
            self.values().follow(value)
        } else {
            value
        }
    }

    fn fail(&mut self, at: Item, message: String) -> bool {
        self.failures.push(Failure {
            at,
            message,
            is_union: false,
        });
        false
    }

    /// Whether to stop after a failure.
    fn stops(&self, is_good: bool) -> bool {
        !is_good && !self.question.all
    }

    /// The schema behind its references; nothing when one has no target.
    fn schema(&self, schema: Item) -> Option<Item> {
        let Some(base) = self.question.base else {
            let followed = self.schemas().follow(schema);
            let is_open = self
                .schemas()
                .node(followed)
                .get("$ref")
                .is_some_and(|node| node.as_str().is_some());
            return (!is_open || followed != schema).then_some(followed);
        };
        let mut at = schema;
        for _ in 0..DEPTH_MAX {
            let Some(text) = self.schemas().node(at).get("$ref").and_then(Node::as_str) else {
                return Some(at);
            };
            let pointer = text.strip_prefix('#')?;
            at = self.schemas().at(base, pointer)?;
        }
        None
    }

    /// Whether a value follows a schema; failures are kept.
    fn check(&mut self, schema: Item, value: Item) -> bool {
        self.n_steps += 1;
        if self.depth > DEPTH_MAX || self.n_steps >= STEPS_MAX {
            return true;
        }
        let Some(schema) = self.schema(schema) else {
            return true;
        };
        let value = self.value(value);
        self.depth += 1;
        let is_good = self.check_here(schema, value);
        self.depth -= 1;
        is_good
    }

    /// As [`Self::check`], but failures are dropped.
    fn holds(&mut self, schema: Item, value: Item) -> bool {
        let n_failures = self.failures.len();
        let all = std::mem::replace(&mut self.question.all, false);
        let is_good = self.check(schema, value);
        self.question.all = all;
        self.failures.truncate(n_failures);
        is_good
    }

    fn check_here(&mut self, schema: Item, value: Item) -> bool {
        let node = self.schemas().node(schema);
        if let Some(is_open) = node.as_bool() {
            return is_open || self.fail(value, "must not be there".to_owned());
        }
        let Some(entries) = node.as_object() else {
            return true;
        };
        if entries.is_empty() {
            return true;
        }
        let mut is_good = self.check_type(schema, value);
        let groups: [fn(&mut Self, Item, Item) -> bool; 5] = [
            Self::check_number,
            Self::check_text,
            Self::check_any,
            Self::check_array,
            Self::check_object,
        ];
        for group in groups {
            if self.stops(is_good) {
                return false;
            }
            is_good &= group(self, schema, value);
        }
        is_good
    }

    fn keyword(&self, schema: Item, name: &str) -> Option<&'a Node> {
        self.schemas().node(schema).get(name)
    }

    /// The item of a keyword, if the edition has it.
    fn keyword_item(&self, schema: Item, name: &str) -> Option<Item> {
        let is_known = match name {
            "const" | "if" | "contains" | "propertyNames" => {
                self.question.dialect != Dialect::Draft4
            }
            "prefixItems" | "dependentRequired" | "dependentSchemas" | "unevaluatedProperties" => {
                self.question.dialect == Dialect::Draft2020
            }
            _ => true,
        };
        is_known
            .then(|| self.schemas().child(schema, name))
            .flatten()
    }

    fn number_keyword(&self, schema: Item, name: &str) -> Option<f64> {
        self.keyword(schema, name).and_then(Node::as_f64)
    }

    /// Whether a number of items or properties is within the keywords for the most and the least.
    fn check_count(
        &mut self,
        schema: Item,
        value: Item,
        n: f64,
        [most, least]: [&str; 2],
        what: &str,
    ) -> bool {
        let mut is_good = true;
        if let Some(max) = self.number_keyword(schema, most)
            && n > max
        {
            is_good = self.fail(
                value,
                format!("must have at most {} {what}", number_text(max)),
            );
        }
        if let Some(min) = self.number_keyword(schema, least)
            && n < min
        {
            is_good = self.fail(
                value,
                format!("must have at least {} {what}", number_text(min)),
            );
        }
        is_good
    }
}
