//! A program that decodes, checks and encodes instances of every type, for the proof of the wire.

use std::fmt::Write as _;

use super::scope::Swift;
use super::text::literal;
use crate::ir::Shape;
use crate::{Artifact, HEADER};

/// Functions longer than this are slow to compile.
const FUNCTION_LINES_MAX: usize = 200;

/// The program; it is one module with the models, so that any compiler call builds it.
pub(super) fn emit(swift: &Swift<'_>, module: &str) -> Vec<Artifact> {
    let ir = swift.ir;
    let mut calls = String::new();
    let mut functions = String::new();
    let ids: Vec<usize> = (0..ir.decls.len()).collect();
    for (index, chunk) in ids.chunks(FUNCTION_LINES_MAX).enumerate() {
        let _ = writeln!(calls, "        add{index}(&types)");
        let mut lines = String::new();
        for id in chunk {
            let decl = &ir.decls[*id];
            let (ty, bounds) = match &decl.shape {
                Shape::Alias(alias) if !swift.graph.is_recursive_alias[*id] => {
                    (swift.type_text(alias), swift.bounds(alias))
                }
                _ => (swift.names[*id].clone(), Vec::new()),
            };
            let ty = if decl.is_nullable && !ty.ends_with('?') {
                format!("{ty}?")
            } else {
                ty
            };
            let ty = if ty.ends_with('?') {
                format!("({ty})")
            } else {
                ty
            };
            let place = literal(&decl.place);
            let bounds = bounds.join(", ");
            let _ = writeln!(
                lines,
                "        types[{place}] = type({ty}.self, [{bounds}])"
            );
        }
        let _ = write!(
            functions,
            "\n    private static func add{index}(_ types: inout [String: Run]) {{\n{lines}    }}\n"
        );
    }
    let body = match calls.is_empty() {
        true => "        [:]\n".to_owned(),
        false => {
            format!("        var types: [String: Run] = [:]\n{calls}        return types\n")
        }
    };
    let table = format!(
        "// {HEADER}\n\nextension JSONWire {{\n    static func types() -> [String: Run] {{\n{body}    }}\n{functions}}}\n"
    );
    let main = include_str!("templates/main.swift");
    let folder = format!("Sources/{module}");
    vec![
        Artifact::new(format!("{folder}/Wire/Types.swift"), table),
        Artifact::new(
            format!("{folder}/Wire/main.swift"),
            format!("// {HEADER}\n{main}"),
        ),
    ]
}
