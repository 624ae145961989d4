//! The input of rules: the contract, its tree, and what is gathered once for all rules.

use std::cell::Cell;
use std::sync::OnceLock;

use rustc_hash::FxHashSet;
use tollgate_contracts_model::Contract;
use tollgate_contracts_model::pattern::Patterns;

use crate::document_formats::formats_of;
use crate::facts::Facts;
use crate::hit::Hit;
use crate::tree::{Item, Tree};

/// The input of rules.
pub(crate) struct Context<'t, 'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) tree: &'t Tree<'a>,
    pub(crate) patterns: &'t Patterns,
    /// The kinds of the document, such as `oas3` and `oas3_0`.
    pub(crate) formats: Vec<&'static str>,
    /// Whether the rule that runs follows references.
    pub(crate) is_resolved: Cell<bool>,
    shared: &'t Shared,
}

/// What is gathered once for all rules, when a rule first needs it.
#[derive(Default)]
pub(crate) struct Shared {
    facts: OnceLock<Facts>,
    used: OnceLock<FxHashSet<Item>>,
}

impl<'t, 'a> Context<'t, 'a> {
    pub(crate) fn new(
        contract: &'a Contract,
        tree: &'t Tree<'a>,
        patterns: &'t Patterns,
        shared: &'t Shared,
    ) -> Self {
        Self {
            contract,
            tree,
            patterns,
            formats: formats_of(contract),
            is_resolved: Cell::new(true),
            shared,
        }
    }

    /// What one pass over all values has gathered.
    pub(crate) fn facts(&self) -> &Facts {
        self.shared.facts.get_or_init(|| Facts::gather(self.tree))
    }

    /// Whether the document is of a format.
    pub(crate) fn is(&self, format: &str) -> bool {
        self.formats.contains(&format)
    }

    /// The items that references lead to, and all above those.
    pub(crate) fn used(&self) -> &FxHashSet<Item> {
        self.shared.used.get_or_init(|| {
            let mut used = FxHashSet::default();
            for (_, target) in self.tree.references() {
                let mut at = Some(*target);
                while let Some(item) = at.filter(|item| used.insert(*item)) {
                    at = self.tree.parent(item);
                }
            }
            used
        })
    }

    /// The children of a section that no reference names.
    pub(crate) fn unreferenced(&self, section: Item, location: &str) -> Vec<Hit> {
        let mapped = &self.facts().mapped;
        self.tree
            .children(section)
            .filter(|child| !self.used().contains(child))
            .filter(|child| {
                !(location.ends_with("/schemas") && mapped.contains(&self.tree.key_text(*child)))
            })
            .map(|child| {
                let name = self.tree.key_text(child);
                Hit::new(child, format!("nothing refers to `{name}` of `{location}`"))
            })
            .collect()
    }
}
