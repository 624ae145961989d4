//! The shared input of all files of generated Swift: the module's name and the names of types.

use crate::ir::{Graph, Ir, analyse};
use crate::{Request, names};

use super::checked::with_checks;
use super::sizes::Sizes;

/// Names of Swift's library, of Foundation and of our support files.
pub(super) const RESERVED: &str = include_str!("reserved.txt");

/// The input of the emitter.
pub(crate) struct Swift<'a> {
    pub(super) ir: &'a Ir,
    pub(super) graph: Graph,
    pub(super) sizes: Sizes,
    pub(super) names: Vec<String>,
    /// Whether `validate` has anything to check in a declaration.
    pub(super) has_checks: Vec<bool>,
}

impl<'a> Swift<'a> {
    pub(super) fn new(ir: &'a Ir, request: &Request) -> Self {
        let module = module(request);
        let mut reserved: Vec<&str> = RESERVED.split_whitespace().collect();
        reserved.push(&module);
        let graph = analyse(ir);
        Self {
            ir,
            sizes: Sizes::of(ir, &graph),
            graph,
            names: names::types(ir, &reserved),
            has_checks: with_checks(ir),
        }
    }
}

/// The name of the module and target.
pub(super) fn module(request: &Request) -> String {
    let module = names::identifier(&request.package, names::Case::Pascal);
    if RESERVED.split_whitespace().any(|word| word == module) {
        module + "Models"
    } else {
        module
    }
}
