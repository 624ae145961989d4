//! Checks of OpenAPI documents that no core function can make.

use std::collections::{BTreeMap, HashMap, HashSet};

use tollgate_contracts_model::Node;

use crate::context::Context;
use crate::forms::Forms;
use crate::functions;
use crate::hit::Hit;
use crate::tree::Item;
use crate::values::shown;

/// The methods that both Spectral and our rules check; `query` since 3.2.
const METHODS: &[&str] = &[
    "get", "head", "post", "put", "patch", "delete", "options", "trace", "query",
];

/// The sections of `components` whose entries should be referenced.
const SECTIONS: &[&str] = &[
    "schemas",
    "responses",
    "parameters",
    "examples",
    "requestBodies",
    "headers",
    "links",
    "callbacks",
];

/// Each operation of each path: the path as an item, the operation, its method.
fn operations(context: &Context<'_, '_>, paths: Item) -> Vec<(Item, Item)> {
    let tree = context.tree;
    let mut out = Vec::new();
    for path in tree.children(paths) {
        for child in tree.children(tree.follow(path)) {
            let is_method = tree.name(child).is_some_and(|name| METHODS.contains(&name));
            let operation = tree.follow(child);
            if is_method && tree.node(operation).as_object().is_some() {
                out.push((path, operation));
            }
        }
    }
    out
}

fn text<'a>(context: &Context<'_, 'a>, item: Item, key: &str) -> Option<&'a str> {
    let tree = context.tree;
    tree.get(item, key)
        .and_then(|item| tree.node(item).scalar_text())
}

/// Responses without a successful one. 101 is the success of a WebSocket handshake.
pub(super) fn success_response(context: &Context<'_, '_>, responses: Item) -> Vec<Hit> {
    let is_success = |key: &str| {
        let number = key
            .parse::<f64>()
            .is_ok_and(|status| (200.0..400.0).contains(&status));
        number || matches!(key, "2XX" | "3XX" | "101")
    };
    let node = context.tree.node(responses);
    if node.as_object().is_none() || node.entries().any(|entry| is_success(&entry.key)) {
        return Vec::new();
    }
    vec![Hit::new(responses, "no 2xx or 3xx response")]
}

pub(super) fn unique_operation_ids(context: &Context<'_, '_>, paths: Item) -> Vec<Hit> {
    let tree = context.tree;
    let mut first: HashMap<&str, Item> = HashMap::new();
    let mut hits = Vec::new();
    for (_, operation) in operations(context, paths) {
        let Some(id) = tree.child(operation, "operationId") else {
            continue;
        };
        let Some(word) = tree.node(id).scalar_text() else {
            continue;
        };
        if let Some(earlier) = first.get(word) {
            let line = tree.node(*earlier).span.line;
            hits.push(Hit::new(
                id,
                format!("the id `{word}` is taken, first at line {line}"),
            ));
        } else {
            first.insert(word, id);
        }
    }
    hits
}

pub(super) fn unique_parameters(context: &Context<'_, '_>, parameters: Item) -> Vec<Hit> {
    let tree = context.tree;
    let mut seen = HashSet::new();
    let mut hits = Vec::new();
    if tree.node(parameters).as_array().is_none() {
        return hits;
    }
    for child in tree.children(parameters) {
        let parameter = tree.follow(child);
        let node = tree.node(parameter);
        if node.as_object().is_none() || node.get("$ref").is_some() {
            continue;
        }
        let word = |key: &str| text(context, parameter, key).unwrap_or("undefined");
        let key = (word("in"), word("name"));
        if !seen.insert(key) {
            let message = format!("the {} parameter `{}` occurs twice", key.0, key.1);
            hits.push(Hit::new(parameter, message));
        }
    }
    hits
}

pub(super) fn tags_defined(context: &Context<'_, '_>, root: Item) -> Vec<Hit> {
    let tree = context.tree;
    let known: HashSet<&str> = match tree.get(root, "tags") {
        Some(tags) => tree
            .children(tags)
            .filter_map(|tag| text(context, tag, "name"))
            .collect(),
        None => HashSet::new(),
    };
    let Some(paths) = tree.get(root, "paths") else {
        return Vec::new();
    };
    let mut hits = Vec::new();
    for (_, operation) in operations(context, paths) {
        let Some(tags) = tree.get(operation, "tags") else {
            continue;
        };
        for tag in tree.children(tags) {
            let word = tree.node(tag).scalar_text().unwrap_or_default();
            if tree.node(tags).as_array().is_some() && !known.contains(word) {
                hits.push(Hit::new(
                    tag,
                    format!("`tags` does not define the tag `{word}`"),
                ));
            }
        }
    }
    hits
}

/// Names in braces of a path, in order; a `?`, `;` or `*` next to the name is not part of it.
fn names(path: &str) -> Vec<String> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0))
        .map(|name| name.replace(['?', '*', ';'], ""))
        .filter(|name| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
        })
        .collect()
}

