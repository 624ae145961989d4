//! Declarations as one would write them by hand: structs, open enums, unions, aliases.
//!
//! How they are read, written and checked is the task of `wire`.

use std::fmt::Write as _;

use super::Rust;
use super::text::{doc_lines, member};
use crate::ir::{
    DeclId, Docs, EnumValue, Extra, Field, Format, Integer, Shape, Struct, Tuple, Type, TypeKind,
    Union,
};
use crate::names::{self, Case};

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
        let docs = docs(&decl.docs, "");
        match &decl.shape {
            Shape::Struct(object) => docs + &self.object(id, object, members),
            Shape::Enum(values) => docs + &open_enum(name, values, members),
            Shape::Union(union) => docs + &self.union(id, union, members),
            Shape::Tuple(tuple) => docs + &self.tuple(id, tuple),
            Shape::Alias(ty) if self.graph.is_recursive_alias[id] => {
                let inner = self.type_text(ty, Some(id));
                format!(
                    "{docs}{}pub struct {name}(pub {inner});\n",
                    self.derives(id)
                )
            }
            Shape::Alias(ty) => {
                format!(
                    "{docs}pub type {name} = {};\n",
                    self.type_text(ty, Some(id))
                )
            }
        }
    }

    /// A type as Rust text; `owner` decides which references need a box.
    pub(crate) fn type_text(&self, ty: &Type, owner: Option<DeclId>) -> String {
        let text = match &ty.kind {
            TypeKind::Any => "serde_json::Value".to_owned(),
            TypeKind::Boolean => "bool".to_owned(),
            TypeKind::String(format) => match format_type(format.as_deref()) {
                Some(name) => format!("{}formats::{name}", self.prefix),
                None => "String".to_owned(),
            },
            TypeKind::Integer(Integer::I32) => "i32".to_owned(),
            TypeKind::Integer(Integer::I64) => "i64".to_owned(),
            TypeKind::Integer(Integer::U32) => "u32".to_owned(),
            TypeKind::Integer(Integer::U64) => "u64".to_owned(),
            TypeKind::Integer(Integer::Big) => format!("{}support::Integer", self.prefix),
            TypeKind::Number { is_float: false } => "serde_json::Number".to_owned(),
            TypeKind::Number { is_float: true } => "f64".to_owned(),
            TypeKind::Array(item) => format!("Vec<{}>", self.type_text(item, None)),
            TypeKind::Map(value) => {
                let value = self.type_text(value, None);
                // The file of declarations imports it.
                let path = match self.prefix.is_empty() {
                    true => "",
                    false => "std::collections::",
                };
                format!("{path}BTreeMap<String, {value}>")
            }
            TypeKind::Named(id) => {
                let name = format!("{}{}", self.prefix, self.names[*id]);
                match owner {
                    Some(owner) if self.graph.needs_box(owner, *id) => format!("Box<{name}>"),
                    _ => name,
                }
            }
        };
        if ty.is_nullable {
            format!("Option<{text}>")
        } else {
            text
        }
    }

    fn derives(&self, id: DeclId) -> &'static str {
        match (self.graph.has_float[id], self.graph.has_raw[id]) {
            (true, _) => "#[derive(Debug, Clone, PartialEq)]\n",
            (false, true) => "#[derive(Debug, Clone, PartialEq, Eq, Hash)]\n",
            (false, false) => "#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]\n",
        }
    }

    fn object(&self, id: DeclId, object: &Struct, members: &[String]) -> String {
        let name = &self.names[id];
        let fields: Vec<(&String, &Field)> = members.iter().zip(stored(object)).collect();
        let extra = match &object.extra {
            Extra::Unstated => Some("support::Extra".to_owned()),
            Extra::Typed(ty) => Some(format!("BTreeMap<String, {}>", self.type_text(ty, None))),
            Extra::Refused => None,
        };
        let is_default = fields.iter().all(|(_, field)| !field.is_required);
        let mut text = self.derives(id).to_owned();
        if is_default {
            text = text.replacen("Clone, ", "Clone, Default, ", 1);
        }
        let _ = writeln!(text, "pub struct {name} {{");
        for (ident, field) in &fields {
            text.push_str(&docs(&field.docs, "    "));
            let mut ty = self.type_text(&field.ty, Some(id));
            if !field.is_required {
                ty = format!("Option<{ty}>");
            }
            let _ = writeln!(text, "    pub {ident}: {ty},");
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
        text
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
            "\nimpl {} {{\n    /// With all that must be there, and nothing else.\n    #[must_use]\n    pub fn new({}) -> Self {{\n        Self {{ {} }}\n    }}\n}}\n",
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

    fn union(&self, id: DeclId, union: &Union, members: &[String]) -> String {
        let mut text = self.derives(id).to_owned();
        let _ = writeln!(text, "pub enum {} {{", self.names[id]);
        for (variant, ident) in union.variants.iter().zip(members) {
            let ty = self.type_text(&variant.ty, Some(id));
            let _ = writeln!(text, "    {ident}({ty}),");
        }
        let other = if union.is_open {
            "Any other value; the contract allows all of them."
        } else {
            "What the contract does not know yet."
        };
        let _ = write!(text, "    /// {other}\n    Other(serde_json::Value),\n}}\n");
        text
    }
}

/// The fields whose values are stored.
pub(crate) fn stored(object: &Struct) -> impl Iterator<Item = &Field> {
    object.fields.iter().filter(|field| !field.is_fixed())
}

/// The type in `formats` of a format's word.
pub(crate) fn format_type(format: Option<&str>) -> Option<&'static str> {
    Some(match super::rules::is_typed(format)? {
        Format::DateTime => "DateTime",
        Format::Date => "Date",
        Format::Time => "Time",
        Format::Duration => "Duration",
        Format::Uuid => "Uuid",
        Format::Uri => "Uri",
        Format::UriReference => "UriReference",
        Format::Byte => "Byte",
        Format::Email => "Email",
        Format::Hostname => "Hostname",
        Format::Ipv4 => "Ipv4",
        Format::Ipv6 => "Ipv6",
        Format::Decimal => "Decimal",
        Format::Password => "Password",
        Format::Binary => return None,
    })
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

fn docs(docs: &Docs, indent: &str) -> String {
    let mut text = doc_lines(&docs.text, indent);
    if docs.is_deprecated {
        // `#[deprecated]` would warn in the generated code itself.
        if !text.is_empty() {
            text.push_str(&format!("{indent}///\n"));
        }
        text.push_str(&format!("{indent}/// Deprecated.\n"));
    }
    text
}

fn open_enum(name: &str, values: &[EnumValue], members: &[String]) -> String {
    let mut text = format!(
        "#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]\npub enum {name} {{\n"
    );
    for (value, ident) in values.iter().zip(members) {
        text.push_str(&docs(&value.docs, "    "));
        let _ = writeln!(text, "    {ident},");
    }
    text.push_str("    /// A value that the contract does not know yet.\n    Other(String),\n}\n");
    text
}
