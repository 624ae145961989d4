//! The operations of an OpenAPI document. It must not know how a server is printed.

use super::Lowering;
use super::view::Cursor;
use crate::ir::{Body, Docs, Location, Operation, Parameter, Response, Type, TypeKind};
use crate::names::{Case, identifier};

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Adds the operations of `paths` and the inline types of webhooks.
pub(crate) fn lower<'a>(lowering: &mut Lowering<'a>, root: &Cursor<'a>) {
    for section in ["paths", "webhooks"] {
        let Some(paths) = root.get(section) else {
            continue;
        };
        for (path, item) in paths.entries() {
            let Some(item) = item.resolve() else { continue };
            for method in METHODS {
                let Some(operation) = item.get(method) else {
                    continue;
                };
                let operation = lowering.operation(path, method, &item, &operation);
                if section == "paths" {
                    lowering.ir.operations.push(operation);
                }
            }
        }
    }
}

impl<'a> Lowering<'a> {
    fn operation(
        &mut self,
        path: &str,
        method: &str,
        item: &Cursor<'a>,
        operation: &Cursor<'a>,
    ) -> Operation {
        let id = operation
            .text("operationId")
            .map_or_else(|| format!("{method} {path}"), str::to_owned);
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
                .and_then(tollgate_contracts::Node::as_u64),
            is_websocket: operation.is_true("x-websocket"),
            parameters: self.parameters(item, operation, &name),
            body: self.body(operation, &name),
            responses: self.responses(operation, &name),
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
            _ => return None,
        };
        let content = parameter
            .get("content")
            .and_then(|c| Some(c.entries().next()?.1));
        let schema = parameter
            .get("schema")
            .or_else(|| content.and_then(|content| content.get("schema")));
        let ty = match schema {
            Some(schema) => self.type_of(&schema, &format!("{name} {wire}")),
            None => Type::new(TypeKind::String(None)),
        };
        let style = parameter.text("style").unwrap_or("");
        let explode = parameter.text("explode");
        Some(Parameter {
            is_comma_separated: location != Location::Query
                || (explode == Some("false") && matches!(style, "" | "form")),
            is_required: parameter.is_true("required") || location == Location::Path,
            docs: docs(parameter),
            wire,
            location,
            ty,
        })
    }

    fn body(&mut self, operation: &Cursor<'a>, name: &str) -> Option<Body> {
        let body = operation.get("requestBody")?.resolve()?;
        let (media, ty) = self.content(&body, &format!("{name} body"))?;
        Some(Body {
            is_required: body.is_true("required"),
            media,
            ty,
        })
    }

    fn responses(&mut self, operation: &Cursor<'a>, name: &str) -> Vec<Response> {
        let mut responses = Vec::new();
        for (status, response) in operation.get("responses").iter().flat_map(Cursor::entries) {
            let Some(response) = response.resolve().filter(|_| !status.starts_with("x-")) else {
                continue;
            };
            let content = self.content(&response, &format!("{name} response {status}"));
            let (media, ty) = match content {
                Some((media, ty)) => (Some(media), ty),
                None => (None, None),
            };
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
                headers: headers.collect(),
            });
        }
        responses
    }

    /// The media type that is generated (JSON first), with its type when it is JSON.
    fn content(&mut self, owner: &Cursor<'a>, name: &str) -> Option<(String, Option<Type>)> {
        let content = owner.get("content")?;
        let is_json = |media: &str| media.contains("json");
        let (media, body) = content
            .entries()
            .find(|(media, _)| is_json(media))
            .or_else(|| content.entries().next())?;
        // The types of other media are declared too: a form or an event stream has a schema.
        let ty = body.get("schema").map(|schema| self.type_of(&schema, name));
        Some((media.to_owned(), ty.filter(|_| is_json(media))))
    }
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
