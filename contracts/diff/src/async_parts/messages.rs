//! One message on both sides: content type, schema format, correlation id, headers and bindings.

use tollgate_contracts_model::{Contract, Message};

use super::common::{bindings, place, text};
use crate::change::Level;
use crate::schema;
use crate::walk::{Direction, Draft, Effect, Scope, Walk};

/// Content type, schema format, headers, correlation id and bindings of a message.
pub(crate) fn message<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &Message<'a>,
    new: &Message<'a>,
) {
    let places = || (place(old.at), place(new.at));
    let side = match scope.direction {
        Direction::Request => "received-message",
        Direction::Response => "sent-message",
    };
    let default = |contract: &Contract| text(contract.root(), "defaultContentType");
    let media = |contract: &Contract, message: &Message<'_>| {
        message
            .content_type
            .clone()
            .unwrap_or_else(|| default(contract))
    };
    let format = |message: &Message<'_>| message.schema_format.clone().unwrap_or_default();
    for (what, from, to) in [
        ("content-type", media(walk.old, old), media(walk.new, new)),
        ("schema-format", format(old), format(new)),
    ] {
        if from != to {
            let words = what.replace('-', " ");
            let message = format!("the {words} of the message changed from `{from}` to `{to}`");
            let code = format!("{side}-{what}-changed");
            walk.push(
                scope,
                Draft::with_level(code, Level::Breaking, message, places()),
            );
        }
    }
    correlation(walk, scope, side, old, new);
    headers(walk, scope, old, new);
    let deprecated = |message: &Message<'_>| {
        message
            .get("x-deprecated")
            .or_else(|| message.get("deprecated"))
            .and_then(|at| at.node.as_bool())
            == Some(true)
    };
    if !deprecated(old) && deprecated(new) {
        let code = format!("{side}-deprecated");
        let message = "the message is deprecated";
        walk.push(
            scope,
            Draft::with_level(code, Level::Info, message, places()),
        );
    }
    bindings(
        walk,
        scope,
        "message",
        &old.bindings,
        &new.bindings,
        places(),
    );
}

fn correlation<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    side: &str,
    old: &Message<'a>,
    new: &Message<'a>,
) {
    let location = |message: &Message<'_>| {
        let at = message.correlation_id?;
        Some(text(at.node, "location"))
    };
    let is_sent = scope.direction == Direction::Response;
    let (step, level) = match (location(old), location(new)) {
        (None, None) => return,
        // Who sends must add one; who reads relied on it.
        (None, Some(_)) if is_sent => ("added", Level::Info),
        (None, Some(_)) => ("added", Level::Breaking),
        (Some(_), None) if is_sent => ("removed", Level::Breaking),
        (Some(_), None) => ("removed", Level::Info),
        (Some(from), Some(to)) if from == to => return,
        _ => ("changed", Level::Breaking),
    };
    let places = (place(old.at), place(new.at));
    let message = format!("the correlation id is {step}");
    let code = format!("{side}-correlation-id-{step}");
    walk.push(scope, Draft::with_level(code, level, message, places));
}

fn headers<'a>(walk: &mut Walk<'a>, scope: &Scope, old: &Message<'a>, new: &Message<'a>) {
    let scope = Scope {
        subject: match scope.direction {
            Direction::Request => "request-header",
            Direction::Response => "response-header",
        },
        path: scope.path.replace("/payload", "/headers"),
        ..scope.clone()
    };
    let (first, second) = (old.headers.first().copied(), new.headers.first().copied());
    let (step, effect) = match (first, second) {
        (Some(old), Some(new)) => return schema::compare(walk, &scope, old, new),
        (None, None) => return,
        (None, Some(_)) => ("added", Effect::Narrow),
        (Some(_), None) => ("removed", Effect::Widen),
    };
    let draft = Draft {
        code: format!("{}s-{step}", scope.subject),
        effect,
        level: None,
        message: format!("the headers of the message are {step}"),
        old: first.and_then(place).or_else(|| place(old.at)),
        new: second.and_then(place).or_else(|| place(new.at)),
    };
    walk.push(&scope, draft);
}
