//! From one schema to a shape or a type.

use rustc_hash::FxHashSet;
use serde_json::Value;

use super::flat::{Flat, FlatExtra};
use super::guards::word_name;
use super::lowering::Lowering;
use super::merge::flatten;
use super::scalars::{enumeration, is_listed_scalar, is_plain_scalar, scalar};
use super::view::Cursor;
use super::word::Word;
use crate::ir::{Access, Docs, Extra, Field, Shape, Struct, Type, TypeKind};

impl<'a> Lowering<'a> {
    /// The type of a schema; what is not a plain type is declared under `name`.
    pub(crate) fn type_of(&mut self, schema: &Cursor<'a>, name: &str) -> Type {
        self.type_of_merged(schema, None, name)
    }

    /// The same for a schema that may be merged already.
    fn type_of_merged(&mut self, schema: &Cursor<'a>, flat: Option<Flat<'a>>, name: &str) -> Type {
        if schema.is_reference() {
            return self.reference(schema);
        }
        let here = std::ptr::from_ref(schema.node);
        if let Some(ty) = self.inline.get(&here) {
            return ty.clone();
        }
        if let Some(id) = self.id_of(schema) {
            let mut ty = Type::new(TypeKind::Named(id));
            let flat = flatten(schema);
            ty.is_nullable = flat.is_nullable || self.has_null_variant(&flat);
            return ty;
        }
        let flat = flat.unwrap_or_else(|| flatten(schema));
        // A plain scalar needs no name: it is not declared.
        let is_plain = is_plain_scalar(&flat) && !self.open.contains(&here);
        // Whoever reaches a schema in place, it has one declaration and the name of its place.
        let own_name = if is_plain { None } else { schema.inline_name() };
        let name = own_name.as_deref().unwrap_or(name);
        if self.open.contains(&here) {
            // `allOf` brought us back into a schema that is being looked at: it gets a name.
            let mut ty = Type::new(TypeKind::Named(self.declare_as(schema, name)));
            ty.is_nullable = flat.is_nullable || self.has_null_variant(&flat);
            return ty;
        }
        let is_nullable = flat.is_nullable || self.has_null_variant(&flat);
        let docs = if is_plain {
            Docs::default()
        } else {
            flat.docs.clone()
        };
        self.open.push(here);
        let shape = self.shape_of(schema, flat, name);
        self.open.pop();
        let mut ty = match (shape, self.id_of(schema)) {
            (_, Some(id)) => Type::new(TypeKind::Named(id)),
            (Shape::Alias(ty), None) => ty,
            (shape, None) => {
                let id = self.declare_inline(schema, name.to_owned(), docs, shape);
                self.ir.decls[id].is_nullable = is_nullable;
                Type::new(TypeKind::Named(id))
            }
        };
        ty.is_nullable |= is_nullable && ty.kind != TypeKind::Any;
        if holds_declared(&ty) {
            self.inline.insert(here, ty.clone());
        }
        ty
    }

    /// The shape of a declaration, and whether null is a value of it, which each use of it handles.
    pub(crate) fn shape(&mut self, schema: &Cursor<'a>, name: &str) -> (Docs, Shape, bool) {
        let (docs, mut shape, mut is_nullable) = if schema.is_reference() {
            (Docs::default(), Shape::Alias(self.reference(schema)), false)
        } else {
            let flat = flatten(schema);
            let is_nullable = flat.is_nullable || self.has_null_variant(&flat);
            let docs = flat.docs.clone();
            (docs, self.shape_of(schema, flat, name), is_nullable)
        };
        if let Shape::Alias(ty) = &mut shape {
            is_nullable = (is_nullable || ty.is_nullable) && ty.kind != TypeKind::Any;
            ty.is_nullable = false;
        }
        (docs, shape, is_nullable)
    }

