//! How two schemas differ, as a tree of pairs: each pair once, cycles cut. It must not know which
//! difference is a rule.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use tollgate_contracts_model::Contract;

use super::lists;
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

/// Keywords that say nothing about validity.
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
    /// Nothing that validates differs.
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

/// What a pair came to; none when nothing differs.
type Known<'a> = Option<Rc<Delta<'a>>>;

/// The pairs that are known, and the references entered.
pub(super) struct Builder<'a> {
    pub(super) old: &'a Contract,
    pub(super) new: &'a Contract,
    known: RefCell<HashMap<(usize, usize), Known<'a>>>,
    entered: RefCell<[Vec<&'a str>; 2]>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(old: &'a Contract, new: &'a Contract) -> Self {
        Self {
            old,
            new,
            known: RefCell::default(),
            entered: RefCell::default(),
        }
    }

    /// A comparison of its own, which nothing entered so far disturbs.
    pub(super) fn fresh(&self) -> Self {
        Self::new(self.old, self.new)
    }

    /// What differs; none when nothing does.
    pub(super) fn pair(
        &self,
        old: Option<&View<'a>>,
        new: Option<&View<'a>>,
    ) -> Option<Rc<Delta<'a>>> {
        let (old, new) = match (old, new) {
            (None, None) => return None,
            (Some(old), Some(new)) => (old, new),
            (old, new) => return Some(Rc::new(Delta::one_sided(old.cloned(), new.cloned()))),
        };
        let key = (old.identity, new.identity);
        let can_know = old.identity != 0 && new.identity != 0;
        if let Some(known) = self.known.borrow().get(&key).filter(|_| can_know) {
            return known.clone();
        }
        let delta = self.compare(old, new);
        if can_know {
            self.known.borrow_mut().insert(key, delta.clone());
        }
        delta
    }

    fn compare(&self, old: &View<'a>, new: &View<'a>) -> Option<Rc<Delta<'a>>> {
        let is_in = |side: usize, view: &View<'a>| {
            let entered = &self.entered.borrow()[side];
            view.reference.is_some_and(|text| entered.contains(&text))
        };
        match (is_in(0, old), is_in(1, new)) {
            (false, false) => {}
            (true, true) if old.reference == new.reference => return None,
            _ => {
                // oasdiff looks no further into a cycle that only one side has.
                return Some(Rc::new(Delta::one_sided(None, None)));
            }
        }
        self.enter(old, new);
        let delta = self.compare_inside(old, new);
        self.leave(old, new);
        delta.map(Rc::new)
    }

    fn enter(&self, old: &View<'a>, new: &View<'a>) {
        let mut entered = self.entered.borrow_mut();
        entered[0].extend(old.reference);
        entered[1].extend(new.reference);
    }

    fn leave(&self, old: &View<'a>, new: &View<'a>) {
        let mut entered = self.entered.borrow_mut();
        if old.reference.is_some() {
            entered[0].pop();
        }
        if new.reference.is_some() {
            entered[1].pop();
        }
    }

    fn compare_inside(&self, old: &View<'a>, new: &View<'a>) -> Option<Delta<'a>> {
        let mut delta = Delta::one_sided(Some(old.clone()), Some(new.clone()));
        delta.types = Names::of(&old.types(), &new.types());
        delta.required = Names::of(&old.texts("required"), &new.texts("required"));
        delta.enum_values = EnumDelta::of(old, new);
        delta.dependent = Dependent::of(old, new);
        for key in ["items", "additionalProperties"].iter().chain(ONE_LATE) {
            let (old, new) = (old.schema(self.old, key), new.schema(self.new, key));
            if let Some(below) = self.pair(old.as_ref(), new.as_ref()) {
                delta.one.insert(key, below);
            }
        }
        for key in LISTS {
            let (old, new) = (old.schemas(self.old, key), new.schemas(self.new, key));
            let list = lists::compare(self, &old, &new);
            if !(list.added.is_empty() && list.deleted.is_empty() && list.modified.is_empty()) {
                delta.lists.insert(key, list);
            }
        }
        for key in MAPS {
            let (old, new) = (old.named(self.old, key), new.named(self.new, key));
            let map = self.map(&old, &new);
            if !(map.names.is_empty() && map.modified.is_empty()) {
                delta.maps.insert(key, map);
            }
        }
        let (plain, annotation) = plain_changes(old, new);
        let has_own = plain || delta.has_set_changes();
        delta.is_annotation_only = !has_own && delta.children_are_annotations();
        let is_empty = !has_own
            && !annotation
            && delta.one.is_empty()
            && delta.lists.is_empty()
            && delta.maps.is_empty();
        (!is_empty).then_some(delta)
    }

    fn map(
        &self,
        old: &BTreeMap<&'a str, View<'a>>,
        new: &BTreeMap<&'a str, View<'a>>,
    ) -> MapDelta<'a> {
        let names = |map: &BTreeMap<&'a str, View<'a>>| map.keys().copied().collect::<Vec<_>>();
        let modified = old.iter().filter_map(|(name, view)| {
            let below = self.pair(Some(view), Some(new.get(name)?))?;
            Some((*name, below))
        });
        MapDelta {
            names: Names::of(&names(old), &names(new)),
            modified: modified.collect(),
        }
    }

    /// Whether both sides validate the same, whatever their words.
    pub(super) fn is_equivalent(&self, old: &View<'a>, new: &View<'a>) -> bool {
        let delta = self.fresh().pair(Some(old), Some(new));
        delta.is_none_or(|delta| delta.is_annotation_only)
    }
}

impl<'a> Delta<'a> {
    fn one_sided(old: Option<View<'a>>, new: Option<View<'a>>) -> Self {
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

    /// Both sides, when both are there.
    pub(super) fn sides(&self) -> Option<(&View<'a>, &View<'a>)> {
        Some((self.old.as_ref()?, self.new.as_ref()?))
    }

    fn has_set_changes(&self) -> bool {
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

    fn children_are_annotations(&self) -> bool {
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
    fn of(old: &View<'_>, new: &View<'_>) -> Self {
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
    fn of(old: &View<'_>, new: &View<'_>) -> Self {
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

/// Whether keywords with plain values differ: those that validate, and annotations.
fn plain_changes(old: &View<'_>, new: &View<'_>) -> (bool, bool) {
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

/// The value of a keyword as text; none when it says what its absence says, or is a schema.
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
