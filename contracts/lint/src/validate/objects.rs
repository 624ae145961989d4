//! Keywords of objects: which properties are there, how they are named, and what they hold.

use std::collections::BTreeSet;

use tollgate_contracts_model::Node;

use super::{DEPTH_MAX, Relax, Run};
use crate::tree::Item;

impl Run<'_, '_> {
    pub(super) fn check_object(&mut self, schema: Item, value: Item) -> bool {
        if self.values().node(value).as_object().is_none() {
            return true;
        }
        let n_keys = self.values().n_children(value) as f64;
        let bounds = ["maxProperties", "minProperties"];
        let mut is_good = self.check_count(schema, value, n_keys, bounds, "properties");
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

    /// The keys of a value that a schema, or one of its parts that hold, covers.
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
