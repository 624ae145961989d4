//! Parameters of two operations: matched by place and name, or as properties of one exploded
//! object.

use std::collections::BTreeMap;
use std::rc::Rc;

use tollgate_contracts_model::canonical::canonical;
use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{Contract, Located, Node};

use super::body::removed_extensible;
use super::builder::Builder;
use super::delta::Delta;
use super::facts::{facts, type_fact};
use super::lifecycle::{self, Deprecation, Removal, SunsetIds};
use super::place::{Place, visit};
use super::sink::{At, Sink};
use super::transitions::Transitions;
use super::types::{self, Change, Verdict};
use super::view::View;
use super::window::Window;
use crate::settings::DiffSettings;

/// One parameter of one side.
#[derive(Clone, Debug)]
pub(super) struct Parameter<'a> {
    pub(super) node: &'a Node,
    pub(super) name: &'a str,
    pub(super) place: &'a str,
    pub(super) schema: Option<View<'a>>,
}

impl<'a> Parameter<'a> {
    fn is_true(&self, key: &str) -> bool {
        self.node.get(key).and_then(Node::as_bool) == Some(true)
    }

    fn is_query(&self) -> bool {
        ["query", "cookie"].contains(&self.place)
    }

    /// Whether its properties are sent as separate parameters.
    fn is_exploded(&self) -> bool {
        let style = self.node.get("style").and_then(Node::as_str);
        let is_form = style.map_or(self.is_query(), |style| style == "form");
        let is_object = self.schema.as_ref().is_some_and(|view| {
            let properties = view.node("properties");
            view.types() == ["object"] && properties.is_some_and(|node| node.entries().len() > 0)
        });
        self.is_true("explode") && is_form && is_object
    }

    fn property(&self, contract: &'a Contract, name: &str) -> Option<View<'a>> {
        self.schema.as_ref()?.property(contract, name)
    }
}

/// The parameters that a node lists, with references followed.
pub(super) fn list<'a>(contract: &'a Contract, at: Located<'a>) -> Vec<Parameter<'a>> {
    let nodes = at.node.get("parameters").map(Node::items);
    let mut list: Vec<Parameter<'a>> = Vec::new();
    for node in nodes.unwrap_or_default() {
        let end = contract.follow(at.file, node);
        let word = |key: &str| end.node.get(key).and_then(Node::scalar_text);
        let (Some(name), Some(place)) = (word("name"), word("in")) else {
            continue;
        };
        let schema = end.node.get("schema").map(|node| {
            let file = end.file;
            View::new(contract, Located { file, node })
        });
        let parameter = Parameter {
            node: end.node,
            name,
            place,
            schema,
        };
        let is_same = |known: &&mut Parameter<'_>| known.name == name && known.place == place;
        match list.iter_mut().find(is_same) {
            None => list.push(parameter),
            // Twice in one list is a mistake of the document; its order decides nothing.
            Some(known) => {
                if canonical(parameter.node) < canonical(known.node) {
                    *known = parameter;
                }
            }
        }
    }
    list
}

/// Parameters of two sides, matched.
#[derive(Default)]
pub(super) struct Matched<'p, 'a> {
    pub(super) added: Vec<&'p Parameter<'a>>,
    /// All of the new side.
    pub(super) new: &'p [Parameter<'a>],
    pub(super) removed: Vec<&'p Parameter<'a>>,
    /// Pairs of both sides with the schemas to compare.
    pub(super) pairs: Vec<Pair<'p, 'a>>,
}

/// A parameter on both sides.
pub(super) struct Pair<'p, 'a> {
    pub(super) old: &'p Parameter<'a>,
    pub(super) new: &'p Parameter<'a>,
    pub(super) schemas: (Option<View<'a>>, Option<View<'a>>),
    /// The side that gives the name.
    shown: &'p Parameter<'a>,
}

