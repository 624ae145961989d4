//! The names of operations and traits in the generated server.

use std::collections::BTreeMap;

use crate::ir::Operation;
use crate::names::{self, Case};
use crate::rust::member;

/// The names of an operation in the generated code.
pub(super) struct Names {
    pub(super) function: String,
    pub(super) request: String,
    pub(super) response: String,
}

pub(super) fn operation_names(operations: &[Operation]) -> Vec<Names> {
    let ids: Vec<&str> = operations
        .iter()
        .map(|operation| operation.id.as_str())
        .collect();
    let functions = member(&ids, &["authorize", "refuse", "router"]);
    let types = names::members(&ids, Case::Pascal, &[], "Operation");
    functions
        .into_iter()
        .zip(types)
        .map(|(function, ty)| Names {
            function,
            request: format!("{ty}Request"),
            response: format!("{ty}Response"),
        })
        .collect()
}

pub(super) fn trait_names<'o>(served: &[(usize, &'o Operation)]) -> BTreeMap<&'o str, String> {
    let tags: BTreeMap<&str, ()> = served.iter().map(|(_, o)| (o.tag.as_str(), ())).collect();
    let tags: Vec<&str> = tags.into_keys().collect();
    let names = names::members(&tags, Case::Pascal, &[], "Tag");
    tags.into_iter()
        .zip(names.into_iter().map(|name| format!("{name}Api")))
        .collect()
}
