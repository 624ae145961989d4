//! An index over the nodes of several documents: parents, pointers, children by key, and where each
//! reference leads. Built in one pass.

use std::collections::HashMap;

use tollgate_contracts_model::source::{escape_token, unescape_token};
use tollgate_contracts_model::targets::target_of;
use tollgate_contracts_model::{Contract, Entry, Node};
use tollgate_report::Place;

/// How many references may follow each other.
const CHAIN_MAX: usize = 64;
const NONE: u32 = u32::MAX;

/// One node of a tree, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Item(pub(crate) u32);

/// What leads from a parent to a child.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    /// The root of a document.
    Root,
    /// A key of an object.
    Name(&'a Entry),
    /// An index of an array.
    Index(u32),
}

struct Slot<'a> {
    node: &'a Node,
    key: Key<'a>,
    parent: u32,
    first: u32,
    len: u32,
    file: u32,
    /// Where the reference of this object leads; [`NONE`] when it is not a reference or has no
    /// target.
    target: u32,
    is_data: bool,
}

/// All nodes of some documents.
pub(crate) struct Tree<'a> {
    slots: Vec<Slot<'a>>,
    files: Vec<&'a str>,
    roots: HashMap<&'a str, u32>,
    references: Vec<(Item, Item)>,
}

impl<'a> Tree<'a> {
    /// The tree of all documents of a contract; the entry file is the first.
    pub(crate) fn of_contract(contract: &'a Contract) -> Self {
        let entry = contract.documents.get_key_value(&contract.entry);
        let others = contract
            .documents
            .iter()
            .filter(|(file, _)| **file != contract.entry);
        let documents = entry.into_iter().chain(others);
        Self::build(documents.map(|(file, document)| (file.as_str(), &document.root)))
    }

    /// The tree of one document.
    pub(crate) fn of_node(file: &'a str, node: &'a Node) -> Self {
        Self::build(std::iter::once((file, node)))
    }

    fn build(documents: impl Iterator<Item = (&'a str, &'a Node)>) -> Self {
        let mut tree = Self {
            slots: Vec::new(),
            files: Vec::new(),
            roots: HashMap::new(),
            references: Vec::new(),
        };
        let mut references = Vec::new();
        for (file, node) in documents {
            let file_idx = u32::try_from(tree.files.len()).expect("fewer than 2^32 files");
            tree.files.push(file);
            let root = tree.push(node, Key::Root, NONE, file_idx, false);
            tree.roots.insert(file, root);
            tree.grow(root, &mut references);
        }
        for item in references {
            if let Some(target) = tree.find_target(Item(item)) {
                tree.slots[item as usize].target = target.0;
            }
            if let Some(next) = tree.next_target(Item(item), &mut CHAIN_MAX.clone()) {
                tree.references.push((Item(item), next));
            }
        }
        tree
    }

    fn push(&mut self, node: &'a Node, key: Key<'a>, parent: u32, file: u32, is_data: bool) -> u32 {
        let item = u32::try_from(self.slots.len()).expect("nodes are bounded when they are read");
        self.slots.push(Slot {
            node,
            key,
            parent,
            first: 0,
            len: 0,
            file,
            target: NONE,
            is_data,
        });
        item
    }

    /// Adds all descendants of a root; the children of one parent are next to each other.
    fn grow(&mut self, root: u32, references: &mut Vec<u32>) {
        let mut next = root;
        while (next as usize) < self.slots.len() {
            let slot = &self.slots[next as usize];
            let (node, file, is_data) = (slot.node, slot.file, slot.is_data);
            let first = u32::try_from(self.slots.len()).expect("nodes are bounded");
            if let Some(entries) = node.as_object() {
                let is_map = !is_data && self.is_map(next);
                for entry in entries {
                    let is_data = is_data || (!is_map && self.holds_data(next, &entry.key));
                    self.push(&entry.node, Key::Name(entry), next, file, is_data);
                }
                if node.get("$ref").is_some_and(|node| node.as_str().is_some()) {
                    references.push(next);
                }
            } else {
                for (idx, item) in node.items().enumerate() {
                    let idx = u32::try_from(idx).expect("nodes are bounded");
                    self.push(item, Key::Index(idx), next, file, is_data);
                }
            }
            let len = u32::try_from(self.slots.len()).expect("nodes are bounded") - first;
            let slot = &mut self.slots[next as usize];
            (slot.first, slot.len) = (first, len);
            next += 1;
        }
    }

