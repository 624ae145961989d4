//! The operations of an OpenAPI document.

use super::lowering::Lowering;
use super::view::Cursor;
use std::collections::BTreeMap;

use crate::ir::{
    Body, Content, Docs, Location, Operation, Parameter, Response, SecurityScheme, Type, TypeKind,
};
use crate::names::{Case, identifier};
use tollgate_contracts_model::Node;

const METHODS: [&str; 9] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace", "query",
];

/// Adds the operations of `paths`, and the inline types of webhooks and callbacks.
pub(crate) fn lower<'a>(lowering: &mut Lowering<'a>, root: &Cursor<'a>) {
    lowering.ir.servers.extend(servers(root));
    lowering.ir.security_schemes.extend(security_schemes(root));
    for section in ["paths", "webhooks"] {
        let Some(paths) = root.get(section) else {
            continue;
        };
        for (path, item) in paths.entries() {
            let operations = lowering.operations(path, &item, "", &mut Vec::new());
            if section == "paths" {
                lowering.ir.operations.extend(operations);
            }
        }
    }
}

impl<'a> Lowering<'a> {
    /// The operations of a path item. `above` names the callback that it belongs to; `open` are the
    /// callbacks that are being lowered.
    fn operations(
        &mut self,
        path: &str,
        item: &Cursor<'a>,
        above: &str,
        open: &mut Vec<*const Node>,
    ) -> Vec<Operation> {
        let Some(item) = item.resolve() else {
            return Vec::new();
        };
        let more = item.get("additionalOperations");
        let more = more.iter().flat_map(Cursor::entries);
        let standard = METHODS
            .into_iter()
            .filter_map(|method| Some((method, item.get(method)?)));
        let mut operations = Vec::new();
        for (method, operation) in standard.chain(more) {
            // Some documents refer to a whole operation, although no specification has it.
            let Some(operation) = operation.resolve() else {
                continue;
            };
            let id = match operation.text("operationId") {
                Some(id) => id.to_owned(),
                None if above.is_empty() => format!("{method} {path}"),
                None => format!("{above} {method}"),
            };
            self.callbacks(&operation, &id, open);
            operations.push(self.operation((method, path), id, &item, &operation));
        }
        operations
    }

    /// The inline types of what the service calls because of an operation.
    fn callbacks(&mut self, operation: &Cursor<'a>, id: &str, open: &mut Vec<*const Node>) {
        let callbacks = operation.get("callbacks");
        for (name, callback) in callbacks.iter().flat_map(Cursor::entries) {
            let Some(callback) = callback.resolve() else {
                continue;
            };
            if name.starts_with("x-") || open.contains(&callback.key()) {
                continue;
            }
            open.push(callback.key());
            for (expression, item) in callback.entries() {
                self.operations(expression, &item, &format!("{id} {name}"), open);
            }
            open.pop();
        }
    }

    fn operation(
        &mut self,
        (method, path): (&str, &str),
        id: String,
        item: &Cursor<'a>,
        operation: &Cursor<'a>,
    ) -> Operation {
        let tag = operation.get("tags").and_then(|tags| tags.items().next());
        let name = identifier(&id, Case::Pascal);
        Operation {
            tag: tag
                .and_then(|tag| tag.node.as_str())
                .unwrap_or("default")
                .to_owned(),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            docs: docs(operation),
            permission: operation.text("x-permission").map(str::to_owned),
            budget: operation.text("x-budget").map(str::to_owned),
            body_size_max_bytes: operation
                .node
                .get("x-body-size-max-bytes")
                .and_then(Node::as_u64),
            is_websocket: operation.is_true("x-websocket"),
            parameters: self.parameters(item, operation, &name),
            body: self.body(operation, &name),
            responses: self.responses(operation, &name),
            security: self.security(operation),
            id,
        }
    }

    fn parameters(
        &mut self,
        item: &Cursor<'a>,
        operation: &Cursor<'a>,
        name: &str,
    ) -> Vec<Parameter> {
        let mut parameters: Vec<Parameter> = Vec::new();
        for owner in [operation, item] {
            for parameter in owner.get("parameters").iter().flat_map(Cursor::items) {
                let Some(parameter) = parameter.resolve() else {
                    continue;
                };
                let Some(parameter) = self.parameter(&parameter, name) else {
                    continue;
                };
                let is_known = parameters
                    .iter()
                    .any(|p| p.wire == parameter.wire && p.location == parameter.location);
                if !is_known {
                    parameters.push(parameter);
                }
            }
        }
        parameters
    }

    fn parameter(&mut self, parameter: &Cursor<'a>, name: &str) -> Option<Parameter> {
        let wire = parameter.text("name")?.to_owned();
        let location = match parameter.text("in")? {
            "path" => Location::Path,
            "query" => Location::Query,
            "header" => Location::Header,
            "cookie" => Location::Cookie,
            "querystring" => Location::QueryString,
            _ => return None,
        };
        let content = parameter
            .get("content")
            .and_then(|c| c.entries().next()?.1.resolve());
        let schema = parameter
            .get("schema")
            .or_else(|| content.and_then(|content| content.get("schema")));
        let ty = match schema {
            Some(schema) => self.type_of(&schema, &format!("{name} {wire}")),
            None => Type::new(TypeKind::String(None)),
        };
        let style = parameter.text("style").unwrap_or(match location {
            Location::Path | Location::Header => "simple",
            _ => "form",
        });
        let is_exploded = match parameter.text("explode") {
            Some(text) => text == "true",
            None => style == "form",
        };
        let content = parameter.get("content");
        let media = content
            .iter()
            .flat_map(Cursor::entries)
            .map(|(media, _)| media.to_owned())
            .next();
        Some(Parameter {
            is_comma_separated: location != Location::Query || (!is_exploded && style == "form"),
            style: style.to_owned(),
            is_exploded,
            media,
            is_required: parameter.is_true("required") || location == Location::Path,
            docs: docs(parameter),
            wire,
            location,
            ty,
        })
    }

