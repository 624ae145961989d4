//! The client: one function for each operation, over `fetch`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::calls::{Names, location_word};
use super::requests::{self, body_kind};
use super::text::{comment, literal, quoted};
use super::{TypeScript, import_checks};
use crate::ir::{Content, Operation, Response, SecurityScheme, TypeKind};
use crate::names::{self, Case};

/// Words that can't name a function.
const RESERVED: &[&str] = &[
    "arguments",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "client",
    "const",
    "continue",
    "createClient",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "h",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "m",
    "new",
    "null",
    "ok",
    "options",
    "package",
    "private",
    "protected",
    "public",
    "r",
    "request",
    "return",
    "s",
    "servers",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

impl TypeScript<'_> {
    /// The file of the client.
    pub(super) fn client(&self) -> String {
        let names = self.operation_names();
        let mut taken: BTreeSet<String> = names.iter().map(|one| one.function.clone()).collect();
        let mut out = "import * as h from \"./http.js\";\nimport type * as e from \"./encode.js\";\nimport * as m from \"./models.js\";\nimport * as s from \"./support.js\";\n".to_owned();
        let n_head = out.len();
        out.push_str("\nexport * from \"./http.js\";\n\n");
        self.credentials(&mut out);
        for (operation, names) in self.ir.operations.iter().zip(&names) {
            if operation.is_websocket {
                continue;
            }
            self.request_type(&mut out, operation, names);
            self.result_type(&mut out, operation, names);
            self.function(&mut out, operation, names);
            self.pages(&mut out, operation, names, &mut taken);
        }
        import_checks(&mut out, n_head);
        out
    }

    fn operation_names(&self) -> Vec<Names> {
        let ids: Vec<String> = self
            .ir
            .operations
            .iter()
            .map(|operation| names::identifier(&operation.id, Case::Camel))
            .collect();
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let operations = self.ir.operations.iter().zip(ids);
        operations
            .map(|(operation, mut function)| {
                if RESERVED.contains(&function.as_str()) {
                    function.push_str("Operation");
                }
                // Documents repeat ids; the method and path don't repeat.
                if !taken.insert(function.clone()) {
                    let place = format!("{function} {} {}", operation.method, operation.path);
                    let base = names::identifier(&place, Case::Camel);
                    let mut free = base.clone();
                    for number in 2.. {
                        if taken.insert(free.clone()) {
                            break;
                        }
                        free = format!("{base}{number}");
                    }
                    function = free;
                }
                let mut letters = function.chars();
                let first = letters.next().map(|c| c.to_ascii_uppercase());
                let ty = first.into_iter().chain(letters).collect();
                Names { function, ty }
            })
            .collect()
    }

    fn credentials(&self, out: &mut String) {
        out.push_str("/** The credentials of the caller, by the name of the security scheme in the contract. */\nexport interface Credentials {\n");
        for (name, scheme) in &self.ir.security_schemes {
            let secret = match scheme {
                SecurityScheme::Basic => "h.Secret<h.UserPassword>",
                SecurityScheme::ApiKey { .. } | SecurityScheme::Bearer => "h.Secret",
                SecurityScheme::Other(_) => continue,
            };
            out.push_str("  readonly ");
            super::text::key(out, name);
            let _ = writeln!(out, "?: {secret};");
        }
        out.push_str("}\n\n/** The client that the functions below use. */\nexport type Client = h.Client<Credentials>;\n\n/** The servers of the contract. */\nexport const servers: readonly string[] = ");
        super::text::list(out, self.ir.servers.iter().map(String::as_str));
        out.push_str(";\n\nexport function createClient(options: h.ClientOptions<Credentials> = {}): Client {\n  return {\n    options,\n    server: ");
        literal(out, self.ir.servers.first().map_or("/", String::as_str));
        out.push_str(",\n    schemes: {");
        for (name, scheme) in &self.ir.security_schemes {
            let (place, wire) = match scheme {
                SecurityScheme::ApiKey { location, wire } => {
                    (location_word(*location), wire.as_str())
                }
                SecurityScheme::Basic => ("basic", ""),
                SecurityScheme::Bearer => ("bearer", ""),
                SecurityScheme::Other(_) => continue,
            };
            // A computed key is an own property whatever its name.
            let _ = write!(
                out,
                "\n      [{}]: [\"{place}\", {}],",
                quoted(name),
                quoted(wire)
            );
        }
        out.push_str(if self.ir.security_schemes.is_empty() {
            "},\n"
        } else {
            "\n    },\n"
        });
        out.push_str("  };\n}\n");
    }

    fn result_type(&self, out: &mut String, operation: &Operation, names: &Names) {
        let mut answers = Vec::new();
        for response in &operation.responses {
            let status = status_type(&response.status);
            let mut add = |body: &str, media: Option<&str>| {
                let media = media.map_or(String::new(), |media| format!(", {}", quoted(media)));
                let text = format!("h.Answer<{status}, {body}{media}>");
                if !answers.contains(&text) {
                    answers.push(text);
                }
            };
            let is_only = response.contents.len() < 2;
            if response.contents.is_empty() {
                add("undefined", None);
            }
            for content in &response.contents {
                let media =
                    (!is_only && !content.media.contains('*')).then_some(content.media.as_str());
                add(&self.answer_type(content), media);
            }
        }
        if answers.is_empty() {
            answers.push("h.Answer<h.OtherStatus, unknown>".to_owned());
        }
        super::types::alternatives(out, &format!("{}Result", names.ty), &answers);
    }

    fn answer_type(&self, content: &Content) -> String {
        let mut text = String::new();
        match reading(content) {
            "json" => match &content.ty {
                Some(ty) => self.type_text(&mut text, ty),
                None => text.push_str("unknown"),
            },
            "text" => text.push_str("string"),
            "events" => match &content.item {
                Some(item) => {
                    text.push_str("AsyncGenerator<");
                    self.type_text(&mut text, item);
                    text.push_str(", void, undefined>");
                }
                None => text.push_str("AsyncGenerator<h.ServerEvent<string>, void, undefined>"),
            },
            "eventData" => {
                text.push_str("AsyncGenerator<h.ServerEvent<");
                if let Some(ty) = &content.ty {
                    self.type_text(&mut text, ty);
                }
                text.push_str(">, void, undefined>");
            }
            "lines" => {
                text.push_str("AsyncGenerator<");
                match content.item.as_ref().or(content.ty.as_ref()) {
                    Some(ty) => self.type_text(&mut text, ty),
                    None => text.push_str("unknown"),
                }
                text.push_str(", void, undefined>");
            }
            _ => text.push_str("Blob"),
        }
        text
    }

    fn function(&self, out: &mut String, operation: &Operation, names: &Names) {
        let (function, ty) = (&names.function, &names.ty);
        out.push('\n');
        let mut lines = names::text_lines(&operation.docs.text);
        lines.push(format!("`{} {}`", operation.method, operation.path).into());
        if operation.docs.is_deprecated {
            lines.push("@deprecated".into());
        }
        comment(out, &lines, "");
        let start = if requests::is_free(operation) {
            " = {}"
        } else {
            ""
        };
        let _ = write!(
            out,
            "export function {function}(client: Client, request: {ty}Request{start}, options: h.CallOptions = {{}}): Promise<{ty}Result> {{\n  return h.call(client, request, options, {{\n    method: \"{}\",\n    path: ",
            operation.method
        );
        literal(out, &operation.path);
        out.push_str(",\n");
        requests::parameters(out, operation);
        bodies(out, operation);
        security(out, operation);
        out.push_str("    answers: [");
        for response in &operation.responses {
            self.answers(out, response);
        }
        if operation.responses.is_empty() {
            out.push_str("\n      [\"default\", \"\", \"blob\"],");
        }
        out.push_str("\n    ],\n  });\n}\n");
    }

    fn answers(&self, out: &mut String, response: &Response) {
        let start = |out: &mut String| {
            out.push_str("\n      [");
            literal(out, &response.status);
            out.push_str(", ");
        };
        if response.contents.is_empty() {
            start(out);
            out.push_str("\"\", \"none\"],");
        }
        for content in &response.contents {
            start(out);
            literal(out, &content.media);
            let reading = reading(content);
            let _ = write!(out, ", \"{reading}\"");
            let ty = match reading {
                "json" | "eventData" => content.ty.as_ref(),
                "events" => content.item.as_ref(),
                "lines" => content.item.as_ref().or(content.ty.as_ref()),
                _ => None,
            };
            if let Some(ty) = ty {
                out.push_str(", ");
                self.check(out, ty);
            }
            out.push_str("],");
        }
    }
}

