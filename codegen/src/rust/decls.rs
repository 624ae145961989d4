//! Declarations: structs, open enums, unions, aliases, each with its serde and its checks.

use std::fmt::Write as _;

use serde_json::Value;

use super::Rust;
use super::text::{doc_lines, literal, literals, member};
use crate::ir::{
    DeclId, Docs, EnumValue, Extra, Field, Guard, Integer, Kind, Shape, Struct, Type, TypeKind,
    Union,
};
use crate::names::{self, Case};

impl Rust<'_> {
    /// The text of one declaration.
    pub(crate) fn declaration(&self, id: DeclId) -> String {
        let decl = &self.ir.decls[id];
        let name = &self.names[id];
        let docs = docs(&decl.docs, name, "");
        match &decl.shape {
            Shape::Struct(object) => docs + &self.object(id, object),
            Shape::Enum(values) => docs + &open_enum(name, values),
            Shape::Union(union) => docs + &self.union(id, union),
            Shape::Alias(ty) if self.graph.is_recursive_alias[id] => docs + &self.newtype(id, ty),
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
            TypeKind::String(_) => "String".to_owned(),
            TypeKind::Integer(Integer::I32) => "i32".to_owned(),
            TypeKind::Integer(Integer::I64) => "i64".to_owned(),
            TypeKind::Integer(Integer::U32) => "u32".to_owned(),
            TypeKind::Integer(Integer::U64) => "u64".to_owned(),
            TypeKind::Integer(Integer::Big) | TypeKind::Number { is_float: false } => {
                "serde_json::Number".to_owned()
            }
            TypeKind::Number { is_float: true } => "f64".to_owned(),
            TypeKind::Array(item) => format!("Vec<{}>", self.type_text(item, None)),
            TypeKind::Map(value) => {
                let value = self.type_text(value, None);
                format!("std::collections::BTreeMap<String, {value}>")
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

    fn object(&self, id: DeclId, object: &Struct) -> String {
        let name = &self.names[id];
        let fields: Vec<&Field> = object.fields.iter().filter(|f| !f.is_fixed()).collect();
        let wires: Vec<&str> = fields.iter().map(|field| field.wire.as_str()).collect();
        let idents = member(&wires, &["extra"]);
        let extra = match &object.extra {
            Extra::Unstated => Some("serde_json::Value".to_owned()),
            Extra::Typed(ty) => Some(self.type_text(ty, None)),
            Extra::Refused => None,
        };
        let mut text = self.derives(id).to_owned();
        let _ = writeln!(text, "pub struct {name} {{");
        for (field, ident) in fields.iter().zip(&idents) {
            text.push_str(&docs(&field.docs, &field.wire, "    "));
            let mut ty = self.type_text(&field.ty, Some(id));
            if !field.is_required {
                ty = format!("Option<{ty}>");
            }
            let _ = writeln!(text, "    pub {ident}: {ty},");
        }
        if let Some(extra) = &extra {
            let _ = writeln!(
                text,
                "    /// Properties that the contract does not list.\n    pub extra: std::collections::BTreeMap<String, {extra}>,"
            );
        }
        text.push_str("}\n\n");
        self.object_decode(&mut text, id, object, &fields, &idents);
        self.object_encode(&mut text, id, object, &fields, &idents);
        let checks = self.object_checks(object, &fields, &idents);
        text.push_str(&validate_impl(name, &checks));
        text
    }

    fn object_decode(
        &self,
        text: &mut String,
        id: DeclId,
        object: &Struct,
        fields: &[&Field],
        idents: &[String],
    ) {
        let name = &self.names[id];
        let is_mut = if object.fields.is_empty() { "" } else { "mut " };
        let _ = write!(
            text,
            "impl Decode for {name} {{\n    fn decode(value: serde_json::Value, path: &Path<'_>) -> Result<Self, Violation> {{\n        let {is_mut}object = support::object(value, path)?;\n"
        );
        for field in object.fields.iter().filter(|field| field.is_fixed()) {
            if let Some(constant) = &field.constant {
                let _ = writeln!(
                    text,
                    "        support::constant(&mut object, {}, &{}, path)?;",
                    literal(&field.wire),
                    constant_value(constant)
                );
            }
        }
        let is_closed = object.extra == Extra::Refused;
        text.push_str(if is_closed {
            "        let decoded = Self {\n"
        } else {
            "        Ok(Self {\n"
        });
        for (field, ident) in fields.iter().zip(idents) {
            let take = if field.is_required {
                "required"
            } else {
                "optional"
            };
            let wire = literal(&field.wire);
            let _ = writeln!(
                text,
                "            {ident}: support::{take}(&mut object, {wire}, path)?,"
            );
        }
        text.push_str(if is_closed {
            "        };\n        support::refuse_rest(&object, path)?;\n        Ok(decoded)\n    }\n}\n\n"
        } else {
            "            extra: support::rest(object, path)?,\n        })\n    }\n}\n\n"
        });
    }

    fn object_encode(
        &self,
        text: &mut String,
        id: DeclId,
        object: &Struct,
        fields: &[&Field],
        idents: &[String],
    ) {
        let is_empty = object.fields.is_empty() && object.extra == Extra::Refused;
        let mut body = String::new();
        for field in object.fields.iter().filter(|field| field.is_fixed()) {
            if let Some(constant) = &field.constant {
                let wire = literal(&field.wire);
                let value = constant_value(constant);
                let _ = writeln!(body, "        map.serialize_entry({wire}, &{value})?;");
            }
        }
        for (field, ident) in fields.iter().zip(idents) {
            let wire = literal(&field.wire);
            let _ = if field.is_required {
                writeln!(body, "        map.serialize_entry({wire}, &self.{ident})?;")
            } else {
                writeln!(
                    body,
                    "        if let Some(value) = &self.{ident} {{\n            map.serialize_entry({wire}, value)?;\n        }}"
                )
            };
        }
        if object.extra != Extra::Refused {
            body.push_str("        for (key, value) in &self.extra {\n            map.serialize_entry(key, value)?;\n        }\n");
        }
        let is_mut = if is_empty { "" } else { "mut " };
        let _ = write!(
            text,
            "impl serde::Serialize for {} {{\n    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {{\n        use serde::ser::SerializeMap as _;\n        let {is_mut}map = serializer.serialize_map(None)?;\n{body}        map.end()\n    }}\n}}\n\n",
            self.names[id]
        );
    }

    fn union(&self, id: DeclId, union: &Union) -> String {
        let name = &self.names[id];
        let labels: Vec<&str> = union.variants.iter().map(|v| v.name.as_str()).collect();
        let idents = names::members(&labels, Case::Pascal, &["Self", "Other"], "Variant");
        let mut text = self.derives(id).to_owned();
        let _ = writeln!(text, "pub enum {name} {{");
        let mut decode = String::new();
        let mut encode = String::new();
        let mut checks = String::new();
        for (variant, ident) in union.variants.iter().zip(&idents) {
            let ty = self.type_text(&variant.ty, Some(id));
            let _ = writeln!(text, "    /// {ident}.\n    {ident}({ty}),");
            let _ = writeln!(decode, "{}", decode_variant(variant, ident));
            let _ = writeln!(
                encode,
                "            Self::{ident}(value) => serde::Serialize::serialize(value, serializer),"
            );
            let check = self.type_checks(&variant.ty, "value", "path", 3);
            let binding = if check.is_empty() { "_" } else { "value" };
            let _ = writeln!(
                checks,
                "            Self::{ident}({binding}) => {{\n{check}            }}"
            );
        }
        let _ = write!(
            text,
            "    /// What the contract does not know yet.\n    Other(serde_json::Value),\n}}\n\nimpl Decode for {name} {{\n    fn decode(value: serde_json::Value, path: &Path<'_>) -> Result<Self, Violation> {{\n{decode}        let _ = path;\n        Ok(Self::Other(value))\n    }}\n}}\n\nimpl serde::Serialize for {name} {{\n    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {{\n        match self {{\n{encode}            Self::Other(value) => serde::Serialize::serialize(value, serializer),\n        }}\n    }}\n}}\n\n"
        );
        let known = literals(union.variants.iter().map(|variant| &variant.name));
        let checks = format!(
            "        match self {{\n{checks}            Self::Other(_) => support::unknown({known}, path, violations),\n        }}\n"
        );
        text.push_str(&validate_impl(name, &checks));
        text
    }

    fn newtype(&self, id: DeclId, ty: &Type) -> String {
        let name = &self.names[id];
        let inner = self.type_text(ty, Some(id));
        let derives = self.derives(id);
        let mut text = format!(
            "{derives}pub struct {name}(pub {inner});\n\nimpl Decode for {name} {{\n    fn decode(value: serde_json::Value, path: &Path<'_>) -> Result<Self, Violation> {{\n        Decode::decode(value, path).map(Self)\n    }}\n}}\n\nimpl serde::Serialize for {name} {{\n    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {{\n        serde::Serialize::serialize(&self.0, serializer)\n    }}\n}}\n\n"
        );
        let checks = self.type_checks(ty, "&self.0", "path", 2);
        text.push_str(&validate_impl(name, &checks));
        text
    }
}

fn docs(docs: &Docs, name: &str, indent: &str) -> String {
    let mut text = doc_lines(&docs.text, indent);
    if text.is_empty() {
        text = doc_lines(&format!("`{}`.", name.replace('`', "'")), indent);
    }
    if docs.is_deprecated {
        // `#[deprecated]` would warn in the generated code itself.
        text.push_str(&format!("{indent}///\n{indent}/// Deprecated.\n"));
    }
    text
}

fn validate_impl(name: &str, checks: &str) -> String {
    let mark = |word: &str| if checks.contains(word) { "" } else { "_" };
    format!(
        "impl Validate for {name} {{\n    fn check(&self, {}path: &Path<'_>, {}violations: &mut Vec<Violation>) {{\n{checks}    }}\n}}\n\nsupport::model!({name});\n",
        mark("path"),
        mark("violations"),
    )
}

fn constant_value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("serde_json::Value::from({})", literal(text)),
        other => format!("support::raw({})", literal(&other.to_string())),
    }
}

