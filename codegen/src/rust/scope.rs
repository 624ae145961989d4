//! The shared input of all files of generated Rust: the names of types and what they refer to.

use std::collections::BTreeMap;

use crate::ir::{DeclId, Graph, Ir, TypeKind, analyse, visit_types};
use crate::names;

/// Type names that generated code or the standard prelude uses.
const RESERVED_TYPES: &[&str] = &[
    "Self",
    "Option",
    "Some",
    "None",
    "Result",
    "Ok",
    "Err",
    "String",
    "Vec",
    "Box",
    "Value",
    "Decode",
    "Validate",
    "Path",
    "Violation",
    "Serialize",
    "Serializer",
    "Deserialize",
    "Deserializer",
    "Default",
    "Debug",
    "Clone",
    "Copy",
    "PartialEq",
    "Eq",
    "PartialOrd",
    "Ord",
    "Hash",
    "From",
    "Into",
    "TryFrom",
    "TryInto",
    "AsRef",
    "AsMut",
    "Drop",
    "Fn",
    "FnMut",
    "FnOnce",
    "Iterator",
    "IntoIterator",
    "Extend",
    "DoubleEndedIterator",
    "ExactSizeIterator",
    "FromIterator",
    "Send",
    "Sync",
    "Sized",
    "Unpin",
    "ToOwned",
    "ToString",
    "Number",
    "BTreeMap",
];

/// The input of the Rust emitter.
pub(crate) struct Rust<'a> {
    pub(crate) ir: &'a Ir,
    pub(crate) graph: Graph,
    /// The identifier of each declaration.
    pub(crate) names: Vec<String>,
    /// The prefix of a type's name, such as `super::`.
    pub(crate) prefix: String,
}

impl<'a> Rust<'a> {
    pub(crate) fn new(ir: &'a Ir, prefix: &str) -> Self {
        Self {
            ir,
            graph: analyse(ir),
            names: names::types(ir, RESERVED_TYPES),
            prefix: prefix.to_owned(),
        }
    }

    /// Whether one of these declarations uses a type of another module.
    pub(super) fn uses_others(&self, ids: &BTreeMap<&str, DeclId>) -> bool {
        let module = ids.values().next().map(|id| &self.ir.decls[*id].module);
        let mut is_found = false;
        for id in ids.values() {
            let original = self.ir.originals[*id];
            is_found |= Some(&self.ir.decls[original].module) != module;
            visit_types(&self.ir.decls[*id].shape, &mut |ty, _| {
                if let TypeKind::Named(target) = ty.kind {
                    is_found |= Some(&self.ir.decls[target].module) != module;
                }
            });
        }
        is_found
    }
}
