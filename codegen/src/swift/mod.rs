//! Swift models and client: Codable, Sendable, Hashable types for Swift 6, on Linux and Apple.

mod bounds;
mod checked;
mod client;
mod coding;
mod decls;
mod emitter;
mod scope;
mod sizes;
mod text;
mod wire;

use std::collections::BTreeMap;

use crate::ir::Ir;
use crate::{Artifact, Emit, HEADER, Request};

use scope::{Swift, module};

/// Up to this many declarations share one file; beyond, there is a file for each first letter.
const ONE_FILE_DECLS_MAX: usize = 80;

const SUPPORT: [(&str, &str); 5] = [
    ("JSON", include_str!("templates/JSON.swift")),
    ("Model", include_str!("templates/Model.swift")),
    ("Formats", include_str!("templates/Formats.swift")),
    ("Validation", include_str!("templates/Validation.swift")),
    ("Schema", include_str!("templates/Schema.swift")),
];

/// The files of the requested parts. Models, client and the program for the proof of the wire are
/// one module. With a manifest the package is complete, so it includes the models.
fn emit(ir: &Ir, request: &Request) -> Vec<Artifact> {
    let has = |part| request.emit.contains(&part);
    let swift = Swift::new(ir, request);
    let module = module(request);
    let mut artifacts = Vec::new();
    let is_driver = request.emit.iter().eq([&Emit::Wire]);
    if has(Emit::Models) || (request.has_manifest && !is_driver) {
        artifacts.extend(models(&swift, &module));
    }
    if has(Emit::Client) {
        artifacts.extend(client::emit(&swift, &module));
    }
    if has(Emit::Wire) {
        artifacts.extend(wire::emit(&swift, &module));
    }
    if request.has_manifest && !is_driver {
        let manifest = manifest(&module, has(Emit::Wire));
        artifacts.push(Artifact::new("Package.swift", manifest));
    }
    artifacts
}

fn models(swift: &Swift<'_>, module: &str) -> Vec<Artifact> {
    let ir = swift.ir;
    let mut declarations: BTreeMap<&str, String> = BTreeMap::new();
    for id in 0..ir.decls.len() {
        declarations.insert(&swift.names[id], swift.declaration(id));
    }
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (name, declaration) in &declarations {
        let file = if declarations.len() <= ONE_FILE_DECLS_MAX {
            "Models".to_owned()
        } else {
            let letter = name.chars().next().unwrap_or('A');
            format!("Models/{letter}")
        };
        let text = files
            .entry(file)
            .or_insert_with(|| format!("// {HEADER}\n"));
        text.push('\n');
        text.push_str(declaration);
    }
    let source = |name: &str| format!("Sources/{module}/{name}.swift");
    let mut artifacts: Vec<Artifact> = files
        .into_iter()
        .map(|(name, text)| Artifact::new(source(&name), text))
        .collect();
    for (name, text) in SUPPORT {
        let path = source(&format!("Support/{name}"));
        artifacts.push(Artifact::new(path, format!("// {HEADER}\n{text}")));
    }
    if ir.has_tuples() {
        let text = format!("// {HEADER}\n{}", include_str!("templates/Items.swift"));
        artifacts.push(Artifact::new(source("Support/Items"), text));
    }
    let schemas = bounds::schemas(ir);
    artifacts.push(Artifact::new(source("Support/Schemas"), schemas));
    artifacts
}

/// The tools version must be in the first line, so the header is in the second.
fn manifest(module: &str, is_program: bool) -> String {
    let (product, target) = if is_program {
        ("executable", "executableTarget")
    } else {
        ("library", "target")
    };
    format!(
        "// swift-tools-version: 6.0\n// {HEADER}\nimport PackageDescription\n\nlet package = Package(\n    name: \"{module}\",\n    platforms: [.macOS(.v13), .iOS(.v16), .tvOS(.v16), .watchOS(.v9), .visionOS(.v1)],\n    products: [.{product}(name: \"{module}\", targets: [\"{module}\"])],\n    targets: [.{target}(name: \"{module}\")],\n    swiftLanguageModes: [.v6]\n)\n"
    )
}
