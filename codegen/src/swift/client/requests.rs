//! From arguments to a request: parameters, body, security.

use std::fmt::Write as _;

use super::super::scope::Swift;
use super::super::text::{docs, fields, literal, wrapped};
use super::call::{Call, is_json, is_text, object};
use crate::ir::{Body, Format, Location, Operation, Parameter, Struct, Type, TypeKind};

/// The parts of a method that make its request.
pub(super) struct Request {
    /// A type for a form with files; may be empty.
    pub(super) declaration: String,
    /// The method's parameters.
    pub(super) arguments: Vec<String>,
    /// The statements that make `request`.
    pub(super) build: String,
}

pub(super) fn request(swift: &Swift<'_>, call: &Call<'_>) -> Request {
    let operation = call.operation;
    let mut required = Vec::new();
    let mut optional = Vec::new();
    let mut lines = String::new();
    for (parameter, ident) in operation.parameters.iter().zip(&call.idents) {
        let ty = swift.type_text(&parameter.ty);
        if parameter.is_required {
            required.push(format!("{ident}: {ty}"));
        } else {
            let ty = ty.trim_end_matches('?');
            optional.push(format!("{ident}: {ty}? = nil"));
        }
        let _ = writeln!(lines, "        {}", put(parameter, ident));
    }
    let mut declaration = String::new();
    if let Some(body) = &operation.body {
        let (ty, line) = self::body(swift, call, body, &mut declaration);
        let argument = format!("{}: {ty}", call.body);
        if body.is_required {
            required.push(argument);
        } else {
            optional.push(format!("{argument}? = nil"));
        }
        let _ = writeln!(lines, "        {line}");
    }
    let binding = if lines.is_empty() { "let" } else { "var" };
    let arguments = required.into_iter().chain(optional).collect();
    let security = security(operation);
    let build = format!(
        "        {binding} request = APIRequest({}, {}{security})\n{lines}",
        literal(&operation.method),
        literal(&operation.path)
    );
    Request {
        declaration,
        arguments,
        build,
    }
}

fn security(operation: &Operation) -> String {
    let sets: Vec<String> = operation
        .security
        .iter()
        .filter(|set| !set.is_empty())
        .map(|set| {
            let names: Vec<String> = set.keys().map(|name| literal(name)).collect();
            format!("[{}]", names.join(", "))
        })
        .collect();
    if sets.is_empty() {
        String::new()
    } else {
        format!(", security: [{}]", sets.join(", "))
    }
}

/// The statement that writes a parameter.
fn put(parameter: &Parameter, ident: &str) -> String {
    let wire = literal(&parameter.wire);
    if parameter.media.is_some() && parameter.location == Location::Query {
        return format!("request.query({wire}, jsonText: {ident})");
    }
    let style = match parameter.style.as_str() {
        "label" => ".label",
        "matrix" => ".matrix",
        "spaceDelimited" => ".space",
        "pipeDelimited" => ".pipe",
        "deepObject" => ".deepObject",
        "simple" => ".simple",
        _ => ".form",
    };
    let explode = parameter.is_exploded;
    match parameter.location {
        Location::Path if style == ".simple" && !explode => {
            format!("request.path({wire}, {ident})")
        }
        Location::Path => format!("request.path({wire}, {ident}, {style}, explode: {explode})"),
        Location::Query if style == ".form" && explode => {
            format!("request.query({wire}, {ident})")
        }
        Location::Query => format!("request.query({wire}, {ident}, {style}, explode: {explode})"),
        Location::QueryString => format!("request.queryString({ident})"),
        Location::Header if explode => format!("request.header({wire}, {ident}, explode: true)"),
        Location::Header => format!("request.header({wire}, {ident})"),
        Location::Cookie => format!("request.cookie({wire}, {ident})"),
    }
}

