//! What the rules look at, gathered once: operations and every object of every file. It must not
//! know any one rule.

use std::collections::HashSet;

use tollgate_report::Place;

use crate::document::Contract;
use crate::grammar::{self, Object};
use crate::source::Node;
use crate::views::Operation;

pub(super) struct Facts<'a> {
    pub(super) contract: &'a Contract,
    pub(super) operations: Vec<Operation<'a>>,
    pub(super) objects: Vec<Met<'a>>,
}

/// One object that the specification defines, with its file.
pub(super) struct Met<'a> {
    pub(super) object: Object,
    pub(super) file: &'a str,
    pub(super) node: &'a Node,
}

impl<'a> Facts<'a> {
    pub(super) fn new(contract: &'a Contract) -> Self {
        let mut facts = Self {
            contract,
            operations: contract.operations(),
            objects: Vec::new(),
        };
        let mut seen = HashSet::new();
        let root = grammar::root_object(contract.kind);
        facts.gather(&contract.entry, "", root, &mut seen);
        for reference in &contract.references {
            let target = &reference.target;
            if target.file != contract.entry {
                facts.gather(&target.file, &target.pointer, reference.object, &mut seen);
            }
        }
        facts
    }

    fn gather(
        &mut self,
        file: &str,
        pointer: &str,
        object: Object,
        seen: &mut HashSet<(usize, Object)>,
    ) {
        let Some((file, document)) = self.contract.documents.get_key_value(file) else {
            return;
        };
        let Some(node) = document.root.pointer(pointer) else {
            return;
        };
        let objects = &mut self.objects;
        grammar::walk_while(object, pointer, node, &mut |site| {
            if !seen.insert((std::ptr::from_ref(site.node).addr(), site.object)) {
                return false;
            }
            objects.push(Met {
                object: site.object,
                file,
                node: site.node,
            });
            true
        });
    }

    /// The objects of one kind that are no references.
    pub(super) fn of(&self, object: Object) -> impl Iterator<Item = &Met<'a>> {
        self.objects.iter().filter(move |met| {
            met.object == object && grammar::reference(object, met.node).is_none()
        })
    }

    /// The place of a node of the entry file, or of its root.
    pub(super) fn entry_place(&self, node: Option<&Node>) -> Place {
        let node = node.unwrap_or_else(|| self.contract.root());
        node.place(&self.contract.entry)
    }
}

impl Met<'_> {
    pub(super) fn place(&self) -> Place {
        self.node.place(self.file)
    }
}

/// Whether a text is there and not empty.
pub(super) fn has_text(node: &Node, key: &str) -> bool {
    let text = node.get(key).and_then(Node::scalar_text);
    text.is_some_and(|text| !text.trim().is_empty())
}
