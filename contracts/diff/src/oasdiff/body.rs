//! Findings in the schema of a body: at its root, then at each property below.

use std::rc::Rc;

use tollgate_contracts_model::source::escape_token;

use super::builder::Builder;
use super::delta::Delta;
use super::facts::{Fact, facts, type_fact};
use super::lifecycle;
use super::place::{Body, Place, visit};
use super::sink::{Sink, need};
use super::transitions::Transitions;
use super::types;
use super::view::View;

/// Actions that are not reported for a property that the other side never sends.
const SKIPPED_WHEN_HIDDEN: &[(bool, &str)] = &[
    (false, "max-length-set"),
    (false, "max-set"),
    (false, "exclusive-max-set"),
    (false, "min-set"),
    (false, "exclusive-min-set"),
    (false, "min-items-increased"),
    (false, "min-items-set"),
    (false, "type-changed"),
    (false, "type-generalized"),
    (false, "type-compatible"),
    (false, "list-of-types-widened"),
    (false, "list-of-types-narrowed"),
    (true, "max-increased"),
    (true, "exclusive-max-increased"),
    (true, "max-length-increased"),
    (true, "max-length-unset"),
    (true, "min-decreased"),
    (true, "exclusive-min-decreased"),
    (true, "min-items-decreased"),
    (true, "min-items-unset"),
    (true, "min-length-decreased"),
];

/// Ids that are not built from subject and action.
const RENAMED: &[(&str, &str)] = &[(
    "response-body-enum-value-removed",
    "response-mediatype-enum-value-removed",
)];

/// Ids that no transition suppresses.
const NEVER_CLAIMED: &[&str] = &[
    "request-body-became-enum",
    "request-body-enum-value-removed",
    "response-mediatype-enum-value-removed",
];

pub(super) fn compare<'a>(
    builder: &Builder<'a>,
    body: &Body<'_>,
    root: &Rc<Delta<'a>>,
    sink: &mut Sink,
) {
    let root_transitions = Transitions::of(builder, root);
    let start = Place {
        delta: root,
        parent: None,
        path: String::new(),
        name: "",
        pointer: String::new(),
    };
    let base = sink.here.pointer.clone();
    visit(&start, &mut |place| {
        let Some(sides) = place.delta.sides() else {
            return;
        };
        sink.here.pointer = format!("{base}{}", place.pointer);
        sink.here.old = sides.0.place();
        sink.here.new = sides.1.place();
        let transitions = Transitions::of(builder, place.delta);
        schema_facts(builder, body, place, &transitions, sink);
        properties(builder, body, place, &transitions, sink);
        let of_required = if body.status.is_some() {
            &transitions
        } else {
            &root_transitions
        };
        required(builder, body, place, of_required, sink);
        sink.here.pointer = format!("{base}{}", place.pointer);
        if place.parent.is_some() {
            mutability(body, place, &transitions, sink);
            extensible_enum(body, place, sides, &transitions, sink);
            let direction = direction(body);
            lifecycle::property(body, direction, place, sides, sink);
        }
    });
    sink.here.pointer = base;
}

pub(super) fn direction(body: &Body<'_>) -> &'static str {
    if body.status.is_some() {
        "response"
    } else {
        "request"
    }
}

/// Adds a finding unless a transition suppresses it.
fn emit(sink: &mut Sink, body: &Body<'_>, transitions: &Transitions, id: &str, args: Vec<String>) {
    let renamed = RENAMED.iter().find(|(from, _)| *from == id);
    let id = renamed.map_or(id, |(_, to)| to);
    if NEVER_CLAIMED.contains(&id) || !transitions.claims(id) {
        let args = args.into_iter().chain(body.status.map(str::to_owned));
        sink.push(id, &body.at, args.collect());
    }
}

fn schema_facts<'a>(
    builder: &Builder<'a>,
    body: &Body<'_>,
    place: &Place<'_, 'a>,
    transitions: &Transitions,
    sink: &mut Sink,
) {
    let is_response = body.status.is_some();
    let mut found = facts(builder, place.delta, transitions, is_response);
    let is_strong = types::is_strongly_typed(body.media);
    let verdict = if is_response {
        types::response(place.delta, is_strong)
    } else {
        types::request(place.delta, is_strong)
    };
    found.extend(verdict.map(|verdict| type_fact(place.delta, verdict)));
    let is_root = place.parent.is_none();
    let (hidden, word) = if is_response {
        ("writeOnly", "write-only")
    } else {
        ("readOnly", "read-only")
    };
    let new = place.delta.new.as_ref();
    let is_hidden = !is_root && new.is_some_and(|view| view.is_true(hidden));
    let direction = direction(body);
    for Fact { action, mut args } in found {
        let is_skipped = SKIPPED_WHEN_HIDDEN.contains(&(is_response, action.as_str()));
        if is_hidden && is_skipped {
            continue;
        }
        let subject = if is_root { "body" } else { "property" };
        let mut id = format!("{direction}-{subject}-{action}");
        let variant = format!("{direction}-{word}-property-{action}");
        if is_hidden && super::rules::rule(&variant).is_some() {
            id = variant;
        }
        if !is_root {
            args.insert(0, place.full_name(""));
        }
        emit(sink, body, transitions, &id, args);
    }
}

