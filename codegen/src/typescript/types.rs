//! Declarations as types: interfaces, unions, open enums, aliases.

use std::fmt::Write as _;

use serde_json::Value;

use super::TypeScript;
use super::text::{docs, is_exact, key, literal, value};
use crate::ir::{
    Access, Constraints, DeclId, EnumValue, Extra, Field, Integer, Shape, Struct, Tuple, Type,
    TypeKind, Union, Variant,
};

/// How wide a line of variants or values may be.
const WIDTH_MAX: usize = 96;
/// Up to how many types the type of unlisted properties is spelled out.
const INDEX_TYPES_MAX: usize = 6;

impl TypeScript<'_> {
    /// The type of a declaration, with its comment.
    pub(super) fn type_declaration(&self, out: &mut String, id: DeclId) {
        let decl = &self.ir.decls[id];
        let name = &self.names[id];
        match &decl.shape {
            Shape::Struct(object) => {
                docs(out, &decl.docs, "");
                let _ = writeln!(out, "export interface {name} {{");
                self.interface_body(out, object);
                out.push_str("}\n");
            }
            Shape::Enum(values) => {
                docs(out, &decl.docs, "");
                enum_type(out, name, values);
            }
            Shape::Union(union) => {
                docs(out, &decl.docs, "");
                let mut variants = self.variant_types(id, union);
                variants.push(match &union.tag {
                    Some(tag) if self.is_tagged(union, tag) => {
                        let mut text = "s.Unknown<".to_owned();
                        literal(&mut text, tag);
                        text.push('>');
                        text
                    }
                    _ => "s.Unknown".to_owned(),
                });
                alternatives(out, name, &variants);
            }
            Shape::Tuple(tuple) => {
                docs(out, &decl.docs, "");
                let _ = writeln!(out, "export type {name} = {};", self.tuple_type(tuple));
            }
            Shape::Alias(ty) => {
                docs(out, &decl.docs, "");
                let _ = write!(out, "export type {name} = ");
                if self.is_cut(id, ty) {
                    out.push_str("unknown");
                } else {
                    self.type_text(out, ty);
                }
                out.push_str(";\n");
            }
        }
    }

    fn tuple_type(&self, tuple: &Tuple) -> String {
        let mut items = Vec::new();
        for (index, ty) in tuple.items.iter().enumerate() {
            let mut text = String::new();
            self.type_text(&mut text, ty);
            if index >= tuple.n_required {
                text = match text.contains(' ') {
                    true => format!("({text})?"),
                    false => text + "?",
                };
            }
            items.push(text);
        }
        match &tuple.rest {
            Extra::Refused => {}
            Extra::Unstated => items.push("...unknown[]".to_owned()),
            Extra::Typed(ty) => {
                let mut text = "...Array<".to_owned();
                self.type_text(&mut text, ty);
                items.push(text + ">");
            }
        }
        format!("[{}]", items.join(", "))
    }

    fn interface_body(&self, out: &mut String, object: &Struct) {
        for field in &object.fields {
            docs(out, &field.docs, "  ");
            out.push_str("  ");
            if field.access == Access::Read {
                out.push_str("readonly ");
            }
            key(out, &field.wire);
            out.push_str(if field.is_required { ": " } else { "?: " });
            self.field_type(out, field);
            out.push_str(";\n");
        }
        if object.fields.is_empty() && object.extra == Extra::Refused {
            out.push_str("  [key: string]: never;\n");
        }
        if let Extra::Typed(ty) = &object.extra {
            out.push_str("  /** Properties that the contract does not list. */\n  [key: string]: ");
            out.push_str(&self.index_type(object, ty));
            out.push_str(";\n");
        }
    }

    /// The union of the types of all properties, which an interface's unlisted properties need.
    fn index_type(&self, object: &Struct, ty: &Type) -> String {
        let mut types = Vec::new();
        let mut add = |text: String| {
            if !types.contains(&text) {
                types.push(text);
            }
        };
        let mut text = String::new();
        self.type_text(&mut text, ty);
        add(text);
        for field in &object.fields {
            let mut text = String::new();
            self.field_type(&mut text, field);
            add(text);
        }
        if object.fields.iter().any(|field| !field.is_required) {
            add("undefined".to_owned());
        }
        if types.len() > INDEX_TYPES_MAX || types.iter().any(|text| text == "unknown") {
            return "unknown".to_owned();
        }
        types.join(" | ")
    }

    pub(super) fn field_type(&self, out: &mut String, field: &Field) {
        match &field.constant {
            Some(Value::Array(_) | Value::Object(_)) => out.push_str("unknown"),
            Some(Value::Number(number)) if !is_exact(&number.to_string()) => {
                out.push_str("s.Numeric");
            }
            Some(constant) => value(out, constant),
            None => self.type_text(out, &field.ty),
        }
    }

    fn variant_types(&self, id: DeclId, union: &Union) -> Vec<String> {
        let mut types: Vec<String> = Vec::new();
        for variant in &union.variants {
            if self.is_cut(id, &variant.ty) {
                continue;
            }
            let mut text = String::new();
            match union
                .tag
                .as_deref()
                .and_then(|tag| self.tag_type(tag, variant))
            {
                Some(tag) => {
                    text.push('(');
                    self.type_text(&mut text, &variant.ty);
                    text.push_str(" & ");
                    text.push_str(&tag);
                    text.push(')');
                }
                None => match union.tag.as_deref() {
                    Some(tag) if self.is_rest(tag, variant) => {
                        text.push_str("(Omit<");
                        self.type_text(&mut text, &variant.ty);
                        text.push_str(", ");
                        literal(&mut text, tag);
                        text.push_str("> & s.Unknown<");
                        literal(&mut text, tag);
                        text.push_str(">)");
                    }
                    _ => self.type_text(&mut text, &variant.ty),
                },
            }
            if !types.contains(&text) {
                types.push(text);
            }
        }
        types
    }

    /// Whether a variant covers all other values of the tag.
    fn is_rest(&self, tag: &str, variant: &Variant) -> bool {
        variant.guard.tags.is_empty()
            && self
                .tag_field(tag, variant)
                .is_some_and(|field| field.constant.is_none() && self.is_text(&field.ty))
    }

    /// Whether the compiler distinguishes every variant by the tag.
    fn is_tagged(&self, union: &Union, tag: &str) -> bool {
        union.variants.iter().all(|variant| {
            self.tag_type(tag, variant).is_some()
                || self.is_rest(tag, variant)
                || self.tag_field(tag, variant).is_some_and(|field| {
                    field.is_fixed() && matches!(field.constant, Some(Value::String(_)))
                })
        })
    }

    fn tag_field(&self, tag: &str, variant: &Variant) -> Option<&Field> {
        let object = self.structure(&variant.ty)?;
        object.fields.iter().find(|field| field.wire == tag)
    }

    /// The type that narrows a variant's tag to its values, where the variant itself does not.
    fn tag_type(&self, tag: &str, variant: &Variant) -> Option<String> {
        let object = self.structure(&variant.ty)?;
        let (_, values) = variant.guard.tags.iter().find(|(key, _)| key == tag)?;
        let field = object.fields.iter().find(|field| field.wire == tag);
        let is_text = match field {
            Some(field) if field.constant.is_some() => false,
            Some(field) => self.is_text(&field.ty),
            None => !matches!(object.extra, Extra::Typed(_)),
        };
        if !is_text || values.is_empty() {
            return None;
        }
        let mut text = "{ ".to_owned();
        key(&mut text, tag);
        if variant.guard.is_tag_optional {
            text.push('?');
        }
        for (index, value) in values.iter().enumerate() {
            text.push_str(if index == 0 { ": " } else { " | " });
            literal(&mut text, value);
        }
        text.push_str(" }");
        Some(text)
    }

    /// The object that a type is, through other names for it.
    fn structure(&self, ty: &Type) -> Option<&Struct> {
        match &self.ir.decls[self.target(ty)?].shape {
            Shape::Struct(object) => Some(object),
            _ => None,
        }
    }

    fn is_text(&self, ty: &Type) -> bool {
        match ty.kind {
            TypeKind::String(_) => true,
            TypeKind::Named(_) => self.target(ty).is_some_and(|id| {
                matches!(
                    &self.ir.decls[id].shape,
                    Shape::Enum(_)
                        | Shape::Alias(Type {
                            kind: TypeKind::String(_),
                            ..
                        })
                )
            }),
            _ => false,
        }
    }

    /// The declaration behind other names for it; nothing for a type that is not declared, or names
    /// that refer to each other in a circle.
    fn target(&self, ty: &Type) -> Option<DeclId> {
        let TypeKind::Named(mut id) = ty.kind else {
            return None;
        };
        // An alias of an alias of an alias: no document nests them deeper.
        for _ in 0..16 {
            match &self.ir.decls[id].shape {
                Shape::Alias(Type {
                    kind: TypeKind::Named(next),
                    ..
                }) => id = *next,
                _ => return Some(id),
            }
        }
        None
    }

    /// A use of a type.
    pub(super) fn type_text(&self, out: &mut String, ty: &Type) {
        if !self.known_values(out, ty) {
            match &ty.kind {
                TypeKind::Any => out.push_str("unknown"),
                TypeKind::Boolean => out.push_str("boolean"),
                TypeKind::String(_) => out.push_str("string"),
                TypeKind::Integer(integer) => out.push_str(integer_type(*integer, &ty.constraints)),
                TypeKind::Number { is_float: true } => out.push_str("number"),
                TypeKind::Number { is_float: false } => out.push_str("s.Numeric"),
                TypeKind::Array(item) => self.array_type(out, item),
                TypeKind::Map(item) => {
                    out.push_str("{ [key: string]: ");
                    self.type_text(out, item);
                    out.push_str(" }");
                }
                TypeKind::Named(id) => {
                    out.push_str(self.prefix);
                    out.push_str(&self.names[*id]);
                }
            }
        }
        if ty.is_nullable {
            out.push_str(" | null");
        }
    }

    fn array_type(&self, out: &mut String, item: &Type) {
        let mut text = String::new();
        self.type_text(&mut text, item);
        if text.contains(' ') {
            let _ = write!(out, "Array<{text}>");
        } else {
            let _ = write!(out, "{text}[]");
        }
    }

    /// Numbers of which the contract names a few: those, and any other.
    fn known_values(&self, out: &mut String, ty: &Type) -> bool {
        let Some(values) = &ty.constraints.values else {
            return false;
        };
        let plain = match &ty.kind {
            TypeKind::Integer(integer) => integer_type(*integer, &ty.constraints),
            TypeKind::Number { is_float: true } => "number",
            _ => return false,
        };
        let texts: Vec<String> = values.iter().map(Value::to_string).collect();
        if texts.is_empty() || texts.len() > 24 || !texts.iter().all(|text| is_exact(text)) {
            return false;
        }
        for text in &texts {
            out.push_str(text);
            out.push_str(" | ");
        }
        let _ = write!(out, "({plain} & {{}})");
        true
    }
}