    /// Whether the keys of an object are names that its author chose.
    fn is_map(&self, item: u32) -> bool {
        let slot = &self.slots[item as usize];
        let Key::Name(entry) = slot.key else {
            return false;
        };
        let parent = &self.slots[slot.parent as usize];
        let in_components = matches!(parent.key, Key::Name(entry) if entry.key == "components")
            && entry.key != "schema";
        if in_components {
            return true;
        }
        matches!(
            entry.key.as_str(),
            "properties"
                | "patternProperties"
                | "$defs"
                | "definitions"
                | "dependentSchemas"
                | "responses"
                | "headers"
                | "callbacks"
                | "links"
                | "examples"
                | "channels"
                | "messages"
                | "parameters"
                | "content"
                | "variables"
                | "paths"
                | "schemas"
        ) && !self.is_map(slot.parent)
    }

    /// Whether a key of an object holds data of its author, in which `$ref` is an ordinary key.
    fn holds_data(&self, parent: u32, key: &str) -> bool {
        match key {
            "example" | "default" | "enum" | "const" => true,
            "examples" => {
                // A list is of JSON Schema; a mapping holds example objects, which may be
                // references.
                let examples = self.slots[parent as usize].node.get("examples");
                examples.is_some_and(|node| node.as_array().is_some())
            }
            "value" => {
                let slot = &self.slots[parent as usize];
                slot.parent != NONE
                    && matches!(self.slots[slot.parent as usize].key,
                        Key::Name(entry) if entry.key == "examples")
            }
            _ => false,
        }
    }

    fn find_target(&self, item: Item) -> Option<Item> {
        let mut budget = CHAIN_MAX;
        let mut at = item;
        while self.reference_text(at).is_some() {
            budget = budget.checked_sub(1)?;
            at = self.next_target(at, &mut budget)?;
        }
        Some(at)
    }

    /// Where the reference of an item leads, following only that one.
    fn next_target(&self, item: Item, budget: &mut usize) -> Option<Item> {
        self.locate(self.file(item), self.reference_text(item)?, budget)
    }

    /// Each reference that has a target, and the target, following only that one.
    pub(crate) fn references(&self) -> &[(Item, Item)] {
        &self.references
    }

