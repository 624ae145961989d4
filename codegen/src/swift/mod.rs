//! Swift models: Codable, Sendable, Hashable types for Swift 6, on Linux and Apple.
//!
//! It must not know Rust or TypeScript.

mod checks;
mod decls;
mod text;

use std::collections::BTreeMap;

use crate::ir::{Graph, Ir, analyse};
use crate::{Artifact, HEADER, Request, names};

/// Names of Swift's library and of our support file.
const RESERVED_TYPES: &[&str] = &[
    "Actor",
    "Any",
    "AnyObject",
    "Array",
    "Bool",
    "Boxed",
    "Calendar",
    "Character",
    "Clock",
    "Codable",
    "CodingKey",
    "Collection",
    "Comparable",
    "Data",
    "Date",
    "DateInterval",
    "Decimal",
    "Decodable",
    "Decoder",
    "Dictionary",
    "Double",
    "Duration",
    "Encodable",
    "Encoder",
    "Equatable",
    "Error",
    "Float",
    "Hashable",
    "Hasher",
    "Identifiable",
    "Index",
    "Int",
    "Int16",
    "Int32",
    "Int64",
    "Int8",
    "JSONDecoder",
    "JSONEncoder",
    "JSONValue",
    "Iterator",
    "Locale",
    "Measurement",
    "Mirror",
    "Never",
    "Notification",
    "Operation",
    "Optional",
    "OptionSet",
    "Protocol",
    "Range",
    "Result",
    "Self",
    "Sendable",
    "Sequence",
    "Set",
    "Stream",
    "String",
    "Substring",
    "Swift",
    "Task",
    "TaskGroup",
    "Thread",
    "TimeZone",
    "Timer",
    "Type",
    "UInt",
    "UInt32",
    "UInt64",
    "UInt8",
    "Unit",
    "URL",
    "URLRequest",
    "UUID",
    "Violation",
    "Void",
    "Wire",
    "WireGuard",
    "WireKey",
    "WireReader",
    "Foundation",
    "Host",
    "Process",
    "Progress",
    "Port",
    "Bundle",
    "Formatter",
];

/// All that the emitter needs to know.
pub(crate) struct Swift<'a> {
    ir: &'a Ir,
    graph: Graph,
    names: Vec<String>,
}

/// The files of the package.
pub(crate) fn emit(ir: &Ir, request: &Request) -> Vec<Artifact> {
    let swift = Swift {
        ir,
        graph: analyse(ir),
        names: names::types(ir, RESERVED_TYPES),
    };
    let mut declarations = BTreeMap::new();
    for id in 0..ir.decls.len() {
        declarations.insert(&swift.names[id], swift.declaration(id));
    }
    let mut models = format!("// {HEADER}\nimport Foundation\n");
    for declaration in declarations.values() {
        models.push('\n');
        models.push_str(declaration);
    }
    let module = names::identifier(&request.package, names::Case::Pascal);
    let support = include_str!("templates/Support.swift");
    let mut artifacts = vec![
        Artifact::new(format!("Sources/{module}/Models.swift"), models),
        Artifact::new(
            format!("Sources/{module}/Support.swift"),
            format!("// {HEADER}\n{support}"),
        ),
    ];
    if request.has_manifest {
        artifacts.push(Artifact::new("Package.swift", manifest(&module)));
    }
    artifacts
}

/// The tools version must stand in the first line, so the header comes second.
fn manifest(module: &str) -> String {
    format!(
        "// swift-tools-version: 6.0\n// {HEADER}\nimport PackageDescription\n\nlet package = Package(\n    name: \"{module}\",\n    products: [.library(name: \"{module}\", targets: [\"{module}\"])],\n    targets: [.target(name: \"{module}\")],\n    swiftLanguageModes: [.v6]\n)\n"
    )
}
