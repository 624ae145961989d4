//! A schema with its `allOf` members as one flat record, the same for all dialects.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;
use serde_json::Value;
use tollgate_contracts_model::Node;

use super::bounds::Bounds;
use super::view::Cursor;
use super::word::Word;
use crate::ir::Docs;

/// How the document restricts keys that are not listed.
#[derive(Debug, Clone)]
pub(crate) enum FlatExtra<'a> {
    Unstated,
    Refused,
    Schema(Cursor<'a>),
}

/// One schema, merged.
#[derive(Debug, Clone)]
pub(crate) struct Flat<'a> {
    pub(crate) docs: Docs,
    pub(crate) title: Option<String>,
    /// The types it may have; nothing when the document does not state any.
    pub(crate) words: Option<BTreeSet<Word>>,
    pub(crate) is_nullable: bool,
    pub(crate) properties: Vec<(String, Cursor<'a>)>,
    pub(crate) required: BTreeSet<String>,
    pub(crate) extra: FlatExtra<'a>,
    pub(crate) items: Option<Cursor<'a>>,
    /// The lists of items that have each a type of their own, with the schema of the items after
    /// them.
    pub(crate) tuples: Vec<(Vec<Cursor<'a>>, Option<Cursor<'a>>)>,
    pub(crate) values: Option<Vec<Value>>,
    /// Names and texts of the values, by their index, where the document has them.
    pub(crate) value_names: Vec<String>,
    pub(crate) value_docs: Vec<String>,
    pub(crate) is_read_only: bool,
    pub(crate) is_write_only: bool,
    pub(crate) constant: Option<Value>,
    pub(crate) format: Option<String>,
    pub(crate) bounds: Bounds,
    pub(crate) variants: Vec<Cursor<'a>>,
    pub(crate) discriminator: Option<Cursor<'a>>,
    /// How many of the variants each list has, in their order; a value is one of each list.
    pub(crate) groups: Vec<usize>,
    /// Whether the types follow from other keywords only.
    pub(crate) is_inferred: bool,
    /// Keywords of `allOf` members that another member's keyword replaced, with their places.
    pub(crate) overruled: Vec<(String, Cursor<'a>)>,
    /// Keywords of members that the constraints can't hold.
    pub(crate) more: Vec<Value>,
    /// Properties that variants declare differently, and whether all of the declarations are text.
    pub(crate) loose: BTreeMap<String, bool>,
    /// The nodes of the members that are merged. Each is merged once, so that circles and diamonds
    /// of `allOf` take linear time.
    pub(super) merged: FxHashSet<*const Node>,
    /// The node where the merge started; most have no members, and then no other node is kept.
    pub(super) top: Option<*const Node>,
    /// The single reference that this schema adds nothing to, when there is one.
    pub(crate) only_reference: Option<Cursor<'a>>,
}

impl Flat<'_> {
    /// A schema that states nothing.
    pub(super) fn new() -> Self {
        Self {
            docs: Docs::default(),
            title: None,
            words: None,
            is_nullable: false,
            properties: Vec::new(),
            required: BTreeSet::new(),
            extra: FlatExtra::Unstated,
            items: None,
            tuples: Vec::new(),
            values: None,
            value_names: Vec::new(),
            value_docs: Vec::new(),
            is_read_only: false,
            is_write_only: false,
            constant: None,
            format: None,
            bounds: Bounds::default(),
            variants: Vec::new(),
            discriminator: None,
            groups: Vec::new(),
            is_inferred: false,
            overruled: Vec::new(),
            more: Vec::new(),
            loose: BTreeMap::new(),
            merged: FxHashSet::default(),
            top: None,
            only_reference: None,
        }
    }

    /// Whether the keywords of a node are merged here.
    pub(super) fn has_merged(&self, node: *const Node) -> bool {
        self.top == Some(node) || self.merged.contains(&node)
    }
}
