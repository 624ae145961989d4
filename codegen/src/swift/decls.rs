//! Declarations: structs, open enums, unions, aliases, each with its coding and its checks.

use std::fmt::Write as _;

use serde_json::Value;

use super::Swift;
use super::text::{docs, literal, literals, members};
use crate::ir::{
    DeclId, EnumValue, Extra, Field, Guard, Integer, Kind, Shape, Struct, Type, TypeKind, Union,
};

impl Swift<'_> {
    pub(super) fn declaration(&self, id: DeclId) -> String {
        let decl = &self.ir.decls[id];
        let name = &self.names[id];
        let docs = docs(&decl.docs, "");
        docs + &match &decl.shape {
            Shape::Struct(object) => self.object(id, object),
            Shape::Enum(values) => open_enum(name, values),
            Shape::Union(union) => self.union(id, union),
            Shape::Alias(ty) if self.graph.is_recursive_alias[id] => self.newtype(id, ty),
            Shape::Alias(ty) => {
                format!("public typealias {name} = {}\n", self.type_text(ty, None))
            }
        }
    }

    /// A type as Swift text; `owner` decides which references need a box.
    pub(super) fn type_text(&self, ty: &Type, owner: Option<DeclId>) -> String {
        let text = match &ty.kind {
            TypeKind::Any => "JSONValue".to_owned(),
            TypeKind::Boolean => "Bool".to_owned(),
            TypeKind::String(_) => "String".to_owned(),
            TypeKind::Integer(Integer::I32) => "Int32".to_owned(),
            TypeKind::Integer(Integer::I64) => "Int64".to_owned(),
            TypeKind::Integer(Integer::U32) => "UInt32".to_owned(),
            TypeKind::Integer(Integer::U64) => "UInt64".to_owned(),
            TypeKind::Integer(Integer::Big) | TypeKind::Number { is_float: false } => {
                "Decimal".to_owned()
            }
            TypeKind::Number { is_float: true } => "Double".to_owned(),
            TypeKind::Array(item) => format!("[{}]", self.type_text(item, None)),
            TypeKind::Map(value) => format!("[String: {}]", self.type_text(value, None)),
            TypeKind::Named(id) => match owner {
                Some(owner) if self.graph.needs_box(owner, *id) => {
                    format!("Boxed<{}>", self.names[*id])
                }
                _ => self.names[*id].clone(),
            },
        };
        if ty.is_nullable {
            format!("{text}?")
        } else {
            text
        }
    }

    fn object(&self, id: DeclId, object: &Struct) -> String {
        let name = &self.names[id];
        let fields: Vec<&Field> = object.fields.iter().filter(|f| !f.is_fixed()).collect();
        let wires: Vec<&str> = fields.iter().map(|field| field.wire.as_str()).collect();
        let idents = members(&wires);
        let extra = match &object.extra {
            Extra::Unstated => Some("JSONValue".to_owned()),
            Extra::Typed(ty) => Some(self.type_text(ty, None)),
            Extra::Refused => None,
        };
        let mut text = format!("public struct {name}: Codable, Sendable, Hashable {{\n");
        let mut arguments = Vec::new();
        let mut assigns = String::new();
        for (field, ident) in fields.iter().zip(&idents) {
            text.push_str(&docs(&field.docs, "    "));
            let mut ty = self.type_text(&field.ty, Some(id));
            if !field.is_required {
                ty.push('?');
            }
            let _ = writeln!(text, "    public var {ident}: {ty}");
            let default = if field.is_required { "" } else { " = nil" };
            arguments.push(format!("{ident}: {ty}{default}"));
            let _ = writeln!(assigns, "        self.{ident} = {ident}");
        }
        if let Some(extra) = &extra {
            let _ = writeln!(
                text,
                "    /// Properties that the contract does not list.\n    public var extra: [String: {extra}]"
            );
            arguments.push(format!("extra: [String: {extra}] = [:]"));
            assigns.push_str("        self.extra = extra\n");
        }
        let arguments = arguments.join(", ");
        let _ = write!(text, "\n    public init({arguments}) {{\n{assigns}    }}\n");
        text.push_str(&object_coding(object, &fields, &idents));
        let checks = self.object_checks(id, object, &fields, &idents);
        text.push_str(&check_functions(&checks));
        text.push_str("}\n");
        text
    }

    fn union(&self, id: DeclId, union: &Union) -> String {
        let name = &self.names[id];
        let labels: Vec<&str> = union.variants.iter().map(|v| v.name.as_str()).collect();
        let idents = members(&labels);
        let mut text = format!("public indirect enum {name}: Codable, Sendable, Hashable {{\n");
        let mut decode = String::new();
        let mut encode = String::new();
        let mut checks = String::new();
        for (variant, ident) in union.variants.iter().zip(&idents) {
            let ty = self.type_text(&variant.ty, None);
            let _ = writeln!(text, "    case {ident}({ty})");
            let guard = guard(&variant.guard);
            let _ = if variant.is_exclusive {
                writeln!(
                    decode,
                    "        if {guard}.passes(value) {{\n            self = .{ident}(try Wire.single(decoder))\n            return\n        }}"
                )
            } else {
                writeln!(
                    decode,
                    "        if {guard}.passes(value), let decoded: {ty} = try? Wire.single(decoder) {{\n            self = .{ident}(decoded)\n            return\n        }}"
                )
            };
            let _ = writeln!(
                encode,
                "        case .{ident}(let value): try container.encode(value)"
            );
            let check = self.type_checks(&variant.ty, "value", "path", 3);
            let _ = if check.is_empty() {
                writeln!(checks, "        case .{ident}: break")
            } else {
                write!(checks, "        case .{ident}(let value):\n{check}")
            };
        }
        let _ = write!(
            text,
            "    /// What the contract does not know yet.\n    case other(JSONValue)\n\n    public init(from decoder: any Decoder) throws {{\n        let value: JSONValue = try Wire.single(decoder)\n{decode}        self = .other(value)\n    }}\n\n    public func encode(to encoder: any Encoder) throws {{\n        var container = encoder.singleValueContainer()\n        switch self {{\n{encode}        case .other(let value): try container.encode(value)\n        }}\n    }}\n"
        );
        let checks = format!(
            "        switch self {{\n{checks}        case .other: Wire.unknown(path, &violations)\n        }}\n"
        );
        text.push_str(&check_functions(&checks));
        text.push_str("}\n");
        text
    }

    fn newtype(&self, id: DeclId, ty: &Type) -> String {
        let name = &self.names[id];
        let inner = self.type_text(ty, Some(id));
        let checks = self.type_checks(ty, "self.value", "path", 2);
        format!(
            "public struct {name}: Codable, Sendable, Hashable {{\n    public var value: {inner}\n\n    public init(_ value: {inner}) {{\n        self.value = value\n    }}\n\n    public init(from decoder: any Decoder) throws {{\n        self.value = try Wire.single(decoder)\n    }}\n\n    public func encode(to encoder: any Encoder) throws {{\n        var container = encoder.singleValueContainer()\n        try container.encode(self.value)\n    }}\n{}}}\n",
            check_functions(&checks)
        )
    }
}

