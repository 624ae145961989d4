//! Checks of AsyncAPI documents that no core function can make.

use std::collections::HashMap;

use tollgate_contracts_model::Node;

use super::{examples, servers};
use crate::context::Context;
use crate::forms::{Deviation, Forms};
use crate::hit::Hit;
use crate::tree::Item;
use crate::validate::{Dialect, Relax};

/// The latest version of the specification that we support.
const LATEST: &str = "3.1.0";
/// The flows of OAuth 2 whose scopes count.
const FLOWS: &[&str] = &[
    "implicit",
    "password",
    "clientCredentials",
    "authorizationCode",
];

pub(super) fn channel_parameters(context: &Context<'_, '_>, channel: Item) -> Vec<Hit> {
    let tree = context.tree;
    let Some(parameters) = tree.get(channel, "parameters") else {
        return Vec::new();
    };
    if tree.node(parameters).as_object().is_none() {
        return Vec::new();
    }
    let address = tree
        .get(channel, "address")
        .and_then(|item| tree.node(item).as_str());
    let key = tree.key_text(channel);
    let names = servers::variables(address.unwrap_or(&key));
    if names.is_empty() {
        return Vec::new();
    }
    let mut hits = Vec::new();
    let missing: Vec<&str> = names
        .iter()
        .filter(|name| tree.child(parameters, name).is_none())
        .copied()
        .collect();
    if !missing.is_empty() {
        let message = format!("`parameters` does not define `{}`", missing.join("`, `"));
        hits.push(Hit::new(parameters, message));
    }
    for parameter in tree.children(parameters) {
        let name = tree.name(parameter).unwrap_or_default();
        if !names.contains(&name) {
            let message = format!("the address of the channel has no parameter `{name}`");
            hits.push(Hit::new(tree.follow(parameter), message));
        }
    }
    hits
}

pub(super) fn channel_servers(context: &Context<'_, '_>, root: Item) -> Vec<Hit> {
    let tree = context.tree;
    let known = tree.get(root, "servers");
    let Some(channels) = tree.get(root, "channels") else {
        return Vec::new();
    };
    let mut hits = Vec::new();
    for channel in tree.children(channels) {
        let Some(servers) = tree.get(channel, "servers") else {
            continue;
        };
        for server in tree.children(servers) {
            let Some(name) = tree.node(server).as_str() else {
                continue;
            };
            if known.and_then(|known| tree.child(known, name)).is_none() {
                hits.push(Hit::new(
                    server,
                    format!("`servers` does not define `{name}`"),
                ));
            }
        }
    }
    hits
}

pub(super) fn headers_are_objects(context: &Context<'_, '_>, headers: Item) -> Vec<Hit> {
    let tree = context.tree;
    if tree.node(headers).as_object().is_none() {
        return vec![Hit::new(headers, "the headers are not a schema")];
    }
    match tree.get(headers, "type") {
        None => vec![Hit::new(headers, "the headers have no `type: object`")],
        Some(word) if tree.node(word).as_str() == Some("object") => Vec::new(),
        Some(word) => {
            let shown = tree.node(word).to_json();
            vec![Hit::new(
                word,
                format!("the headers are `{shown}`, not `object`"),
            )]
        }
    }
}

pub(super) fn latest_version(context: &Context<'_, '_>, version: Item) -> Vec<Hit> {
    if context.tree.node(version).scalar_text() == Some(LATEST) {
        return Vec::new();
    }
    vec![Hit::new(
        version,
        format!("`{LATEST}` is the latest version"),
    )]
}

pub(super) fn message_examples(context: &Context<'_, '_>, message: Item) -> Vec<Hit> {
    let tree = context.tree;
    let mut holders = vec![message];
    if let Some(traits) = tree.get(message, "traits") {
        holders.extend(tree.children(traits).map(|item| tree.follow(item)));
    }
    // What a trait says is joined to the message; of lists the last one counts.
    let last = |key: &str| {
        holders
            .iter()
            .rev()
            .find_map(|holder| tree.get(*holder, key))
    };
    let Some(list) = last("examples").filter(|list| tree.node(*list).as_array().is_some()) else {
        return Vec::new();
    };
    let payload = last("payload");
    let headers: Vec<Item> = holders
        .iter()
        .filter_map(|holder| tree.get(*holder, "headers"))
        .collect();
    let mut hits = Vec::new();
    for example in tree.children(list) {
        let mut check = |key: &str, schema: Item| {
            if let Some(value) = tree.child(example, key) {
                hits.extend(examples::hits(
                    context,
                    (schema, value),
                    Dialect::Draft7,
                    Relax::No,
                    true,
                ));
            }
        };
        if let Some(payload) = payload {
            check("payload", payload);
        }
        for headers in &headers {
            check("headers", *headers);
        }
    }
    hits
}

