//! Deprecation, sunset and stability of operations, parameters and properties.

use tollgate_contracts_model::Node;

use super::place::{Body, Place};
use super::sink::{At, Sink};
use super::view::{View, shown};
use super::window::{Window, stability};
use tollgate_report::Day;

use crate::settings::{DiffSettings, Stability};

pub(super) fn sunset(node: &Node) -> Option<Day> {
    node.as_str()?.parse().ok()
}

/// The result of a new deprecation.
pub(super) enum Deprecation {
    Plain,
    WithSunset(Day),
    Missing,
    Invalid(String),
    TooSmall(Day),
}

/// Judges a deprecation by its `x-sunset`.
pub(super) fn deprecation(given: Option<&Node>, window: Window) -> Deprecation {
    let Some(node) = given else {
        return if window.days > 0 {
            Deprecation::Missing
        } else {
            Deprecation::Plain
        };
    };
    match sunset(node) {
        None => Deprecation::Invalid(shown(node)),
        Some(day) if window.is_too_small(day) => Deprecation::TooSmall(day),
        Some(day) => Deprecation::WithSunset(day),
    }
}

fn is_true(node: &Node, key: &str) -> bool {
    node.get(key).and_then(Node::as_bool) == Some(true)
}

/// An operation that became deprecated, or is no longer deprecated.
pub(super) fn operation(
    old: &Node,
    new: &Node,
    at: &At<'_>,
    settings: &DiffSettings,
    sink: &mut Sink,
) {
    match (is_true(old, "deprecated"), is_true(new, "deprecated")) {
        (true, false) => {
            sink.push("endpoint-reactivated", at, Vec::new());
        }
        (false, true) => {
            let Some(window) = Window::of(new, settings) else {
                return;
            };
            let (id, args) = match deprecation(new.get("x-sunset"), window) {
                Deprecation::Plain => ("endpoint-deprecated", Vec::new()),
                Deprecation::WithSunset(day) => {
                    ("endpoint-deprecated-with-sunset", vec![day.to_string()])
                }
                Deprecation::Missing => ("api-deprecated-sunset-missing", Vec::new()),
                Deprecation::Invalid(text) => ("api-deprecated-sunset-parse", vec![text]),
                Deprecation::TooSmall(day) => (
                    "api-sunset-date-too-small",
                    vec![day.to_string(), window.days.to_string()],
                ),
            };
            sink.push(id, at, args);
        }
        _ => {}
    }
}

/// The ids of a sunset that was removed or moved.
pub(super) struct SunsetIds {
    pub(super) deleted: &'static str,
    pub(super) invalid: &'static str,
    pub(super) too_small: &'static str,
}

/// A sunset that was removed, or moved closer than the window allows, while the deprecation stayed.
pub(super) fn sunset_changed(
    (old, new): (&Node, &Node),
    ids: &SunsetIds,
    window: Option<Window>,
    at: &At<'_>,
    args: &[String],
    sink: &mut Sink,
) {
    if !is_true(new, "deprecated") {
        return;
    }
    let with = |more: Vec<String>| args.iter().cloned().chain(more).collect::<Vec<_>>();
    let (Some(from), to) = (old.get("x-sunset"), new.get("x-sunset")) else {
        return;
    };
    let Some(to) = to else {
        sink.push(ids.deleted, at, with(Vec::new()));
        return;
    };
    if super::view::value_key(from) == super::view::value_key(to) {
        return;
    }
    let (Some(old_day), Some(new_day)) = (sunset(from), sunset(to)) else {
        let wrong = if sunset(to).is_none() { to } else { from };
        sink.push(ids.invalid, at, with(vec![shown(wrong)]));
        return;
    };
    if let Some(window) = window
        && old_day > new_day
        && window.is_too_small(new_day)
    {
        let more = vec![
            old_day.to_string(),
            new_day.to_string(),
            old_day.to_string(),
            window.days.to_string(),
        ];
        sink.push(ids.too_small, at, with(more));
    }
}

/// The result of removing something: the end of an id, or none when its sunset has passed.
pub(super) fn removal(old: &Node, today: Option<Day>) -> Option<(Removal, Vec<String>)> {
    if !is_true(old, "deprecated") {
        return Some((Removal::WithoutDeprecation, Vec::new()));
    }
    let Some(node) = old.get("x-sunset") else {
        return Some((Removal::WithDeprecation, Vec::new()));
    };
    let Some(day) = sunset(node) else {
        return Some((Removal::InvalidSunset, vec![shown(node)]));
    };
    let today = today?;
    (today < day).then(|| (Removal::BeforeSunset, vec![day.to_string()]))
}

/// How something was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    WithoutDeprecation,
    WithDeprecation,
    InvalidSunset,
    BeforeSunset,
}

/// A property that became deprecated, reactivated, or changed its stability.
pub(super) fn property(
    body: &Body<'_>,
    direction: &str,
    place: &Place<'_, '_>,
    (old, new): (&View<'_>, &View<'_>),
    sink: &mut Sink,
) {
    let name = place.full_name("");
    match (
        old.is_true("deprecated"),
        new.is_true("deprecated"),
        body.window,
    ) {
        (true, false, Some(_)) => {
            let id = format!("{direction}-property-reactivated");
            sink.push(&id, &body.at, vec![name.clone()]);
        }
        (false, true, Some(window)) => {
            let (end, more) = match deprecation(new.node("x-sunset"), window) {
                Deprecation::Plain => ("deprecated", None),
                Deprecation::WithSunset(day) => ("deprecated-with-sunset", Some(day.to_string())),
                Deprecation::Missing => ("deprecated-sunset-missing", None),
                Deprecation::Invalid(text) => ("deprecated-sunset-invalid", Some(text)),
                Deprecation::TooSmall(day) => ("sunset-date-too-small", Some(day.to_string())),
            };
            let id = format!("{direction}-property-{end}");
            let args = std::iter::once(name.clone()).chain(more).collect();
            sink.push(&id, &body.at, args);
        }
        _ => {}
    }
}

/// A property whose stability changed.
pub(super) fn property_stability(
    at: &At<'_>,
    direction: &str,
    place: &Place<'_, '_>,
    least: Stability,
    sink: &mut Sink,
) {
    let Some((old, new)) = place.delta.sides() else {
        return;
    };
    const KEY: &str = "x-stability-level";
    let (from, to) = (stability(old.node(KEY)), stability(new.node(KEY)));
    let (Some(from), Some(to)) = (from, to) else {
        if old.node(KEY).map(shown) != new.node(KEY).map(shown) {
            sink.push("api-invalid-stability-level", at, Vec::new());
        }
        return;
    };
    if from == to || from < least {
        return;
    }
    let step = if to < from { "decreased" } else { "increased" };
    let args = vec![
        place.full_name(""),
        from.word().to_owned(),
        to.word().to_owned(),
    ];
    sink.push(&format!("{direction}-property-stability-{step}"), at, args);
}