fn object_coding(object: &Struct, fields: &[&Field], idents: &[String]) -> String {
    let known = literals(object.fields.iter().map(|field| &field.wire));
    let mut decode = String::new();
    let mut encode = String::new();
    for field in object.fields.iter().filter(|field| field.is_fixed()) {
        if let Some(constant) = &field.constant {
            let wire = literal(&field.wire);
            let value = constant_value(constant);
            let _ = writeln!(decode, "        try Wire.constant(reader, {wire}, {value})");
            let _ = writeln!(
                encode,
                "        try container.encode({value}, forKey: WireKey({wire}))"
            );
        }
    }
    for (field, ident) in fields.iter().zip(idents) {
        let wire = literal(&field.wire);
        let take = if field.is_required {
            "required"
        } else {
            "optional"
        };
        let _ = writeln!(
            decode,
            "        self.{ident} = try Wire.{take}(reader, {wire})"
        );
        let _ = if field.is_required {
            writeln!(
                encode,
                "        try container.encode(self.{ident}, forKey: WireKey({wire}))"
            )
        } else {
            writeln!(
                encode,
                "        if let value = self.{ident} {{\n            try container.encode(value, forKey: WireKey({wire}))\n        }}"
            )
        };
    }
    if object.extra == Extra::Refused {
        let _ = writeln!(decode, "        try Wire.refuseRest(reader, {known})");
    } else {
        let _ = writeln!(
            decode,
            "        self.extra = try Wire.rest(reader, {known})"
        );
        encode.push_str("        for (key, value) in self.extra {\n            try container.encode(value, forKey: WireKey(key))\n        }\n");
    }
    let binding = if encode.is_empty() {
        "        _ = encoder.container(keyedBy: WireKey.self)\n"
    } else {
        "        var container = encoder.container(keyedBy: WireKey.self)\n"
    };
    format!(
        "\n    public init(from decoder: any Decoder) throws {{\n        let reader = try decoder.container(keyedBy: WireKey.self)\n{decode}    }}\n\n    public func encode(to encoder: any Encoder) throws {{\n{binding}{encode}    }}\n"
    )
}