/// A path without the names of its parameters, because paths that differ only in these names are
/// equal.
fn shape(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after.split_once('}') {
            Some((name, tail)) if !names(&format!("{{{name}}}")).is_empty() => {
                out.push('%');
                rest = tail;
            }
            _ => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

pub(super) fn path_parameters(context: &Context<'_, '_>, paths: Item) -> Vec<Hit> {
    let tree = context.tree;
    let mut hits = Vec::new();
    let mut shapes: HashMap<String, &str> = HashMap::new();
    for path in tree.children(paths) {
        let item = tree.follow(path);
        let Some(template) = tree
            .name(path)
            .filter(|_| tree.node(item).as_object().is_some())
        else {
            continue;
        };
        if let Some(twin) = shapes.get(&shape(template)) {
            let message = format!("the paths `{twin}` and `{template}` match the same requests");
            hits.push(Hit::new(item, message));
        } else {
            shapes.insert(shape(template), template);
        }
        check_path(context, template, item, &mut hits);
    }
    hits
}

fn check_path(context: &Context<'_, '_>, template: &str, item: Item, hits: &mut Vec<Hit>) {
    let tree = context.tree;
    let mut wanted: Vec<String> = Vec::new();
    for name in names(template) {
        if wanted.contains(&name) {
            hits.push(Hit::new(
                item,
                format!("the path `{template}` uses `{{{name}}}` twice"),
            ));
        } else {
            wanted.push(name);
        }
    }
    let shared = defined(context, item, hits);
    for child in tree.children(item) {
        let operation = tree.follow(child);
        let is_method = tree.name(child).is_some_and(|name| METHODS.contains(&name));
        if !is_method || tree.node(operation).as_object().is_none() {
            continue;
        }
        let mut known = shared.clone();
        known.extend(defined(context, operation, hits));
        for (name, parameter) in &known {
            if !wanted.iter().any(|wanted| wanted == name) {
                let message = format!("the parameter `{name}` is not in the path `{template}`");
                hits.push(Hit::new(*parameter, message));
            }
        }
        for name in wanted
            .iter()
            .filter(|name| !known.contains_key(name.as_str()))
        {
            let message =
                format!("the operation does not define the parameter `{{{name}}}` of `{template}`");
            hits.push(Hit::new(operation, message));
        }
    }
}

/// The path parameters that a path or an operation defines.
fn defined<'a>(
    context: &Context<'_, 'a>,
    holder: Item,
    hits: &mut Vec<Hit>,
) -> BTreeMap<&'a str, Item> {
    let tree = context.tree;
    let mut known = BTreeMap::new();
    let Some(parameters) = tree.get(holder, "parameters") else {
        return known;
    };
    for child in tree.children(parameters) {
        let parameter = tree.follow(child);
        let (Some("path"), Some(name)) = (
            text(context, parameter, "in"),
            text(context, parameter, "name"),
        ) else {
            continue;
        };
        let required = tree.node(parameter).get("required").and_then(Node::as_bool);
        if required != Some(true) {
            let message = format!("the path parameter `{name}` needs `required: true`");
            hits.push(Hit::new(parameter, message));
        }
        if known.contains_key(name) {
            let message = format!("the path parameter `{name}` is defined twice");
            hits.push(Hit::new(parameter, message));
        } else {
            known.insert(name, parameter);
        }
    }
    known
}

pub(super) fn duplicated_enum(context: &Context<'_, '_>, _: Item) -> Vec<Hit> {
    let tree = context.tree;
    let mut hits = Vec::new();
    for schema in &context.facts().enums {
        let Some(values) = tree.child(*schema, "enum") else {
            continue;
        };
        let mut seen = HashSet::new();
        let twin = tree.node(values).items().find(|value| {
            let key = match value.as_f64() {
                Some(number) => format!("#{number}"),
                None => value.to_json().to_string(),
            };
            !seen.insert(key)
        });
        if let Some(twin) = twin {
            hits.push(Hit::new(
                values,
                format!("the value {} occurs twice", shown(twin)),
            ));
        }
    }
    hits
}

fn texts(context: &Context<'_, '_>, word: &str) -> Vec<Hit> {
    let tree = context.tree;
    let texts = context.facts().texts.iter();
    texts
        .filter(|item| {
            tree.node(**item)
                .as_str()
                .is_some_and(|text| text.contains(word))
        })
        .map(|item| Hit::new(*item, format!("it contains `{word}`")))
        .collect()
}

pub(super) fn no_eval(context: &Context<'_, '_>, _: Item) -> Vec<Hit> {
    texts(context, "eval(")
}

pub(super) fn no_script(context: &Context<'_, '_>, _: Item) -> Vec<Hit> {
    texts(context, "<script")
}

pub(super) fn unique_tags(context: &Context<'_, '_>, tags: Item) -> Vec<Hit> {
    let tree = context.tree;
    let mut seen = HashSet::new();
    let mut hits = Vec::new();
    if tree.node(tags).as_array().is_none() {
        return hits;
    }
    for tag in tree.children(tags) {
        let Some(name) = tree.get(tag, "name") else {
            continue;
        };
        let word = tree.node(name).scalar_text().unwrap_or_default();
        if !seen.insert(word) {
            hits.push(Hit::new(name, format!("the tag `{word}` occurs twice")));
        }
    }
    hits
}

