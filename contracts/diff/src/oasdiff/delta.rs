//! How two schemas differ, as a tree of pairs: each pair once, cycles cut.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::view::{View, value_key};

/// Keywords that hold one schema, in the order in which properties are visited.
pub(super) const ONE_LATE: &[&str] = &[
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "if",
    "then",
    "else",
    "not",
    "contentSchema",
];

/// Keywords that hold a list of schemas.
pub(super) const LISTS: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];

/// Keywords that hold schemas by name.
pub(super) const MAPS: &[&str] = &[
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
];

/// Keywords that hold a set of values.
const SETS: &[&str] = &["type", "enum", "required", "dependentRequired"];

/// Keywords that do not affect which values are valid.
const ANNOTATIONS: &[&str] = &[
    "title",
    "description",
    "default",
    "example",
    "externalDocs",
    "examples",
    "$comment",
];

/// Names that are in one of two lists only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) added: Vec<String>,
    pub(super) deleted: Vec<String>,
}

impl Names {
    pub(super) fn of(old: &[&str], new: &[&str]) -> Self {
        let (old, new): (BTreeSet<_>, BTreeSet<_>) =
            (old.iter().copied().collect(), new.iter().copied().collect());
        let owned = |text: &&str| (*text).to_owned();
        Self {
            added: new.difference(&old).map(owned).collect(),
            deleted: old.difference(&new).map(owned).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.deleted.is_empty()
    }
}

/// A list of schemas on both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct ListDelta<'a> {
    /// Indices in the new list.
    pub(super) added: Vec<usize>,
    /// Indices in the old list.
    pub(super) deleted: Vec<usize>,
    /// Pairs that differ, with the words for them.
    pub(super) modified: Vec<(String, Rc<Delta<'a>>)>,
}

/// Schemas by name on both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct MapDelta<'a> {
    pub(super) names: Names,
    pub(super) modified: Vec<(&'a str, Rc<Delta<'a>>)>,
}

/// A pair of schemas that differ.
#[derive(Clone, Debug)]
pub(super) struct Delta<'a> {
    pub(super) old: Option<View<'a>>,
    pub(super) new: Option<View<'a>>,
    pub(super) types: Names,
    pub(super) required: Names,
    pub(super) enum_values: EnumDelta,
    pub(super) dependent: Dependent,
    /// Keywords with one schema.
    pub(super) one: BTreeMap<&'static str, Rc<Self>>,
    pub(super) lists: BTreeMap<&'static str, ListDelta<'a>>,
    pub(super) maps: BTreeMap<&'static str, MapDelta<'a>>,
    /// Nothing that affects validity differs.
    pub(super) is_annotation_only: bool,
}

/// `enum` on both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct EnumDelta {
    /// There was none before.
    pub(super) is_new: bool,
    pub(super) added: Vec<String>,
    pub(super) deleted: Vec<String>,
}

/// `dependentRequired` on both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct Dependent {
    pub(super) added: Vec<String>,
    pub(super) deleted: Vec<String>,
    pub(super) changed: Vec<String>,
}

impl<'a> Delta<'a> {
    pub(super) fn one_sided(old: Option<View<'a>>, new: Option<View<'a>>) -> Self {
        Self {
            old,
            new,
            types: Names::default(),
            required: Names::default(),
            enum_values: EnumDelta::default(),
            dependent: Dependent::default(),
            one: BTreeMap::new(),
            lists: BTreeMap::new(),
            maps: BTreeMap::new(),
            is_annotation_only: false,
        }
    }

    /// Both sides, if both exist.
    pub(super) fn sides(&self) -> Option<(&View<'a>, &View<'a>)> {
        Some((self.old.as_ref()?, self.new.as_ref()?))
    }

    pub(super) fn has_set_changes(&self) -> bool {
        let Dependent {
            added,
            deleted,
            changed,
        } = &self.dependent;
        !(self.types.is_empty()
            && self.required.is_empty()
            && self.enum_values.added.is_empty()
            && self.enum_values.deleted.is_empty()
            && added.is_empty()
            && deleted.is_empty()
            && changed.is_empty())
    }

