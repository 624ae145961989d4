//! From contracts to the type representation: schemas, operations, channels.
//!
//! It must not know a target language.

mod asyncapi;
mod bounds;
mod composed;
mod families;
mod flat;
mod guards;
mod infer;
mod openapi;
mod residual;
mod said;
mod scalars;
mod schema;
mod tuples;
mod unchecked;
mod unions;
mod view;

use std::borrow::Borrow;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use rustc_hash::FxHashMap;
use tollgate_contracts_model::{Contract, Node};

use crate::ir::{Decl, DeclId, Docs, Ir, Shape, Type, TypeKind, originals};
use flat::Flat;
use view::Cursor;

/// The state of a lowering: what is declared and what is still to be looked at.
pub(crate) struct Lowering<'a> {
    ir: Ir,
    /// The declarations by their places, or by their nodes where these tell places apart.
    ids: FxHashMap<String, DeclId>,
    ids_by_node: FxHashMap<*const Node, DeclId>,
    /// Whether one file may be here twice, or one node may stand for several places.
    is_by_place: bool,
    queue: VecDeque<(DeclId, Cursor<'a>)>,
    /// The names of the schemas that residuals refer to, by their places, and those to convert.
    schema_names: BTreeMap<String, String>,
    schema_queue: Vec<(String, Cursor<'a>)>,
    /// Whether the document asks for JSON Schema to the letter.
    is_strict: bool,
    /// Whether the enum that was made last is open to any other text.
    has_other: bool,
    /// The schemas in place that are being looked at, the outermost first.
    open: Vec<*const Node>,
    /// The types of the schemas in place that are declared, by their nodes.
    inline: FxHashMap<*const Node, Type>,
    /// The schemas that extend each schema with `allOf`, by its place.
    children: BTreeMap<String, Vec<Cursor<'a>>>,
    /// The unions of a schema and those that extend it, by its place.
    families: BTreeMap<String, Option<DeclId>>,
    /// The merged targets of references, by their nodes.
    flats: FxHashMap<*const Node, Rc<Flat<'a>>>,
    /// Whether null is a value of them.
    nullables: FxHashMap<*const Node, bool>,
}

/// A document that names JSON Schema's own dialect means what JSON Schema says: a schema
/// without `type` says nothing about values of other kinds. Others mean objects when they list
/// properties.
const STRICT_DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Everything the contracts declare or use, in one representation.
#[must_use]
pub fn lower<C: Borrow<Contract>>(contracts: &[C]) -> Ir {
    let is_async = |contract: &C| contract.borrow().kind.is_async();
    let mut lowering = Lowering {
        ir: Ir::default(),
        ids: FxHashMap::default(),
        ids_by_node: FxHashMap::default(),
        is_by_place: contracts.len() > 1 || contracts.iter().any(is_async),
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
    };
    for contract in contracts.iter().map(Borrow::borrow) {
        let Some(root) = Cursor::root(contract) else {
            continue;
        };
        lowering.is_strict = root.text("jsonSchemaDialect") == Some(STRICT_DIALECT);
        lowering.note_children(&root);
        lowering.components(&root);
        if contract.kind.is_async() {
            asyncapi::lower(&mut lowering, contract);
        } else {
            openapi::lower(&mut lowering, &root);
        }
        lowering.drain();
        lowering.drain_schemas();
    }
    unchecked::note_patterns(&mut lowering.ir);
    lowering.ir.originals = originals(&lowering.ir);
    lowering.ir
}

impl<'a> Lowering<'a> {
    fn components(&mut self, root: &Cursor<'a>) {
        let schemas = root.get("components").and_then(|all| all.get("schemas"));
        for (_, schema) in schemas.iter().flat_map(Cursor::entries) {
            self.declare(&schema);
        }
        self.drain();
    }

    /// The declaration of what stands at a place; made when it is met for the first time.
    fn declare(&mut self, target: &Cursor<'a>) -> DeclId {
        if let Some(id) = self.id_of(target) {
            return id;
        }
        let id = self.push(target, target.name(), target.is_named(), Docs::default());
        self.keep_id(target, id);
        self.queue.push_back((id, target.clone()));
        id
    }

    /// The same under a name of the caller's, for a schema in place.
    fn declare_as(&mut self, schema: &Cursor<'a>, name: &str) -> DeclId {
        let id = self.push(schema, name.to_owned(), false, Docs::default());
        self.keep_id(schema, id);
        self.queue.push_back((id, schema.clone()));
        id
    }

    /// The declaration that was made of a place, when there is one.
    fn id_of(&self, schema: &Cursor<'a>) -> Option<DeclId> {
        if self.is_by_place {
            self.ids.get(&schema.place()).copied()
        } else {
            self.ids_by_node.get(&schema.key()).copied()
        }
    }

    fn keep_id(&mut self, schema: &Cursor<'a>, id: DeclId) {
        if self.is_by_place {
            self.ids.insert(schema.place(), id);
        } else {
            self.ids_by_node.insert(schema.key(), id);
        }
    }

    /// A declaration whose shape is known, named by its place.
    fn declare_inline(
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

    fn push(
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

    fn drain(&mut self) {
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