fn properties<'a>(
    builder: &Builder<'a>,
    body: &Body<'_>,
    place: &Place<'_, 'a>,
    transitions: &Transitions,
    sink: &mut Sink,
) {
    let (Some((old, new)), Some(map)) = (place.delta.sides(), place.delta.maps.get("properties"))
    else {
        return;
    };
    let is_response = body.status.is_some();
    let base = sink.here.pointer.clone();
    for name in &map.names.deleted {
        sink.here.pointer = format!("{base}/properties/{}", escape_token(name));
        let Some(view) = old.property(builder.old, name) else {
            continue;
        };
        if transitions.moved.contains(name) || (!is_response && view.is_true("readOnly")) {
            continue;
        }
        let id = if is_response {
            response_property(old.requires(name), &view, "removed")
        } else {
            "request-property-removed".to_owned()
        };
        emit(sink, body, transitions, &id, vec![place.full_name(name)]);
    }
    for name in &map.names.added {
        sink.here.pointer = format!("{base}/properties/{}", escape_token(name));
        let Some(view) = new.property(builder.new, name) else {
            continue;
        };
        let id = if is_response {
            response_property(new.requires(name), &view, "added")
        } else if view.is_true("readOnly") {
            continue;
        } else {
            match (new.requires(name), view.node("default").is_some()) {
                (true, false) => "new-required-request-property".to_owned(),
                (true, true) => "new-required-request-property-with-default".to_owned(),
                (false, _) => "new-optional-request-property".to_owned(),
            }
        };
        emit(sink, body, transitions, &id, vec![place.full_name(name)]);
    }
    sink.here.pointer = base;
}

fn response_property(is_required: bool, view: &View<'_>, step: &str) -> String {
    let need = need(is_required);
    let hidden = if view.is_true("writeOnly") {
        "write-only-"
    } else {
        ""
    };
    format!("response-{need}-{hidden}property-{step}")
}

fn required<'a>(
    builder: &Builder<'a>,
    body: &Body<'_>,
    place: &Place<'_, 'a>,
    transitions: &Transitions,
    sink: &mut Sink,
) {
    let Some((old, new)) = place.delta.sides() else {
        return;
    };
    let is_root = place.parent.is_none();
    let base = sink.here.pointer.clone();
    for (names, step) in [
        (&place.delta.required.added, "became-required"),
        (&place.delta.required.deleted, "became-optional"),
    ] {
        for name in names {
            sink.here.pointer = format!("{base}/properties/{}", escape_token(name));
            let was = old.property(builder.old, name);
            let is = new.property(builder.new, name);
            let id = if body.status.is_some() {
                let Some(is) = is else {
                    continue;
                };
                // At the root a property may be new where it lost its requirement.
                if was.is_none() && !(is_root && step == "became-optional") {
                    continue;
                }
                let view = if is_root { Some(is) } else { was };
                let hidden = view.is_some_and(|view| view.is_true("writeOnly"));
                let hidden = if hidden { "write-only-" } else { "" };
                format!("response-{hidden}property-{step}")
            } else {
                let (Some(_), Some(is)) = (was, is) else {
                    continue;
                };
                if is.is_true("readOnly") {
                    continue;
                }
                let has_default = step == "became-required" && is.node("default").is_some();
                let with = if has_default { "-with-default" } else { "" };
                format!("request-property-{step}{with}")
            };
            emit(sink, body, transitions, &id, vec![place.full_name(name)]);
        }
    }
}

fn mutability<'a>(
    body: &Body<'_>,
    place: &Place<'_, 'a>,
    transitions: &Transitions,
    sink: &mut Sink,
) {
    let Some((parent_old, parent_new)) = place.parent.and_then(|parent| parent.sides()) else {
        return;
    };
    let is_property = parent_new
        .node("properties")
        .is_some_and(|node| node.get(place.name).is_some());
    let (Some((old, new)), true) = (place.delta.sides(), is_property) else {
        return;
    };
    let direction = direction(body);
    let need = need(parent_old.requires(place.name));
    for (key, word) in [("writeOnly", "write-only"), ("readOnly", "read-only")] {
        let step = match (old.is_true(key), new.is_true(key)) {
            (false, true) => "became",
            (true, false) => "became-not",
            _ => continue,
        };
        let id = format!("{direction}-{need}-property-{step}-{word}");
        emit(sink, body, transitions, &id, vec![place.full_name("")]);
    }
}

fn extensible_enum<'a>(
    body: &Body<'_>,
    place: &Place<'_, 'a>,
    (old, new): (&View<'a>, &View<'a>),
    transitions: &Transitions,
    sink: &mut Sink,
) {
    if body.status.is_some() || new.is_true("readOnly") {
        return;
    }
    for value in removed_extensible(old, new) {
        let id = "request-property-x-extensible-enum-value-removed";
        emit(
            sink,
            body,
            transitions,
            id,
            vec![value, place.full_name("")],
        );
    }
}

/// Values that were removed from `x-extensible-enum` while the keyword remained.
pub(super) fn removed_extensible(old: &View<'_>, new: &View<'_>) -> Vec<String> {
    const KEY: &str = "x-extensible-enum";
    let is_list = |view: &View<'_>| view.node(KEY).is_some_and(|node| node.as_array().is_some());
    if !is_list(old) || !is_list(new) {
        return Vec::new();
    }
    let kept = new.texts(KEY);
    let values = old.texts(KEY).into_iter();
    values
        .filter(|value| !kept.contains(value))
        .map(str::to_owned)
        .collect()
}
