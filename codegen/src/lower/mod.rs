//! From contracts to the type representation: schemas, operations, channels.

mod asyncapi;
mod bounds;
mod composed;
mod families;
mod flat;
mod guards;
mod infer;
mod lowering;
mod merge;
mod openapi;
mod residual;
mod said;
mod scalars;
mod schema;
mod tuples;
mod unchecked;
mod unions;
mod view;
mod word;

use std::borrow::Borrow;

use tollgate_contracts_model::Contract;

use crate::ir::Ir;
use crate::ir::twins::originals;
use lowering::Lowering;
use view::Cursor;

/// In a document that names JSON Schema's own dialect, JSON Schema applies strictly: a schema
/// without `type` does not restrict values of other kinds. In other documents, a schema that lists
/// properties describes objects.
const STRICT_DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Everything the contracts declare or use, in one representation.
#[must_use]
pub fn lower<C: Borrow<Contract>>(contracts: &[C]) -> Ir {
    let is_async = |contract: &C| contract.borrow().kind.is_async();
    let is_by_place = contracts.len() > 1 || contracts.iter().any(is_async);
    let mut lowering = Lowering::new(is_by_place);
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
