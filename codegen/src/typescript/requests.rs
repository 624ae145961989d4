//! What an operation takes: parameters by place, and the body by media type.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::TypeScript;
use super::calls::{Names, parameter_docs, parameter_location};
use super::text::{key, literal, quoted};
use crate::ir::{Content, Format, Location, Operation, Parameter, Shape, Struct, Type, TypeKind};

/// The parts of a request that hold parameters, in order.
const PLACES: [(&str, Location); 4] = [
    ("path", Location::Path),
    ("query", Location::Query),
    ("header", Location::Header),
    ("cookie", Location::Cookie),
];

impl TypeScript<'_> {
    /// The argument of an operation's function.
    pub(super) fn request_type(&self, out: &mut String, operation: &Operation, names: &Names) {
        let name = format!("{}Request", names.ty);
        let bodies = self.bodies(operation);
        let is_single = bodies.len() < 2;
        let _ = if is_single {
            writeln!(out, "\nexport interface {name} {{")
        } else {
            writeln!(out, "\nexport type {name} = {{")
        };
        for (place, location) in PLACES {
            self.place(out, operation, place, location);
        }
        if let Some(parameter) = parameters_at(operation, Location::QueryString).first() {
            let mark = if parameter.is_required { "" } else { "?" };
            let _ = write!(out, "  readonly query{mark}: ");
            self.type_text(out, &parameter.ty);
            out.push_str(";\n");
        }
        let is_required = operation.body.as_ref().is_some_and(|body| body.is_required);
        let mark = if is_required { "" } else { "?" };
        if let [(_, ty)] = bodies.as_slice() {
            let _ = writeln!(out, "  readonly body{mark}: {ty};");
        }
        if is_single {
            out.push_str("}\n");
            return;
        }
        out.push_str("} & (");
        for (index, (media, ty)) in bodies.iter().enumerate() {
            let of = if index == 0 { "?" } else { "" };
            let media = quoted(media);
            let _ = write!(
                out,
                "\n  | {{ readonly contentType{of}: {media}; readonly body{mark}: {ty} }}"
            );
        }
        out.push_str("\n);\n");
    }

    fn place(&self, out: &mut String, operation: &Operation, place: &str, location: Location) {
        let parameters = parameters_at(operation, location);
        let unlisted = if location == Location::Path {
            undeclared(operation)
        } else {
            Vec::new()
        };
        if parameters.is_empty() && unlisted.is_empty() {
            return;
        }
        let is_required = !unlisted.is_empty() || parameters.iter().any(|one| one.is_required);
        let mark = if is_required { "" } else { "?" };
        let _ = writeln!(out, "  readonly {place}{mark}: {{");
        for parameter in parameters {
            parameter_docs(out, parameter);
            out.push_str("    ");
            key(out, &parameter.wire);
            out.push_str(if parameter.is_required { ": " } else { "?: " });
            self.type_text(out, &parameter.ty);
            out.push_str(";\n");
        }
        for name in unlisted {
            out.push_str("    ");
            key(out, name);
            out.push_str(": string;\n");
        }
        out.push_str("  };\n");
    }

    /// Media type and type of each body.
    fn bodies<'o>(&self, operation: &'o Operation) -> Vec<(&'o str, String)> {
        let contents = operation.body.iter().flat_map(|body| &body.contents);
        contents
            .map(|content| (content.media.as_str(), self.body_type(content)))
            .collect()
    }

    fn body_type(&self, content: &Content) -> String {
        let mut text = String::new();
        match (body_kind(&content.media), &content.ty) {
            ("text", _) => text.push_str("string"),
            ("bytes", _) => text.push_str("e.Bytes"),
            ("multipart", Some(ty)) => self.form_type(&mut text, ty),
            (_, Some(ty)) => self.type_text(&mut text, ty),
            (_, None) => text.push_str("unknown"),
        }
        text
    }

    /// A form's type: its binary fields are files.
    fn form_type(&self, out: &mut String, ty: &Type) {
        let files = self.form(ty).map(|object| {
            let fields = object.fields.iter();
            let files = fields.filter_map(|field| Some((field, self.file_type(&field.ty)?)));
            files.collect::<Vec<_>>()
        });
        let files = files.unwrap_or_default();
        if files.is_empty() {
            self.type_text(out, ty);
            return;
        }
        out.push_str("Omit<");
        self.type_text(out, ty);
        out.push_str(", ");
        for (index, (field, _)) in files.iter().enumerate() {
            out.push_str(if index == 0 { "" } else { " | " });
            literal(out, &field.wire);
        }
        out.push_str("> & {");
        for (field, file) in files {
            out.push(' ');
            key(out, &field.wire);
            let mark = if field.is_required { "" } else { "?" };
            let _ = write!(out, "{mark}: {file};");
        }
        out.push_str(" }");
    }

    fn form(&self, ty: &Type) -> Option<&Struct> {
        let TypeKind::Named(id) = ty.kind else {
            return None;
        };
        match &self.ir.decls[id].shape {
            Shape::Struct(object) => Some(object),
            _ => None,
        }
    }

    fn file_type(&self, ty: &Type) -> Option<&'static str> {
        let is_file = |ty: &Type| match &ty.kind {
            TypeKind::String(Some(word)) => Format::of(word) == Some(Format::Binary),
            TypeKind::Named(id) => matches!(
                &self.ir.decls[*id].shape,
                Shape::Alias(Type { kind: TypeKind::String(Some(word)), .. })
                    if Format::of(word) == Some(Format::Binary)
            ),
            _ => false,
        };
        match &ty.kind {
            TypeKind::Array(item) if is_file(item) => Some("(Blob | Uint8Array<ArrayBuffer>)[]"),
            _ if is_file(ty) => Some("Blob | Uint8Array<ArrayBuffer>"),
            _ => None,
        }
    }
}