fn decode_variant(variant: &crate::ir::Variant, ident: &str) -> String {
    let guard = guard_text(&variant.guard);
    if variant.is_exclusive && !guard.is_empty() {
        return format!(
            "        if {guard} {{\n            return Decode::decode(value, path).map(Self::{ident});\n        }}"
        );
    }
    let guard = if guard.is_empty() {
        guard
    } else {
        format!("{guard}\n            && ")
    };
    format!(
        "        if {guard}let Ok(decoded) = Decode::decode(value.clone(), path)\n        {{\n            return Ok(Self::{ident}(decoded));\n        }}"
    )
}

fn guard_text(guard: &Guard) -> String {
    let mut terms = Vec::new();
    let kinds: Vec<&str> = guard.kinds.iter().map(|kind| is_kind(*kind)).collect();
    match kinds.as_slice() {
        [] => {}
        [only] => terms.push(format!("value.{only}()")),
        several => {
            let any: Vec<String> = several
                .iter()
                .map(|kind| format!("value.{kind}()"))
                .collect();
            terms.push(format!("({})", any.join(" || ")));
        }
    }
    for (key, values) in &guard.tags {
        let values = literals(values);
        terms.push(format!(
            "support::has_tag(&value, {}, {values})",
            literal(key)
        ));
    }
    if !guard.keys.is_empty() {
        terms.push(format!(
            "support::has_keys(&value, {})",
            literals(&guard.keys)
        ));
    }
    if let Some(known) = &guard.known {
        terms.push(format!("support::has_only(&value, {})", literals(known)));
    }
    if let Some(strings) = &guard.strings {
        terms.push(format!("support::is_one_of(&value, {})", literals(strings)));
    }
    terms.join(" && ")
}