/// The type of a whole number: `number` where its bounds promise that no digit can be lost.
fn integer_type(integer: Integer, constraints: &Constraints) -> &'static str {
    match integer {
        Integer::I32 | Integer::U32 => "number",
        _ if is_safe(constraints) => "number",
        Integer::I64 | Integer::U64 | Integer::Big => "s.Integer",
    }
}

/// Whether the bounds keep a whole number within 53 bits.
pub(super) fn is_safe(constraints: &Constraints) -> bool {
    let fits = |bound: &Option<String>| {
        bound.as_ref().is_some_and(|text| {
            text.parse::<f64>()
                .is_ok_and(|v| v.abs() < 9_007_199_254_740_991.0)
        })
    };
    fits(&constraints.minimum) && fits(&constraints.maximum)
}

fn enum_type(out: &mut String, name: &str, values: &[EnumValue]) {
    let mut types: Vec<String> = values
        .iter()
        .map(|value| super::text::quoted(&value.wire))
        .collect();
    types.push("(string & {})".to_owned());
    alternatives(out, name, &types);
}

/// One line of alternatives, or one for each where they are long.
pub(super) fn alternatives(out: &mut String, name: &str, types: &[String]) {
    let width: usize = types.iter().map(|text| text.len() + 3).sum();
    if width + name.len() < WIDTH_MAX {
        let _ = writeln!(out, "export type {name} = {};", types.join(" | "));
        return;
    }
    let _ = write!(out, "export type {name} =");
    for text in types {
        out.push_str("\n  | ");
        out.push_str(text);
    }
    out.push_str(";\n");
}