    /// The merged form of the target of a reference, made once.
    fn flat(&mut self, target: &Cursor<'a>) -> std::rc::Rc<Flat<'a>> {
        let key = std::ptr::from_ref(target.node);
        let known = self.flats.entry(key);
        std::rc::Rc::clone(known.or_insert_with(|| std::rc::Rc::new(flatten(target))))
    }

    /// Whether null is a value of the target of a reference.
    fn is_nullable(&mut self, target: &Cursor<'a>) -> bool {
        if let Some(is_nullable) = self.nullables.get(&target.key()) {
            return *is_nullable;
        }
        let flat = self.flat(target);
        let is_nullable = flat.is_nullable || self.has_null_variant(&flat);
        self.nullables.insert(target.key(), is_nullable);
        is_nullable
    }

    /// The siblings of a `$ref` that restrict values; OpenAPI 3.0 ignores them.
    fn siblings(&mut self, schema: &Cursor<'a>) -> Option<Value> {
        if schema.is_30() || schema.node.entries().count() < 2 {
            return None;
        }
        let Value::Object(mut whole) = self.convert_beside(schema) else {
            return None;
        };
        if ["unevaluatedItems", "unevaluatedProperties"]
            .iter()
            .any(|key| whole.contains_key(*key))
        {
            // What is left to look at depends on what the target has looked at.
            return Some(self.convert(schema));
        }
        whole.remove("$ref");
        (!whole.is_empty()).then_some(Value::Object(whole))
    }

    fn reference(&mut self, schema: &Cursor<'a>) -> Type {
        let Some(target) = schema.resolve() else {
            return self.untyped(schema);
        };
        let id = match self.family(&target) {
            Some(family) => family,
            None => self.declare(&target),
        };
        let mut ty = Type::new(TypeKind::Named(id));
        // OpenAPI 3.0 ignores siblings of `$ref`; documents write `nullable` there and mean it.
        ty.is_nullable = self.is_nullable(&target) || schema.is_true("nullable");
        ty.constraints.set_residual(self.siblings(schema));
        ty
    }

    /// The shape with what it can't express as its residual.
    pub(super) fn shape_of(&mut self, schema: &Cursor<'a>, flat: Flat<'a>, name: &str) -> Shape {
        let n_untyped = self.ir.untyped.len();
        self.has_other = false;
        let is_merged = !flat.variants.is_empty()
            && (!flat.properties.is_empty()
                || flat.words.is_some() && flat.variants.iter().all(super::residual::is_condition));
        let mut parts: Vec<Value> = flat.more.clone();
        let missing = missing(&flat);
        if !missing.is_empty() {
            parts.push(serde_json::json!({ "required": missing }));
        }
        for (key, other) in &flat.overruled {
            let other = self.convert(other);
            let other = super::residual::holding(key, other);
            parts.push(super::residual::holding("properties", other));
        }
        let is_open = self.is_strict && flat.is_inferred && flat.variants.is_empty();
        let is_open = is_open && flat.values.is_none() && flat.constant.is_none();
        let (n_groups, has_variants) = (flat.groups.len(), !flat.variants.is_empty());
        let beside = flat.bounds.to_schema();
        let docs = flat.values.is_some().then(|| flat.docs.clone());
        let docs = docs.unwrap_or_default();
        parts.extend(stricter_type(&flat));
        let mut shape = if is_open {
            self.open_shape(schema, flat, name)
        } else {
            self.plain_shape(schema, flat, name)
        };
        let is_any = matches!(&shape, Shape::Alias(ty) if ty.kind == TypeKind::Any);
        if is_open || (is_any && self.ir.untyped.len() > n_untyped) || self.is_strict {
            // Nothing is expressed by a type here, so the whole is checked.
            let whole = self.convert(schema);
            let is_said = whole.as_object().is_none_or(|whole| !whole.is_empty());
            parts.clear();
            parts.extend(
                is_said
                    .then_some(whole)
                    .filter(|whole| *whole != Value::Bool(true)),
            );
        } else {
            let is_tuple = matches!(shape, Shape::Tuple(_));
            parts.extend(self.residual(schema, is_tuple));
            if is_merged && !matches!(shape, Shape::Union(_)) || n_groups > 1 {
                parts.extend(self.all_alternatives(schema));
            }
            if has_variants {
                parts.extend(beside);
            }
        }
        let residual = super::residual::joined(parts);
        match &mut shape {
            Shape::Struct(object) => object.bounds.set_residual(residual),
            Shape::Tuple(tuple) => tuple.bounds.set_residual(residual),
            Shape::Union(union) => super::residual::add(&mut union.bounds, residual),
            Shape::Alias(ty) => super::residual::add(&mut ty.constraints, residual),
            Shape::Enum(values) if residual.is_some() => {
                let known = Shape::Enum(std::mem::take(values));
                shape = Shape::Alias(self.checked_text(schema, (docs, known), residual, name));
            }
            Shape::Enum(_) => {}
        }
        shape
    }

    /// An enum of known values of which only some are allowed here, or one that is combined with
    /// text of a format. The rest of the schema is checked where the enum is used.
    pub(super) fn checked_text(
        &mut self,
        schema: &Cursor<'a>,
        (docs, known): (Docs, Shape),
        residual: Option<Value>,
        name: &str,
    ) -> Type {
        let id = self.declare_inline(schema, format!("{name} text"), docs, known);
        // What stands at the place is this with the check.
        self.ir.decls[id].place.push_str("&text");
        self.has_other = false;
        let mut ty = Type::new(TypeKind::Named(id));
        ty.constraints.set_residual(residual);
        ty
    }

    /// The shape of a schema without `type` in a document that requires strict JSON Schema: its
    /// keywords for objects and lists become types, and any other value is valid too.
    fn open_shape(&mut self, schema: &Cursor<'a>, mut flat: Flat<'a>, name: &str) -> Shape {
        let words = flat.words.take().unwrap_or_default();
        flat.is_inferred = false;
        let [word] = words.iter().copied().collect::<Vec<_>>()[..] else {
            return Shape::Alias(self.untyped(schema));
        };
        if !matches!(word, Word::Object | Word::Array) {
            return Shape::Alias(self.untyped(schema));
        }
        match self.kinds(schema, &flat, &[word], name) {
            Shape::Union(mut union) => {
                union.is_open = true;
                Shape::Union(union)
            }
            shape => shape,
        }
    }

    fn plain_shape(&mut self, schema: &Cursor<'a>, flat: Flat<'a>, name: &str) -> Shape {
        if let Some(only) = &flat.only_reference
            && !self.is_in_family(only, schema)
        {
            let mut ty = self.reference(only);
            ty.is_nullable |= flat.is_nullable;
            return Shape::Alias(ty);
        }
        if !flat.variants.is_empty() && !is_listed_scalar(&flat) {
            let shape = match (flat.properties.is_empty(), flat.groups.len()) {
                (true, 1) => self.union(schema, &flat, name),
                (true, _) => self
                    .composed(schema, &flat, name)
                    .or_else(|| self.union(schema, &flat, name)),
                (false, _) => self.composed(schema, &flat, name),
            };
            if let Some(shape) = shape {
                return shape;
            }
        }
        if let Some(shape) = enumeration(&flat) {
            return shape;
        }
        let words: Vec<Word> = flat.words.iter().flatten().copied().collect();
        match words.as_slice() {
            [Word::Object] => self.object(flat, name),
            [Word::Array] => match self.tuple_shape(&flat, name) {
                Some(tuple) => tuple,
                None => Shape::Alias(self.array(schema, &flat, name)),
            },
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
        let is_tuple = schema.node.get("prefixItems").is_some();
        let item = match &flat.items {
            // What stands after a tuple is not what stands in it.
            Some(items) if items.node.as_object().is_some() && !is_tuple => {
                self.type_of(items, &format!("{name} item"))
            }
            _ => self.untyped(schema),
        };
        Type {
            kind: TypeKind::Array(Box::new(item)),
            is_nullable: false,
            constraints: flat.bounds.of(Word::Array),
        }
    }

    pub(crate) fn object(&mut self, mut flat: Flat<'a>, name: &str) -> Shape {
        self.add_variant_properties(&mut flat);
        let extra = match &flat.extra {
            FlatExtra::Unstated => Extra::Unstated,
            FlatExtra::Refused => Extra::Refused,
            FlatExtra::Schema(schema) => {
                Extra::Typed(Box::new(self.type_of(schema, &format!("{name} value"))))
            }
        };
        let bounds = flat.bounds.of(Word::Object);
        if flat.properties.is_empty() && !matches!(extra, Extra::Refused) {
            let value = match extra {
                Extra::Typed(ty) => *ty,
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
                let mut field = match flat.loose.get(wire) {
                    None => return self.field(wire, property, is_required, name),
                    Some(_) => self.field(wire, property, false, name),
                };
                field.ty = match flat.loose[wire] {
                    true => Type::new(TypeKind::String(None)),
                    false => self.untyped(property),
                };
                field.is_required = is_required && field.access == Access::Both;
                field.constant = None;
                field
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
        let target = property.resolve().filter(|_| property.is_reference());
        let shared = target.map(|target| self.flat(&target));
        let own = shared.is_none().then(|| flatten(property));
        let flat = shared.as_deref().or(own.as_ref());
        let flat = flat.expect("one of both is there");
        let mut docs = if property.is_reference() {
            Docs {
                text: property.text("description").unwrap_or_default().to_owned(),
                is_deprecated: property.is_true("deprecated"),
            }
        } else {
            flat.docs.clone()
        };
        // What is merged says it already, but for what stands beside a reference.
        let is_beside = |key| property.is_reference() && property.is_true(key);
        let is_read = flat.is_read_only || is_beside("readOnly");
        let is_write = flat.is_write_only || is_beside("writeOnly");
        if is_read {
            add_line(
                &mut docs.text,
                "Read-only: sent by the server, ignored in requests.",
            );
        }
        if is_write {
            add_line(&mut docs.text, "Write-only: never in a response.");
        }
        if let Some(default) = property.node.get("default") {
            let default = default.to_json();
            add_line(&mut docs.text, &format!("Default: `{default}`."));
        }
        let constant = flat.constant.clone().filter(|_| !flat.is_nullable);
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
            ty: match own {
                // What is not declared needs no name.
                Some(own) if is_plain_scalar(&own) => self.type_of_merged(property, Some(own), ""),
                own => self.type_of_merged(property, own, &format!("{owner} {wire}")),
            },
        }
    }
}

/// The types that a schema states, as a schema, when its variants have other types too. The author
/// of a variant intends its values, so they have a type, and `validate` reports that the schema
/// does not allow them.
fn stricter_type(flat: &Flat<'_>) -> Option<Value> {
    let words = flat.words.as_ref().filter(|_| !flat.is_inferred)?;
    let is_stated = |word: &Word| {
        words.contains(word) || *word == Word::Integer && words.contains(&Word::Number)
    };
    let mut variants = flat.variants.iter().map(flatten);
    let is_beyond = variants.any(|variant| {
        let mut all = variant.words.iter().flatten();
        all.any(|word| !is_stated(word))
    });
    let names = words.iter().map(|word| word_name(*word).to_lowercase());
    let null = flat.is_nullable.then(|| "null".to_owned());
    let names: Vec<String> = names.chain(null).collect();
    is_beyond.then(|| serde_json::json!({ "type": names }))
}

/// The properties that must be there and are not described.
fn missing(flat: &Flat<'_>) -> Vec<String> {
    if flat.required.is_empty() {
        return Vec::new();
    }
    let known: FxHashSet<&str> = flat.properties.iter().map(|(key, _)| &**key).collect();
    let missing = flat.required.iter();
    let missing = missing.filter(|key| !known.contains(key.as_str()));
    missing.cloned().collect()
}

/// Whether a type is a declared one, or a list or map of it.
fn holds_declared(ty: &Type) -> bool {
    match &ty.kind {
        TypeKind::Named(_) => true,
        TypeKind::Array(inner) | TypeKind::Map(inner) => holds_declared(inner),
        _ => false,
    }
}

fn add_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(line);
}