fn is_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "is_boolean",
        Kind::Number => "is_number",
        Kind::String => "is_string",
        Kind::Array => "is_array",
        Kind::Object => "is_object",
    }
}

fn open_enum(name: &str, values: &[EnumValue]) -> String {
    let wires: Vec<&str> = values.iter().map(|value| value.wire.as_str()).collect();
    let labels: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
    let idents = names::members(&labels, Case::Pascal, &["Self", "Other"], "Value");
    let mut text = format!(
        "#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]\npub enum {name} {{\n"
    );
    let mut as_str = String::new();
    let mut from = String::new();
    for (wire, ident) in wires.iter().zip(&idents) {
        let shown = wire.replace('`', "'");
        text.push_str(&doc_lines(&format!("`{shown}`."), "    "));
        let _ = writeln!(text, "    {ident},");
        let wire = literal(wire);
        let _ = writeln!(as_str, "            Self::{ident} => {wire},");
        let _ = writeln!(from, "            {wire} => Self::{ident},");
    }
    let known = literals(values.iter().map(|value| &value.wire));
    let _ = write!(
        text,
        "    /// A value that the contract does not know yet.\n    Other(String),\n}}\n\nimpl {name} {{\n    /// The values of the contract.\n    pub const KNOWN: &'static [&'static str] = {known};\n\n    /// The value on the wire.\n    #[must_use]\n    pub fn as_str(&self) -> &str {{\n        match self {{\n{as_str}            Self::Other(value) => value,\n        }}\n    }}\n}}\n\nimpl From<&str> for {name} {{\n    fn from(value: &str) -> Self {{\n        match value {{\n{from}            other => Self::Other(other.to_owned()),\n        }}\n    }}\n}}\n\nimpl std::fmt::Display for {name} {{\n    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\n        f.write_str(self.as_str())\n    }}\n}}\n\nimpl Decode for {name} {{\n    fn decode(value: serde_json::Value, path: &Path<'_>) -> Result<Self, Violation> {{\n        <String as Decode>::decode(value, path).map(|value| Self::from(value.as_str()))\n    }}\n}}\n\nimpl serde::Serialize for {name} {{\n    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {{\n        serializer.serialize_str(self.as_str())\n    }}\n}}\n\n"
    );
    let checks = "        if let Self::Other(_) = self {\n            support::unknown(Self::KNOWN, path, violations);\n        }\n";
    text.push_str(&validate_impl(name, checks));
    text
}
