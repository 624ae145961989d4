//! Rust models: one file for each contract, one for what they share.
//!
//! It must not know axum; the server's code is printed by `server`.

mod checks;
mod decls;
mod package;
mod text;

use std::collections::BTreeMap;

use crate::ir::{Graph, Ir, analyse};
use crate::names;
use crate::{Artifact, HEADER};

pub(crate) use package::emit;
pub(crate) use text::{doc_lines, literal, member};

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
    "Bounds",
    "BTreeMap",
];

/// All that an emitter of Rust needs to know.
pub(crate) struct Rust<'a> {
    pub(crate) ir: &'a Ir,
    pub(crate) graph: Graph,
    /// The identifier of each declaration.
    pub(crate) names: Vec<String>,
    /// What stands before a type's name, such as `super::`.
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
}

/// The files of the models crate without its manifest, which has these further modules; paths relative to its folder.
fn models(ir: &Ir, parts: &[&str]) -> Vec<Artifact> {
    let rust = Rust::new(ir, "super::");
    let mut modules: BTreeMap<String, BTreeMap<&str, String>> = BTreeMap::new();
    let mut taken = text::KEYWORDS.to_vec();
    taken.extend(["support", "client", "server", "channels"]);
    for (id, decl) in ir.decls.iter().enumerate() {
        let module = names::members(&[&decl.module], names::Case::Snake, &taken, "_");
        let declarations = modules.entry(module[0].clone()).or_default();
        declarations.insert(&rust.names[id], rust.declaration(id));
    }
    let mut artifacts = vec![Artifact::new(
        "src/lib.rs",
        crate_root(modules.keys(), parts),
    )];
    for (module, declarations) in &modules {
        let mut contents = format!(
            "// {HEADER}\n//! The types of `{module}`.\n\nuse super::support::{{self, Decode, Path, Validate, Violation}};\n"
        );
        for declaration in declarations.values() {
            contents.push('\n');
            contents.push_str(declaration);
        }
        artifacts.push(Artifact::new(format!("src/{module}.rs"), contents));
    }
    let support = include_str!("templates/support.rs");
    artifacts.push(Artifact::new(
        "src/support.rs",
        format!("// {HEADER}\n{support}"),
    ));
    artifacts
}

fn crate_root<'s>(modules: impl Iterator<Item = &'s String> + Clone, parts: &[&str]) -> String {
    let mut root = format!("// {HEADER}\n{}", include_str!("templates/lib.rs"));
    for module in modules.clone() {
        root.push_str(&format!("#[rustfmt::skip]\nmod {module};\n"));
    }
    for module in parts {
        root.push_str(&format!("#[rustfmt::skip]\npub mod {module};\n"));
    }
    root.push_str("#[rustfmt::skip]\npub mod support;\n\n");
    for module in modules {
        root.push_str(&format!("pub use {module}::*;\n"));
    }
    root.push_str("pub use support::Violation;\n");
    root
}
