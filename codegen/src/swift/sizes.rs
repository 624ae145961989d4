//! The width of values. Structs that hold structs by value would fill the stack, and the compiler
//! writes copies of every level again, so wide ones are held by reference.

use crate::ir::{DeclId, Graph, Ir, Shape, Type, TypeKind};

/// A struct of at most this many words (8 bytes) is held by value in another struct or in a union.
const WORDS_MAX: usize = 16;

/// The widths of the declared types.
#[derive(Debug)]
pub(super) struct Sizes {
    /// The width of each declared type, in words.
    words: Vec<usize>,
}

impl Sizes {
    pub(super) fn of(ir: &Ir, graph: &Graph) -> Self {
        let mut sizes = Self {
            words: vec![0; ir.decls.len()],
        };
        let mut is_seen = vec![false; ir.decls.len()];
        for start in 0..ir.decls.len() {
            // Depth first without recursion: a type is measured behind all that it holds.
            let mut stack = vec![(start, false)];
            while let Some((id, is_ready)) = stack.pop() {
                if is_ready {
                    sizes.words[id] = sizes.measure(ir, graph, id);
                    continue;
                }
                if std::mem::replace(&mut is_seen[id], true) {
                    continue;
                }
                stack.push((id, true));
                stack.extend(held(&ir.decls[id].shape).map(|next| (next, false)));
            }
        }
        sizes
    }

    /// Whether a declared type is too wide to be held by value in another one.
    pub(super) fn is_wide(&self, id: DeclId) -> bool {
        self.words[id] > WORDS_MAX
    }

    /// Whether the variants of a union are too wide together.
    pub(super) fn are_wide<'t>(&self, types: impl Iterator<Item = &'t Type>) -> bool {
        types.map(|ty| self.ty(ty)).sum::<usize>() > WORDS_MAX
    }

    fn measure(&self, ir: &Ir, graph: &Graph, id: DeclId) -> usize {
        match &ir.decls[id].shape {
            Shape::Enum(_) => 2,
            Shape::Alias(ty) => self.ty(ty),
            Shape::Struct(object) => {
                let stored = object.fields.iter().filter(|field| !field.is_fixed());
                let held = stored.map(|field| match field.ty.kind {
                    TypeKind::Named(to) if graph.needs_box(id, to) || self.is_wide(to) => 1,
                    _ => self.ty(&field.ty),
                });
                1 + held.sum::<usize>()
            }
            Shape::Tuple(tuple) => {
                let held = tuple.items.iter().map(|item| match item.kind {
                    TypeKind::Named(to) if graph.needs_box(id, to) || self.is_wide(to) => 1,
                    _ => self.ty(item),
                });
                1 + held.sum::<usize>()
            }
            Shape::Union(_) if graph.is_cyclic_by_value[id] => 1,
            Shape::Union(union) => {
                let held = || union.variants.iter().map(|variant| &variant.ty);
                if self.are_wide(held()) {
                    1
                } else {
                    // `other` holds any value.
                    held().map(|ty| self.ty(ty)).fold(3, usize::max)
                }
            }
        }
    }

    fn ty(&self, ty: &Type) -> usize {
        match &ty.kind {
            TypeKind::Any => 3,
            TypeKind::String(_) => 2,
            TypeKind::Number { is_float: false } => 2,
            TypeKind::Named(id) => self.words[*id],
            _ => 1,
        }
    }
}

/// The declared types that a shape holds by value.
fn held(shape: &Shape) -> impl Iterator<Item = DeclId> {
    let types: Vec<&Type> = match shape {
        Shape::Struct(object) => object.fields.iter().map(|field| &field.ty).collect(),
        Shape::Union(union) => union.variants.iter().map(|variant| &variant.ty).collect(),
        Shape::Tuple(tuple) => tuple.items.iter().collect(),
        Shape::Alias(ty) => vec![ty],
        Shape::Enum(_) => Vec::new(),
    };
    types.into_iter().filter_map(|ty| match ty.kind {
        TypeKind::Named(id) => Some(id),
        _ => None,
    })
}