fn check_functions(checks: &str) -> String {
    format!(
        "\n    /// All that is not as the contract says: bounds, known values, uniqueness.\n    public func validate() -> [Violation] {{\n        var violations: [Violation] = []\n        check(\"\", &violations)\n        return violations\n    }}\n\n    func check(_ path: String, _ violations: inout [Violation]) {{\n{checks}    }}\n"
    )
}

fn constant_value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("JSONValue.string({})", literal(text)),
        other => format!("JSONValue.parse({})", literal(&other.to_string())),
    }
}

fn guard(guard: &Guard) -> String {
    let mut parts = Vec::new();
    if !guard.kinds.is_empty() {
        let kinds: Vec<String> = guard.kinds.iter().map(|kind| kind_word(*kind)).collect();
        parts.push(format!("kinds: {}", literals(&kinds)));
    }
    if !guard.tags.is_empty() {
        let tags: Vec<String> = guard
            .tags
            .iter()
            .map(|(key, values)| format!("({}, {})", literal(key), literals(values)))
            .collect();
        parts.push(format!("tags: [{}]", tags.join(", ")));
    }
    if !guard.keys.is_empty() {
        parts.push(format!("keys: {}", literals(&guard.keys)));
    }
    if let Some(known) = &guard.known {
        parts.push(format!("known: {}", literals(known)));
    }
    if let Some(strings) = &guard.strings {
        parts.push(format!("strings: {}", literals(strings)));
    }
    format!("WireGuard({})", parts.join(", "))
}

fn kind_word(kind: Kind) -> String {
    let word = match kind {
        Kind::Boolean => "boolean",
        Kind::Number => "number",
        Kind::String => "string",
        Kind::Array => "array",
        Kind::Object => "object",
    };
    word.to_owned()
}

fn open_enum(name: &str, values: &[EnumValue]) -> String {
    let wires: Vec<&str> = values.iter().map(|value| value.wire.as_str()).collect();
    let labels: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
    let idents = members(&labels);
    let mut cases = String::new();
    let mut from = String::new();
    let mut to = String::new();
    for (wire, ident) in wires.iter().zip(&idents) {
        let wire = literal(wire);
        let _ = writeln!(cases, "    case {ident}");
        let _ = writeln!(from, "        case {wire}: self = .{ident}");
        let _ = writeln!(to, "        case .{ident}: return {wire}");
    }
    let checks = "        if case .other = self { Wire.unknown(path, &violations) }\n";
    format!(
        "public enum {name}: Codable, Sendable, Hashable {{\n{cases}    /// A value that the contract does not know yet.\n    case other(String)\n\n    public init(rawValue: String) {{\n        switch rawValue {{\n{from}        default: self = .other(rawValue)\n        }}\n    }}\n\n    /// The value on the wire.\n    public var rawValue: String {{\n        switch self {{\n{to}        case .other(let value): return value\n        }}\n    }}\n\n    public init(from decoder: any Decoder) throws {{\n        let text: String = try Wire.single(decoder)\n        self.init(rawValue: text)\n    }}\n\n    public func encode(to encoder: any Encoder) throws {{\n        var container = encoder.singleValueContainer()\n        try container.encode(rawValue)\n    }}\n{}}}\n",
        check_functions(checks)
    )
}
