//! Edits that show as several differences, and which of them each edit explains: null added by a
//! wrapping `oneOf`, an object wrapped into alternatives, a list of types, null in `type`.

use std::collections::BTreeSet;

use tollgate_contracts_model::Contract;

use super::builder::Builder;
use super::delta::{Delta, Names};
use super::rules::rule;
use super::view::View;

/// The transitions at one pair of schemas.
#[derive(Clone, Debug, Default)]
pub(super) struct Transitions {
    /// Null became valid (true) or invalid (false) by wrapping into `oneOf`.
    pub(super) null_wrap: Option<bool>,
    /// The properties that moved into alternatives.
    pub(super) moved: Vec<String>,
    /// Types that a list of types gained and lost.
    pub(super) list_of_types: Option<Names>,
    null_only: bool,
}

impl Transitions {
    pub(super) fn of<'a>(builder: &Builder<'a>, delta: &Delta<'a>) -> Self {
        let Some((old, new)) = delta.sides() else {
            return Self::default();
        };
        let only_null = |types: &[String]| types.iter().all(|word| word == "null");
        let is_null_only = !delta.types.is_empty()
            && only_null(&delta.types.added)
            && only_null(&delta.types.deleted)
            && old.text("format") == new.text("format");
        let has_union =
            |view: &View<'_>| view.node("oneOf").is_some() || view.node("anyOf").is_some();
        if !(has_union(old) || has_union(new)) {
            return Self {
                null_only: is_null_only,
                ..Self::default()
            };
        }
        Self {
            null_wrap: null_wrap(builder, old, new),
            moved: moved_properties(builder, old, new),
            list_of_types: list_of_types(builder, old, new),
            null_only: is_null_only,
        }
    }

    /// Whether a finding only repeats what a transition already reports.
    pub(super) fn claims(&self, id: &str) -> bool {
        let Some(rule) = rule(id) else {
            return false;
        };
        let is_nullable = id.ends_with("became-nullable") || id.ends_with("became-not-nullable");
        let structure = ["type", "structure"].contains(&rule.kind);
        let by_wrap =
            self.null_wrap.is_some() && rule.kind != "lifecycle" && rule.kind != "mutability";
        let is_wrapper = id.ends_with("wrapped-in-one-of") || id.ends_with("property-one-of-added");
        (by_wrap && !is_nullable)
            || (!self.moved.is_empty() && structure && !is_wrapper)
            || (self.list_of_types.is_some() && structure && !id.contains("-list-of-types-"))
            || (self.null_only && rule.kind == "type" && !is_nullable)
    }
}

fn accepts_null(view: &View<'_>) -> bool {
    view.is_true("nullable") || view.types().contains(&"null")
}

fn null_wrap<'a>(builder: &Builder<'a>, old: &View<'a>, new: &View<'a>) -> Option<bool> {
    if is_null_wrap(builder, old, (builder.new, new), false) {
        return Some(true);
    }
    is_null_wrap(builder, new, (builder.old, old), true).then_some(false)
}

/// Whether `wrapped` is exactly `plain` or null. `plain` is in the new contract when
/// `is_reversed`.
fn is_null_wrap<'a>(
    builder: &Builder<'a>,
    plain: &View<'a>,
    (contract, wrapped): (&'a Contract, &View<'a>),
    is_reversed: bool,
) -> bool {
    let has = |key: &str| plain.node(key).is_some();
    if has("oneOf") || has("anyOf") || has("allOf") || has("not") || accepts_null(plain) {
        return false;
    }
    let members = wrapped.schemas(contract, "oneOf");
    if members.len() != 2 || !says_nothing(builder, &wrapped.without(&["oneOf"]), is_reversed) {
        return false;
    }
    let is_null = |view: &View<'a>| {
        view.types() == ["null"] && says_nothing(builder, &view.without(&["type"]), is_reversed)
    };
    let rest: Vec<&View<'a>> = members.iter().filter(|view| !is_null(view)).collect();
    let [payload] = rest.as_slice() else {
        return false;
    };
    let plain = plain.without(&[]);
    if is_reversed {
        builder.is_equivalent(payload, &plain)
    } else {
        builder.is_equivalent(&plain, payload)
    }
}

/// Whether a schema allows everything, regardless of its texts.
fn says_nothing<'a>(builder: &Builder<'a>, view: &View<'a>, is_old: bool) -> bool {
    if is_old {
        builder.is_equivalent(view, &View::empty())
    } else {
        builder.is_equivalent(&View::empty(), view)
    }
}

fn moved_properties<'a>(builder: &Builder<'a>, old: &View<'a>, new: &View<'a>) -> Vec<String> {
    let properties = old.named(builder.old, "properties");
    let members = new.schemas(builder.new, "oneOf");
    let is_wrapper = new.named(builder.new, "properties").is_empty() && new.types().is_empty();
    if properties.is_empty()
        || !old.schemas(builder.old, "oneOf").is_empty()
        || members.is_empty()
        || !is_wrapper
    {
        return Vec::new();
    }
    let names = properties.keys().filter(|name| {
        let mut members = members.iter();
        members.any(|member| member.property(builder.new, name).is_some())
    });
    names.map(|name| (*name).to_owned()).collect()
}

/// The types that a schema declares itself (false), or as alternatives (true).
fn type_pattern<'a>(contract: &'a Contract, view: &View<'a>) -> Option<(Vec<String>, bool)> {
    let has_properties = |view: &View<'_>| {
        view.node("properties")
            .is_some_and(|node| node.entries().len() > 0)
    };
    if view.node("not").is_some()
        || !view.schemas(contract, "allOf").is_empty()
        || has_properties(view)
    {
        return None;
    }
    if let Some(first) = view.types().first() {
        return Some((vec![(*first).to_owned()], false));
    }
    for key in ["oneOf", "anyOf"] {
        let members = view.schemas(contract, key);
        let simple = |member: &View<'_>| {
            let types = member.types();
            let has_list = |key: &str| member.node(key).is_some_and(|node| node.items().len() > 0);
            let is_simple = types.len() == 1
                && !has_properties(member)
                && !has_list("oneOf")
                && !has_list("anyOf")
                && !has_list("allOf");
            is_simple.then(|| types[0].to_owned())
        };
        let types: Option<Vec<String>> = members.iter().map(simple).collect();
        if let Some(types) = types.filter(|types| !types.is_empty()) {
            return Some((types, true));
        }
    }
    None
}

fn list_of_types<'a>(builder: &Builder<'a>, old: &View<'a>, new: &View<'a>) -> Option<Names> {
    let (old, is_old_list) = type_pattern(builder.old, old)?;
    let (new, is_new_list) = type_pattern(builder.new, new)?;
    let is_same = old.len() == new.len() && new.iter().all(|word| old.contains(word));
    if is_same || !(is_old_list || is_new_list) {
        return None;
    }
    let texts = |words: &[String]| words.iter().cloned().collect::<BTreeSet<_>>();
    let (old, new) = (texts(&old), texts(&new));
    let names = Names {
        added: new.difference(&old).cloned().collect(),
        deleted: old.difference(&new).cloned().collect(),
    };
    (!names.is_empty()).then_some(names)
}
