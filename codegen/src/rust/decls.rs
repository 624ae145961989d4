//! Declarations as a person would write them: structs, open enums, unions, aliases.
//!
//! `wire` generates how they are read, written and checked.

use std::fmt::Write as _;

use super::formats::format_type;
use super::scope::Rust;
use super::text::{member, push_doc_lines};
use crate::ir::{
    DeclId, Docs, EnumValue, Extra, Field, Integer, Shape, Struct, Tuple, Type, TypeKind, Union,
};
use crate::names::{self, Case, push_all};

/// How many arguments `new` takes at most; more are easier to read as a struct.
const NEW_ARGUMENTS_MAX: usize = 5;

impl Rust<'_> {
    /// The identifiers of what a declaration holds: fields that are stored, values, variants.
    pub(crate) fn members(&self, id: DeclId) -> Vec<String> {
        match &self.ir.decls[id].shape {
            Shape::Struct(object) => {
                let wires: Vec<&str> = stored(object).map(|field| field.wire.as_str()).collect();
                member(&wires, &["extra"])
            }
            Shape::Enum(values) => value_idents(values),
            Shape::Union(union) => variant_idents(union),
            Shape::Tuple(_) | Shape::Alias(_) => Vec::new(),
        }
    }

    /// The text of one declaration, which has these members.
    pub(crate) fn declaration(&self, id: DeclId, members: &[String]) -> String {
        let decl = &self.ir.decls[id];
        let name = &self.names[id];
        let original = self.ir.originals[id];
        if original != id {
            return format!("pub type {name} = {};\n", self.names[original]);
        }
        let mut text = String::with_capacity(256);
        push_docs(&mut text, &decl.docs, "");
        match &decl.shape {
            Shape::Struct(object) => self.object(&mut text, id, object, members),
            Shape::Enum(values) => open_enum(&mut text, name, values, members),
            Shape::Union(union) => self.union(&mut text, id, union, members),
            Shape::Tuple(tuple) => text.push_str(&self.tuple(id, tuple)),
            Shape::Alias(ty) if self.graph.is_recursive_alias[id] => {
                push_all(&mut text, &[self.derives(id), "pub struct ", name, "(pub "]);
                self.push_type(&mut text, ty, Some(id));
                text.push_str(");\n");
            }
            Shape::Alias(ty) => {
                push_all(&mut text, &["pub type ", name, " = "]);
                self.push_type(&mut text, ty, Some(id));
                text.push_str(";\n");
            }
        }
        text
    }

    /// A type as Rust text; `owner` decides which references need a box.
    pub(crate) fn type_text(&self, ty: &Type, owner: Option<DeclId>) -> String {
        let mut text = String::new();
        self.push_type(&mut text, ty, owner);
        text
    }

    fn push_type(&self, out: &mut String, ty: &Type, owner: Option<DeclId>) {
        if ty.is_nullable {
            out.push_str("Option<");
        }
        match &ty.kind {
            TypeKind::Any => out.push_str("serde_json::Value"),
            TypeKind::Boolean => out.push_str("bool"),
            TypeKind::String(format) => match format_type(format.as_deref()) {
                Some(name) => push_all(out, &[&self.prefix, "formats::", name]),
                None => out.push_str("String"),
            },
            TypeKind::Integer(Integer::I32) => out.push_str("i32"),
            TypeKind::Integer(Integer::I64) => out.push_str("i64"),
            TypeKind::Integer(Integer::U32) => out.push_str("u32"),
            TypeKind::Integer(Integer::U64) => out.push_str("u64"),
            TypeKind::Integer(Integer::Big) => push_all(out, &[&self.prefix, "support::Integer"]),
            TypeKind::Number { is_float: false } => out.push_str("serde_json::Number"),
            TypeKind::Number { is_float: true } => out.push_str("f64"),
            TypeKind::Array(item) => {
                out.push_str("Vec<");
                self.push_type(out, item, None);
                out.push('>');
            }
            TypeKind::Map(value) => {
                // The file of declarations imports it.
                if !self.prefix.is_empty() {
                    out.push_str("std::collections::");
                }
                out.push_str("BTreeMap<String, ");
                self.push_type(out, value, None);
                out.push('>');
            }
            TypeKind::Named(id) => match owner {
                Some(owner) if self.graph.needs_box(owner, *id) => {
                    push_all(out, &["Box<", &self.prefix, &self.names[*id], ">"]);
                }
                _ => push_all(out, &[&self.prefix, &self.names[*id]]),
            },
        }
        if ty.is_nullable {
            out.push('>');
        }
    }

    fn derives(&self, id: DeclId) -> &'static str {
        match (self.graph.has_float[id], self.graph.has_raw[id]) {
            (true, _) => "#[derive(Debug, Clone, PartialEq)]\n",
            (false, true) => "#[derive(Debug, Clone, PartialEq, Eq, Hash)]\n",
            (false, false) => "#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]\n",
        }
    }

    fn object(&self, text: &mut String, id: DeclId, object: &Struct, members: &[String]) {
        let name = &self.names[id];
        let fields: Vec<(&String, &Field)> = members.iter().zip(stored(object)).collect();
        let extra = match &object.extra {
            Extra::Unstated => Some("support::Extra".to_owned()),
            Extra::Typed(ty) => Some(format!("BTreeMap<String, {}>", self.type_text(ty, None))),
            Extra::Refused => None,
        };
        let is_default = fields.iter().all(|(_, field)| !field.is_required);
        let derives = self.derives(id);
        if is_default {
            text.push_str(&derives.replacen("Clone, ", "Clone, Default, ", 1));
        } else {
            text.push_str(derives);
        }
        push_all(text, &["pub struct ", name, " {\n"]);
        for (ident, field) in &fields {
            push_docs(text, &field.docs, "    ");
            push_all(text, &["    pub ", ident, ": "]);
            if field.is_required {
                self.push_type(text, &field.ty, Some(id));
                text.push_str(",\n");
            } else {
                text.push_str("Option<");
                self.push_type(text, &field.ty, Some(id));
                text.push_str(">,\n");
            }
        }
        if let Some(extra) = &extra {
            let _ = writeln!(text, "    pub extra: {extra},");
        }
        text.push_str("}\n");
        let n_required = fields.iter().filter(|(_, field)| field.is_required).count();
        let n_other = fields.len() - n_required + usize::from(extra.is_some());
        if !is_default && n_required <= NEW_ARGUMENTS_MAX && n_other > 0 {
            text.push_str(&self.constructor(id, &fields, extra.is_some()));
        }
    }

    fn constructor(&self, id: DeclId, fields: &[(&String, &Field)], has_extra: bool) -> String {
        let mut arguments = Vec::new();
        let mut values = Vec::new();
        for (ident, field) in fields {
            if field.is_required {
                let ty = self.type_text(&field.ty, Some(id));
                arguments.push(format!("{ident}: {ty}"));
                values.push((*ident).clone());
            } else {
                values.push(format!("{ident}: None"));
            }
        }
        if has_extra {
            values.push("extra: Default::default()".to_owned());
        }
        format!(
            "\nimpl {} {{\n    /// Creates a value with the required fields only.\n    #[must_use]\n    pub fn new({}) -> Self {{\n        Self {{ {} }}\n    }}\n}}\n",
            self.names[id],
            arguments.join(", "),
            values.join(", ")
        )
    }

    fn tuple(&self, id: DeclId, tuple: &Tuple) -> String {
        let items = tuple.items.iter().enumerate().map(|(index, ty)| {
            let text = self.type_text(ty, Some(id));
            if index < tuple.n_required {
                format!("pub {text}")
            } else {
                format!("pub Option<{text}>")
            }
        });
        let mut items: Vec<String> = items.collect();
        match &tuple.rest {
            Extra::Unstated => items.push("pub Vec<serde_json::Value>".to_owned()),
            Extra::Typed(ty) => items.push(format!("pub Vec<{}>", self.type_text(ty, None))),
            Extra::Refused => {}
        }
        let (derives, name) = (self.derives(id), &self.names[id]);
        format!("{derives}pub struct {name}({});\n", items.join(", "))
    }

    fn union(&self, text: &mut String, id: DeclId, union: &Union, members: &[String]) {
        push_all(
            text,
            &[self.derives(id), "pub enum ", &self.names[id], " {\n"],
        );
        for (variant, ident) in union.variants.iter().zip(members) {
            push_all(text, &["    ", ident, "("]);
            self.push_type(text, &variant.ty, Some(id));
            text.push_str("),\n");
        }
        let other = if union.is_open {
            "Any other value; the contract allows all of them."
        } else {
            "A value that is unknown to this version of the contract."
        };
        let _ = write!(text, "    /// {other}\n    Other(serde_json::Value),\n}}\n");
    }
}

