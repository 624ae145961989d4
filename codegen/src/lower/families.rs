//! Schemas with a `discriminator` that others extend with `allOf`: where such a schema is used, a
//! value may be of any schema of its family.

use std::collections::BTreeSet;

use super::guards::{extension_values, mapped_schemas};
use super::lowering::Lowering;
use super::merge::flatten;
use super::view::Cursor;
use crate::ir::{Constraints, DeclId, Docs, Guard, Kind, Shape, Type, TypeKind, Union, Variant};

impl<'a> Lowering<'a> {
    /// Notes which components of a contract extend which schemas.
    pub(super) fn note_children(&mut self, root: &Cursor<'a>) {
        let schemas = root.get("components").and_then(|all| all.get("schemas"));
        for (_, schema) in schemas.iter().flat_map(Cursor::entries) {
            let Some(schema) = schema.resolve() else {
                continue;
            };
            for parent in parents(&schema) {
                let children = self.children.entry(parent).or_default();
                if !children
                    .iter()
                    .any(|known| std::ptr::eq(known.node, schema.node))
                {
                    children.push(schema.clone());
                }
            }
        }
    }

    /// The union of a schema and all that extend it; nothing when no schema extends it, or when no
    /// property distinguishes them.
    pub(super) fn family(&mut self, parent: &Cursor<'a>) -> Option<DeclId> {
        let discriminator = parent.get("discriminator")?;
        if ["oneOf", "anyOf"]
            .iter()
            .any(|key| parent.node.get(key).is_some())
        {
            return None;
        }
        let place = parent.place();
        if let Some(known) = self.families.get(&place) {
            return *known;
        }
        self.families.insert(place.clone(), None);
        let members = self.descendants(parent, &discriminator);
        let (tag, values) = extension_values(parent, &discriminator, &members)?;
        let parent_id = self.declare(parent);
        let mut variants = Vec::new();
        for (member, values) in members.iter().zip(values) {
            variants.push(Variant {
                name: member.name(),
                ty: Type::new(TypeKind::Named(self.declare(member))),
                guard: Guard {
                    kinds: BTreeSet::from([Kind::Object]),
                    tags: vec![(tag.clone(), values)],
                    ..Guard::default()
                },
                is_exclusive: false,
            });
        }
        if variants.is_empty() {
            return None;
        }
        // What none of them fits is the schema itself, with all that it holds.
        variants.push(Variant {
            name: parent.name(),
            ty: Type::new(TypeKind::Named(parent_id)),
            guard: Guard {
                kinds: BTreeSet::from([Kind::Object]),
                ..Guard::default()
            },
            is_exclusive: false,
        });
        let name = parent.name();
        let docs = Docs {
            text: format!("`{name}`, or a schema that extends it: `{tag}` determines the schema."),
            is_deprecated: false,
        };
        let shape = Shape::Union(Union {
            variants,
            tag: Some(tag),
            is_open: false,
            bounds: Constraints::default(),
        });
        let id = self.declare_inline(parent, format!("any {name}"), docs, shape);
        self.ir.decls[id].place.push_str("&any");
        self.families.insert(place, Some(id));
        Some(id)
    }

    /// Whether one schema extends another that stands for a family.
    pub(super) fn is_in_family(&mut self, parent: &Cursor<'a>, schema: &Cursor<'a>) -> bool {
        let Some(parent) = parent.resolve() else {
            return false;
        };
        self.family(&parent).is_some() && parents(schema).any(|place| place == parent.place())
    }

    /// All that extend a schema, also in several steps: those that the mapping names first.
    fn descendants(&self, parent: &Cursor<'a>, discriminator: &Cursor<'a>) -> Vec<Cursor<'a>> {
        let mut found: Vec<Cursor<'a>> = Vec::new();
        let place = parent.place();
        for schema in mapped_schemas(discriminator) {
            // Files that no component refers to are known from the mapping only.
            if schema.place() != place && flatten(&schema).has_merged(parent.key()) {
                add(&mut found, &schema);
            }
        }
        let mut seen = BTreeSet::from([place.clone()]);
        let mut queue = vec![place.clone()];
        queue.extend(found.iter().map(Cursor::place));
        while let Some(next) = queue.pop() {
            for child in self.children.get(&next).into_iter().flatten() {
                let child_place = child.place();
                if child_place != place && seen.insert(child_place.clone()) {
                    add(&mut found, child);
                    queue.push(child_place);
                }
            }
        }
        found
    }
}

fn add<'a>(found: &mut Vec<Cursor<'a>>, schema: &Cursor<'a>) {
    if !found
        .iter()
        .any(|known| std::ptr::eq(known.node, schema.node))
    {
        found.push(schema.clone());
    }
}

/// The places of the schemas that one extends.
fn parents(schema: &Cursor<'_>) -> impl Iterator<Item = String> {
    let members = schema.get("allOf");
    let members: Vec<Cursor<'_>> = members.iter().flat_map(Cursor::items).collect();
    let members = members.into_iter().filter(Cursor::is_reference);
    let places: Vec<String> = members
        .filter_map(|member| Some(member.resolve()?.place()))
        .collect();
    places.into_iter()
}
