//! Declarations as checks for `parse`, `is` and `validate`.

use std::fmt::Write as _;

use serde_json::Value;

use super::TypeScript;
use super::text::{docs, key, list, literal, number, value};
use super::types::is_safe;
use crate::ir::{
    Access, Constraints, DeclId, EnumValue, Extra, Field, Format, Guard, Integer, Kind, Shape,
    Struct, Tuple, Type, TypeKind, Union,
};
use crate::names::{self, Case};

impl TypeScript<'_> {
    /// The declaration at run time, under the name of the type.
    pub(super) fn check_declaration(&self, out: &mut String, id: DeclId) {
        let decl = &self.ir.decls[id];
        let name = &self.names[id];
        if let Shape::Enum(values) = &decl.shape {
            // Any other text may be valid beside the listed ones.
            let word = if decl.is_open { "anyText" } else { "openEnum" };
            let _ = write!(out, "\nexport const {name} = s.{word}(");
            enum_values(out, values);
            out.push_str(");\n");
            return;
        }
        let _ = write!(
            out,
            "\nexport const {name}: s.Model<{name}> = s.model(() => "
        );
        match &decl.shape {
            Shape::Struct(object) => self.object_check(out, object),
            Shape::Union(union) => self.union_check(out, id, union),
            Shape::Tuple(tuple) => self.tuple_check(out, tuple),
            Shape::Alias(ty) if self.is_cut(id, ty) => out.push_str("s.any"),
            Shape::Alias(ty) => self.check(out, ty),
            Shape::Enum(_) => {}
        }
        out.push_str(");\n");
    }

    fn object_check(&self, out: &mut String, object: &Struct) {
        let bounds = bounds(&object.bounds, &TypeKind::Any);
        let residual = object.bounds.residual.as_ref();
        if residual.is_some() {
            out.push_str("r.holds(");
        }
        if !bounds.is_empty() {
            out.push_str("s.bounded(");
        }
        out.push_str("s.object({");
        for field in &object.fields {
            out.push_str("\n  ");
            // This name alone would set the prototype.
            if field.wire == "__proto__" {
                out.push_str("[\"__proto__\"]");
            } else {
                key(out, &field.wire);
            }
            out.push_str(": ");
            let presence = presence(field);
            if let Some(word) = presence {
                let _ = write!(out, "s.{word}(");
            }
            match &field.constant {
                Some(constant) => {
                    out.push_str("s.constant(");
                    value(out, constant);
                    out.push(')');
                }
                None => self.check(out, &field.ty),
            }
            out.push_str(if presence.is_some() { ")," } else { "," });
        }
        out.push_str(if object.fields.is_empty() { "}" } else { "\n}" });
        match &object.extra {
            Extra::Unstated => {}
            Extra::Refused => out.push_str(", s.none"),
            Extra::Typed(ty) if ty.kind == TypeKind::Any && ty.constraints.is_empty() => {}
            Extra::Typed(ty) => {
                out.push_str(", ");
                self.check(out, ty);
            }
        }
        out.push(')');
        if !bounds.is_empty() {
            let _ = write!(out, ", {bounds})");
        }
        end_residual(out, residual);
    }

    fn tuple_check(&self, out: &mut String, tuple: &Tuple) {
        let bounds = bounds(&tuple.bounds, &TypeKind::Any);
        let residual = tuple.bounds.residual.as_ref();
        if residual.is_some() {
            out.push_str("r.holds(");
        }
        if !bounds.is_empty() {
            out.push_str("s.bounded(");
        }
        out.push_str("s.tuple([");
        for (index, ty) in tuple.items.iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            self.check(out, ty);
        }
        let _ = write!(out, "], {}", tuple.n_required);
        match &tuple.rest {
            Extra::Unstated => {}
            Extra::Refused => out.push_str(", null"),
            Extra::Typed(ty) => {
                out.push_str(", ");
                self.check(out, ty);
            }
        }
        out.push(')');
        if !bounds.is_empty() {
            let _ = write!(out, ", {bounds})");
        }
        end_residual(out, residual);
    }

    fn union_check(&self, out: &mut String, id: DeclId, union: &Union) {
        let tag = union.tag.as_deref().filter(|tag| {
            let is_only = |guard: &Guard| {
                guard.tags.len() == 1
                    && !guard.is_tag_optional
                    && guard.tags[0].0 == *tag
                    && guard.keys.is_empty()
                    && guard.known.is_none()
                    && guard.kinds.iter().eq([&Kind::Object])
            };
            union
                .variants
                .iter()
                .all(|variant| variant.is_exclusive && is_only(&variant.guard))
        });
        let residual = union.bounds.residual.as_ref();
        if residual.is_some() {
            out.push_str("r.holds(");
        }
        out.push_str(if tag.is_some() {
            "s.tagged("
        } else {
            "s.union(["
        });
        if let Some(tag) = tag {
            literal(out, tag);
            out.push_str(", [");
        }
        for variant in &union.variants {
            // A variant that is the union itself adds nothing.
            if variant.ty.kind == TypeKind::Named(id) {
                continue;
            }
            out.push_str("\n  [");
            if tag.is_some() {
                let values = &variant.guard.tags[0].1;
                list(out, values.iter().map(String::as_str));
            } else {
                guard(out, &variant.guard);
                let _ = write!(out, ", {}", variant.is_exclusive);
            }
            out.push_str(", ");
            if self.is_cut(id, &variant.ty) {
                out.push_str("s.any");
            } else {
                self.check(out, &variant.ty);
            }
            out.push_str("],");
        }
        out.push_str("\n]");
        out.push_str(if union.is_open { ", true)" } else { ")" });
        end_residual(out, residual);
    }

    /// The expression that checks a use of a type.
    pub(super) fn check(&self, out: &mut String, ty: &Type) {
        let bounds = bounds(&ty.constraints, &ty.kind);
        let residual = ty.constraints.residual.as_ref();
        if ty.is_nullable {
            out.push_str("s.nullable(");
        }
        if residual.is_some() {
            out.push_str("r.holds(");
        }
        if !bounds.is_empty() {
            out.push_str("s.bounded(");
        }
        match &ty.kind {
            TypeKind::Any => out.push_str("s.any"),
            TypeKind::Boolean => out.push_str("s.boolean"),
            TypeKind::String(_) => out.push_str("s.string"),
            TypeKind::Integer(integer) => out.push_str(match integer {
                Integer::I32 => "s.int32",
                Integer::U32 => "s.uint32",
                _ if is_safe(&ty.constraints) => "s.safeInteger",
                // The representation takes 64 bits where a document says nothing; a `bigint` holds more.
                Integer::I64 | Integer::U64 | Integer::Big => "s.integer",
            }),
            TypeKind::Number { is_float: true } => out.push_str("s.float"),
            TypeKind::Number { is_float: false } => out.push_str("s.number"),
            TypeKind::Array(item) => {
                out.push_str("s.array(");
                self.check(out, item);
                out.push(')');
            }
            TypeKind::Map(item) => {
                out.push_str("s.map(");
                self.check(out, item);
                out.push(')');
            }
            TypeKind::Named(id) => {
                out.push_str(self.prefix);
                out.push_str(&self.names[*id]);
            }
        }
        if !bounds.is_empty() {
            let _ = write!(out, ", {bounds})");
        }
        end_residual(out, residual);
        if ty.is_nullable {
            out.push(')');
        }
    }
}

