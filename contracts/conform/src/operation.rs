//! The operations of a contract, prepared for making requests and for judging answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tollgate_contracts_instance::Validator;
use tollgate_contracts_instance::{Broken, InstanceSettings, Json, instances_with, validator};
use tollgate_contracts_model::views::{self};
use tollgate_contracts_model::{Contract, Located, Node};
use tollgate_report::Place;
use tollgate_stats::Rng;

/// How many instances are made for a body, and for a parameter.
const BODY_INSTANCES: usize = 24;
const PARAMETER_INSTANCES: usize = 10;
/// How many broken bodies are made at most: a bound for very large schemas.
const BODY_BROKEN: usize = 90;

/// One operation.
pub(crate) struct Operation {
    pub(crate) id: String,
    /// Upper case.
    pub(crate) method: String,
    /// The template as written.
    pub(crate) path: String,
    pub(crate) place: Place,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
    pub(crate) responses: Vec<Response>,
    /// The headers (lower case) that carry the credentials; empty when it is open to all.
    pub(crate) credentials: Vec<String>,
    /// Whether it only opens a WebSocket.
    pub(crate) is_upgrade: bool,
}

/// Where a parameter is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Location {
    Path,
    Query,
    Header,
    Cookie,
}

impl Location {
    /// As contracts write it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// One parameter.
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) location: Location,
    pub(crate) is_required: bool,
    pub(crate) style: String,
    pub(crate) is_exploded: bool,
    /// Its value is one JSON text.
    pub(crate) is_json: bool,
    pub(crate) validator: Option<Validator>,
    pub(crate) valid: Vec<Json>,
    pub(crate) broken: Vec<Broken>,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyKind {
    Json,
    Form,
    Multipart,
    Text,
}

/// The request body.
pub(crate) struct Body {
    pub(crate) media: String,
    pub(crate) kind: BodyKind,
    pub(crate) is_required: bool,
    pub(crate) schema: Value,
    pub(crate) validator: Option<Validator>,
    pub(crate) valid: Vec<Json>,
    pub(crate) broken: Vec<Broken>,
}

/// One declared answer.
pub(crate) struct Response {
    /// As written: `200`, `4XX`, `default`.
    pub(crate) status: String,
    pub(crate) place: Place,
    /// Media range and schema; empty when nothing is declared.
    pub(crate) contents: Vec<(String, Option<Validator>)>,
    pub(crate) headers: Vec<Header>,
    pub(crate) links: Vec<Link>,
}

/// A declared header of an answer.
pub(crate) struct Header {
    /// Lower case.
    pub(crate) name: String,
    pub(crate) is_required: bool,
    pub(crate) validator: Option<Validator>,
}

/// A link of a response: the next request that the answer makes possible.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) operation_id: String,
    /// Runtime expressions or constants by parameter.
    pub(crate) parameters: Vec<(String, Value)>,
}

/// The operations of a contract in document order.
pub(crate) fn operations(contract: &Contract, seed: u64) -> Vec<Operation> {
    let schemes = credentials_by_scheme(contract);
    let views = contract.operations();
    views
        .iter()
        .map(|view| operation(contract, view, &schemes, seed))
        .collect()
}

fn operation(
    contract: &Contract,
    view: &views::Operation<'_>,
    schemes: &BTreeMap<String, String>,
    seed: u64,
) -> Operation {
    let seed = Rng::of(seed, &view.id).next_u64();
    let parameters = view
        .parameters
        .iter()
        .filter_map(|parameter| parameter_of(contract, parameter, seed))
        .collect();
    Operation {
        id: view.id.clone(),
        method: view.method.to_ascii_uppercase(),
        path: view.path.clone(),
        place: view.place.clone(),
        parameters,
        body: view
            .request_body
            .and_then(|body| body_of(contract, body, seed)),
        responses: view
            .responses
            .iter()
            .map(|(status, at)| response_of(contract, status, *at))
            .collect(),
        credentials: credentials_of(contract, view.node, schemes),
        is_upgrade: view.responses.iter().any(|(status, _)| status == "101"),
    }
}

/// The header that satisfies each security scheme.
fn credentials_by_scheme(contract: &Contract) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let schemes = contract.root().pointer("/components/securitySchemes");
    for entry in schemes.map(Node::entries).unwrap_or_default() {
        let at = contract.follow(&contract.entry, &entry.node);
        let kind = views::text(at.node, "type").unwrap_or_default();
        let place = views::text(at.node, "in").unwrap_or_default();
        let header = match (kind.as_str(), place.as_str()) {
            ("apiKey", "header") => views::text(at.node, "name").unwrap_or_default(),
            ("apiKey", "cookie") => "cookie".to_owned(),
            ("http" | "oauth2" | "openIdConnect", _) => "authorization".to_owned(),
            _ => continue,
        };
        found.insert(entry.key.clone(), header.to_ascii_lowercase());
    }
    found
}

