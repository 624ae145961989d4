//! Inline types that are equal: one is declared, the others become names for it.
//!
//! Documents repeat whole objects at hundreds of places (a user in each webhook). Components are
//! never joined: their names are the document's own.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::{
    Access, Constraints, DeclId, Docs, Extra, Guard, Ir, Shape, Struct, Type, TypeKind, Union,
};

/// For each declaration the one that is generated for it: itself, or an inline type that is the
/// same, including its texts. Of several equal types, the first by name and place is taken.
pub(crate) fn originals(ir: &Ir) -> Vec<DeclId> {
    let mut marks = Marks {
        ir,
        marks: vec![None; ir.decls.len()],
        known: FxHashMap::default(),
    };
    let mut order: Vec<DeclId> = (0..ir.decls.len()).collect();
    order.sort_by_key(|id| (&ir.decls[*id].name, &ir.decls[*id].place));
    let mut first: FxHashMap<Mark, DeclId> = FxHashMap::default();
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

/// What a declaration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mark {
    /// Equal only to itself.
    Own(DeclId),
    /// It equals this declaration, which was compared first.
    Like(DeclId),
}

struct Marks<'a> {
    ir: &'a Ir,
    marks: Vec<Option<Mark>>,
    /// The contents of the declarations, and the first declaration with each of them.
    known: FxHashMap<Vec<u8>, DeclId>,
}

impl Marks<'_> {
    fn of(&mut self, id: DeclId) -> Mark {
        if let Some(mark) = self.marks[id] {
            return mark;
        }
        let decl = &self.ir.decls[id];
        // While it is looked at, and for a component, a declaration is nothing but itself.
        self.marks[id] = Some(Mark::Own(id));
        if decl.is_component {
            return Mark::Own(id);
        }
        let mut said = Said(Vec::with_capacity(512));
        said.docs(&decl.docs);
        self.shape(&mut said, &decl.shape, decl.is_open);
        let mark = Mark::Like(*self.known.entry(said.0).or_insert(id));
        self.marks[id] = Some(mark);
        mark
    }

    fn shape(&mut self, to: &mut Said, shape: &Shape, is_open: bool) {
        match shape {
            Shape::Struct(object) => {
                to.byte(0);
                self.object(to, object);
            }
            Shape::Enum(values) => {
                to.byte(1);
                to.flag(is_open);
                to.count(values.len());
                for value in values {
                    to.text(&value.wire);
                    to.text(&value.name);
                    to.docs(&value.docs);
                }
            }
            Shape::Union(union) => {
                to.byte(2);
                self.union(to, union);
            }
            Shape::Tuple(tuple) => {
                to.byte(3);
                to.count(tuple.items.len());
                to.count(tuple.n_required);
                for item in &tuple.items {
                    self.ty(to, item);
                }
                self.extra(to, &tuple.rest);
                to.bounds(&tuple.bounds);
            }
            Shape::Alias(ty) => {
                to.byte(4);
                self.ty(to, ty);
            }
        }
    }

    fn object(&mut self, to: &mut Said, object: &Struct) {
        to.count(object.fields.len());
        for field in &object.fields {
            to.text(&field.wire);
            to.flag(field.is_required);
            to.byte(match field.access {
                Access::Both => 0,
                Access::Read => 1,
                Access::Write => 2,
            });
            to.flag(field.is_required_in_direction);
            to.value(field.constant.as_ref());
            to.docs(&field.docs);
            self.ty(to, &field.ty);
        }
        self.extra(to, &object.extra);
        to.bounds(&object.bounds);
    }

    fn extra(&mut self, to: &mut Said, extra: &Extra) {
        match extra {
            Extra::Unstated => to.byte(0),
            Extra::Refused => to.byte(1),
            Extra::Typed(ty) => {
                to.byte(2);
                self.ty(to, ty);
            }
        }
    }

    fn union(&mut self, to: &mut Said, union: &Union) {
        to.optional(union.tag.as_deref());
        to.flag(union.is_open);
        to.count(union.variants.len());
        for variant in &union.variants {
            to.text(&variant.name);
            to.flag(variant.is_exclusive);
            to.guard(&variant.guard);
            self.ty(to, &variant.ty);
        }
        to.bounds(&union.bounds);
    }

    fn ty(&mut self, to: &mut Said, ty: &Type) {
        to.flag(ty.is_nullable);
        to.bounds(&ty.constraints);
        match &ty.kind {
            TypeKind::Any => to.byte(0),
            TypeKind::Boolean => to.byte(1),
            TypeKind::String(format) => {
                to.byte(2);
                to.optional(format.as_deref());
            }
            TypeKind::Integer(integer) => {
                to.byte(3);
                to.byte(*integer as u8);
            }
            TypeKind::Number { is_float } => {
                to.byte(4);
                to.flag(*is_float);
            }
            TypeKind::Array(inner) => {
                to.byte(5);
                self.ty(to, inner);
            }
            TypeKind::Map(inner) => {
                to.byte(6);
                self.ty(to, inner);
            }
            TypeKind::Named(id) => match self.of(*id) {
                Mark::Own(id) => {
                    to.byte(7);
                    to.count(id);
                }
                Mark::Like(id) => {
                    to.byte(8);
                    to.count(id);
                }
            },
        }
    }
}

/// The whole content of a declaration as bytes, which are equal only for equal declarations.
struct Said(Vec<u8>);

impl Said {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn texts<'t>(&mut self, texts: impl ExactSizeIterator<Item = &'t String>) {
        self.count(texts.len());
        texts.for_each(|text| self.text(text));
    }

    fn optional(&mut self, text: Option<&str>) {
        self.flag(text.is_some());
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn value(&mut self, value: Option<&Value>) {
        match value {
            None => self.byte(0),
            Some(value) => {
                self.byte(1);
                self.text(&value.to_string());
            }
        }
    }

    fn docs(&mut self, docs: &Docs) {
        self.text(&docs.text);
        self.flag(docs.is_deprecated);
    }

    fn guard(&mut self, guard: &Guard) {
        let Guard {
            kinds,
            tags,
            is_tag_optional,
            keys,
            known,
            strings,
        } = guard;
        self.count(kinds.len());
        kinds.iter().for_each(|kind| self.byte(*kind as u8));
        self.count(tags.len());
        for (key, values) in tags {
            self.text(key);
            self.texts(values.iter());
        }
        self.flag(*is_tag_optional);
        self.texts(keys.iter());
        for set in [known, strings] {
            self.flag(set.is_some());
            if let Some(set) = set {
                self.texts(set.iter());
            }
        }
    }

    fn bounds(&mut self, bounds: &Constraints) {
        let is_empty = bounds.is_empty();
        self.flag(is_empty);
        if is_empty {
            return;
        }
        for size in [bounds.size_min, bounds.size_max] {
            self.flag(size.is_some());
            self.0.extend_from_slice(&size.unwrap_or(0).to_le_bytes());
        }
        for text in [
            &bounds.minimum,
            &bounds.maximum,
            &bounds.multiple_of,
            &bounds.pattern,
        ] {
            self.optional(text.as_deref());
        }
        for flag in [
            bounds.is_minimum_exclusive,
            bounds.is_maximum_exclusive,
            bounds.is_unique,
        ] {
            self.flag(flag);
        }
        let values = bounds.values.as_ref();
        self.count(values.map_or(0, |values| values.len() + 1));
        for value in values.into_iter().flatten() {
            self.value(Some(value));
        }
        self.value(bounds.residual.as_ref());
    }
}