fn end_residual(out: &mut String, residual: Option<&Value>) {
    if let Some(residual) = residual {
        out.push_str(", ");
        literal(out, &residual.to_string());
        out.push(')');
    }
}

/// The word around the check of a property; nothing for one that is always required.
fn presence(field: &Field) -> Option<&'static str> {
    match (
        field.access,
        field.is_required,
        field.is_required_in_direction,
    ) {
        (_, true, _) => None,
        (Access::Read, _, true) => Some("requiredRead"),
        (Access::Read, _, false) => Some("readOnly"),
        (Access::Write, _, true) => Some("requiredWrite"),
        (Access::Write, _, false) => Some("writeOnly"),
        (Access::Both, ..) => Some("optional"),
    }
}

/// The listed values of an open set, each under a name.
fn enum_values(out: &mut String, values: &[EnumValue]) {
    let labels: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
    let idents = names::members(&labels, Case::Pascal, &[], "Value");
    out.push_str("{\n");
    for (value, ident) in values.iter().zip(idents) {
        docs(out, &value.docs, "  ");
        let _ = write!(out, "  {ident}: ");
        literal(out, &value.wire);
        out.push_str(",\n");
    }
    out.push('}');
}

/// The bounds as an object; nothing when there are none.
fn bounds(constraints: &Constraints, kind: &TypeKind) -> String {
    let format = match kind {
        TypeKind::String(Some(word)) => checked_format(word),
        _ => None,
    };
    if constraints.is_empty() && format.is_none() {
        return String::new();
    }
    let mut out = String::new();
    let start = |out: &mut String, name: &str| {
        out.push_str(if out.is_empty() { "{ " } else { ", " });
        out.push_str(name);
        out.push_str(": ");
    };
    for (name, size) in [
        ("sizeMin", constraints.size_min),
        ("sizeMax", constraints.size_max),
    ] {
        if let Some(size) = size {
            start(&mut out, name);
            let _ = write!(out, "{size}");
        }
    }
    let numbers = [
        ("minimum", &constraints.minimum),
        ("maximum", &constraints.maximum),
        ("multipleOf", &constraints.multiple_of),
    ];
    for (name, text) in numbers {
        if let Some(text) = text {
            start(&mut out, name);
            number(&mut out, text);
        }
    }
    let flags = [
        (
            "isMinimumExclusive",
            constraints.is_minimum_exclusive && constraints.minimum.is_some(),
        ),
        (
            "isMaximumExclusive",
            constraints.is_maximum_exclusive && constraints.maximum.is_some(),
        ),
        ("isUnique", constraints.is_unique),
    ];
    for (name, is_set) in flags {
        if is_set {
            start(&mut out, name);
            out.push_str("true");
        }
    }
    for (name, text) in [
        ("pattern", constraints.pattern.as_deref()),
        ("format", format),
    ] {
        if let Some(text) = text {
            start(&mut out, name);
            literal(&mut out, text);
        }
    }
    if let Some(values) = &constraints.values {
        start(&mut out, "values");
        for (index, allowed) in values.iter().enumerate() {
            out.push_str(if index == 0 { "[" } else { ", " });
            value(&mut out, allowed);
        }
        out.push_str(if values.is_empty() { "[]" } else { "]" });
    }
    if !out.is_empty() {
        out.push_str(" }");
    }
    out
}