/// The headers that the security requirements of an operation need; empty when one of the
/// requirements is empty.
fn credentials_of(
    contract: &Contract,
    operation: &Node,
    schemes: &BTreeMap<String, String>,
) -> Vec<String> {
    let of_root = contract.root().get("security");
    let Some(requirements) = operation.get("security").or(of_root) else {
        return Vec::new();
    };
    let mut headers = Vec::new();
    for requirement in requirements.items() {
        if requirement.entries().next().is_none() {
            return Vec::new();
        }
        for entry in requirement.entries() {
            headers.extend(schemes.get(&entry.key).cloned());
        }
    }
    headers.sort();
    headers.dedup();
    headers
}

fn settings(seed: u64, n: usize, n_broken: usize) -> InstanceSettings {
    InstanceSettings {
        seed,
        n_max: n,
        n_broken_max: n_broken,
        depth_max: 5,
        size_max: 120,
        has_wide_numbers: false,
        has_extra_keys: false,
    }
}

fn parameter_of(contract: &Contract, view: &views::Parameter<'_>, seed: u64) -> Option<Parameter> {
    let location = match view.location.as_str() {
        "path" => Location::Path,
        "query" => Location::Query,
        "header" => Location::Header,
        "cookie" => Location::Cookie,
        _ => return None,
    };
    // By OpenAPI these three are not parameters but come from content negotiation and security.
    let is_reserved = ["accept", "content-type", "authorization"]
        .iter()
        .any(|name| view.name.eq_ignore_ascii_case(name));
    if location == Location::Header && is_reserved {
        return None;
    }
    let node = view.at.node;
    let media = node
        .get("content")
        .and_then(|content| content.entries().next());
    let (schema, is_json) = match (node.get("schema"), media) {
        (Some(schema), _) => (Some(schema), false),
        (None, Some(media)) => (media.node.get("schema"), true),
        (None, None) => (None, false),
    };
    let schema = schema.map_or_else(
        || json!({"type": "string"}),
        |schema| one_sided(contract.bundle(view.at.file, schema), "readOnly"),
    );
    let seed = Rng::of(seed, &view.name).next_u64();
    let (validator, mut valid, broken) = made(
        &schema,
        &settings(seed, PARAMETER_INSTANCES, PARAMETER_INSTANCES),
    );
    let mut examples = examples_of(contract, view.at, validator.as_ref());
    examples.append(&mut valid);
    let default_style = match location {
        Location::Query | Location::Cookie => "form",
        Location::Path | Location::Header => "simple",
    };
    let style = views::text(node, "style").unwrap_or_else(|| default_style.to_owned());
    let is_exploded = node
        .get("explode")
        .and_then(Node::as_bool)
        .unwrap_or(style == "form");
    Some(Parameter {
        name: view.name.clone(),
        location,
        is_required: view.is_required,
        is_exploded,
        style,
        is_json,
        validator,
        valid: examples,
        broken,
    })
}

type Made = (Option<Validator>, Vec<Json>, Vec<Broken>);

fn made(schema: &Value, settings: &InstanceSettings) -> Made {
    match validator(schema) {
        Ok(validator) => {
            let made = instances_with(schema, &validator, settings);
            let valid = made.valid.into_iter().map(|instance| instance.json);
            (Some(validator), valid.collect(), made.invalid)
        }
        Err(_) => (None, Vec::new(), Vec::new()),
    }
}

/// The valid examples, next to or inside the schema.
fn examples_of(contract: &Contract, at: Located<'_>, validator: Option<&Validator>) -> Vec<Json> {
    let mut found: Vec<Value> = Vec::new();
    for entry in at
        .node
        .get("examples")
        .map(Node::entries)
        .unwrap_or_default()
    {
        let example = contract.follow(at.file, &entry.node);
        found.extend(example.node.get("value").map(Node::to_json));
    }
    found.extend(at.node.get("example").map(Node::to_json));
    if let Some(schema) = at.node.get("schema") {
        let schema = contract.follow(at.file, schema);
        found.extend(schema.node.get("example").map(Node::to_json));
        found.extend(
            schema
                .node
                .get("examples")
                .and_then(Node::as_array)
                .into_iter()
                .flatten()
                .map(Node::to_json),
        );
    }
    found.retain(|value| validator.is_none_or(|validator| validator.is_valid(value)));
    found.iter().map(Json::of).collect()
}

/// The media type without its parameters, in lower case.
pub(crate) fn essence(media: &str) -> String {
    let essence = media.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

pub(crate) fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence.ends_with("+json")
}

