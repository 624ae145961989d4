//! What a method takes: one struct for each operation, and one for each form with files.

use std::fmt::Write as _;

use super::names::{Names, fields};
use crate::ir::{Body, Field, Format, Ir, Operation, Shape, Struct, Type, TypeKind};
use crate::rust::{Rust, doc_lines, literal, member};

/// How a body is written.
enum Way<'a> {
    Json,
    Form,
    /// A form whose parts are the fields of an object.
    Multipart(Option<&'a Struct>),
    Text,
    Bytes,
}

fn way<'a>(ir: &'a Ir, body: &Body) -> Way<'a> {
    let media = body.media.to_ascii_lowercase();
    let ty = body
        .contents
        .first()
        .and_then(|content| content.ty.as_ref());
    if media.contains("json") {
        return Way::Json;
    }
    if media.starts_with("multipart/") {
        return Way::Multipart(ty.and_then(|ty| object(ir, ty)));
    }
    if media.starts_with("application/x-www-form-urlencoded") && ty.is_some() {
        return Way::Form;
    }
    if media.starts_with("text/") {
        return Way::Text;
    }
    Way::Bytes
}

/// The struct behind a type, through aliases.
pub(super) fn object<'a>(ir: &'a Ir, ty: &Type) -> Option<&'a Struct> {
    let mut id = match ty.kind {
        TypeKind::Named(id) => id,
        _ => return None,
    };
    for _ in 0..ir.decls.len() {
        match &ir.decls[id].shape {
            Shape::Struct(object) => return Some(object),
            Shape::Alias(Type {
                kind: TypeKind::Named(next),
                ..
            }) => id = *next,
            _ => return None,
        }
    }
    None
}

pub(super) fn request(rust: &Rust<'_>, operation: &Operation, names: &Names) -> String {
    if operation.parameters.is_empty() && operation.body.is_none() {
        return String::new();
    }
    let ty = &names.ty;
    let mut members: Vec<(String, String, bool, String)> = Vec::new();
    for (ident, parameter) in fields(operation) {
        let docs = format!("`{}`. {}", parameter.wire, parameter.docs.text);
        let text = rust.type_text(&parameter.ty, None);
        members.push((ident, text, parameter.is_required, docs));
    }
    let mut text = String::new();
    if let Some(body) = &operation.body {
        let (body_ty, form) = body_type(rust, body, ty);
        text.push_str(&form);
        let docs = format!("The body, `{}`.", body.media.replace('`', "'"));
        members.push(("body".to_owned(), body_ty, body.is_required, docs));
    }
    let docs = format!("What `{}` takes.", operation.id.replace('`', "'"));
    text.push_str(&record(&format!("{ty}Request"), &docs, &members));
    text
}

/// A struct of public fields with a `new` that takes what must be there.
fn record(name: &str, docs: &str, members: &[(String, String, bool, String)]) -> String {
    let mut text = format!(
        "\n{}#[derive(Debug, Clone, PartialEq)]\npub struct {name} {{\n",
        doc_lines(docs, "")
    );
    let mut arguments = Vec::new();
    let mut values = Vec::new();
    for (ident, ty, is_required, docs) in members {
        text.push_str(&doc_lines(docs, "    "));
        if *is_required {
            let _ = writeln!(text, "    pub {ident}: {ty},");
            arguments.push(format!("{ident}: {ty}"));
            values.push(ident.clone());
        } else {
            let _ = writeln!(text, "    pub {ident}: Option<{ty}>,");
            values.push(format!("{ident}: None"));
        }
    }
    let _ = write!(
        text,
        "}}\n\nimpl {name} {{\n    /// Creates a value with the required fields; the others are absent.\n    #[must_use]\n    pub fn new({}) -> Self {{\n        Self {{ {} }}\n    }}\n}}\n",
        arguments.join(", "),
        values.join(", ")
    );
    if arguments.is_empty() {
        let _ = write!(
            text,
            "\nimpl Default for {name} {{\n    fn default() -> Self {{\n        Self::new()\n    }}\n}}\n"
        );
    }
    text
}

fn body_type(rust: &Rust<'_>, body: &Body, ty: &str) -> (String, String) {
    let declared = body
        .contents
        .first()
        .and_then(|content| content.ty.as_ref());
    let typed = || {
        declared.map_or_else(
            || "serde_json::Value".to_owned(),
            |ty| rust.type_text(ty, None),
        )
    };
    match way(rust.ir, body) {
        Way::Json | Way::Form | Way::Multipart(None) => (typed(), String::new()),
        Way::Text => ("String".to_owned(), String::new()),
        Way::Bytes => ("Vec<u8>".to_owned(), String::new()),
        Way::Multipart(Some(object)) => {
            let name = format!("{ty}Form");
            (name.clone(), form(rust, &name, object, body))
        }
    }
}