/// The word under which the support file checks a format; nothing for those that hold always.
fn checked_format(word: &str) -> Option<&'static str> {
    Some(match Format::of(word)? {
        Format::DateTime => "date-time",
        Format::Date => "date",
        Format::Time => "time",
        Format::Duration => "duration",
        Format::Uuid => "uuid",
        Format::Uri if word == "iri" => "iri",
        Format::Uri => "uri",
        Format::UriReference if word == "iri-reference" => "iri-reference",
        Format::UriReference => "uri-reference",
        Format::Byte => "byte",
        Format::Email => "email",
        Format::Hostname if word == "idn-hostname" => return None,
        Format::Hostname => "hostname",
        Format::Ipv4 => "ipv4",
        Format::Ipv6 => "ipv6",
        Format::Decimal => "decimal",
        Format::Binary | Format::Password => return None,
    })
}

fn guard(out: &mut String, guard: &Guard) {
    let mut has_part = false;
    let mut start = |out: &mut String, name: &str| {
        out.push_str(if has_part { ", " } else { "{ " });
        has_part = true;
        out.push_str(name);
        out.push_str(": ");
    };
    if !guard.kinds.is_empty() {
        start(out, "kinds");
        list(out, guard.kinds.iter().map(|kind| kind_word(*kind)));
    }
    if !guard.tags.is_empty() {
        start(
            out,
            if guard.is_tag_optional {
                "tagsIfAny"
            } else {
                "tags"
            },
        );
        for (index, (key, values)) in guard.tags.iter().enumerate() {
            out.push_str(if index == 0 { "[[" } else { ", [" });
            literal(out, key);
            out.push_str(", ");
            list(out, values.iter().map(String::as_str));
            out.push(']');
        }
        out.push(']');
    }
    if !guard.keys.is_empty() {
        start(out, "keys");
        list(out, guard.keys.iter().map(String::as_str));
    }
    if let Some(known) = &guard.known {
        start(out, "known");
        list(out, known.iter().map(String::as_str));
    }
    if let Some(strings) = &guard.strings {
        start(out, "strings");
        list(out, strings.iter().map(String::as_str));
    }
    out.push_str(if has_part { " }" } else { "{}" });
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::Number => "number",
        Kind::String => "string",
        Kind::Array => "array",
        Kind::Object => "object",
    }
}