/// Matches parameters; path parameters by the names that `renamed` gives them.
pub(super) fn matched<'p, 'a>(
    builder: &Builder<'a>,
    old: &'p [Parameter<'a>],
    new: &'p [Parameter<'a>],
    renamed: &BTreeMap<&str, &str>,
) -> Matched<'p, 'a> {
    let mut matched = Matched {
        new,
        ..Matched::default()
    };
    let (mut old_taken, mut new_taken) = (vec![false; old.len()], vec![false; new.len()]);
    exploded(
        builder,
        (old, &mut old_taken),
        (new, &mut new_taken),
        &mut matched,
    );
    for (idx, parameter) in old.iter().enumerate() {
        if old_taken[idx] {
            continue;
        }
        let is_same = |other: &Parameter<'_>| {
            let name = match parameter.place {
                "path" if !renamed.is_empty() => renamed.get(parameter.name).copied(),
                _ => Some(parameter.name),
            };
            other.place == parameter.place && name == Some(other.name)
        };
        let found = (0..new.len()).find(|other| is_same(&new[*other]));
        match found.filter(|other| !new_taken[*other]) {
            Some(other) => {
                new_taken[other] = true;
                let other = &new[other];
                matched.pairs.push(Pair {
                    old: parameter,
                    new: other,
                    schemas: (parameter.schema.clone(), other.schema.clone()),
                    shown: parameter,
                });
            }
            None => matched.removed.push(parameter),
        }
    }
    let rest = new.iter().enumerate().filter(|(idx, _)| !new_taken[*idx]);
    matched.added.extend(rest.map(|(_, parameter)| parameter));
    matched
}

/// Simple parameters that became properties of an exploded object, and the other way round.
fn exploded<'p, 'a>(
    builder: &Builder<'a>,
    (old, old_taken): (&'p [Parameter<'a>], &mut [bool]),
    (new, new_taken): (&'p [Parameter<'a>], &mut [bool]),
    matched: &mut Matched<'p, 'a>,
) {
    for is_old_simple in [true, false] {
        let (simple, object, contract) = if is_old_simple {
            (old, new, builder.new)
        } else {
            (new, old, builder.old)
        };
        for (object_idx, whole) in object.iter().enumerate() {
            let taken = if is_old_simple {
                new_taken[object_idx]
            } else {
                old_taken[object_idx]
            };
            if taken || !whole.is_query() || !whole.is_exploded() {
                continue;
            }
            let mut any = false;
            for (idx, parameter) in simple.iter().enumerate() {
                let taken = if is_old_simple {
                    &mut old_taken[idx]
                } else {
                    &mut new_taken[idx]
                };
                let schema = whole.property(contract, parameter.name);
                let fits = parameter.place == whole.place && !parameter.is_exploded();
                if *taken || !fits || schema.is_none() {
                    continue;
                }
                *taken = true;
                any = true;
                let own = parameter.schema.clone();
                matched.pairs.push(if is_old_simple {
                    Pair {
                        old: parameter,
                        new: whole,
                        schemas: (own, schema),
                        shown: parameter,
                    }
                } else {
                    Pair {
                        old: whole,
                        new: parameter,
                        schemas: (schema, own),
                        shown: parameter,
                    }
                });
            }
            if any && is_old_simple {
                new_taken[object_idx] = true;
            } else if any {
                old_taken[object_idx] = true;
            }
        }
    }
}

/// Compares the parameters of one operation.
pub(super) fn compare<'a>(
    builder: &Builder<'a>,
    matched: &Matched<'_, 'a>,
    operation: &Node,
    at: &At<'_>,
    settings: &DiffSettings,
    sink: &mut Sink,
) {
    let base = sink.here.clone();
    sink.here.scope = format!("{}/parameters", base.pointer);
    let scope = sink.here.scope.clone();
    let place = |parameter: &Parameter<'_>| {
        let name = match parameter.place {
            "header" => parameter.name.to_lowercase(),
            _ => parameter.name.to_owned(),
        };
        format!("{scope}/{}/{}", parameter.place, escape_token(&name))
    };
    for parameter in &matched.removed {
        sink.here.pointer = place(parameter);
        removed(parameter, at, settings, sink);
    }
    for parameter in &matched.added {
        sink.here.pointer = place(parameter);
        // As in oasdiff, the first of a name tells for all places.
        let first = matched
            .new
            .iter()
            .find(|first| first.name == parameter.name);
        let is_required = first.is_some_and(|first| first.is_true("required"));
        let id = match (parameter.place, is_required) {
            ("path", _) => "new-request-path-parameter",
            (_, true) => "new-required-request-parameter",
            (_, false) => "new-optional-request-parameter",
        };
        sink.push(id, at, named(parameter));
    }
    let window = Window::of(operation, settings);
    for pair in &matched.pairs {
        sink.here.pointer = place(pair.new);
        facts_of_parameter(pair, window, at, sink);
        schema(builder, pair, at, sink);
        sink.here.old.clone_from(&base.old);
        sink.here.new.clone_from(&base.new);
    }
    sink.here = base;
}