    fn reference_text(&self, item: Item) -> Option<&'a str> {
        let slot = self.slot(item);
        let text = slot.node.get("$ref").and_then(Node::as_str)?;
        // `$ref` in an example is data, but for an object that is nothing else and names a place
        // of the document: its author means the reference, as GitHub's documents do.
        let is_meant = !slot.is_data || (slot.len == 1 && text.starts_with("#/"));
        is_meant.then_some(text)
    }

    /// The item that a reference names, relative to a file; references on the way are followed.
    fn locate(&self, file: &str, text: &str, budget: &mut usize) -> Option<Item> {
        let target = target_of(file, text);
        let mut at = Item(*self.roots.get(target.file.as_str())?);
        if target.pointer.is_empty() {
            return Some(at);
        }
        if !target.pointer.starts_with('/') {
            return self.find_anchor(at, &target.pointer);
        }
        for token in target.pointer[1..].split('/') {
            let key = unescape_token(token);
            at = match self.child(at, &key) {
                Some(child) => child,
                None => {
                    *budget = budget.checked_sub(1)?;
                    let text = self.reference_text(at)?;
                    let behind = self.locate(self.file(at), text, budget)?;
                    self.child(behind, &key)?
                }
            };
        }
        Some(at)
    }

    fn find_anchor(&self, root: Item, anchor: &str) -> Option<Item> {
        self.of_file(root)
            .find(|item| self.node(*item).get("$anchor").and_then(Node::as_str) == Some(anchor))
    }

    /// All items of the file of a root.
    pub(crate) fn of_file(&self, root: Item) -> impl Iterator<Item = Item> + use<'_, 'a> {
        let file = self.slot(root).file;
        let end = u32::try_from(self.slots.len()).expect("nodes are bounded");
        (root.0..end)
            .take_while(move |item| self.slots[*item as usize].file == file)
            .map(Item)
    }

    fn slot(&self, item: Item) -> &Slot<'a> {
        &self.slots[item.0 as usize]
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The root of the first document.
    pub(crate) fn root(&self) -> Item {
        Item(0)
    }

    /// The node of an item.
    pub(crate) fn node(&self, item: Item) -> &'a Node {
        self.slot(item).node
    }

    /// The key that leads to an item.
    pub(crate) fn key(&self, item: Item) -> Key<'a> {
        self.slot(item).key
    }

    /// The key as text; empty for a root.
    pub(crate) fn key_text(&self, item: Item) -> String {
        match self.key(item) {
            Key::Root => String::new(),
            Key::Name(entry) => entry.key.clone(),
            Key::Index(idx) => idx.to_string(),
        }
    }

    /// The key of an item of an object.
    pub(crate) fn name(&self, item: Item) -> Option<&'a str> {
        match self.key(item) {
            Key::Name(entry) => Some(entry.key.as_str()),
            _ => None,
        }
    }

    /// The parent of an item in its document.
    pub(crate) fn parent(&self, item: Item) -> Option<Item> {
        let parent = self.slot(item).parent;
        (parent != NONE).then_some(Item(parent))
    }

    /// The file of an item.
    pub(crate) fn file(&self, item: Item) -> &'a str {
        self.files[self.slot(item).file as usize]
    }

    /// Whether an item is in the entry file.
    pub(crate) fn is_in_entry(&self, item: Item) -> bool {
        self.slot(item).file == 0
    }

    /// Whether an item is data: an example, a default, a value of an enum, or below one.
    pub(crate) fn is_data(&self, item: Item) -> bool {
        self.slot(item).is_data
    }

    /// The children of an item in document order.
    pub(crate) fn children(&self, item: Item) -> impl DoubleEndedIterator<Item = Item> + use<> {
        let slot = self.slot(item);
        (slot.first..slot.first + slot.len).map(Item)
    }

    /// How many children an item has.
    pub(crate) fn n_children(&self, item: Item) -> usize {
        self.slot(item).len as usize
    }

    /// The child of an item by key or index, in its document.
    pub(crate) fn child(&self, item: Item, key: &str) -> Option<Item> {
        let slot = self.slot(item);
        if let Some(entries) = slot.node.as_object() {
            // The children stand in the order of the entries, so that one gives the other.
            let entry = std::ptr::from_ref(slot.node.entry(key)?).addr();
            let position = (entry - entries.as_ptr().addr()) / size_of::<Entry>();
            return Some(Item(slot.first + u32::try_from(position).ok()?));
        }
        let idx: u32 = key.parse().ok()?;
        (idx < slot.len).then_some(Item(slot.first + idx))
    }

    /// The child of an item behind its reference, and behind the reference of the child.
    pub(crate) fn get(&self, item: Item, key: &str) -> Option<Item> {
        self.child(self.follow(item), key)
            .map(|child| self.follow(child))
    }

    /// Where the reference of an item leads, following all references on the way.
    pub(crate) fn target(&self, item: Item) -> Option<Item> {
        let target = self.slot(item).target;
        (target != NONE).then_some(Item(target))
    }

    /// The item behind a reference, or the item itself.
    pub(crate) fn follow(&self, item: Item) -> Item {
        self.target(item).unwrap_or(item)
    }

    /// The item that a pointer names from here, in its document.
    pub(crate) fn at(&self, item: Item, pointer: &str) -> Option<Item> {
        if pointer.is_empty() {
            return Some(item);
        }
        pointer
            .strip_prefix('/')?
            .split('/')
            .try_fold(item, |at, token| self.child(at, &unescape_token(token)))
    }

    /// The keys from the root of the document to an item.
    pub(crate) fn path(&self, item: Item) -> Vec<String> {
        let mut path = Vec::new();
        let mut at = item;
        while let Some(parent) = self.parent(at) {
            path.push(self.key_text(at));
            at = parent;
        }
        path.reverse();
        path
    }

    /// The JSON Pointer of an item in its document.
    pub(crate) fn pointer(&self, item: Item) -> String {
        let mut pointer = String::new();
        for key in self.path(item) {
            pointer.push('/');
            pointer.push_str(&escape_token(&key));
        }
        pointer
    }

    /// The place to report for an item: the key of an object or array, the value of a scalar.
    pub(crate) fn place(&self, item: Item) -> Place {
        let slot = self.slot(item);
        let is_nested = slot.node.as_object().is_some() || slot.node.as_array().is_some();
        match slot.key {
            Key::Name(entry) if is_nested => entry.key_span.place(self.file(item)),
            _ => slot.node.place(self.file(item)),
        }
    }

    /// The place of the key of an item.
    pub(crate) fn key_place(&self, item: Item) -> Place {
        match self.key(item) {
            Key::Name(entry) => entry.key_span.place(self.file(item)),
            _ => self.node(item).place(self.file(item)),
        }
    }
}
