//! Whether a value of a document follows a schema of a document or of a ruleset: drafts 4 to
//! 2020-12 over nodes, so that each failure has its place and nothing is compiled. Keywords are
//! looked at in the order of Spectral's validator, as the first failure is the one that is shown.
//! It must not know rules.

use std::collections::{BTreeSet, HashSet};

use super::evaluate::number_text;
use super::formats;
use super::pattern::Patterns;
use super::tree::{Item, Tree};
use crate::source::{Node, NodeValue};

/// How deep a schema may lead into itself without an end.
const DEPTH_MAX: usize = 160;
/// How many schemas one validation may look at; beyond it the value is taken for valid.
const STEPS_MAX: usize = 400_000;

/// The edition of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Draft4,
    Draft7,
    Draft2020,
}

/// Which properties need not be there although they are required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relax {
    No,
    /// `readOnly` ones, in requests.
    ReadOnly,
    /// `writeOnly` ones, in responses.
    WriteOnly,
}

/// What is asked.
#[derive(Clone, Copy)]
pub(crate) struct Question<'t, 'a> {
    /// Where the schema stands.
    pub(crate) schemas: &'t Tree<'a>,
    /// The schema that `#` means in a ruleset; absent for schemas of the document.
    pub(crate) base: Option<Item>,
    /// Where the value stands.
    pub(crate) values: &'t Tree<'a>,
    /// Whether references in the value are followed.
    pub(crate) is_resolved: bool,
    pub(crate) dialect: Dialect,
    pub(crate) relax: Relax,
    /// Whether to go on after the first failure.
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

    /// The schema behind its references; nothing when one leads nowhere.
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

    /// The item of a keyword, when the edition knows it.
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