fn named(parameter: &Parameter<'_>) -> Vec<String> {
    vec![parameter.place.to_owned(), parameter.name.to_owned()]
}

fn removed(parameter: &Parameter<'_>, at: &At<'_>, settings: &DiffSettings, sink: &mut Sink) {
    let Some((how, more)) = lifecycle::removal(parameter.node, settings.today) else {
        return;
    };
    let id = match how {
        Removal::WithoutDeprecation => "request-parameter-removed",
        Removal::WithDeprecation => "request-parameter-removed-with-deprecation",
        Removal::InvalidSunset => "request-parameter-sunset-parse",
        Removal::BeforeSunset => "request-parameter-removed-before-sunset",
    };
    let args = named(parameter).into_iter().chain(more).collect();
    sink.push(id, at, args);
}

fn facts_of_parameter(pair: &Pair<'_, '_>, window: Option<Window>, at: &At<'_>, sink: &mut Sink) {
    let (old, new) = (pair.old, pair.new);
    let args = named(pair.shown);
    match (old.is_true("required"), new.is_true("required")) {
        (false, true) => sink.push("request-parameter-became-required", at, args.clone()),
        (true, false) => sink.push("request-parameter-became-optional", at, args.clone()),
        _ => false,
    };
    match (old.is_true("deprecated"), new.is_true("deprecated"), window) {
        (true, false, _) => {
            sink.push("request-parameter-reactivated", at, args.clone());
        }
        (false, true, Some(window)) => {
            let (id, more) = match lifecycle::deprecation(new.node.get("x-sunset"), window) {
                Deprecation::Plain | Deprecation::WithSunset(_) => {
                    ("request-parameter-deprecated", None)
                }
                Deprecation::Missing => ("request-parameter-deprecated-sunset-missing", None),
                Deprecation::Invalid(text) => ("request-parameter-sunset-parse", Some(text)),
                Deprecation::TooSmall(day) => (
                    "request-parameter-sunset-date-too-small",
                    Some(day.to_string()),
                ),
            };
            sink.push(id, at, args.iter().cloned().chain(more).collect());
        }
        _ => {}
    }
    let ids = SunsetIds {
        deleted: "request-parameter-sunset-deleted",
        invalid: "request-parameter-sunset-parse",
        too_small: "request-parameter-sunset-date-changed-too-small",
    };
    lifecycle::sunset_changed((old.node, new.node), &ids, window, at, &args, sink);
}

/// Actions of parameters that a transition may suppress.
fn is_claimable(action: &str) -> bool {
    let starts = ["enum-value-", "pattern-", "type-", "list-of-types-"];
    action == "became-enum" || starts.iter().any(|start| action.starts_with(start))
}

fn schema<'a>(builder: &Builder<'a>, pair: &Pair<'_, 'a>, at: &At<'_>, sink: &mut Sink) {
    let Some(root) = builder.pair(pair.schemas.0.as_ref(), pair.schemas.1.as_ref()) else {
        return;
    };
    let start = Place {
        delta: &root,
        parent: None,
        path: String::new(),
        name: "",
        pointer: String::new(),
    };
    let base = sink.here.pointer.clone();
    visit(&start, &mut |place| {
        sink.here.pointer = format!("{base}{}", place.pointer);
        if let Some((old, new)) = place.delta.sides() {
            sink.here.old = old.place();
            sink.here.new = new.place();
        }
        let transitions = Transitions::of(builder, place.delta);
        let subject = if place.parent.is_none() {
            "request-parameter"
        } else {
            "request-parameter-property"
        };
        let mut found = facts(builder, place.delta, &transitions, false);
        found.extend(type_change(builder, pair, place));
        for fact in found {
            let is_default = fact.action.starts_with("default-value-");
            if is_default && (pair.old.is_true("required") || pair.new.is_true("required")) {
                continue;
            }
            let id = format!("{subject}-{}", fact.action);
            if is_claimable(&fact.action) && transitions.claims(&id) {
                continue;
            }
            let mut args = named(pair.shown);
            if place.parent.is_some() {
                args.push(place.full_name(""));
            }
            args.extend(fact.args);
            sink.push(&id, at, args);
        }
        if pair.shown.place == "header" {
            header_property(builder, pair, place, at, sink);
        }
    });
    sink.here.pointer = base;
    items_limit(&root, pair, at, sink);
    if let Some((old, new)) = root.sides() {
        for value in removed_extensible(old, new) {
            let id = "request-parameter-x-extensible-enum-value-removed";
            let args = std::iter::once(value).chain(named(pair.shown)).collect();
            sink.push(id, at, args);
        }
    }
}