/// The type of the body's argument and the statement that writes it.
fn body(
    swift: &Swift<'_>,
    call: &Call<'_>,
    body: &Body,
    declaration: &mut String,
) -> (String, String) {
    let ident = &call.body;
    let content = body.contents.first();
    let media = content.map_or(body.media.as_str(), |content| content.media.as_str());
    let ty = content.and_then(|content| content.ty.as_ref());
    let plain = media.split(';').next().unwrap_or(media).trim();
    if plain == "multipart/form-data" || plain == "multipart/mixed" {
        return multipart(swift, call, ty, declaration);
    }
    match ty {
        Some(ty) if is_json(media) => {
            let line = if plain == "application/json" || plain == "*/*" {
                format!("request.body(json: {ident})")
            } else {
                format!("request.body(json: {ident}, {})", literal(media))
            };
            let ty = swift.type_text(ty);
            (ty.trim_end_matches('?').to_owned(), line)
        }
        Some(ty) if plain == "application/x-www-form-urlencoded" => {
            let ty = swift.type_text(ty);
            let line = format!("request.body(form: {ident})");
            (ty.trim_end_matches('?').to_owned(), line)
        }
        None if is_json(media) => (
            "JSONValue".to_owned(),
            format!("request.body(json: {ident})"),
        ),
        _ if is_text(plain) => (
            "String".to_owned(),
            format!("request.body(text: {ident}, {})", literal(media)),
        ),
        _ => (
            "Data".to_owned(),
            format!("request.body({ident}, {})", literal(media)),
        ),
    }
}

fn multipart(
    swift: &Swift<'_>,
    call: &Call<'_>,
    ty: Option<&Type>,
    declaration: &mut String,
) -> (String, String) {
    let ident = &call.body;
    let Some(object) = ty.and_then(|ty| object(swift, ty)) else {
        let line = format!("request.body(multipart: {ident})");
        return ("MultipartForm".to_owned(), line);
    };
    let name = format!("{}Form", call.ty);
    *declaration = form(swift, &name, object, call);
    let is_required = call
        .operation
        .body
        .as_ref()
        .is_some_and(|body| body.is_required);
    let mark = if is_required { "" } else { "?" };
    (name, format!("request.body(multipart: {ident}{mark}.form)"))
}

/// A form with files: a struct whose binary properties are files.
fn form(swift: &Swift<'_>, name: &str, object: &Struct, call: &Call<'_>) -> String {
    let wires: Vec<&str> = object.fields.iter().map(|f| f.wire.as_str()).collect();
    let idents = fields(&wires);
    let part_media = call
        .operation
        .body
        .as_ref()
        .and_then(|body| body.contents.first())
        .map(|content| content.part_media.clone())
        .unwrap_or_default();
    let mut text = format!("    public struct {name}: Sendable, Hashable {{\n");
    let (mut arguments, mut assigns, mut adds) = (Vec::new(), String::new(), String::new());
    for (field, ident) in object.fields.iter().zip(&idents) {
        let wire = literal(&field.wire);
        if let Some(constant) = field.constant.as_ref().filter(|_| field.is_fixed()) {
            let value = constant
                .as_str()
                .map_or_else(|| constant.to_string(), str::to_owned);
            let _ = writeln!(adds, "            form.add({wire}, {})", literal(&value));
            continue;
        }
        let file = file_type(&field.ty);
        let mut ty = file.map_or_else(|| swift.type_text(&field.ty), str::to_owned);
        let mut default = "";
        if !field.is_required {
            ty = format!("{}?", ty.trim_end_matches('?'));
            default = " = nil";
        }
        text.push_str(&docs(&field.docs, "        "));
        let _ = writeln!(text, "        public var {ident}: {ty}");
        arguments.push(format!("{ident}: {ty}{default}"));
        let _ = writeln!(assigns, "            self.{ident} = {ident}");
        let media = part_media.get(&field.wire).filter(|_| file.is_none());
        let media = media.map_or(String::new(), |media| format!(", {}", literal(media)));
        let this = if ident == "form" { "self.form" } else { ident };
        let _ = writeln!(adds, "            form.add({wire}, {this}{media})");
    }
    text.push('\n');
    text.push_str(&wrapped("        ", "public init", &arguments, " {"));
    let binding = if adds.is_empty() { "let" } else { "var" };
    let _ = write!(
        text,
        "{assigns}        }}\n\n        var form: MultipartForm {{\n            {binding} form = MultipartForm()\n{adds}            return form\n        }}\n    }}\n\n"
    );
    text.replace("public var form:", "public var formValue:")
        .replace("self.form = form\n", "self.formValue = form\n")
        .replace("self.form)", "formValue)")
}

/// The type of a part that is a file, or a list of files.
fn file_type(ty: &Type) -> Option<&'static str> {
    let is_binary = |ty: &Type| matches!(&ty.kind, TypeKind::String(Some(format)) if Format::of(format) == Some(Format::Binary));
    match &ty.kind {
        TypeKind::Array(item) if is_binary(item) => Some("[APIFile]"),
        _ if is_binary(ty) => Some("APIFile"),
        _ => None,
    }
}