fn status_type(status: &str) -> String {
    match status.as_bytes() {
        [b'1'..=b'5', a, b] if a.is_ascii_digit() && b.is_ascii_digit() => status.to_owned(),
        [class @ b'1'..=b'5', b'X' | b'x', b'X' | b'x'] => {
            format!("h.Status{}XX", char::from(*class))
        }
        _ => "h.OtherStatus".to_owned(),
    }
}

/// How a body of an answer is read.
fn reading(content: &Content) -> &'static str {
    let media = content.media.to_ascii_lowercase();
    let is_text = content
        .ty
        .as_ref()
        .is_some_and(|ty| matches!(ty.kind, TypeKind::String(_)));
    if media.contains("event-stream") {
        return match (&content.item, &content.ty) {
            (None, Some(ty)) if !is_text && ty.kind != TypeKind::Any => "eventData",
            _ => "events",
        };
    }
    let is_lines = [
        "jsonl",
        "ndjson",
        "json-seq",
        "json-lines",
        "jsonlines",
        "x-json-stream",
    ];
    if is_lines.iter().any(|word| media.contains(word))
        || (content.item.is_some() && media.contains("json"))
    {
        return "lines";
    }
    if media.contains("json") || (media.contains('*') && !is_text && content.ty.is_some()) {
        return "json";
    }
    let is_readable = media.starts_with("text/")
        || media.contains("xml")
        || media.contains("yaml")
        || media.contains("urlencoded")
        || media.contains('*');
    if is_readable
        && !media.starts_with("image/")
        && !media.starts_with("audio/")
        && !media.starts_with("video/")
    {
        "text"
    } else {
        "blob"
    }
}

fn bodies(out: &mut String, operation: &Operation) {
    let Some(body) = &operation.body else { return };
    out.push_str("    bodies: [");
    for (index, content) in body.contents.iter().enumerate() {
        out.push_str(if index == 0 { "[" } else { ", [" });
        literal(out, &content.media);
        let _ = write!(out, ", \"{}\"", body_kind(&content.media));
        if !content.part_media.is_empty() {
            out.push_str(", {");
            for (position, (part, media)) in content.part_media.iter().enumerate() {
                out.push_str(if position == 0 { " [" } else { ", [" });
                literal(out, part);
                out.push_str("]: ");
                literal(out, media);
            }
            out.push_str(" }");
        }
        out.push(']');
    }
    out.push_str("],\n");
}

fn security(out: &mut String, operation: &Operation) {
    let sets: Vec<_> = operation
        .security
        .iter()
        .filter(|set| !set.is_empty())
        .collect();
    if sets.is_empty() {
        return;
    }
    out.push_str("    security: [");
    for (index, set) in sets.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        super::text::list(out, set.keys().map(String::as_str));
    }
    out.push_str("],\n");
}