/// A change of `maxItems` of the items counts where the list's own did not change.
fn items_limit(root: &Rc<Delta<'_>>, pair: &Pair<'_, '_>, at: &At<'_>, sink: &mut Sink) {
    let limit = |delta: &Delta<'_>| {
        let (old, new) = delta.sides()?;
        let (from, to) = (old.number("maxItems"), new.number("maxItems"));
        (from != to).then_some((from, to))
    };
    if limit(root).is_some() {
        return;
    }
    let below = root.one.get("items").and_then(|items| limit(items));
    if let Some((Some(from), Some(to))) = below {
        let step = if from < to { "increased" } else { "decreased" };
        let id = format!("request-parameter-max-items-{step}");
        sink.push(&id, at, named(pair.shown));
    }
}

fn type_change<'a>(
    builder: &Builder<'a>,
    pair: &Pair<'_, 'a>,
    place: &Place<'_, 'a>,
) -> Option<super::facts::Fact> {
    let change = Change::of(place.delta)?;
    let verdict = if place.parent.is_none() {
        if change.breaks(false) && !is_form_list(builder, pair, &change) {
            Verdict::Changed
        } else {
            Verdict::Generalized
        }
    } else {
        match (change.breaks(true), change.breaks(false)) {
            (true, true) => Verdict::Specialized,
            (false, false) => Verdict::Generalized,
            _ => Verdict::Changed,
        }
    };
    Some(type_fact(place.delta, verdict))
}

/// Whether a single value became a list that is written the same: `?id=1`.
fn is_form_list<'a>(builder: &Builder<'a>, pair: &Pair<'_, 'a>, change: &Change<'_>) -> bool {
    let (Some(old), Some(new), Some(names)) = (&pair.schemas.0, &pair.schemas.1, &change.types)
    else {
        return false;
    };
    let sans_null = |types: &[&str]| {
        let rest = types.iter().filter(|word| **word != "null");
        rest.map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let added: Vec<&str> = names.added.iter().map(String::as_str).collect();
    let base = sans_null(&old.types());
    let style = pair.new.node.get("style").and_then(Node::as_str);
    let is_form = style.map_or(pair.new.is_query(), |style| style == "form");
    let explode = pair.new.node.get("explode").and_then(Node::as_bool);
    if sans_null(&added) != ["array"] || base.is_empty() || !is_form || explode == Some(false) {
        return false;
    }
    let Some(item) = new.schema(builder.new, "items") else {
        return false;
    };
    const TYPE: &[&str] = &["type", "nullable"];
    types::is_contained(&sans_null(&item.types()), &base, false)
        && builder.is_equivalent(&old.without(TYPE), &item.without(TYPE))
}

/// Rules that apply only to header parameters.
fn header_property<'a>(
    builder: &Builder<'a>,
    pair: &Pair<'_, 'a>,
    place: &Place<'_, 'a>,
    at: &At<'_>,
    sink: &mut Sink,
) {
    let Some((old, new)) = place.delta.sides() else {
        return;
    };
    let name = pair.shown.name.to_owned();
    if place.delta.enum_values.is_new {
        let args = vec![name.clone(), place.full_name("")];
        sink.push("request-header-property-became-enum", at, args);
    }
    for required in &place.delta.required.added {
        let is = new.property(builder.new, required);
        let was = old.property(builder.old, required);
        let is_known = was.is_some() || place.parent.is_some();
        if is_known && is.is_some_and(|view| !view.is_true("readOnly")) {
            let args = vec![name.clone(), place.full_name(required)];
            sink.push("request-header-property-became-required", at, args);
        }
    }
    let added = place
        .delta
        .maps
        .get("properties")
        .map(|map| &map.names.added);
    for property in added.into_iter().flatten() {
        let view = new.property(builder.new, property);
        if new.requires(property) && view.is_some_and(|view| !view.is_true("readOnly")) {
            let args = vec![name.clone(), place.full_name(property)];
            sink.push("new-required-request-header-property", at, args);
        }
    }
}
