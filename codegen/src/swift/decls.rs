//! Declarations as a person reads them: structs, open sets, unions, aliases, with their docs.

use std::fmt::Write as _;

use serde_json::Value;

use super::scope::Swift;
use super::text::{docs, fields, literal, values, variants, wrapped};
use crate::ir::{
    DeclId, EnumValue, Extra, Field, Format, Integer, Shape, Struct, Tuple, Type, TypeKind, Union,
};
use crate::names::push_all;

impl Swift<'_> {
    pub(super) fn declaration(&self, id: DeclId) -> String {
        let decl = &self.ir.decls[id];
        let name = &self.names[id];
        let original = self.ir.originals[id];
        if original != id {
            return format!("public typealias {name} = {}\n", self.names[original]);
        }
        let docs = docs(&decl.docs, "");
        docs + &match &decl.shape {
            Shape::Struct(object) => self.object(id, object),
            Shape::Enum(values) => open_enum(name, values, decl.is_open),
            Shape::Union(union) => self.union(id, union),
            Shape::Tuple(tuple) => self.tuple(id, tuple),
            Shape::Alias(ty) if self.graph.is_recursive_alias[id] => self.newtype(id, ty),
            Shape::Alias(ty) => {
                format!("public typealias {name} = {}\n", self.type_text(ty))
            }
        }
    }

    /// A type as Swift text.
    pub(super) fn type_text(&self, ty: &Type) -> String {
        let text = match &ty.kind {
            TypeKind::Any => return "JSONValue".to_owned(),
            TypeKind::Boolean => "Bool".to_owned(),
            TypeKind::String(format) => format_type(format.as_deref()).to_owned(),
            TypeKind::Integer(Integer::I32 | Integer::I64 | Integer::U32) => "Int".to_owned(),
            TypeKind::Integer(Integer::U64) => "UInt64".to_owned(),
            TypeKind::Integer(Integer::Big) | TypeKind::Number { is_float: false } => {
                "JSONNumber".to_owned()
            }
            TypeKind::Number { is_float: true } => "Double".to_owned(),
            TypeKind::Array(item) => format!("[{}]", self.type_text(item)),
            TypeKind::Map(value) => format!("[String: {}]", self.type_text(value)),
            TypeKind::Named(id) => self.names[*id].clone(),
        };
        if ty.is_nullable { text + "?" } else { text }
    }

    /// Whether a property of this type would make its owner hold itself, or too wide.
    fn needs_box(&self, owner: DeclId, ty: &Type) -> bool {
        let TypeKind::Named(id) = ty.kind else {
            return false;
        };
        // A union of a cycle is indirect by itself.
        let is_cycle =
            self.graph.needs_box(owner, id) && !matches!(self.ir.decls[id].shape, Shape::Union(_));
        is_cycle || self.sizes.is_wide(id)
    }

    fn object(&self, id: DeclId, object: &Struct) -> String {
        let name = &self.names[id];
        let (stored, fixed) = stored_and_fixed(object);
        let mut text = format!("public struct {name}: JSONModel {{\n");
        let mut arguments = Vec::new();
        let mut assigns = String::new();
        for (ident, field) in &stored {
            text.push_str(&docs(&field.docs, "    "));
            let mut ty = self.type_text(&field.ty);
            let mut default = "";
            if !field.is_required {
                ty.push('?');
                default = " = nil";
            }
            let wrapper = match self.needs_box(id, &field.ty) {
                true if ty.ends_with('?') => "@BoxedOptional ",
                true => "@Boxed ",
                false => "",
            };
            push_all(
                &mut text,
                &["    ", wrapper, "public var ", ident, ": ", &ty, "\n"],
            );
            arguments.push([ident, ": ", &ty, default].concat());
            push_all(&mut assigns, &["        self.", ident, " = ", ident, "\n"]);
        }
        if let Some(ty) = self.extra_type(object) {
            let _ = writeln!(
                text,
                "    /// Properties that the contract does not list.\n    public var extra: [String: {ty}]"
            );
            arguments.push(format!("extra: [String: {ty}] = [:]"));
            assigns.push_str("        self.extra = extra\n");
        }
        for (ident, field) in &fixed {
            if let Some(Value::String(value)) = &field.constant {
                text.push_str(&docs(&field.docs, "    "));
                let value = literal(value);
                let _ = writeln!(text, "    public var {ident}: String {{ {value} }}");
            }
        }
        if !text.ends_with("{\n") {
            text.push('\n');
        }
        text.push_str(&wrapped("    ", "public init", &arguments, " {"));
        text.push_str(&assigns);
        text.push_str("    }\n}\n\n");
        text.push_str(&self.object_coding(name, object, &stored, &fixed));
        text
    }

    fn tuple(&self, id: DeclId, tuple: &Tuple) -> String {
        let name = &self.names[id];
        let mut text = format!("public struct {name}: JSONModel {{\n");
        let (mut arguments, mut assigns) = (Vec::new(), String::new());
        for (index, item) in tuple.items.iter().enumerate() {
            let ty = self.type_text(item);
            let (ty, default) = if index < tuple.n_required {
                (ty, "")
            } else {
                (ty + "?", " = nil")
            };
            let wrapper = match self.needs_box(id, item) {
                true if ty.ends_with('?') => "@BoxedOptional ",
                true => "@Boxed ",
                false => "",
            };
            let _ = writeln!(text, "    {wrapper}public var item{index}: {ty}");
            arguments.push(format!("_ item{index}: {ty}{default}"));
            let _ = writeln!(assigns, "        self.item{index} = item{index}");
        }
        if let Some(ty) = self.rest_type(&tuple.rest) {
            let _ = writeln!(
                text,
                "    /// Items beyond those that the contract lists.\n    public var rest: [{ty}]"
            );
            arguments.push(format!("rest: [{ty}] = []"));
            assigns.push_str("        self.rest = rest\n");
        }
        text.push('\n');
        text.push_str(&wrapped("    ", "public init", &arguments, " {"));
        text.push_str(&assigns);
        text.push_str("    }\n}\n\n");
        text.push_str(&self.tuple_coding(name, tuple));
        text
    }

    pub(super) fn extra_type(&self, object: &Struct) -> Option<String> {
        self.rest_type(&object.extra)
    }

    fn rest_type(&self, extra: &Extra) -> Option<String> {
        match extra {
            Extra::Unstated => Some("JSONValue".to_owned()),
            Extra::Typed(ty) => Some(self.type_text(ty)),
            Extra::Refused => None,
        }
    }

    fn union(&self, id: DeclId, union: &Union) -> String {
        let name = &self.names[id];
        let held = union.variants.iter().map(|variant| &variant.ty);
        let indirect = if self.graph.is_cyclic_by_value[id] || self.sizes.are_wide(held) {
            "indirect "
        } else {
            ""
        };
        let mut text = format!("public {indirect}enum {name}: JSONModel {{\n");
        for (variant, ident) in union.variants.iter().zip(variants(union)) {
            let _ = writeln!(text, "    case {ident}({})", self.type_text(&variant.ty));
        }
        text.push_str(
            "    /// A value that is unknown to this version of the contract.\n    case other(JSONValue)\n}\n\n",
        );
        text.push_str(&self.union_coding(name, union));
        text
    }

    fn newtype(&self, id: DeclId, ty: &Type) -> String {
        let name = &self.names[id];
        let inner = self.type_text(ty);
        let wrapper = match self.needs_box(id, ty) {
            true if inner.ends_with('?') => "@BoxedOptional ",
            true => "@Boxed ",
            false => "",
        };
        let mut text = format!(
            "public struct {name}: JSONModel {{\n    {wrapper}public var value: {inner}\n\n    public init(_ value: {inner}) {{\n        self.value = value\n    }}\n}}\n\n"
        );
        text.push_str(&self.newtype_coding(name, ty));
        text
    }
}

