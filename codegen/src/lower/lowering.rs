//! The state of a lowering: what is declared, and which schemas are still to be lowered.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use rustc_hash::FxHashMap;
use tollgate_contracts_model::Node;

use super::flat::Flat;
use super::view::Cursor;
use crate::ir::{Decl, DeclId, Docs, Ir, Shape, Type, TypeKind};

/// The state of a lowering: what is declared and what is still to be lowered.
pub(crate) struct Lowering<'a> {
    pub(super) ir: Ir,
    /// The declarations by their places, or by their nodes where these identify places.
    pub(super) ids: FxHashMap<String, DeclId>,
    pub(super) ids_by_node: FxHashMap<*const Node, DeclId>,
    /// Whether one file may be loaded twice, or one node may have several places.
    pub(super) is_by_place: bool,
    pub(super) queue: VecDeque<(DeclId, Cursor<'a>)>,
    /// The names of the schemas that residuals refer to, by their places, and those to convert.
    pub(super) schema_names: BTreeMap<String, String>,
    pub(super) schema_queue: Vec<(String, Cursor<'a>)>,
    /// Whether the document requires JSON Schema to be applied strictly.
    pub(super) is_strict: bool,
    /// Whether the enum that was made last is open to any other text.
    pub(super) has_other: bool,
    /// The inline schemas that are being lowered, the outermost first.
    pub(super) open: Vec<*const Node>,
    /// The types of the inline schemas that are declared, by their nodes.
    pub(super) inline: FxHashMap<*const Node, Type>,
    /// The schemas that extend each schema with `allOf`, by its place.
    pub(super) children: BTreeMap<String, Vec<Cursor<'a>>>,
    /// The unions of a schema and those that extend it, by its place.
    pub(super) families: BTreeMap<String, Option<DeclId>>,
    /// The merged targets of references, by their nodes.
    pub(super) flats: FxHashMap<*const Node, Rc<Flat<'a>>>,
    /// Whether null is a value of them.
    pub(super) nullables: FxHashMap<*const Node, bool>,
}

impl<'a> Lowering<'a> {
    /// An empty state, before any schema is lowered.
    pub(super) fn new(is_by_place: bool) -> Self {
        Self {
            ir: Ir::default(),
            ids: FxHashMap::default(),
            ids_by_node: FxHashMap::default(),
            is_by_place,
            queue: VecDeque::new(),
            schema_names: BTreeMap::new(),
            schema_queue: Vec::new(),
            is_strict: false,
            has_other: false,
            open: Vec::new(),
            inline: FxHashMap::default(),
            children: BTreeMap::new(),
            families: BTreeMap::new(),
            flats: FxHashMap::default(),
            nullables: FxHashMap::default(),
        }
    }

    pub(super) fn components(&mut self, root: &Cursor<'a>) {
        let schemas = root.get("components").and_then(|all| all.get("schemas"));
        for (_, schema) in schemas.iter().flat_map(Cursor::entries) {
            self.declare(&schema);
        }
        self.drain();
    }

    /// The declaration for a place; created when the place is met for the first time.
    pub(super) fn declare(&mut self, target: &Cursor<'a>) -> DeclId {
        if let Some(id) = self.id_of(target) {
            return id;
        }
        let id = self.push(target, target.name(), target.is_named(), Docs::default());
        self.keep_id(target, id);
        self.queue.push_back((id, target.clone()));
        id
    }

    /// The same for an inline schema, under a name that the caller chooses.
    pub(super) fn declare_as(&mut self, schema: &Cursor<'a>, name: &str) -> DeclId {
        let id = self.push(schema, name.to_owned(), false, Docs::default());
        self.keep_id(schema, id);
        self.queue.push_back((id, schema.clone()));
        id
    }

    /// The declaration that was made for a place, if there is one.
    pub(super) fn id_of(&self, schema: &Cursor<'a>) -> Option<DeclId> {
        if self.is_by_place {
            self.ids.get(&schema.place()).copied()
        } else {
            self.ids_by_node.get(&schema.key()).copied()
        }
    }

    pub(super) fn keep_id(&mut self, schema: &Cursor<'a>, id: DeclId) {
        if self.is_by_place {
            self.ids.insert(schema.place(), id);
        } else {
            self.ids_by_node.insert(schema.key(), id);
        }
    }

    /// A declaration whose shape is known, named by its place.
    pub(super) fn declare_inline(
        &mut self,
        schema: &Cursor<'a>,
        name: String,
        docs: Docs,
        shape: Shape,
    ) -> DeclId {
        let id = self.push(schema, name, false, docs);
        self.ir.decls[id].is_open = self.has_other && matches!(shape, Shape::Enum(_));
        self.ir.decls[id].shape = shape;
        id
    }

    pub(super) fn push(
        &mut self,
        schema: &Cursor<'a>,
        name: String,
        is_component: bool,
        docs: Docs,
    ) -> DeclId {
        self.ir.decls.push(Decl {
            name,
            is_component,
            module: schema.module(),
            place: schema.place(),
            docs,
            is_nullable: false,
            is_open: false,
            shape: Shape::Alias(Type::new(TypeKind::Any)),
        });
        self.ir.decls.len() - 1
    }

    pub(super) fn drain(&mut self) {
        while let Some((id, schema)) = self.queue.pop_front() {
            let name = self.ir.decls[id].name.clone();
            let (docs, shape, is_nullable) = self.shape(&schema, &name);
            // An alias of nothing but itself says nothing: any value.
            let is_loop = matches!(&shape, Shape::Alias(ty) if ty.kind == TypeKind::Named(id));
            let decl = &mut self.ir.decls[id];
            decl.docs = docs;
            decl.is_nullable = is_nullable;
            decl.is_open = self.has_other && matches!(shape, Shape::Enum(_));
            if !is_loop {
                decl.shape = shape;
            }
        }
    }
}