/// Each operation of each channel of AsyncAPI 2, and its key.
fn operations(context: &Context<'_, '_>, root: Item) -> Vec<Item> {
    let tree = context.tree;
    let Some(channels) = tree.get(root, "channels") else {
        return Vec::new();
    };
    let channels = tree.children(channels);
    channels
        .flat_map(|channel| ["subscribe", "publish"].map(|action| tree.get(channel, action)))
        .flatten()
        .filter(|operation| tree.node(*operation).as_object().is_some())
        .collect()
}

/// The id that the last trait gives, else the operation's own id.
fn id_of(context: &Context<'_, '_>, holder: Item, key: &str) -> Option<Item> {
    let tree = context.tree;
    let is_text = |item: &Item| tree.node(*item).as_str().is_some();
    let from_trait = tree.get(holder, "traits").and_then(|traits| {
        let mut traits = tree.children(traits).rev();
        traits.find_map(|item| tree.get(item, key).filter(is_text))
    });
    from_trait.or_else(|| tree.get(holder, key).filter(is_text))
}

/// Ids that are taken; a message that several operations name is one message.
fn unique(context: &Context<'_, '_>, holders: Vec<Item>, key: &str) -> Vec<Hit> {
    let tree = context.tree;
    let mut first: HashMap<&str, Item> = HashMap::new();
    let mut hits = Vec::new();
    for holder in holders {
        let Some(id) = id_of(context, holder, key) else {
            continue;
        };
        let word = tree.node(id).as_str().unwrap_or_default();
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

pub(super) fn unique_operation_ids(context: &Context<'_, '_>, root: Item) -> Vec<Hit> {
    unique(context, operations(context, root), "operationId")
}

pub(super) fn unique_message_ids(context: &Context<'_, '_>, root: Item) -> Vec<Hit> {
    let tree = context.tree;
    let mut messages = Vec::new();
    for operation in operations(context, root) {
        let Some(message) = tree.get(operation, "message") else {
            continue;
        };
        match tree.get(message, "oneOf") {
            Some(list) => messages.extend(tree.children(list).map(|item| tree.follow(item))),
            None => messages.push(message),
        }
    }
    unique(context, messages, "messageId")
}

/// A requirement of AsyncAPI 2: schemes by name, with scopes.
pub(super) fn security(context: &Context<'_, '_>, requirement: Item) -> Vec<Hit> {
    let tree = context.tree;
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
        let Some(scheme) = scheme(context, name) else {
            let message = format!("`components.securitySchemes` does not define `{name}`");
            hits.push(Hit::new(child, message));
            continue;
        };
        if tree.node(scheme).get("type").and_then(Node::as_str) != Some("oauth2") {
            continue;
        }
        for scope in tree.children(child) {
            let word = tree.node(scope).as_str().unwrap_or_default();
            if !scopes(tree.node(scheme)).contains(&word) {
                hits.push(Hit::new(
                    scope,
                    format!("`{name}` does not define the scope `{word}`"),
                ));
            }
        }
    }
    hits
}

fn scheme(context: &Context<'_, '_>, name: &str) -> Option<Item> {
    let tree = context.tree;
    let components = tree.get(tree.root(), "components")?;
    tree.get(tree.get(components, "securitySchemes")?, name)
}

fn scopes(scheme: &Node) -> Vec<&str> {
    let flows = FLOWS
        .iter()
        .filter_map(|flow| scheme.get("flows")?.get(flow));
    flows
        .filter_map(|flow| flow.get("scopes").or_else(|| flow.get("availableScopes")))
        .flat_map(Node::entries)
        .map(|entry| entry.key.as_str())
        .collect()
}

/// A requirement of AsyncAPI 3: a scheme, mostly by reference; of OAuth 2 its scopes must be
/// those of a flow.
pub(super) fn security_3(context: &Context<'_, '_>, requirement: Item) -> Vec<Hit> {
    let tree = context.tree;
    let node = tree.node(requirement);
    if node.get("type").is_none() {
        // A requirement in the form of version 2, or a reference that has no target.
        if node.get("$ref").is_some() {
            return vec![Hit::new(requirement, "the security scheme is not defined")];
        }
        return security(context, requirement);
    }
    if node.get("type").and_then(Node::as_str) != Some("oauth2") {
        return Vec::new();
    }
    let known = scopes(node);
    let Some(wanted) = tree
        .child(requirement, "scopes")
        .filter(|_| !known.is_empty())
    else {
        return Vec::new();
    };
    tree.children(wanted)
        .filter(|scope| {
            let word = tree.node(*scope).as_str();
            word.is_some_and(|word| !known.contains(&word))
        })
        .map(|scope| {
            let word = tree.node(scope).as_str().unwrap_or_default();
            Hit::new(scope, format!("no flow defines the scope `{word}`"))
        })
        .collect()
}

pub(super) fn schema_default(context: &Context<'_, '_>, schema: Item) -> Vec<Hit> {
    let tree = context.tree;
    let default = tree.child(schema, "default");
    default
        .filter(|value| tree.node(*value).as_str().is_none())
        .map(|value| examples::hits(context, (schema, value), Dialect::Draft7, Relax::No, true))
        .unwrap_or_default()
}

pub(super) fn schema_examples(context: &Context<'_, '_>, schema: Item) -> Vec<Hit> {
    let tree = context.tree;
    let Some(list) = tree.child(schema, "examples") else {
        return Vec::new();
    };
    if tree.node(list).as_array().is_none() {
        return vec![Hit::new(list, "`examples` must be a list")];
    }
    tree.children(list)
        .filter(|value| tree.node(*value).as_str().is_none())
        .flat_map(|value| {
            examples::hits(context, (schema, value), Dialect::Draft7, Relax::No, true)
        })
        .collect()
}

/// The minor version: of 2.6.0 it is 6.
fn forms(context: &Context<'_, '_>) -> Forms {
    let version = context
        .contract
        .root()
        .get("asyncapi")
        .and_then(Node::scalar_text);
    let mut parts = version
        .unwrap_or("3.0.0")
        .split('.')
        .map(|part| part.parse().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(3), parts.next().unwrap_or(0));
    Forms::asyncapi(major, minor)
}

pub(super) fn payload(context: &Context<'_, '_>, payload: Item) -> Vec<Hit> {
    forms(context)
        .check(context.tree, context.patterns, "Schema", payload)
        .into_iter()
        .map(|deviation| deviation.hit)
        .collect()
}

fn deviations(context: &Context<'_, '_>, root: Item) -> Vec<Deviation> {
    forms(context).check(context.tree, context.patterns, "AsyncApi", root)
}

pub(super) fn document(context: &Context<'_, '_>, root: Item) -> Vec<Hit> {
    let found = deviations(context, root).into_iter();
    found
        .filter(|deviation| !deviation.is_reference)
        .map(|deviation| deviation.hit)
        .collect()
}

pub(super) fn misplaced_references(context: &Context<'_, '_>, root: Item) -> Vec<Hit> {
    let found = deviations(context, root).into_iter();
    found
        .filter(|deviation| deviation.is_reference)
        .map(|deviation| deviation.hit)
        .collect()
}

pub(super) fn has_servers(context: &Context<'_, '_>, root: Item) -> Vec<Hit> {
    let tree = context.tree;
    match tree.get(root, "servers") {
        Some(servers) if tree.node(servers).entries().len() > 0 => Vec::new(),
        Some(servers) => vec![Hit::new(servers, "`servers` is empty")],
        None => vec![Hit::new(root, "`servers` is missing")],
    }
}

pub(super) fn unused_schemas(context: &Context<'_, '_>, section: Item) -> Vec<Hit> {
    context.unreferenced(section, "components/schemas")
}

pub(super) fn unused_servers(context: &Context<'_, '_>, section: Item) -> Vec<Hit> {
    context.unreferenced(section, "components/servers")
}