    pub(super) fn children_are_annotations(&self) -> bool {
        let lists = self.lists.values().all(|list| {
            let below = list
                .modified
                .iter()
                .all(|(_, delta)| delta.is_annotation_only);
            list.added.is_empty() && list.deleted.is_empty() && below
        });
        let maps = self.maps.values().all(|map| {
            let below = map
                .modified
                .iter()
                .all(|(_, delta)| delta.is_annotation_only);
            map.names.is_empty() && below
        });
        lists && maps && self.one.values().all(|delta| delta.is_annotation_only)
    }
}

impl EnumDelta {
    pub(super) fn of(old: &View<'_>, new: &View<'_>) -> Self {
        let values = |view: &View<'_>| {
            view.node("enum").map(|node| {
                let items = node.items();
                items
                    .map(|item| (value_key(item), super::view::shown(item)))
                    .collect::<Vec<_>>()
            })
        };
        let (old, new) = (values(old), values(new));
        let is_new = old.is_none() && new.is_some();
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let missing = |from: &[(String, String)], to: &[(String, String)]| {
            let rows = from
                .iter()
                .filter(|(key, _)| to.iter().all(|(other, _)| other != key));
            rows.map(|(_, shown)| shown.clone()).collect::<Vec<_>>()
        };
        let (added, deleted) = (missing(&new, &old), missing(&old, &new));
        Self {
            is_new: is_new && !added.is_empty(),
            added,
            deleted,
        }
    }
}

impl Dependent {
    pub(super) fn of(old: &View<'_>, new: &View<'_>) -> Self {
        let read = |view: &View<'_>| {
            let entries = view
                .node("dependentRequired")
                .map(tollgate_contracts_model::Node::entries);
            entries
                .unwrap_or_default()
                .map(|entry| {
                    let names = entry.node.items().filter_map(|item| item.scalar_text());
                    (
                        entry.key.clone(),
                        names.map(str::to_owned).collect::<BTreeSet<_>>(),
                    )
                })
                .collect::<BTreeMap<_, _>>()
        };
        let (old, new) = (read(old), read(new));
        let keys = |from: &BTreeMap<String, BTreeSet<String>>,
                    keep: &dyn Fn(&String, &BTreeSet<String>) -> bool| {
            let rows = from.iter().filter(|(key, names)| keep(key, names));
            rows.map(|(key, _)| key.clone()).collect::<Vec<_>>()
        };
        Self {
            added: keys(&new, &|key, _| !old.contains_key(key)),
            deleted: keys(&old, &|key, _| !new.contains_key(key)),
            changed: keys(&old, &|key, names| {
                new.get(key).is_some_and(|other| other != names)
            }),
        }
    }
}

/// Whether keywords with plain values differ: those that affect validity, and annotations.
pub(super) fn plain_changes(old: &View<'_>, new: &View<'_>) -> (bool, bool) {
    let mut keys = old.keys();
    keys.extend(new.keys());
    let mut found = (false, false);
    for key in keys {
        if LISTS.contains(&key) || MAPS.contains(&key) || SETS.contains(&key) {
            continue;
        }
        if plain_value(old, key) == plain_value(new, key) {
            continue;
        }
        if ANNOTATIONS.contains(&key) {
            found.1 = true;
        } else {
            found.0 = true;
        }
    }
    found
}

/// The value of a keyword as text; none when the value means the same as an absent keyword, or is a
/// schema.
fn plain_value(view: &View<'_>, key: &str) -> Option<String> {
    let node = view.node(key)?;
    let is_one = key == "items" || key == "additionalProperties" || ONE_LATE.contains(&key);
    if is_one && node.as_object().is_some() {
        return None;
    }
    let text = value_key(node);
    let says_nothing = match key {
        "additionalProperties"
        | "unevaluatedProperties"
        | "unevaluatedItems"
        | "exclusiveMinimum"
        | "exclusiveMaximum" => false,
        "minLength" | "minItems" | "minProperties" => text == "0",
        _ => text == "false" || text == "\"\"",
    };
    (!says_nothing).then_some(text)
}
