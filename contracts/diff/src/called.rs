//! Operations that the service calls: webhooks and callbacks of two `OpenAPI` contracts. The
//! service writes their requests and reads their responses.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{Located, Node, Operation, Parameter};

use crate::change::Level;
use crate::operation_facts::compare_facts;
use crate::walk::{Direction, Draft, Effect, Scope, Walk, Words, place};
use crate::{bodies, schema};

/// The operations of the webhooks that both sides have. oasdiff's rules report those that are new,
/// removed or deprecated.
pub(crate) fn webhooks(walk: &mut Walk<'_>) {
    let (old_contract, new_contract) = (walk.old, walk.new);
    let new = new_contract.webhooks();
    let find = |old: &Operation<'_>| {
        let mut all = new.iter();
        all.find(|new| new.path == old.path && new.method == old.method)
    };
    for old in old_contract.webhooks() {
        let Some(new) = find(&old) else { continue };
        let method = new.method.to_uppercase();
        let path = format!("/webhooks/{}/{}", escape_token(&new.path), new.method);
        let scope = Scope {
            operation: Some(format!("{method} webhook:{}", new.path)),
            path,
            ..scope(Words::Webhook)
        };
        compare(walk, &scope, &old, new);
    }
}

/// The callbacks of two operations: by name, then by expression and method.
pub(crate) fn callbacks<'a>(
    walk: &mut Walk<'a>,
    scope_above: &Scope,
    old: &Operation<'a>,
    new: &Operation<'a>,
) {
    let (old_contract, new_contract) = (walk.old, walk.new);
    let old_all: BTreeMap<&str, Vec<Operation<'a>>> =
        old_contract.callbacks(old).into_iter().collect();
    let new_all: BTreeMap<&str, Vec<Operation<'a>>> =
        new_contract.callbacks(new).into_iter().collect();
    let names: BTreeSet<&str> = old_all.keys().chain(new_all.keys()).copied().collect();
    let key = |operation: &Operation<'_>| (operation.path.clone(), operation.method.clone());
    for name in names {
        let base = format!("{}/callbacks/{}", scope_above.path, escape_token(name));
        let of = |all: &BTreeMap<&str, Vec<Operation<'a>>>| -> BTreeMap<_, _> {
            let list = all.get(name).into_iter().flatten();
            list.map(|operation| (key(operation), operation.clone()))
                .collect()
        };
        let (old_list, new_list) = (of(&old_all), of(&new_all));
        let keys: BTreeSet<_> = old_list.keys().chain(new_list.keys()).collect();
        for key in keys {
            let scope = Scope {
                operation: scope_above.operation.clone(),
                path: format!("{base}/{}/{}", escape_token(&key.0), key.1),
                ..scope(Words::Callback)
            };
            let sides = (old_list.get(key), new_list.get(key));
            let (code, level, what, places) = match sides {
                (Some(old), Some(new)) => {
                    compare_facts(walk, &scope, old, new);
                    compare(walk, &scope, old, new);
                    continue;
                }
                (Some(gone), None) if gone.is_deprecated => {
                    let places = (gone.place.clone(), new.place.clone());
                    ("removed-with-deprecation", Level::Info, "is gone", places)
                }
                (Some(gone), None) => {
                    let places = (gone.place.clone(), new.place.clone());
                    let code = "removed-without-deprecation";
                    (code, Level::Breaking, "is gone", places)
                }
                (None, Some(fresh)) => {
                    let places = (old.place.clone(), fresh.place.clone());
                    ("added", Level::Info, "is new", places)
                }
                (None, None) => continue,
            };
            let method = key.1.to_uppercase();
            let draft = Draft {
                message: format!("the callback `{name}` ({method} {}) {what}", key.0),
                old: Some(places.0),
                new: Some(places.1),
                ..draft(code, level)
            };
            walk.push(
                &Scope {
                    direction: Direction::Response,
                    ..scope
                },
                draft,
            );
        }
    }
}

fn scope(words: Words) -> Scope {
    Scope {
        operation: None,
        direction: Direction::Request,
        subject: "request-body",
        words,
        path: String::new(),
        is_nested: false,
    }
}

fn draft(code: &str, level: Level) -> Draft {
    Draft {
        code: code.to_owned(),
        effect: Effect::Neutral,
        level: Some(level),
        message: String::new(),
        old: None,
        new: None,
    }
}

/// What the service writes is named like a response here, and what it reads like a request.
/// [`Words`] gives both the names that readers of the contract use.
fn compare<'a>(walk: &mut Walk<'a>, scope: &Scope, old: &Operation<'a>, new: &Operation<'a>) {
    let written = Scope {
        direction: Direction::Response,
        subject: "response-body",
        path: format!("{}/requestBody", scope.path),
        ..scope.clone()
    };
    bodies_written(walk, &written, old, new);
    parameters(walk, scope, old, new);
    responses(walk, scope, old, new);
}

fn is_required(at: Located<'_>) -> bool {
    at.node.get("required").and_then(Node::as_bool) == Some(true)
}

