//! Inline types that say the same: one is declared, the others become names for it.
//!
//! Documents repeat whole objects at hundreds of places (a user in each webhook). Components are
//! never joined: their names are the document's own. It must not know how a type is printed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{
    Access, Constraints, DeclId, Docs, Extra, Guard, Ir, Shape, Struct, Type, TypeKind, Union,
};

/// For each declaration the one that stands for it: itself, or an inline type that is the same
/// down to its texts, of which the first in the order of `names` is taken.
pub(crate) fn originals(ir: &Ir, names: &[String]) -> Vec<DeclId> {
    let mut marks = Marks {
        ir,
        marks: vec![None; ir.decls.len()],
    };
    let mut order: Vec<DeclId> = (0..ir.decls.len()).collect();
    order.sort_by_key(|id| &names[*id]);
    let mut first: HashMap<Mark, DeclId> = HashMap::new();
    let mut originals: Vec<DeclId> = (0..ir.decls.len()).collect();
    for id in order {
        let is_joinable =
            !ir.decls[id].is_component && !matches!(ir.decls[id].shape, Shape::Alias(_));
        if is_joinable {
            originals[id] = *first.entry(marks.of(id)).or_insert(id);
        }
    }
    originals
}

/// 128 bits, so that two that differ have the same mark only in theory.
type Mark = (u64, u64);

struct Marks<'a> {
    ir: &'a Ir,
    marks: Vec<Option<Mark>>,
}

impl Marks<'_> {
    fn of(&mut self, id: DeclId) -> Mark {
        if let Some(mark) = self.marks[id] {
            return mark;
        }
        let decl = &self.ir.decls[id];
        let own = (id as u64, u64::MAX);
        // While it is looked at, and for a component, a declaration is nothing but itself.
        self.marks[id] = Some(own);
        if decl.is_component {
            return own;
        }
        let mut writer = Writer {
            one: DefaultHasher::new(),
            other: DefaultHasher::new(),
        };
        writer.put(&1u8);
        writer.other.write_u8(7);
        docs(&mut writer, &decl.docs);
        self.shape(&mut writer, &decl.shape, decl.is_open);
        let mark = (writer.one.finish(), writer.other.finish());
        self.marks[id] = Some(mark);
        mark
    }

    fn shape(&mut self, to: &mut Writer, shape: &Shape, is_open: bool) {
        match shape {
            Shape::Struct(object) => {
                to.put(&"struct");
                self.object(to, object);
            }
            Shape::Enum(values) => {
                to.put(&("enum", is_open));
                to.put(&values.len());
                for value in values {
                    to.put(&(&value.wire, &value.name));
                    docs(to, &value.docs);
                }
            }
            Shape::Union(union) => {
                to.put(&"union");
                self.union(to, union);
            }
            Shape::Tuple(tuple) => {
                to.put(&("tuple", tuple.items.len(), tuple.n_required));
                for item in &tuple.items {
                    self.ty(to, item);
                }
                self.extra(to, &tuple.rest);
                bounds(to, &tuple.bounds);
            }
            Shape::Alias(ty) => {
                to.put(&"alias");
                self.ty(to, ty);
            }
        }
    }

    fn object(&mut self, to: &mut Writer, object: &Struct) {
        to.put(&object.fields.len());
        for field in &object.fields {
            let access = match field.access {
                Access::Both => 0u8,
                Access::Read => 1,
                Access::Write => 2,
            };
            to.put(&(&field.wire, field.is_required, access));
            to.put(&field.is_required_in_direction);
            to.put(&field.constant.as_ref().map(ToString::to_string));
            docs(to, &field.docs);
            self.ty(to, &field.ty);
        }
        self.extra(to, &object.extra);
        bounds(to, &object.bounds);
    }

    fn extra(&mut self, to: &mut Writer, extra: &Extra) {
        match extra {
            Extra::Unstated => to.put(&0u8),
            Extra::Refused => to.put(&1u8),
            Extra::Typed(ty) => self.ty(to, ty),
        }
    }

    fn union(&mut self, to: &mut Writer, union: &Union) {
        to.put(&(union.variants.len(), &union.tag, union.is_open));
        for variant in &union.variants {
            let Guard {
                kinds,
                tags,
                is_tag_optional,
                keys,
                known,
                strings,
            } = &variant.guard;
            to.put(&(&variant.name, variant.is_exclusive));
            to.put(&(kinds, tags, is_tag_optional, keys, known, strings));
            self.ty(to, &variant.ty);
        }
        bounds(to, &union.bounds);
    }

    fn ty(&mut self, to: &mut Writer, ty: &Type) {
        to.put(&ty.is_nullable);
        bounds(to, &ty.constraints);
        match &ty.kind {
            TypeKind::Named(id) => {
                let mark = self.of(*id);
                to.put(&("named", mark));
            }
            TypeKind::Array(inner) => {
                to.put(&"array");
                self.ty(to, inner);
            }
            TypeKind::Map(inner) => {
                to.put(&"map");
                self.ty(to, inner);
            }
            TypeKind::String(format) => to.put(&("string", format)),
            TypeKind::Any => to.put(&"any"),
            TypeKind::Boolean => to.put(&"boolean"),
            TypeKind::Integer(integer) => to.put(&("integer", *integer as u8)),
            TypeKind::Number { is_float } => to.put(&("number", is_float)),
        }
    }
}

struct Writer {
    one: DefaultHasher,
    other: DefaultHasher,
}

impl Writer {
    fn put(&mut self, value: &impl Hash) {
        value.hash(&mut self.one);
        value.hash(&mut self.other);
    }
}

fn docs(to: &mut Writer, docs: &Docs) {
    to.put(&(&docs.text, docs.is_deprecated));
}

fn bounds(to: &mut Writer, constraints: &Constraints) {
    let is_empty = constraints.is_empty();
    to.put(&is_empty);
    if !is_empty {
        to.put(&format!("{constraints:?}"));
    }
}