/// How a field of a form with files is held.
fn part(ir: &Ir, field: &Field) -> Part {
    match &plain(ir, &field.ty).kind {
        TypeKind::String(Some(format)) if Format::of(format) == Some(Format::Binary) => Part::File,
        TypeKind::Array(item) => match &plain(ir, item).kind {
            TypeKind::String(Some(format)) if Format::of(format) == Some(Format::Binary) => {
                Part::Files
            }
            _ => Part::Value,
        },
        _ => Part::Value,
    }
}

enum Part {
    File,
    Files,
    Value,
}

fn plain<'a>(ir: &'a Ir, mut ty: &'a Type) -> &'a Type {
    for _ in 0..ir.decls.len() {
        match &ty.kind {
            TypeKind::Named(id) => match &ir.decls[*id].shape {
                Shape::Alias(inner) => ty = inner,
                _ => return ty,
            },
            _ => return ty,
        }
    }
    ty
}

/// A form with files: its struct, and how it becomes parts.
fn form(rust: &Rust<'_>, name: &str, object: &Struct, body: &Body) -> String {
    let wires: Vec<&str> = object.fields.iter().map(|f| f.wire.as_str()).collect();
    let idents = member(&wires, &["into_parts"]);
    let mut members = Vec::new();
    let mut parts = String::new();
    for (field, ident) in object.fields.iter().zip(idents) {
        let wire = literal(&field.wire);
        let media = body.contents.first();
        let media = media.and_then(|content| content.part_media.get(&field.wire));
        let media = literal(media.map_or("", |media| media.split(',').next().unwrap_or("").trim()));
        if field.is_fixed() {
            let constant = field.constant.clone().unwrap_or_default();
            let value = match constant.as_str() {
                Some(text) => text.to_owned(),
                None => constant.to_string(),
            };
            let _ = writeln!(
                parts,
                "            .part({wire}, \"\", {media}, {}.as_bytes())",
                literal(&value)
            );
            continue;
        }
        let kind = part(rust.ir, field);
        let ty = match kind {
            Part::File => "FilePart".to_owned(),
            Part::Files => "Vec<FilePart>".to_owned(),
            Part::Value => rust.type_text(&field.ty, None),
        };
        let is_required = field.is_required || field.is_required_in_direction;
        let value = if is_required {
            format!("Some(&self.{ident})")
        } else {
            format!("self.{ident}.as_ref()")
        };
        let _ = match (kind, is_required) {
            (Part::File, _) => writeln!(parts, "            .file({wire}, {value})"),
            (Part::Files, true) => writeln!(parts, "            .files({wire}, &self.{ident})"),
            (Part::Files, false) => writeln!(
                parts,
                "            .files({wire}, self.{ident}.as_deref().unwrap_or_default())"
            ),
            (Part::Value, _) => writeln!(parts, "            .value({wire}, {value}, {media})"),
        };
        let docs = format!("`{}`. {}", field.wire, field.docs.text);
        members.push((ident, ty, is_required, docs));
    }
    let mut text = record(name, "A form with files.", &members);
    let _ = write!(
        text,
        "\nimpl {name} {{\n    fn into_parts(self) -> Multipart {{\n        Multipart::new()\n{parts}    }}\n}}\n"
    );
    text
}

/// The call that adds the body of `request`.
pub(super) fn send_body(ir: &Ir, body: &Body) -> String {
    let media = literal(&body.media);
    let by_reference = if body.is_required {
        "Some(&request.body)"
    } else {
        "request.body.as_ref()"
    };
    let owned = if body.is_required {
        "Some(request.body)"
    } else {
        "request.body"
    };
    match way(ir, body) {
        Way::Json => format!(".json({media}, {by_reference})"),
        Way::Form => format!(".form({by_reference})"),
        Way::Multipart(None) => {
            format!(
                ".multipart({by_reference}.map(|value| Multipart::new().value(\"body\", Some(value), \"\")))"
            )
        }
        Way::Multipart(Some(_)) => {
            format!(".multipart({owned}.map(|form| form.into_parts()))")
        }
        Way::Text => format!(".bytes({media}, {owned}.map(String::into_bytes))"),
        Way::Bytes => format!(".bytes({media}, {owned})"),
    }
}
