//! Servers, channel parameters, bindings, security, headers, correlation ids and content types of
//! two `AsyncAPI` contracts of version 2 or 3. It must not know payloads.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_report::Place;

use super::walk::{Direction, Draft, Effect, Scope, Walk};
use super::{Level, schema};
use crate::canonical::canonical;
use crate::channels::{AsyncOperation, Binding, Channel, Message, Server};
use crate::document::Contract;
use crate::source::{Node, escape_token};
use crate::views::Located;

/// A part without a level of its own: what it does decides.
fn draft(
    code: String,
    level: Level,
    message: String,
    places: (Option<Place>, Option<Place>),
) -> Draft {
    Draft {
        code,
        effect: Effect::Neutral,
        level: Some(level),
        message,
        old: places.0,
        new: places.1,
    }
}

fn place(at: Located<'_>) -> Option<Place> {
    Some(at.node.place(at.file))
}

fn below(scope: &Scope, step: &str) -> Scope {
    Scope {
        path: format!("{}{step}", scope.path),
        ..scope.clone()
    }
}

fn text(node: &Node, key: &str) -> String {
    let text = node.get(key).and_then(Node::scalar_text);
    text.unwrap_or_default().to_owned()
}

/// The servers of both sides by name.
pub(super) fn servers<'a>(walk: &mut Walk<'a>, scope: &Scope) {
    let (old_contract, new_contract) = (walk.old, walk.new);
    let (old, new) = (old_contract.servers(), new_contract.servers());
    let find =
        |list: &[Server<'a>], name: &str| list.iter().find(|server| server.name == name).cloned();
    for server in &old {
        let scope = below(scope, &format!("/servers/{}", escape_token(&server.name)));
        let Some(other) = find(&new, &server.name) else {
            let message = format!("the server `{}` is gone", server.name);
            let places = (place(server.at), None);
            walk.push(
                &scope,
                draft(
                    "server-removed".to_owned(),
                    Level::Breaking,
                    message,
                    places,
                ),
            );
            continue;
        };
        server_parts(walk, &scope, server, &other);
    }
    for server in &new {
        if find(&old, &server.name).is_none() {
            let scope = below(scope, &format!("/servers/{}", escape_token(&server.name)));
            let message = format!("the server `{}` is new", server.name);
            let places = (None, place(server.at));
            walk.push(
                &scope,
                draft("server-added".to_owned(), Level::Info, message, places),
            );
        }
    }
}

fn server_parts<'a>(walk: &mut Walk<'a>, scope: &Scope, old: &Server<'a>, new: &Server<'a>) {
    let places = || (place(old.at), place(new.at));
    let version = |server: &Server<'_>| text(server.at.node, "protocolVersion");
    for (what, from, to, level) in [
        (
            "address",
            old.address.clone(),
            new.address.clone(),
            Level::Breaking,
        ),
        (
            "protocol",
            old.protocol.clone(),
            new.protocol.clone(),
            Level::Breaking,
        ),
        (
            "protocol-version",
            version(old),
            version(new),
            Level::Warning,
        ),
    ] {
        if from != to {
            let message = format!(
                "the {} of the server changed from `{from}` to `{to}`",
                what.replace('-', " ")
            );
            walk.push(
                scope,
                draft(format!("server-{what}-changed"), level, message, places()),
            );
        }
    }
    let names = |server: &Server<'_>| {
        let entries = server.at.node.get("variables").map(Node::entries);
        let keys = entries.unwrap_or_default().map(|entry| entry.key.clone());
        keys.collect::<BTreeSet<_>>()
    };
    named(
        walk,
        scope,
        "server-variable",
        (&names(old), &names(new)),
        places(),
    );
    let security = |contract: &Contract, server: &Server<'_>| {
        credentials(
            contract,
            server
                .at
                .node
                .get("security")
                .map(|node| (server.at.file, node)),
        )
    };
    let pair = (security(walk.old, old), security(walk.new, new));
    security_changed(walk, scope, "server", pair, places());
    bindings(
        walk,
        scope,
        "server",
        &old.bindings,
        &new.bindings,
        places(),
    );
}