/// A property with its identifier.
pub(super) type Named<'o> = (String, &'o Field);

/// The properties that are stored, and those that always have the same value.
fn stored_and_fixed(object: &Struct) -> (Vec<Named<'_>>, Vec<Named<'_>>) {
    let wires: Vec<&str> = object.fields.iter().map(|f| f.wire.as_str()).collect();
    let named = fields(&wires).into_iter().zip(&object.fields);
    named.partition(|(_, field)| !field.is_fixed())
}

/// The type of a string with this format.
fn format_type(format: Option<&str>) -> &'static str {
    match format.and_then(Format::of) {
        None | Some(Format::Binary) => "String",
        Some(Format::DateTime) => "DateTimeText",
        Some(Format::Date) => "DateText",
        Some(Format::Time) => "TimeText",
        Some(Format::Duration) => "DurationText",
        Some(Format::Uuid) => "UUIDText",
        Some(Format::Uri) => "URIText",
        Some(Format::UriReference) => "URIReferenceText",
        Some(Format::Byte) => "Base64Text",
        Some(Format::Email) => "EmailText",
        Some(Format::Hostname) => "HostnameText",
        Some(Format::Ipv4) => "IPv4Text",
        Some(Format::Ipv6) => "IPv6Text",
        Some(Format::Decimal) => "DecimalText",
        Some(Format::Password) => "PasswordText",
    }
}

/// An open set of strings. A struct with static members instead of an enum: what the contract
/// does not list survives as it is, and one line a value keeps large sets fast to compile.
fn open_enum(name: &str, listed: &[EnumValue], is_open: bool) -> String {
    let idents = values(listed);
    let mut text = format!("public struct {name}: OpenEnum {{\n");
    for (value, ident) in listed.iter().zip(&idents) {
        text.push_str(&docs(&value.docs, "    "));
        let wire = literal(&value.wire);
        let _ = writeln!(
            text,
            "    public static let {ident} = {name}(rawValue: {wire})"
        );
    }
    let _ = write!(
        text,
        "\n    public static let allCases: [{name}] = [{}]\n",
        list(&idents)
    );
    text.push_str(
        "    public let rawValue: String\n\n    public init(rawValue: String) {\n        self.rawValue = rawValue\n    }\n",
    );
    if is_open {
        text.push_str("\n    /// Any other text is valid too.\n    public func check(_ checker: inout JSONChecker) {}\n");
    }
    text.push_str("}\n");
    text
}

/// Identifiers in lines of a readable length.
fn list(idents: &[String]) -> String {
    let line = idents.join(", ");
    if line.len() <= 60 {
        return line;
    }
    let mut lines = String::new();
    let mut line = String::new();
    for ident in idents {
        if line.len() + ident.len() > 84 {
            let _ = write!(lines, "\n        {}", line.trim_end());
            line.clear();
        }
        let _ = write!(line, "{ident}, ");
    }
    let _ = write!(lines, "\n        {}\n    ", line.trim_end());
    lines
}