/// How a body of a media type is written.
pub(super) fn body_kind(media: &str) -> &'static str {
    let media = media.to_ascii_lowercase();
    if media.contains("urlencoded") {
        "form"
    } else if media.starts_with("multipart/") {
        "multipart"
    } else if media.contains("json")
        && !["jsonl", "ndjson", "json-seq"]
            .iter()
            .any(|word| media.contains(word))
    {
        "json"
    } else if media.starts_with("text/")
        || media.contains("xml")
        || media.contains("yaml")
        || media.contains("json")
    {
        "text"
    } else if media.contains('*') && !media.contains("octet") && media.starts_with('*') {
        "json"
    } else {
        "bytes"
    }
}

/// Parameters of a place, without the headers that OpenAPI leaves to other words of a document.
fn parameters_at(operation: &Operation, location: Location) -> Vec<&Parameter> {
    let is_own = |parameter: &&Parameter| {
        let name = parameter.wire.to_ascii_lowercase();
        location != Location::Header
            || !matches!(name.as_str(), "accept" | "content-type" | "authorization")
    };
    let parameters = operation.parameters.iter();
    parameters
        .filter(|one| one.location == location)
        .filter(is_own)
        .collect()
}

/// The names in a path that no parameter declares.
fn undeclared(operation: &Operation) -> Vec<&str> {
    let path = parameters_at(operation, Location::Path);
    let mut seen = BTreeSet::new();
    let parts = operation.path.split('{').skip(1);
    parts
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .filter(|name| !path.iter().any(|one| one.wire == **name) && seen.insert(*name))
        .collect()
}

/// Whether the argument can be left out.
pub(super) fn is_free(operation: &Operation) -> bool {
    let needs = |location| {
        parameters_at(operation, location)
            .iter()
            .any(|one| one.is_required)
    };
    let is_bodiless = operation.body.as_ref().is_none_or(|body| !body.is_required);
    is_bodiless
        && undeclared(operation).is_empty()
        && !needs(Location::QueryString)
        && !PLACES.iter().any(|(_, location)| needs(*location))
}

/// How each parameter is written.
pub(super) fn parameters(out: &mut String, operation: &Operation) {
    let mut has_one = false;
    let mut start = |out: &mut String, location: &str, name: &str| {
        out.push_str(if has_one { "" } else { "    parameters: [" });
        has_one = true;
        let _ = write!(out, "\n      [\"{location}\", ");
        literal(out, name);
    };
    for parameter in &operation.parameters {
        if !parameters_at(operation, parameter.location)
            .iter()
            .any(|one| one.wire == parameter.wire)
        {
            continue;
        }
        start(out, parameter_location(parameter), &parameter.wire);
        out.push_str(", ");
        literal(out, &parameter.style);
        let _ = write!(out, ", {}", parameter.is_exploded);
        if parameter
            .media
            .as_deref()
            .is_some_and(|media| media.contains("json"))
        {
            out.push_str(", true");
        }
        out.push_str("],");
    }
    for name in undeclared(operation) {
        start(out, "path", name);
        out.push_str(", \"simple\", false],");
    }
    if has_one {
        out.push_str("\n    ],\n");
    }
}