/// Names that are there or not: new ones must be given, gone ones are no longer understood.
fn named(
    walk: &mut Walk<'_>,
    scope: &Scope,
    what: &str,
    (old, new): (&BTreeSet<String>, &BTreeSet<String>),
    places: (Option<Place>, Option<Place>),
) {
    for (names, step) in [
        (new.difference(old), "added"),
        (old.difference(new), "removed"),
    ] {
        for name in names {
            let message = format!("the {} `{name}` is {step}", what.replace('-', " "));
            let code = format!("{what}-{step}");
            walk.push(scope, draft(code, Level::Breaking, message, places.clone()));
        }
    }
}

/// Credentials as texts: in version 2 names with scopes, in version 3 schemes.
fn credentials(contract: &Contract, at: Option<(&str, &Node)>) -> BTreeSet<String> {
    let Some((file, node)) = at else {
        return BTreeSet::new();
    };
    node.items()
        .map(|item| {
            let end = contract.follow(file, item);
            let entries = end.node.entries();
            let said = entries.filter(|entry| entry.key != "description");
            let mut parts: Vec<String> = said
                .map(|entry| format!("{}: {}", entry.key, canonical(&entry.node)))
                .collect();
            parts.sort();
            parts.join(", ")
        })
        .collect()
}

fn security_changed(
    walk: &mut Walk<'_>,
    scope: &Scope,
    what: &str,
    (old, new): (BTreeSet<String>, BTreeSet<String>),
    places: (Option<Place>, Option<Place>),
) {
    if old == new {
        return;
    }
    let (step, level) = match (old.is_empty(), new.is_empty()) {
        (true, _) => ("added", Level::Breaking),
        (_, true) => ("removed", Level::Info),
        // Who used a credential that is gone is refused.
        _ if new.is_superset(&old) => ("widened", Level::Info),
        _ => ("changed", Level::Breaking),
    };
    let message = format!("the security of the {what} is {step}");
    walk.push(
        scope,
        draft(format!("{what}-security-{step}"), level, message, places),
    );
}

