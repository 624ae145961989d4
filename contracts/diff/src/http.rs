//! Compares two `OpenAPI` contracts: paths, operations, parameters, bodies, responses.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{Node, Operation, Parameter};

use crate::change::Level;
use crate::keys::{by_key, shape_of, template_names};
use crate::operation_facts::compare_facts;
use crate::walk::{Direction, Draft, Effect, Scope, Walk, Words, place};
use crate::{bodies, called, schema, security, servers};

pub(crate) fn compare(walk: &mut Walk<'_>) {
    let (old_contract, new_contract) = (walk.old, walk.new);
    let (old_list, new_list) = (old_contract.operations(), new_contract.operations());
    let old = by_key(&old_list, &new_list);
    let new = by_key(&new_list, &old_list);
    let new_paths: BTreeSet<String> = new_list.iter().map(|new| shape_of(&new.path)).collect();
    for (key, operation) in &old {
        match new.get(key) {
            Some(new) => compare_operation(walk, operation, new),
            None => removed(
                walk,
                operation,
                !new_paths.contains(&shape_of(&operation.path)),
            ),
        }
    }
    for (key, operation) in &new {
        if !old.contains_key(key) {
            let draft = Draft {
                code: "endpoint-added".to_owned(),
                effect: Effect::Neutral,
                level: None,
                message: "the operation is new".to_owned(),
                old: None,
                new: Some(operation.place.clone()),
            };
            walk.push(&scope_of(operation), draft);
        }
    }
    called::webhooks(walk);
    servers::compare(walk);
}

fn scope_of(operation: &Operation<'_>) -> Scope {
    Scope {
        operation: Some(format!(
            "{} {}",
            operation.method.to_uppercase(),
            operation.path
        )),
        direction: Direction::Request,
        subject: "request-body",
        words: Words::Http,
        path: format!(
            "/paths/{}/{}",
            escape_token(&operation.path),
            operation.method
        ),
        is_nested: false,
    }
}

fn removed(walk: &mut Walk<'_>, operation: &Operation<'_>, is_path_gone: bool) {
    let what = if is_path_gone { "api-path" } else { "api" };
    let (how, level) = if operation.is_deprecated {
        ("with", Level::Info)
    } else {
        ("without", Level::Breaking)
    };
    let draft = Draft {
        code: format!("{what}-removed-{how}-deprecation"),
        effect: Effect::Narrow,
        level: Some(level),
        message: format!("the operation is gone, {how} deprecation before"),
        old: Some(operation.place.clone()),
        new: None,
    };
    walk.push(&scope_of(operation), draft);
}

fn compare_operation<'a>(walk: &mut Walk<'a>, old: &Operation<'a>, new: &Operation<'a>) {
    let scope = scope_of(new);
    compare_facts(walk, &scope, old, new);
    compare_parameters(walk, &scope, old, new);
    bodies::compare_requests(walk, &scope, old, new);
    bodies::compare_responses(walk, &scope, old, new);
    security::compare(walk, &scope, old, new);
    called::callbacks(walk, &scope, old, new);
}

fn compare_parameters<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &Operation<'a>,
    new: &Operation<'a>,
) {
    let scope = Scope {
        subject: "request-parameter",
        ..scope.clone()
    };
    let old_list = parameters_by_key(old);
    let new_list = parameters_by_key(new);
    for (key, parameter) in &old_list {
        let scope = Scope {
            path: format!(
                "{}/parameters/{}/{}",
                scope.path,
                key.0,
                escape_token(&key.1)
            ),
            ..scope.clone()
        };
        match new_list.get(key) {
            Some(new) => compare_parameter(walk, &scope, parameter, new),
            None => {
                let draft = Draft {
                    code: "request-parameter-removed".to_owned(),
                    effect: Effect::Neutral,
                    level: Some(Level::Warning),
                    message: format!("the {} parameter `{}` is gone", key.0, parameter.name),
                    old: Some(place(parameter.at)),
                    new: Some(new.place.clone()),
                };
                walk.push(&scope, draft);
            }
        }
    }
    for (key, parameter) in &new_list {
        if old_list.contains_key(key) {
            continue;
        }
        let code = match (parameter.location.as_str(), parameter.is_required) {
            ("path", _) => "new-request-path-parameter",
            (_, true) => "new-required-request-parameter",
            (_, false) => "new-optional-request-parameter",
        };
        let draft = Draft {
            code: code.to_owned(),
            effect: if parameter.is_required {
                Effect::Narrow
            } else {
                Effect::Neutral
            },
            level: None,
            message: format!("the {} parameter `{}` is new", key.0, parameter.name),
            old: Some(old.place.clone()),
            new: Some(place(parameter.at)),
        };
        walk.push(&scope, draft);
    }
}

/// Parameters by location and name: header names in lower case, path parameters by their position
/// in the template.
fn parameters_by_key<'o, 'a>(
    operation: &'o Operation<'a>,
) -> BTreeMap<(String, String), &'o Parameter<'a>> {
    let names = template_names(&operation.path);
    operation
        .parameters
        .iter()
        .map(|parameter| {
            let name = match parameter.location.as_str() {
                "header" => parameter.name.to_lowercase(),
                "path" => names
                    .iter()
                    .position(|name| *name == parameter.name)
                    .map_or_else(|| parameter.name.clone(), |idx| format!("{{{idx}}}")),
                _ => parameter.name.clone(),
            };
            ((parameter.location.clone(), name), parameter)
        })
        .collect()
}

fn compare_parameter<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &Parameter<'a>,
    new: &Parameter<'a>,
) {
    let mut push = |code: &str, effect: Effect, message: String| {
        let draft = Draft {
            code: code.to_owned(),
            effect,
            level: None,
            message,
            old: Some(place(old.at)),
            new: Some(place(new.at)),
        };
        walk.push(scope, draft);
    };
    let name = &new.name;
    match (old.is_required, new.is_required) {
        (false, true) => push(
            "request-parameter-became-required",
            Effect::Narrow,
            format!("the parameter `{name}` became required"),
        ),
        (true, false) => push(
            "request-parameter-became-optional",
            Effect::Widen,
            format!("the parameter `{name}` became optional"),
        ),
        _ => {}
    }
    if style_of(old) != style_of(new) {
        push(
            "request-parameter-style-changed",
            Effect::Change,
            format!("the parameter `{name}` is written in another style"),
        );
    }
    if let (Some(old), Some(new)) = (bodies::schema_of(old.at), bodies::schema_of(new.at)) {
        schema::compare(walk, scope, old, new);
    }
}

/// `style` and `explode` with their defaults (`OpenAPI` 3.0.3, parameter object).
fn style_of(parameter: &Parameter<'_>) -> (String, bool) {
    let node = parameter.at.node;
    let default = match parameter.location.as_str() {
        "query" | "cookie" => "form",
        _ => "simple",
    };
    let style = node.get("style").and_then(Node::as_str).unwrap_or(default);
    let explode = node.get("explode").and_then(Node::as_bool);
    (style.to_owned(), explode.unwrap_or(style == "form"))
}