fn body_of(contract: &Contract, at: Located<'_>, seed: u64) -> Option<Body> {
    let content = at.node.get("content")?;
    let kinds = |media: &str| {
        let essence = essence(media);
        match essence.as_str() {
            essence if is_json(essence) => Some(BodyKind::Json),
            "application/x-www-form-urlencoded" => Some(BodyKind::Form),
            "multipart/form-data" => Some(BodyKind::Multipart),
            "*/*" => Some(BodyKind::Json),
            "application/*" => Some(BodyKind::Json),
            essence if essence.starts_with("text/") => Some(BodyKind::Text),
            _ => None,
        }
    };
    let (entry, kind) = [
        BodyKind::Json,
        BodyKind::Form,
        BodyKind::Multipart,
        BodyKind::Text,
    ]
    .into_iter()
    .find_map(|kind| {
        let entry = content
            .entries()
            .find(|entry| kinds(&entry.key) == Some(kind))?;
        Some((entry, kind))
    })?;
    let media_at = Located {
        file: at.file,
        node: &entry.node,
    };
    let schema = entry.node.get("schema").map_or_else(
        || json!({}),
        |schema| one_sided(contract.bundle(at.file, schema), "readOnly"),
    );
    let (validator, mut valid, broken) =
        made(&schema, &settings(seed, BODY_INSTANCES, BODY_BROKEN));
    let mut examples = examples_of(contract, media_at, validator.as_ref());
    examples.append(&mut valid);
    Some(Body {
        media: if entry.key.contains('*') {
            "application/json".to_owned()
        } else {
            entry.key.clone()
        },
        kind,
        is_required: at.node.get("required").and_then(Node::as_bool) == Some(true),
        schema,
        validator,
        valid: examples,
        broken,
    })
}

impl Body {
    /// Further instances under another seed.
    pub(crate) fn refill(&mut self, seed: u64) {
        if let Some(validator) = &self.validator {
            let made = instances_with(
                &self.schema,
                validator,
                &settings(seed, BODY_INSTANCES, BODY_BROKEN),
            );
            let drawn = made.valid.into_iter().map(|instance| instance.json);
            let n = made.invalid.len();
            self.valid = drawn.collect();
            if n > 0 {
                self.broken = made.invalid;
            }
        }
    }
}

fn response_of(contract: &Contract, status: &str, at: Located<'_>) -> Response {
    let contents = at
        .node
        .get("content")
        .map(Node::entries)
        .unwrap_or_default();
    let headers = at
        .node
        .get("headers")
        .map(Node::entries)
        .unwrap_or_default();
    let links = at.node.get("links").map(Node::entries).unwrap_or_default();
    let checker = |file: &str, schema: Option<&Node>| {
        let schema = one_sided(contract.bundle(file, schema?), "writeOnly");
        validator(&schema).ok()
    };
    Response {
        status: status.to_owned(),
        place: at.node.span.place(at.file),
        contents: contents
            .map(|entry| {
                let media = contract.follow(at.file, &entry.node);
                let schema = media.node.get("schema");
                (essence(&entry.key), checker(media.file, schema))
            })
            .collect(),
        headers: headers
            .filter(|entry| !entry.key.eq_ignore_ascii_case("content-type"))
            .map(|entry| {
                let header = contract.follow(at.file, &entry.node);
                Header {
                    name: entry.key.to_ascii_lowercase(),
                    is_required: header.node.get("required").and_then(Node::as_bool) == Some(true),
                    validator: checker(header.file, header.node.get("schema")),
                }
            })
            .collect(),
        links: links
            .filter_map(|entry| {
                let link = contract.follow(at.file, &entry.node);
                let parameters = link.node.get("parameters").map(Node::entries);
                Some(Link {
                    name: entry.key.clone(),
                    operation_id: views::text(link.node, "operationId")?,
                    parameters: parameters
                        .unwrap_or_default()
                        .map(|entry| (entry.key.clone(), entry.node.to_json()))
                        .collect(),
                })
            })
            .collect(),
    }
}

/// The schema for one direction: properties that are marked for the other direction are not
/// required, and are removed in requests.
fn one_sided(mut schema: Value, word: &str) -> Value {
    let marked: Vec<String> = schema
        .get("$defs")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, def)| def.get(word) == Some(&Value::Bool(true)))
        .map(|(name, _)| format!("#/$defs/{name}"))
        .collect();
    strip(&mut schema, word, &marked);
    schema
}

fn strip(schema: &mut Value, word: &str, marked: &[String]) {
    match schema {
        Value::Object(map) => {
            let mut gone: Vec<String> = Vec::new();
            if let Some(properties) = map.get("properties").and_then(Value::as_object) {
                for (name, property) in properties {
                    let is_marked = property.get(word) == Some(&Value::Bool(true))
                        || property
                            .get("$ref")
                            .and_then(Value::as_str)
                            .is_some_and(|to| marked.iter().any(|known| known == to));
                    if is_marked {
                        gone.push(name.clone());
                    }
                }
            }
            if let Some(Value::Array(required)) = map.get_mut("required") {
                required.retain(|name| !gone.iter().any(|gone| name == gone));
            }
            if word == "readOnly"
                && let Some(Value::Object(properties)) = map.get_mut("properties")
            {
                properties.retain(|name, _| !gone.contains(name));
            }
            for value in map.values_mut() {
                strip(value, word, marked);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, word, marked)),
        _ => {}
    }
}