/// Bindings by protocol and field.
pub(super) fn bindings(
    walk: &mut Walk<'_>,
    scope: &Scope,
    what: &str,
    old: &[Binding<'_>],
    new: &[Binding<'_>],
    places: (Option<Place>, Option<Place>),
) {
    let read = |list: &[Binding<'_>]| {
        let rows = list.iter().map(|binding| {
            let name = format!("{}.{}", binding.protocol, binding.field);
            (name, canonical(binding.at.node))
        });
        rows.collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (read(old), read(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let (step, level) = match (old.get(name), new.get(name)) {
            (None, _) => ("added", Level::Warning),
            (_, None) => ("removed", Level::Warning),
            (old, new) if old == new => continue,
            _ => ("changed", Level::Breaking),
        };
        let message = format!("the {what} binding `{name}` is {step}");
        let code = format!("{what}-binding-{step}");
        walk.push(scope, draft(code, level, message, places.clone()));
    }
}

/// Parameters, servers and bindings of a channel.
pub(super) fn channel<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &Channel<'a>,
    new: &Channel<'a>,
) {
    let places = || (place(old.at), place(new.at));
    let names = |channel: &Channel<'_>| {
        let names = channel
            .parameters
            .iter()
            .map(|parameter| parameter.name.clone());
        names.collect::<BTreeSet<_>>()
    };
    named(
        walk,
        scope,
        "channel-parameter",
        (&names(old), &names(new)),
        places(),
    );
    for parameter in &old.parameters {
        let Some(other) = new
            .parameters
            .iter()
            .find(|other| other.name == parameter.name)
        else {
            continue;
        };
        let scope = Scope {
            direction: Direction::Request,
            subject: "request-parameter",
            ..below(
                scope,
                &format!("/parameters/{}", escape_token(&parameter.name)),
            )
        };
        let (from, to) = (
            text(parameter.at.node, "location"),
            text(other.at.node, "location"),
        );
        if from != to {
            let message = format!("the location of the parameter changed from `{from}` to `{to}`");
            let places = (place(parameter.at), place(other.at));
            let code = "channel-parameter-location-changed".to_owned();
            walk.push(&scope, draft(code, Level::Breaking, message, places));
        }
        let schema = |at: Located<'a>, node: Option<&'a Node>| {
            // In version 3 the parameter itself holds `enum` and `default`.
            node.map_or(at, |node| Located {
                file: at.file,
                node,
            })
        };
        let sides = (
            schema(parameter.at, parameter.schema),
            schema(other.at, other.schema),
        );
        schema::compare(walk, &scope, sides.0, sides.1);
    }
    let servers = |channel: &Channel<'_>| channel.servers.iter().cloned().collect::<BTreeSet<_>>();
    let (from, to) = (servers(old), servers(new));
    if from != to {
        // No list means all servers.
        let is_wider = to.is_empty() || (!from.is_empty() && to.is_superset(&from));
        let (step, level) = if is_wider {
            ("widened", Level::Info)
        } else {
            ("narrowed", Level::Breaking)
        };
        let message = format!("the servers of the channel are {step}");
        walk.push(
            scope,
            draft(format!("channel-servers-{step}"), level, message, places()),
        );
    }
    bindings(
        walk,
        scope,
        "channel",
        &old.bindings,
        &new.bindings,
        places(),
    );
}

/// Channel, reply, security and bindings of an operation.
pub(super) fn operation<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &AsyncOperation<'a>,
    new: &AsyncOperation<'a>,
) {
    let places = || (place(old.at), place(new.at));
    let address = |contract: &Contract, operation: &AsyncOperation<'_>| {
        let channels = contract.channels();
        let name = operation.channel.as_ref()?;
        let channel = channels.into_iter().find(|channel| channel.name == *name)?;
        channel.address.or(Some(channel.name))
    };
    let (from, to) = (address(walk.old, old), address(walk.new, new));
    if from != to && old.channel != new.channel {
        let show = |name: Option<String>| name.unwrap_or_else(|| "none".to_owned());
        let message = format!(
            "the operation moved from `{}` to `{}`",
            show(from),
            show(to)
        );
        let code = "async-operation-channel-changed".to_owned();
        walk.push(scope, draft(code, Level::Breaking, message, places()));
    }
    let has_reply = |operation: &AsyncOperation<'_>| operation.at.node.get("reply").is_some();
    match (has_reply(old), has_reply(new)) {
        (true, false) => {
            let code = "async-operation-reply-removed".to_owned();
            let message = "the reply is gone".to_owned();
            walk.push(scope, draft(code, Level::Breaking, message, places()));
        }
        (false, true) => {
            let code = "async-operation-reply-added".to_owned();
            walk.push(
                scope,
                draft(code, Level::Info, "the reply is new".to_owned(), places()),
            );
        }
        _ => {}
    }
    let security = |contract: &Contract, operation: &AsyncOperation<'_>| {
        let at = operation.get("security");
        credentials(contract, at.map(|at| (at.file, at.node)))
    };
    let pair = (security(walk.old, old), security(walk.new, new));
    security_changed(walk, scope, "operation", pair, places());
    bindings(
        walk,
        scope,
        "operation",
        &old.bindings,
        &new.bindings,
        places(),
    );
}

/// Content type, schema format, headers, correlation id and bindings of a message.
pub(super) fn message<'a>(
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
            walk.push(scope, draft(code, Level::Breaking, message, places()));
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
        let message = "the message is deprecated".to_owned();
        walk.push(scope, draft(code, Level::Info, message, places()));
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
    walk.push(scope, draft(code, level, message, places));
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
