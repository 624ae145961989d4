//! Two `OpenAPI` contracts: paths, operations, parameters, bodies, responses. It must not know
//! how schemas compare.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::views::text;
use tollgate_contracts_model::{Located, Node, Operation, Parameter};
use tollgate_report::Place;

use crate::walk::{Direction, Draft, Effect, Scope, Walk, Words};
use crate::{Level, bodies, called, schema, security};

/// An operation by what a client sees: path and method. Paths that both sides have count as they
/// are written, others without the names of their parameters; the number tells apart those that
/// are then still equal.
type Key = (String, String, usize);

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
}

fn by_key<'o, 'a>(
    operations: &'o [Operation<'a>],
    others: &[Operation<'_>],
) -> BTreeMap<Key, &'o Operation<'a>> {
    let others: BTreeSet<&str> = others.iter().map(|other| other.path.as_str()).collect();
    let mut sorted: Vec<&Operation<'_>> = operations.iter().collect();
    sorted.sort_by(|one, other| one.path.cmp(&other.path));
    let mut all = BTreeMap::new();
    for operation in sorted {
        let (path, method) = (&operation.path, operation.method.clone());
        let path = match others.contains(path.as_str()) {
            true => path.clone(),
            false => shape_of(path),
        };
        let mut key = (path, method, 0);
        while all.contains_key(&key) {
            key.2 += 1;
        }
        all.insert(key, operation);
    }
    all
}

/// A path template with its parameters emptied: `/a/{id}` and `/a/{key}` are one.
fn shape_of(path: &str) -> String {
    let mut shape = String::new();
    let mut inside = false;
    for letter in path.chars() {
        match letter {
            '{' => {
                inside = true;
                shape.push('{');
            }
            '}' => {
                inside = false;
                shape.push('}');
            }
            _ if !inside => shape.push(letter),
            _ => {}
        }
    }
    shape
}

/// The names of the parameters of a path template in order.
fn template_names(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
        .collect()
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

/// Identifier, deprecation and tags.
pub(crate) fn compare_facts(
    walk: &mut Walk<'_>,
    scope: &Scope,
    old: &Operation<'_>,
    new: &Operation<'_>,
) {
    let places = || (Some(old.place.clone()), Some(new.place.clone()));
    let mut push = |code: &str, message: String, level: Level| {
        let (old, new) = places();
        let draft = Draft {
            code: code.to_owned(),
            effect: Effect::Neutral,
            level: Some(level),
            message,
            old,
            new,
        };
        walk.push(scope, draft);
    };
    let own_id = |operation: &Operation<'_>| text(operation.node, "operationId");
    match (own_id(old), own_id(new)) {
        (Some(gone), id) if id.as_ref() != Some(&gone) => {
            let message = format!("the operation id `{gone}` is gone");
            push("api-operation-id-removed", message, Level::Info);
        }
        (None, Some(id)) => {
            let message = format!("the operation id `{id}` is new");
            push("api-operation-id-added", message, Level::Info);
        }
        _ => {}
    }
    match (old.is_deprecated, new.is_deprecated) {
        (false, true) => push(
            if new.node.get("x-sunset").is_some() {
                "endpoint-deprecated-with-sunset"
            } else {
                "endpoint-deprecated"
            },
            "the operation is deprecated".to_owned(),
            Level::Info,
        ),
        (true, false) => push(
            "endpoint-reactivated",
            "the operation is no longer deprecated".to_owned(),
            Level::Info,
        ),
        _ => {}
    }
    let tags = |operation: &Operation<'_>| operation.tags.iter().cloned().collect::<BTreeSet<_>>();
    let (old_tags, new_tags) = (tags(old), tags(new));
    for tag in old_tags.difference(&new_tags) {
        push(
            "api-tag-removed",
            format!("the tag `{tag}` is gone"),
            Level::Info,
        );
    }
    for tag in new_tags.difference(&old_tags) {
        push(
            "api-tag-added",
            format!("the tag `{tag}` is new"),
            Level::Info,
        );
    }
}

pub(crate) fn place(at: Located<'_>) -> Place {
    at.node.place(at.file)
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