pub(super) fn has_tags(context: &Context<'_, '_>, holder: Item) -> Vec<Hit> {
    let tree = context.tree;
    match tree.get(holder, "tags") {
        Some(tags)
            if tree
                .node(tags)
                .as_array()
                .is_some_and(|tags| !tags.is_empty()) =>
        {
            Vec::new()
        }
        Some(tags) => vec![Hit::new(tags, "`tags` is not a list or is empty")],
        None => vec![Hit::new(holder, "`tags` is missing")],
    }
}

pub(super) fn ref_siblings(context: &Context<'_, '_>, _: Item) -> Vec<Hit> {
    let tree = context.tree;
    let references = context.facts().references.iter();
    references
        .flat_map(|item| tree.children(*item))
        .filter(|child| tree.name(*child) != Some("$ref"))
        .map(|child| Hit::new(child, "it is next to a `$ref`").at_key())
        .collect()
}

pub(super) fn array_items(context: &Context<'_, '_>, _: Item) -> Vec<Hit> {
    let tree = context.tree;
    let allows_tuples = !context.is("oas3_0");
    let arrays = context.facts().arrays.iter();
    arrays
        .filter(|item| {
            let node = tree.node(**item);
            let is_plain = node.get("type").is_some_and(|word| word.as_str().is_some());
            let has_items = node
                .get("items")
                .is_some_and(|items| !items.is_null() && items.as_bool() != Some(false));
            let is_tuple = allows_tuples && node.get("prefixItems").is_some();
            (is_plain || allows_tuples) && !has_items && !is_tuple
        })
        .map(|item| Hit::new(*item, "an array has no `items`"))
        .collect()
}

pub(super) fn typed_enums(context: &Context<'_, '_>, _: Item) -> Vec<Hit> {
    let enums = context.facts().enums.iter();
    enums
        .flat_map(|schema| functions::typed_enum(context, *schema))
        .collect()
}

pub(super) fn xml_attributes(context: &Context<'_, '_>, _: Item) -> Vec<Hit> {
    let tree = context.tree;
    let schemas = context.facts().xml.iter();
    schemas
        .filter_map(|schema| tree.child(*schema, "xml"))
        .filter(|xml| tree.node(*xml).get("attribute").and_then(Node::as_bool) == Some(true))
        .map(|xml| Hit::new(xml, "`attribute` is deprecated"))
        .collect()
}

pub(super) fn security_defined(context: &Context<'_, '_>, requirement: Item) -> Vec<Hit> {
    let tree = context.tree;
    let root = tree.root();
    let schemes = tree
        .get(root, "components")
        .and_then(|components| tree.get(components, "securitySchemes"));
    let mut hits = Vec::new();
    let is_formed = tree.node(requirement).entries().all(|entry| {
        let scopes = entry.node.as_array();
        scopes.is_some_and(|scopes| scopes.iter().all(|scope| scope.as_str().is_some()))
    });
    if !is_formed {
        return hits;
    }
    for child in tree.children(requirement) {
        let Some(name) = tree.name(child) else {
            continue;
        };
        let Some(scheme) = schemes.and_then(|schemes| tree.get(schemes, name)) else {
            let message = format!("`components.securitySchemes` does not define `{name}`");
            hits.push(Hit::new(child, message));
            continue;
        };
        for scope in tree.children(child) {
            let word = tree.node(scope).as_str().unwrap_or_default();
            let flows = tree
                .node(scheme)
                .get("flows")
                .map(Node::entries)
                .unwrap_or_default();
            let mut scopes = flows.filter_map(|flow| flow.node.get("scopes"));
            if !scopes.any(|scopes| scopes.get(word).is_some()) {
                hits.push(Hit::new(
                    scope,
                    format!("`{name}` does not define the scope `{word}`"),
                ));
            }
        }
    }
    hits
}

pub(super) fn unused_components(context: &Context<'_, '_>, components: Item) -> Vec<Hit> {
    let tree = context.tree;
    let sections = SECTIONS.iter();
    sections
        .filter_map(|name| Some((name, tree.child(components, name)?)))
        .filter(|(_, section)| tree.node(*section).as_object().is_some())
        .flat_map(|(name, section)| context.unreferenced(section, &format!("components/{name}")))
        .collect()
}

/// The structure of the whole document.
pub(super) fn document(context: &Context<'_, '_>, root: Item) -> Vec<Hit> {
    let minor = match () {
        () if context.is("oas3_0") => 0,
        () if context.is("oas3_1") => 1,
        () => 2,
    };
    Forms::openapi(minor)
        .check(context.tree, context.patterns, "OpenApi", root)
        .into_iter()
        .map(|deviation| deviation.hit)
        .collect()
}