    fn check_type(&mut self, schema: Item, value: Item) -> bool {
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

    fn number_keyword(&self, schema: Item, name: &str) -> Option<f64> {
        self.keyword(schema, name).and_then(Node::as_f64)
    }

    fn check_number(&mut self, schema: Item, value: Item) -> bool {
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

    fn check_text(&mut self, schema: Item, value: Item) -> bool {
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

    fn check_any(&mut self, schema: Item, value: Item) -> bool {
        let mut is_good = true;
        if let Some(wanted) = self.keyword_item(schema, "const")
            && !equal(self.schemas(), wanted, self.values(), value)
        {
            let shown = shown(self.schemas().node(wanted));
            is_good = self.fail(value, format!("must be {shown}"));
        }
        if self.stops(is_good) {
            return false;
        }
        if let Some(values) = self.keyword_item(schema, "enum")
            && self.schemas().node(values).as_array().is_some()
        {
            let mut allowed = self.schemas().children(values);
            if !allowed.any(|wanted| equal(self.schemas(), wanted, self.values(), value)) {
                let words: Vec<String> = self
                    .schemas()
                    .node(values)
                    .items()
                    .take(12)
                    .map(shown)
                    .collect();
                is_good = self.fail(value, format!("must be one of {}", words.join(", ")));
            }
        }
        if self.stops(is_good) {
            return false;
        }
        is_good &= self.check_not(schema, value);
        for (name, wanted) in [("anyOf", false), ("oneOf", true)] {
            if self.stops(is_good) {
                return false;
            }
            is_good &= self.check_union(schema, value, name, wanted);
        }
        if self.stops(is_good) {
            return false;
        }
        if let Some(all) = self.keyword_item(schema, "allOf") {
            for part in self.schemas().children(all) {
                is_good &= self.check(part, value);
                if self.stops(is_good) {
                    return false;
                }
            }
        }
        is_good & self.check_if(schema, value)
    }

    fn check_not(&mut self, schema: Item, value: Item) -> bool {
        let Some(not) = self.keyword_item(schema, "not") else {
            return true;
        };
        let relax = std::mem::replace(&mut self.relax, Relax::No);
        let holds = self.holds(not, value);
        self.relax = relax;
        !holds || self.fail(value, "must not follow the schema under `not`".to_owned())
    }

    fn check_union(&mut self, schema: Item, value: Item, name: &str, is_exact: bool) -> bool {
        let Some(parts) = self.keyword_item(schema, name) else {
            return true;
        };
        if self.schemas().node(parts).as_array().is_none() {
            return true;
        }
        let n_failures = self.failures.len();
        let mut n_good = 0;
        for part in self.schemas().children(parts) {
            if self.check(part, value) {
                n_good += 1;
                if !is_exact {
                    break;
                }
            }
        }
        if n_good == 1 || (n_good > 0 && !is_exact) {
            self.failures.truncate(n_failures);
            return true;
        }
        if n_good > 1 {
            self.failures.truncate(n_failures);
            return self.fail(
                value,
                format!("must follow exactly one schema of `oneOf`, and follows {n_good}"),
            );
        }
        self.failures.push(Failure {
            at: value,
            message: format!("must follow a schema of `{name}`"),
            is_union: true,
        });
        false
    }

    fn check_if(&mut self, schema: Item, value: Item) -> bool {
        let Some(condition) = self.keyword_item(schema, "if") else {
            return true;
        };
        let branch = if self.holds(condition, value) {
            "then"
        } else {
            "else"
        };
        match self.keyword_item(schema, branch) {
            Some(branch) => self.check(branch, value),
            None => true,
        }
    }

    fn check_array(&mut self, schema: Item, value: Item) -> bool {
        if self.values().node(value).as_array().is_none() {
            return true;
        }
        let n_items = self.values().n_children(value) as f64;
        let mut is_good = true;
        if let Some(max) = self.number_keyword(schema, "maxItems")
            && n_items > max
        {
            is_good = self.fail(
                value,
                format!("must have at most {} items", number_text(max)),
            );
        }
        if let Some(min) = self.number_keyword(schema, "minItems")
            && n_items < min
        {
            is_good = self.fail(
                value,
                format!("must have at least {} items", number_text(min)),
            );
        }
        if self.stops(is_good) {
            return false;
        }
        if self.keyword(schema, "uniqueItems").and_then(Node::as_bool) == Some(true)
            && let Some((first, second)) = self.twin(value)
        {
            is_good = self.fail(
                value,
                format!("must have no item twice, but {first} and {second} are equal"),
            );
        }
        if self.stops(is_good) {
            return false;
        }
        is_good &= self.check_items(schema, value);
        if self.stops(is_good) {
            return false;
        }
        is_good & self.check_contains(schema, value)
    }

    /// The indexes of two equal items.
    fn twin(&self, value: Item) -> Option<(usize, usize)> {
        let mut seen: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
        for (idx, item) in self.values().children(value).enumerate() {
            let text = self.values().node(item).to_json().to_string();
            if let Some(first) = seen.insert(text, idx) {
                return Some((first, idx));
            }
        }
        None
    }

    fn check_items(&mut self, schema: Item, value: Item) -> bool {
        let is_list = |item: Item| self.schemas().node(item).as_array().is_some();
        let items = self.keyword_item(schema, "items");
        let (tuple, rest) = match items {
            Some(items) if is_list(items) => {
                (Some(items), self.keyword_item(schema, "additionalItems"))
            }
            items => (self.keyword_item(schema, "prefixItems"), items),
        };
        let heads: Vec<Item> = tuple
            .map(|tuple| self.schemas().children(tuple).collect())
            .unwrap_or_default();
        let mut is_good = true;
        for (idx, item) in self.values().children(value).enumerate() {
            if let Some(part) = heads.get(idx).copied().or(rest) {
                is_good &= self.check(part, item);
                if self.stops(is_good) {
                    return false;
                }
            }
        }
        is_good
    }

    fn check_contains(&mut self, schema: Item, value: Item) -> bool {
        let Some(contains) = self.keyword_item(schema, "contains") else {
            return true;
        };
        let items: Vec<Item> = self.values().children(value).collect();
        let n_good = items
            .into_iter()
            .filter(|item| self.holds(contains, *item))
            .count() as f64;
        let min = self.number_keyword(schema, "minContains").unwrap_or(1.0);
        let max = self
            .number_keyword(schema, "maxContains")
            .unwrap_or(f64::MAX);
        (n_good >= min && n_good <= max)
            || self.fail(
                value,
                "must contain items that follow the schema under `contains`".to_owned(),
            )
    }

    fn check_object(&mut self, schema: Item, value: Item) -> bool {
        if self.values().node(value).as_object().is_none() {
            return true;
        }
        let n_keys = self.values().n_children(value) as f64;
        let mut is_good = true;
        if let Some(max) = self.number_keyword(schema, "maxProperties")
            && n_keys > max
        {
            is_good = self.fail(
                value,
                format!("must have at most {} properties", number_text(max)),
            );
        }
        if let Some(min) = self.number_keyword(schema, "minProperties")
            && n_keys < min
        {
            is_good = self.fail(
                value,
                format!("must have at least {} properties", number_text(min)),
            );
        }
        let parts: [fn(&mut Self, Item, Item) -> bool; 6] = [
            Self::check_required,
            Self::check_names,
            Self::check_additional,
            Self::check_dependencies,
            Self::check_properties,
            Self::check_unevaluated,
        ];
        for part in parts {
            if self.stops(is_good) {
                return false;
            }
            is_good &= part(self, schema, value);
        }
        is_good
    }

    fn check_required(&mut self, schema: Item, value: Item) -> bool {
        let Some(required) = self.keyword(schema, "required") else {
            return true;
        };
        let mut is_good = true;
        for name in required.items().filter_map(Node::as_str) {
            if self.values().child(value, name).is_some() || self.is_relaxed(schema, name) {
                continue;
            }
            is_good = self.fail(value, format!("must have the property `{name}`"));
            if self.stops(is_good) {
                return false;
            }
        }
        is_good
    }

    fn is_relaxed(&self, schema: Item, name: &str) -> bool {
        let keyword = match self.relax {
            Relax::No => return false,
            Relax::ReadOnly => "readOnly",
            Relax::WriteOnly => "writeOnly",
        };
        self.keyword_item(schema, "properties")
            .and_then(|properties| self.schemas().child(properties, name))
            .and_then(|property| self.schema(property))
            .is_some_and(|property| {
                self.keyword(property, keyword).and_then(Node::as_bool) == Some(true)
            })
    }

    fn check_names(&mut self, schema: Item, value: Item) -> bool {
        let Some(names) = self.keyword_item(schema, "propertyNames") else {
            return true;
        };
        // Only what can be said of a text: its pattern, its length, its enum.
        let names = self.schema(names).unwrap_or(names);
        let mut is_good = true;
        for child in self.values().children(value) {
            let key = self.values().key_text(child);
            if !self.name_holds(names, &key) {
                is_good = self.fail(value, format!("must not have the property name `{key}`"));
                if self.stops(is_good) {
                    return false;
                }
            }
        }
        is_good
    }

    fn name_holds(&self, schema: Item, name: &str) -> bool {
        let length = name.chars().count() as f64;
        let matches = match self.keyword(schema, "pattern").and_then(Node::as_str) {
            Some(body) => {
                let pattern = self.question.patterns.body(body);
                pattern.is_none_or(|pattern| pattern.is_match(name))
            }
            None => true,
        };
        let is_allowed = match self.keyword(schema, "enum") {
            Some(allowed) => allowed
                .items()
                .any(|allowed| allowed.as_str() == Some(name)),
            None => true,
        };
        matches
            && is_allowed
            && self
                .keyword(schema, "const")
                .is_none_or(|node| node.as_str() == Some(name))
            && self
                .number_keyword(schema, "maxLength")
                .is_none_or(|max| length <= max)
            && self
                .number_keyword(schema, "minLength")
                .is_none_or(|min| length >= min)
            && self.schemas().node(schema).as_bool() != Some(false)
    }

    fn is_named(&self, schema: Item, key: &str) -> bool {
        let properties = self.keyword_item(schema, "properties");
        properties.is_some_and(|properties| self.schemas().child(properties, key).is_some())
            || self.patterned(schema, key).next().is_some()
    }

    /// The schemas of `patternProperties` whose pattern a key matches.
    fn patterned(&self, schema: Item, key: &str) -> impl Iterator<Item = Item> {
        let patterns = self.keyword_item(schema, "patternProperties");
        let children = patterns.map(|patterns| self.schemas().children(patterns));
        children.into_iter().flatten().filter(move |child| {
            let body = self.schemas().name(*child).unwrap_or_default();
            let pattern = self.question.patterns.body(body);
            pattern.is_some_and(|pattern| pattern.is_match(key))
        })
    }

    fn check_additional(&mut self, schema: Item, value: Item) -> bool {
        let Some(additional) = self.keyword_item(schema, "additionalProperties") else {
            return true;
        };
        let is_closed = self.schemas().node(additional).as_bool() == Some(false);
        if !is_closed && self.schemas().node(additional).as_object().is_none() {
            return true;
        }
        let mut is_good = true;
        for child in self.values().children(value) {
            let key = self.values().key_text(child);
            if self.is_named(schema, &key) {
                continue;
            }
            is_good &= if is_closed {
                self.fail(value, format!("must not have the property `{key}`"))
            } else {
                self.check(additional, child)
            };
            if self.stops(is_good) {
                return false;
            }
        }
        is_good
    }

    fn check_dependencies(&mut self, schema: Item, value: Item) -> bool {
        let mut is_good = true;
        for keyword in ["dependencies", "dependentRequired", "dependentSchemas"] {
            let Some(dependencies) = self.keyword_item(schema, keyword) else {
                continue;
            };
            for dependency in self.schemas().children(dependencies) {
                let key = self.schemas().name(dependency).unwrap_or_default();
                if self.values().child(value, key).is_none() {
                    continue;
                }
                let Some(names) = self.schemas().node(dependency).as_array() else {
                    is_good &= self.check(dependency, value);
                    continue;
                };
                for name in names.iter().filter_map(Node::as_str) {
                    if self.values().child(value, name).is_none() {
                        is_good = self.fail(
                            value,
                            format!("must have the property `{name}` when it has `{key}`"),
                        );
                    }
                }
            }
        }
        is_good
    }

    fn check_properties(&mut self, schema: Item, value: Item) -> bool {
        let mut is_good = true;
        if let Some(properties) = self.keyword_item(schema, "properties") {
            for property in self.schemas().children(properties) {
                let Some(key) = self.schemas().name(property) else {
                    continue;
                };
                if let Some(child) = self.values().child(value, key) {
                    is_good &= self.check(property, child);
                    if self.stops(is_good) {
                        return false;
                    }
                }
            }
        }
        if self.keyword(schema, "patternProperties").is_some() {
            for child in self.values().children(value) {
                let key = self.values().key_text(child);
                let parts: Vec<Item> = self.patterned(schema, &key).collect();
                for part in parts {
                    is_good &= self.check(part, child);
                    if self.stops(is_good) {
                        return false;
                    }
                }
            }
        }
        is_good
    }

    fn check_unevaluated(&mut self, schema: Item, value: Item) -> bool {
        let Some(unevaluated) = self.keyword_item(schema, "unevaluatedProperties") else {
            return true;
        };
        let mut known = BTreeSet::new();
        self.evaluated(schema, value, &mut known, 0);
        let mut is_good = true;
        for child in self.values().children(value) {
            let key = self.values().key_text(child);
            if known.contains(&key) {
                continue;
            }
            is_good &= if self.schemas().node(unevaluated).as_bool() == Some(false) {
                self.fail(value, format!("must not have the property `{key}`"))
            } else {
                self.check(unevaluated, child)
            };
            if self.stops(is_good) {
                return false;
            }
        }
        is_good
    }

    /// The keys of a value that a schema or one of its parts that hold speaks of.
    fn evaluated(&mut self, schema: Item, value: Item, known: &mut BTreeSet<String>, depth: usize) {
        let Some(schema) = self.schema(schema).filter(|_| depth < DEPTH_MAX) else {
            return;
        };
        let is_open = self.keyword(schema, "additionalProperties").is_some()
            || (depth > 0 && self.keyword(schema, "unevaluatedProperties").is_some());
        for child in self.values().children(value) {
            let key = self.values().key_text(child);
            if is_open || self.is_named(schema, &key) {
                known.insert(key);
            }
        }
        let mut parts: Vec<Item> = Vec::new();
        for keyword in ["allOf", "anyOf", "oneOf"] {
            if let Some(list) = self.keyword_item(schema, keyword) {
                parts.extend(self.schemas().children(list));
            }
        }
        for keyword in ["if", "then", "else"] {
            parts.extend(self.keyword_item(schema, keyword));
        }
        for part in parts {
            if self.holds(part, value) {
                self.evaluated(part, value, known, depth + 1);
            }
        }
    }
}

fn is_type(word: &str) -> bool {
    matches!(
        word,
        "string" | "number" | "integer" | "boolean" | "array" | "object" | "null"
    )
}

/// Whether a node is of a JSON Schema type.
pub(super) fn has_type(node: &Node, word: &str) -> bool {
    match word {
        "integer" => node.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => node.type_word() == word,
    }
}

fn is_multiple(number: f64, step: f64) -> bool {
    let quotient = number / step;
    (quotient - quotient.round()).abs() < 1e-9 * quotient.abs().max(1.0)
}

/// A value as it is shown in a message.
pub(super) fn shown(node: &Node) -> String {
    let text = match node.as_str() {
        Some(text) => format!("\"{text}\""),
        None => node.to_json().to_string(),
    };
    let short: String = text.chars().take(60).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("`{short}{dots}`")
}

/// Whether two values are equal as JSON: numbers by value, objects in any order.
pub(super) fn equal(left_tree: &Tree<'_>, left: Item, right_tree: &Tree<'_>, right: Item) -> bool {
    equal_nodes(left_tree.node(left), right_tree.node(right))
}

/// As [`equal`], for nodes.
pub(super) fn equal_nodes(left: &Node, right: &Node) -> bool {
    match (&left.value, &right.value) {
        (NodeValue::Number(_), NodeValue::Number(_)) => {
            left.scalar_text() == right.scalar_text() || left.as_f64() == right.as_f64()
        }
        (NodeValue::Array(left), NodeValue::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| equal_nodes(left, right))
        }
        (NodeValue::Object(entries), NodeValue::Object(others)) => {
            entries.len() == others.len()
                && entries.iter().all(|entry| {
                    right
                        .get(&entry.key)
                        .is_some_and(|other| equal_nodes(&entry.node, other))
                })
        }
        _ => left.type_word() == right.type_word() && left.scalar_text() == right.scalar_text(),
    }
}