/// The fields whose values are stored.
pub(crate) fn stored(object: &Struct) -> impl Iterator<Item = &Field> {
    object.fields.iter().filter(|field| !field.is_fixed())
}

/// The identifiers of a union's variants.
pub(crate) fn variant_idents(union: &Union) -> Vec<String> {
    let labels: Vec<&str> = union.variants.iter().map(|v| v.name.as_str()).collect();
    names::members(&labels, Case::Pascal, &["Self", "Other"], "Variant")
}

/// The identifiers of an enum's values.
pub(crate) fn value_idents(values: &[EnumValue]) -> Vec<String> {
    let labels: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
    names::members(&labels, Case::Pascal, &["Self", "Other"], "Value")
}

fn push_docs(out: &mut String, docs: &Docs, indent: &str) {
    let n_before = out.len();
    push_doc_lines(out, &docs.text, indent);
    if docs.is_deprecated {
        // `#[deprecated]` would warn in the generated code itself.
        if out.len() > n_before {
            push_all(out, &[indent, "///\n"]);
        }
        push_all(out, &[indent, "/// Deprecated.\n"]);
    }
}

fn open_enum(text: &mut String, name: &str, values: &[EnumValue], members: &[String]) {
    let derives = "#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]\npub enum ";
    push_all(text, &[derives, name, " {\n"]);
    for (value, ident) in values.iter().zip(members) {
        push_docs(text, &value.docs, "    ");
        push_all(text, &["    ", ident, ",\n"]);
    }
    text.push_str(
        "    /// A value that is unknown to this version of the contract.\n    Other(String),\n}\n",
    );
}
