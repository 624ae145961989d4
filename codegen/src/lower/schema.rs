//! From one schema to a shape or a type. It must not know operations or channels.

use serde_json::Value;

use super::Lowering;
use super::flat::{Flat, FlatExtra, Word, flatten};
use super::view::Cursor;
use crate::ir::{
    Access, Constraints, Docs, EnumValue, Extra, Field, Integer, Shape, Struct, Type, TypeKind,
};

impl<'a> Lowering<'a> {
    /// The type of a schema; what is not a plain type is declared under `name`.
    pub(crate) fn type_of(&mut self, schema: &Cursor<'a>, name: &str) -> Type {
        if schema.is_reference() {
            return self.reference(schema);
        }
        if let Some(id) = self.ids.get(&schema.place()) {
            return Type::new(TypeKind::Named(*id));
        }
        let flat = flatten(schema);
        let is_nullable = flat.is_nullable || self.has_null_variant(&flat);
        let docs = flat.docs.clone();
        let mut ty = match self.shape_of(schema, flat, name) {
            Shape::Alias(ty) => ty,
            shape => {
                let id = self.declare_inline(schema, name.to_owned(), docs, shape);
                Type::new(TypeKind::Named(id))
            }
        };
        ty.is_nullable |= is_nullable && ty.kind != TypeKind::Any;
        ty
    }

    /// What a declaration is. Null is left to its users, except for plain types.
    pub(crate) fn shape(&mut self, schema: &Cursor<'a>, name: &str) -> (Docs, Shape) {
        if schema.is_reference() {
            return (Docs::default(), Shape::Alias(self.reference(schema)));
        }
        let flat = flatten(schema);
        let docs = flat.docs.clone();
        let mut shape = self.shape_of(schema, flat, name);
        if let Shape::Alias(ty) = &mut shape {
            ty.is_nullable = false;
        }
        (docs, shape)
    }

    fn reference(&mut self, schema: &Cursor<'a>) -> Type {
        let Some(target) = schema.resolve() else {
            return self.untyped(schema);
        };
        let flat = flatten(&target);
        let mut ty = Type::new(TypeKind::Named(self.declare(&target)));
        // OpenAPI 3.0 ignores siblings of `$ref`; documents write `nullable` there and mean it.
        ty.is_nullable =
            flat.is_nullable || schema.is_true("nullable") || self.has_null_variant(&flat);
        ty
    }

    fn shape_of(&mut self, schema: &Cursor<'a>, flat: Flat<'a>, name: &str) -> Shape {
        if let Some(only) = &flat.only_reference {
            let mut ty = self.reference(only);
            ty.is_nullable |= flat.is_nullable;
            return Shape::Alias(ty);
        }
        if flat.properties.is_empty()
            && !flat.variants.is_empty()
            && let Some(shape) = self.union(schema, &flat, name)
        {
            return shape;
        }
        if let Some(shape) = enumeration(&flat) {
            return shape;
        }
        let words: Vec<Word> = flat.words.iter().flatten().copied().collect();
        match words.as_slice() {
            [Word::Object] => self.object(flat, name),
            [Word::Array] => Shape::Alias(self.array(schema, &flat, name)),
            [word] => Shape::Alias(scalar(*word, &flat)),
            [Word::Integer, Word::Number] => Shape::Alias(scalar(Word::Number, &flat)),
            [] => Shape::Alias(self.untyped(schema)),
            _ => self.kinds(schema, &flat, &words, name),
        }
    }

    /// Any value, counted and with its place.
    pub(crate) fn untyped(&mut self, schema: &Cursor<'a>) -> Type {
        self.ir.n_untyped += 1;
        self.ir.untyped.push(schema.place());
        Type::new(TypeKind::Any)
    }

    pub(crate) fn array(&mut self, schema: &Cursor<'a>, flat: &Flat<'a>, name: &str) -> Type {
        let item = match &flat.items {
            Some(items) => self.type_of(items, &format!("{name} item")),
            None => self.untyped(schema),
        };
        Type {
            kind: TypeKind::Array(Box::new(item)),
            is_nullable: false,
            constraints: flat.constraints.clone(),
        }
    }

    pub(crate) fn object(&mut self, mut flat: Flat<'a>, name: &str) -> Shape {
        self.add_variant_properties(&mut flat);
        let extra = match &flat.extra {
            FlatExtra::Unstated => Extra::Unstated,
            FlatExtra::Refused => Extra::Refused,
            FlatExtra::Schema(schema) => {
                Extra::Typed(self.type_of(schema, &format!("{name} value")))
            }
        };
        let bounds = Constraints {
            size_min: flat.constraints.size_min,
            size_max: flat.constraints.size_max,
            ..Constraints::default()
        };
        if flat.properties.is_empty() && !matches!(extra, Extra::Refused) {
            let value = match extra {
                Extra::Typed(ty) => ty,
                _ => Type::new(TypeKind::Any),
            };
            return Shape::Alias(Type {
                kind: TypeKind::Map(Box::new(value)),
                is_nullable: false,
                constraints: bounds,
            });
        }
        let fields = flat
            .properties
            .iter()
            .map(|(wire, property)| {
                let is_required = flat.required.contains(wire);
                self.field(wire, property, is_required, name)
            })
            .collect();
        Shape::Struct(Struct {
            fields,
            extra,
            bounds,
        })
    }

