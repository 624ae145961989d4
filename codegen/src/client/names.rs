//! The names of operations and their parameters in the generated client.

use crate::ir::{Ir, Operation, Parameter};
use crate::names::{self, Case};
use crate::rust::member;

/// The names of an operation in the generated code.
pub(super) struct Names {
    pub(super) function: String,
    /// The prefix of its types.
    pub(super) ty: String,
}

pub(super) fn operation_names(ir: &Ir) -> Vec<Names> {
    let ids: Vec<&str> = ir.operations.iter().map(|o| o.id.as_str()).collect();
    let taken = [
        "new",
        "call",
        "with_http",
        "with_credential",
        "with_header",
        "with_retry",
        "with_body_size_max",
    ];
    let functions = member(&ids, &taken);
    let types = names::members(&ids, Case::Pascal, &[], "Operation");
    let pairs = functions.into_iter().zip(types);
    pairs.map(|(function, ty)| Names { function, ty }).collect()
}

/// Parameters with their identifiers; required ones first, as `new` takes them.
pub(super) fn fields(operation: &Operation) -> Vec<(String, &Parameter)> {
    let parameters = &operation.parameters;
    let wires: Vec<&str> = parameters.iter().map(|p| p.wire.as_str()).collect();
    member(&wires, &["body"])
        .into_iter()
        .zip(parameters)
        .collect()
}