    fn body(&mut self, operation: &Cursor<'a>, name: &str) -> Option<Body> {
        let body = operation.get("requestBody")?.resolve()?;
        let contents = self.contents(&body, &format!("{name} body"));
        let first = contents.first()?;
        Some(Body {
            is_required: body.is_true("required"),
            media: first.media.clone(),
            ty: first.ty.clone().filter(|_| is_json(&first.media)),
            contents,
        })
    }

    fn responses(&mut self, operation: &Cursor<'a>, name: &str) -> Vec<Response> {
        let mut responses = Vec::new();
        for (status, response) in operation.get("responses").iter().flat_map(Cursor::entries) {
            let Some(response) = response.resolve().filter(|_| !status.starts_with("x-")) else {
                continue;
            };
            let contents = self.contents(&response, &format!("{name} response {status}"));
            let first = contents.first();
            let media = first.map(|first| first.media.clone());
            let ty = first
                .filter(|first| is_json(&first.media))
                .and_then(|first| first.ty.clone());
            let headers = response.get("headers");
            let headers = headers
                .iter()
                .flat_map(Cursor::entries)
                .filter_map(|(key, header)| {
                    let header = header.resolve()?;
                    Some((key.to_owned(), header.is_true("required"), docs(&header)))
                });
            responses.push(Response {
                status: status.to_owned(),
                docs: docs(&response),
                media,
                ty,
                contents,
                headers: headers.collect(),
            });
        }
        responses
    }

    /// All representations of a body, JSON first.
    fn contents(&mut self, owner: &Cursor<'a>, name: &str) -> Vec<Content> {
        let content = owner.get("content");
        let mut all: Vec<_> = content.iter().flat_map(Cursor::entries).collect();
        all.sort_by_key(|(media, _)| !is_json(media));
        let is_only = all.len() == 1;
        let mut contents: Vec<Content> = Vec::new();
        for (index, (media, body)) in all.into_iter().enumerate() {
            let name = if is_only || index == 0 {
                name.to_owned()
            } else {
                format!("{name} {}", media.rsplit('/').next().unwrap_or(media))
            };
            let ty = body
                .get("schema")
                .map(|schema| self.type_of(&schema, &name));
            let item = body.get("itemSchema");
            let item = item.map(|schema| self.type_of(&schema, &format!("{name} item")));
            let part_media = body.get("encoding");
            let part_media = part_media.iter().flat_map(Cursor::entries);
            let part_media = part_media.filter_map(|(part, encoding)| {
                Some((part.to_owned(), encoding.text("contentType")?.to_owned()))
            });
            contents.push(Content {
                media: media.to_owned(),
                ty,
                item,
                part_media: part_media.collect(),
            });
        }
        contents
    }

    /// The credentials that an operation requires: its own declaration, or the document's.
    fn security(&self, operation: &Cursor<'a>) -> Vec<BTreeMap<String, Vec<String>>> {
        let own = operation.get("security");
        let security = own.or_else(|| operation.top()?.get("security"));
        let requirements = security.iter().flat_map(Cursor::items);
        requirements
            .map(|requirement| {
                let schemes = requirement.entries().map(|(scheme, scopes)| {
                    let scopes = scopes.items().filter_map(|scope| scope.node.as_str());
                    (scheme.to_owned(), scopes.map(str::to_owned).collect())
                });
                schemes.collect()
            })
            .collect()
    }
}

fn is_json(media: &str) -> bool {
    media.contains("json")
}

/// The addresses of a document's servers, with the defaults of their variables.
fn servers(root: &Cursor<'_>) -> Vec<String> {
    let servers = root.get("servers");
    let servers = servers.iter().flat_map(Cursor::items);
    servers
        .filter_map(|server| {
            let mut url = server.text("url")?.to_owned();
            for (name, variable) in server.get("variables").iter().flat_map(Cursor::entries) {
                if let Some(default) = variable.text("default") {
                    url = url.replace(&format!("{{{name}}}"), default);
                }
            }
            Some(url)
        })
        .collect()
}

fn security_schemes(root: &Cursor<'_>) -> BTreeMap<String, SecurityScheme> {
    let components = root.get("components");
    let schemes = components.and_then(|all| all.get("securitySchemes"));
    let mut found = BTreeMap::new();
    for (name, scheme) in schemes.iter().flat_map(Cursor::entries) {
        let Some(scheme) = scheme.resolve() else {
            continue;
        };
        let kind = scheme.text("type").unwrap_or_default();
        let word = scheme.text("scheme").unwrap_or_default();
        let scheme = match (kind, word.to_ascii_lowercase().as_str()) {
            ("apiKey", _) => SecurityScheme::ApiKey {
                location: match scheme.text("in") {
                    Some("query") => Location::Query,
                    Some("cookie") => Location::Cookie,
                    _ => Location::Header,
                },
                wire: scheme.text("name").unwrap_or(name).to_owned(),
            },
            ("http", "basic") => SecurityScheme::Basic,
            ("http", "bearer") | ("oauth2" | "openIdConnect", _) => SecurityScheme::Bearer,
            (other, _) => SecurityScheme::Other(other.to_owned()),
        };
        found.insert(name.to_owned(), scheme);
    }
    found
}

fn docs(owner: &Cursor<'_>) -> Docs {
    let summary = owner.text("summary");
    let description = owner.text("description");
    let text: Vec<&str> = summary.into_iter().chain(description).collect();
    Docs {
        text: text.join("\n\n"),
        is_deprecated: owner.is_true("deprecated"),
    }
}