    fn field(
        &mut self,
        wire: &str,
        property: &Cursor<'a>,
        is_required: bool,
        owner: &str,
    ) -> Field {
        let flat = flatten(property);
        let mut docs = if property.is_reference() {
            Docs {
                text: property.text("description").unwrap_or_default().to_owned(),
                is_deprecated: property.is_true("deprecated"),
            }
        } else {
            flat.docs.clone()
        };
        if property.is_true("readOnly") || flat.is_read_only {
            add_line(
                &mut docs.text,
                "Read-only: sent by the server, ignored in requests.",
            );
        }
        if property.is_true("writeOnly") || flat.is_write_only {
            add_line(&mut docs.text, "Write-only: never in a response.");
        }
        if let Some(default) = property.node.get("default") {
            let default = default.to_json();
            add_line(&mut docs.text, &format!("Default: `{default}`."));
        }
        let constant = flat.constant.clone().filter(|_| !flat.is_nullable);
        let is_read = property.is_true("readOnly") || flat.is_read_only;
        let is_write = property.is_true("writeOnly") || flat.is_write_only;
        let access = match (is_read, is_write) {
            (true, false) => Access::Read,
            (false, true) => Access::Write,
            _ => Access::Both,
        };
        let is_required_in_direction = is_required && access != Access::Both;
        let is_required = is_required && access == Access::Both;
        if constant.is_some() && is_required {
            return Field {
                wire: wire.to_owned(),
                docs,
                is_required,
                access,
                is_required_in_direction,
                constant,
                ty: Type::new(TypeKind::Any),
            };
        }
        Field {
            wire: wire.to_owned(),
            docs,
            is_required,
            access,
            is_required_in_direction,
            constant: None,
            ty: self.type_of(property, &format!("{owner} {wire}")),
        }
    }
}

fn add_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(line);
}

/// An open set of strings, when the schema has one.
fn enumeration(flat: &Flat<'_>) -> Option<Shape> {
    let values: Vec<&Value> = match (&flat.constant, &flat.values) {
        (Some(constant), _) => vec![constant],
        (None, Some(values)) => values.iter().collect(),
        (None, None) => return None,
    };
    let mut members: Vec<EnumValue> = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let wire = value.as_str()?.to_owned();
        if members.iter().any(|member| member.wire == wire) {
            continue;
        }
        let name = flat.value_names.get(index).filter(|name| !name.is_empty());
        let text = flat.value_docs.get(index).cloned().unwrap_or_default();
        members.push(EnumValue {
            name: name.unwrap_or(&wire).clone(),
            wire,
            docs: Docs {
                text,
                is_deprecated: false,
            },
        });
    }
    (!members.is_empty()).then_some(Shape::Enum(members))
}

/// A boolean, number or string.
pub(crate) fn scalar(word: Word, flat: &Flat<'_>) -> Type {
    let format = flat.format.as_deref();
    let kind = match word {
        Word::Boolean => TypeKind::Boolean,
        Word::Integer => TypeKind::Integer(integer(format, &flat.constraints)),
        Word::Number => TypeKind::Number {
            is_float: matches!(format, Some("float" | "double")),
        },
        _ => TypeKind::String(flat.format.clone()),
    };
    let mut constraints = flat.constraints.clone();
    constraints.values = allowed(word, flat);
    Type {
        kind,
        is_nullable: false,
        constraints,
    }
}

/// The only values of this type that the schema allows, when it lists them.
fn allowed(word: Word, flat: &Flat<'_>) -> Option<Vec<Value>> {
    let values = flat.constant.as_ref().map(std::slice::from_ref);
    let values = values.or(flat.values.as_deref())?;
    let is_word = |value: &&Value| match word {
        Word::Boolean => value.is_boolean(),
        Word::Integer | Word::Number => value.is_number(),
        Word::String => value.is_string(),
        Word::Array => value.is_array(),
        Word::Object => value.is_object(),
    };
    Some(values.iter().filter(is_word).cloned().collect())
}

/// The smallest of our integers that holds all the schema allows; 64 bits when it does not say.
fn integer(format: Option<&str>, constraints: &Constraints) -> Integer {
    match format {
        Some("int32" | "int16" | "int8" | "uint8" | "uint16") => return Integer::I32,
        Some("uint32") => return Integer::U32,
        Some("uint64" | "uint") => return Integer::U64,
        Some("int64") => return Integer::I64,
        _ => {}
    }
    let fits = |bound: &Option<String>, is_small: fn(f64) -> bool| {
        let value = bound.as_ref().and_then(|text| text.parse().ok());
        value.is_none_or(is_small)
    };
    // 2^63 and 2^64 as binary floating point, exact.
    let is_i64 = |value: f64| value.abs() <= 9_223_372_036_854_775_807.0;
    let is_u64 = |value: f64| (0.0..=18_446_744_073_709_551_615.0).contains(&value);
    if fits(&constraints.minimum, is_i64) && fits(&constraints.maximum, is_i64) {
        Integer::I64
    } else if constraints.minimum.is_some()
        && fits(&constraints.minimum, is_u64)
        && fits(&constraints.maximum, is_u64)
    {
        Integer::U64
    } else {
        Integer::Big
    }
}
