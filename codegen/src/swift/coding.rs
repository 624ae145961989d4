//! How declarations are read from JSON, written to it and checked: an extension each.

use std::fmt::Write as _;

use serde_json::Value;

use super::checked::own_bounds;
use super::decls::Named;
use super::scope::Swift;
use super::text::{literal, literals, variants};
use crate::ir::{Access, Extra, Guard, Kind, Struct, Tuple, Type, Union, Variant};
use crate::names::push_all;

impl Swift<'_> {
    pub(super) fn object_coding(
        &self,
        name: &str,
        object: &Struct,
        stored: &[Named<'_>],
        fixed: &[Named<'_>],
    ) -> String {
        let is_closed = object.extra == Extra::Refused;
        let (mut read, mut write) = (String::new(), String::new());
        for (_, field) in fixed {
            let wire = literal(&field.wire);
            let value = field.constant.as_ref().map(constant).unwrap_or_default();
            let _ = writeln!(read, "        try object.constant({wire}, {value})");
            let _ = writeln!(write, "        object.put({wire}, {value})");
        }
        for (ident, field) in stored {
            let wire = literal(&field.wire);
            let this = this(ident);
            let (take, label) = if field.is_required {
                ("required", "")
            } else {
                ("optional", "ifAny: ")
            };
            let reading = ["        ", &this, " = try object.", take, "(", &wire, ")\n"];
            push_all(&mut read, &reading);
            let writing = ["        object.put(", &wire, ", ", label, &this, ")\n"];
            push_all(&mut write, &writing);
        }
        read.push_str(if is_closed {
            "        try object.refuseRest()\n"
        } else {
            "        extra = try object.rest()\n"
        });
        let is_read = !(stored.is_empty() && fixed.is_empty());
        let (reader, writer) = if is_read {
            ("var", "var")
        } else {
            ("let", "let")
        };
        let start = if is_closed { "" } else { "extra" };
        let checks = self.object_checks(object, stored);
        format!(
            "extension {name} {{\n    public init(json: JSONValue) throws {{\n        {reader} object = try JSONReader(json)\n{read}    }}\n\n    public var json: JSONValue {{\n        {writer} object = JSONWriter({start})\n{write}        return object.json\n    }}\n{}}}\n",
            check_function(&checks)
        )
    }

    fn object_checks(&self, object: &Struct, stored: &[Named<'_>]) -> String {
        let mut checks = String::new();
        let own = own_bounds(&object.bounds);
        if !own.is_empty() {
            let _ = writeln!(checks, "        checker.object(json, {})", own.join(", "));
        }
        for (ident, field) in stored {
            let direction = match field.access {
                Access::Read if field.is_required_in_direction => "in: .response, ",
                Access::Write if field.is_required_in_direction => "in: .request, ",
                _ => "",
            };
            let bounds = self.bounds(&field.ty);
            if bounds.is_empty() && direction.is_empty() && !self.is_checked(&field.ty) {
                continue;
            }
            let (wire, this) = (literal(&field.wire), this(ident));
            let line = ["        checker.field(", &wire, ", ", direction, &this];
            push_all(&mut checks, &line);
            for bound in bounds {
                push_all(&mut checks, &[", ", &bound]);
            }
            checks.push_str(")\n");
        }
        if let Extra::Typed(ty) = &object.extra {
            let bounds = self.bounds(ty);
            if !bounds.is_empty() || self.is_checked(ty) {
                let mut line = "checker.rest(extra".to_owned();
                for bound in bounds {
                    line.push_str(", ");
                    line.push_str(&bound);
                }
                let _ = writeln!(checks, "        {line})");
            }
        }
        checks
    }

    pub(super) fn tuple_coding(&self, name: &str, tuple: &Tuple) -> String {
        let (mut read, mut write) = (String::new(), String::new());
        let mut checks = String::new();
        let own = own_bounds(&tuple.bounds);
        if !own.is_empty() {
            let _ = writeln!(checks, "        checker.object(json, {})", own.join(", "));
        }
        for (index, item) in tuple.items.iter().enumerate() {
            let (take, label) = if index < tuple.n_required {
                ("required", "")
            } else {
                ("optional", "ifAny: ")
            };
            let _ = writeln!(read, "        item{index} = try items.{take}()");
            let _ = writeln!(write, "        items.put({label}item{index})");
            let bounds = self.bounds(item);
            if !bounds.is_empty() || self.is_checked(item) {
                let bounds: Vec<String> = bounds.iter().map(|b| format!(", {b}")).collect();
                let _ = writeln!(
                    checks,
                    "        checker.field(\"{index}\", item{index}{})",
                    bounds.concat()
                );
            }
        }
        if tuple.rest == Extra::Refused {
            read.push_str("        try items.refuseRest()\n");
        } else {
            read.push_str("        rest = try items.rest()\n");
            write.push_str("        items.put(rest: rest)\n");
        }
        if let Extra::Typed(ty) = &tuple.rest {
            let bounds = self.bounds(ty);
            if !bounds.is_empty() || self.is_checked(ty) {
                let bounds: Vec<String> = bounds.iter().map(|b| format!(", {b}")).collect();
                let n_items = tuple.items.len();
                let _ = writeln!(
                    checks,
                    "        checker.items(from: {n_items}, rest{})",
                    bounds.concat()
                );
            }
        }
        format!(
            "extension {name} {{\n    public init(json: JSONValue) throws {{\n        var items = try JSONItems(json)\n{read}    }}\n\n    public var json: JSONValue {{\n        var items = JSONItemsWriter()\n{write}        return items.json\n    }}\n{}}}\n",
            check_function(&checks)
        )
    }

    pub(super) fn union_coding(&self, name: &str, union: &Union) -> String {
        let (mut sure, mut maybe) = (String::new(), String::new());
        let (mut write, mut checks) = (String::new(), String::new());
        for (variant, ident) in union.variants.iter().zip(variants(union)) {
            let conditions = conditions(&variant.guard);
            let is_sure = variant.is_exclusive && !conditions.is_empty();
            // With the type's name the compiler has nothing to infer.
            let value = format!(".{ident}({}(json: json))", self.type_text(&variant.ty));
            let is_tag_optional = variant.guard.is_tag_optional;
            if is_tag_optional {
                // Without the tag, it is a variant like those that are not exclusive.
                let absent = absent_tags(&variant.guard);
                let _ = writeln!(
                    maybe,
                    "        if {absent} {{ fit.take {{ try {value} }} }}"
                );
            }
            let _ = match (is_sure, conditions.is_empty()) {
                (true, _) => writeln!(
                    sure,
                    "        if {conditions} {{\n            self = try {value}\n            return\n        }}"
                ),
                (false, true) => writeln!(maybe, "        fit.take {{ try {value} }}"),
                (false, false) => writeln!(
                    maybe,
                    "        if {conditions} {{ fit.take {{ try {value} }} }}"
                ),
            };
            let _ = writeln!(write, "        case .{ident}(let value): value.json");
            checks.push_str(&self.variant_checks(variant, &ident));
        }
        let end = if maybe.is_empty() {
            "        self = .other(json)\n".to_owned()
        } else {
            format!(
                "        var fit = JSONFit<{name}>()\n{maybe}        self = fit.value ?? .other(json)\n"
            )
        };
        let other = if union.is_open {
            "break"
        } else {
            "checker.fail(\"is not a value of the contract\")"
        };
        let own = own_bounds(&union.bounds);
        let whole = if own.is_empty() {
            String::new()
        } else {
            format!("        checker.object(json, {})\n", own.join(", "))
        };
        format!(
            "extension {name} {{\n    public init(json: JSONValue) throws {{\n{sure}{end}    }}\n\n    public var json: JSONValue {{\n        switch self {{\n{write}        case .other(let value): value\n        }}\n    }}\n\n    public func check(_ checker: inout JSONChecker) {{\n{whole}        switch self {{\n{checks}        case .other: {other}\n        }}\n    }}\n}}\n"
        )
    }

    fn variant_checks(&self, variant: &Variant, ident: &str) -> String {
        let bounds = self.bounds(&variant.ty);
        if bounds.is_empty() && !self.is_checked(&variant.ty) {
            return format!("        case .{ident}: break\n");
        }
        let bounds = bounds.join(", ");
        format!("        case .{ident}(let value): checker.whole(value, [{bounds}])\n")
    }

    pub(super) fn newtype_coding(&self, name: &str, ty: &Type) -> String {
        let bounds = self.bounds(ty);
        let checks = if bounds.is_empty() && !self.is_checked(ty) {
            String::new()
        } else {
            format!("        checker.whole(value, [{}])\n", bounds.join(", "))
        };
        format!(
            "extension {name} {{\n    public init(json: JSONValue) throws {{ value = try .init(json: json) }}\n    public var json: JSONValue {{ value.json }}\n{}}}\n",
            check_function(&checks)
        )
    }
}

fn check_function(checks: &str) -> String {
    if checks.is_empty() {
        return String::new();
    }
    format!("\n    public func check(_ checker: inout JSONChecker) {{\n{checks}    }}\n")
}

/// A property inside the coding, where `object` and `checker` are other things.
fn this(ident: &str) -> String {
    if matches!(ident, "object" | "checker") {
        format!("self.{ident}")
    } else {
        ident.to_owned()
    }
}

/// A JSON value as an expression.
fn constant(value: &Value) -> String {
    match value {
        Value::String(text) => format!("JSONValue.string({})", literal(text)),
        Value::Bool(value) => format!("JSONValue.bool({value})"),
        Value::Null => "JSONValue.null".to_owned(),
        Value::Number(number) => {
            let text = literal(&number.to_string());
            format!("JSONValue.number(JSONNumber(unchecked: {text}))")
        }
        other => format!("JSONCache.constant({})", literal(&other.to_string())),
    }
}

/// The condition that an object has none of the tags.
fn absent_tags(guard: &Guard) -> String {
    let tags = guard.tags.iter();
    let tags = tags.map(|(key, _)| format!("json[{}] == nil", literal(key)));
    let tags: Vec<String> = tags.collect();
    format!("json.isObject, {}", tags.join(", "))
}

/// The conditions that a value must meet to be a variant, as conditions of an `if`.
fn conditions(guard: &Guard) -> String {
    let mut parts = Vec::new();
    // Tags, keys and known properties imply an object, strings a string.
    let is_implied = !guard.tags.is_empty()
        || !guard.keys.is_empty()
        || guard.known.is_some()
        || guard.strings.is_some();
    if !guard.kinds.is_empty() && !is_implied {
        let kinds: Vec<&str> = guard.kinds.iter().map(|kind| kind_word(*kind)).collect();
        parts.push(
            kinds
                .iter()
                .map(|kind| format!("json.{kind}"))
                .collect::<Vec<_>>()
                .join(" || "),
        );
    }
    for (key, values) in &guard.tags {
        let (key, values) = (literal(key), literals(values));
        parts.push(format!("json.has({key}, [{values}])"));
    }
    if !guard.keys.is_empty() {
        parts.push(format!("json.has({})", literals(&guard.keys)));
    }
    if let Some(known) = &guard.known {
        parts.push(format!("json.has(only: [{}])", literals(known)));
    }
    if let Some(strings) = &guard.strings {
        parts.push(format!("json.isText({})", literals(strings)));
    }
    parts.join(", ")
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "isBool",
        Kind::Number => "isNumber",
        Kind::String => "isString",
        Kind::Array => "isArray",
        Kind::Object => "isObject",
    }
}