fn bodies_written<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &Operation<'a>,
    new: &Operation<'a>,
) {
    let (code, level, what) = match (old.request_body, new.request_body) {
        (None, None) => return,
        (None, Some(_)) => ("response-body-added", Level::Info, "is new"),
        (Some(body), None) if is_required(body) => {
            ("response-body-removed", Level::Breaking, "is gone")
        }
        (Some(_), None) => ("response-body-removed", Level::Warning, "is gone"),
        (Some(old_body), Some(new_body)) => {
            bodies::compare_contents(walk, scope, old_body, new_body);
            match (is_required(old_body), is_required(new_body)) {
                (true, false) => (
                    "response-body-became-optional",
                    Level::Breaking,
                    "became optional",
                ),
                (false, true) => (
                    "response-body-became-required",
                    Level::Info,
                    "became required",
                ),
                _ => return,
            }
        }
    };
    let at = |operation: &Operation<'a>| {
        let body = operation.request_body;
        Some(body.map_or_else(|| operation.place.clone(), place))
    };
    let draft = Draft {
        message: format!("the body that the service sends {what}"),
        old: at(old),
        new: at(new),
        ..draft(code, level)
    };
    walk.push(scope, draft);
}

/// What the service sends next to the body: headers, query and the like.
fn parameters<'a>(walk: &mut Walk<'a>, scope: &Scope, old: &Operation<'a>, new: &Operation<'a>) {
    let by_key = |operation: &Operation<'a>| -> BTreeMap<(String, String), Parameter<'a>> {
        let parameters = operation.parameters.iter();
        let key = |parameter: &Parameter<'_>| match parameter.location.as_str() {
            "header" => parameter.name.to_lowercase(),
            _ => parameter.name.clone(),
        };
        parameters
            .map(|of| ((of.location.clone(), key(of)), of.clone()))
            .collect()
    };
    let (old_list, new_list) = (by_key(old), by_key(new));
    let keys: BTreeSet<_> = old_list.keys().chain(new_list.keys()).collect();
    for key in keys {
        let (location, name) = key;
        let scope = Scope {
            direction: Direction::Response,
            subject: "response-header",
            path: format!(
                "{}/parameters/{location}/{}",
                scope.path,
                escape_token(name)
            ),
            ..scope.clone()
        };
        let sides = (old_list.get(key), new_list.get(key));
        let (code, level, what) = match sides {
            (Some(gone), None) if gone.is_required => {
                ("response-parameter-removed", Level::Breaking, "is gone")
            }
            (Some(_), None) => ("response-parameter-removed", Level::Warning, "is gone"),
            (None, Some(_)) => ("response-parameter-added", Level::Info, "is new"),
            (Some(old), Some(new)) => {
                let schemas = (bodies::schema_of(old.at), bodies::schema_of(new.at));
                if let (Some(old), Some(new)) = schemas {
                    schema::compare(walk, &scope, old, new);
                }
                if !old.is_required || new.is_required {
                    continue;
                }
                (
                    "response-parameter-became-optional",
                    Level::Breaking,
                    "became optional",
                )
            }
            (None, None) => continue,
        };
        let at = |side: Option<&Parameter<'a>>, operation: &Operation<'a>| {
            Some(side.map_or_else(|| operation.place.clone(), |side| place(side.at)))
        };
        let draft = Draft {
            message: format!("the {location} parameter `{name}` that the service sends {what}"),
            old: at(sides.0, old),
            new: at(sides.1, new),
            ..draft(code, level)
        };
        walk.push(&scope, draft);
    }
}

/// What the client may answer, by status.
fn responses<'a>(walk: &mut Walk<'a>, scope: &Scope, old: &Operation<'a>, new: &Operation<'a>) {
    let by_status = |operation: &Operation<'a>| -> BTreeMap<String, Located<'a>> {
        let responses = operation.responses.iter();
        responses
            .map(|(status, at)| (status.to_uppercase(), *at))
            .collect()
    };
    let (old_list, new_list) = (by_status(old), by_status(new));
    let statuses: BTreeSet<&String> = old_list.keys().chain(new_list.keys()).collect();
    for status in statuses {
        let scope = Scope {
            path: format!("{}/responses/{status}", scope.path),
            ..scope.clone()
        };
        let is_success = status.starts_with('2') || status.starts_with('3');
        let sides = (old_list.get(status), new_list.get(status));
        let (code, level, what) = match sides {
            (Some(old), Some(new)) => {
                bodies::compare_contents(walk, &scope, *old, *new);
                continue;
            }
            (Some(_), None) if is_success => ("request-status-removed", Level::Breaking, "is gone"),
            (Some(_), None) => ("request-status-removed", Level::Warning, "is gone"),
            (None, _) => ("request-status-added", Level::Info, "is new"),
        };
        let at = |side: Option<&Located<'a>>, operation: &Operation<'a>| {
            Some(side.map_or_else(|| operation.place.clone(), |side| place(*side)))
        };
        let draft = Draft {
            message: format!("the answer `{status}` {what}"),
            old: at(sides.0, old),
            new: at(sides.1, new),
            ..draft(code, level)
        };
        walk.push(&scope, draft);
    }
}
