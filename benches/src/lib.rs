//! Inputs of the benchmarks: generated, always the same, or a file that the environment names.

use std::fmt::Write as _;

/// The environment variable that names a contract to measure instead of the generated one.
pub const CONTRACT: &str = "TOLLGATE_BENCH_CONTRACT";

/// The environment variable that names an LCOV report to measure instead of the generated one.
pub const LCOV: &str = "TOLLGATE_BENCH_LCOV";

/// The text of the file that the environment names, or `generated`.
///
/// # Panics
/// When the file can't be read.
#[must_use]
pub fn text_or(variable: &str, generated: impl FnOnce() -> String) -> String {
    match std::env::var(variable) {
        Ok(path) => std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{variable}: cannot read `{path}`: {error}")),
        Err(_) => generated(),
    }
}

/// An OpenAPI document with `n` resources: two operations and two schemas each.
#[must_use]
pub fn contract(n: usize) -> String {
    let mut text = String::from(
        "openapi: 3.1.0\ninfo: {title: Shop, version: 1.0.0, description: A shop}\npaths:\n",
    );
    for i in 0..n {
        let _ = write!(
            text,
            "  /things{i}/{{id}}:
    parameters:
      - {{name: id, in: path, required: true, schema: {{type: string, format: uuid}}}}
    get:
      operationId: getThing{i}
      tags: [thing{i}]
      responses:
        '200': {{description: The thing, content: {{application/json: {{schema: {{$ref: '#/components/schemas/Thing{i}'}}}}}}}}
        default: {{description: A problem, content: {{application/json: {{schema: {{$ref: '#/components/schemas/Problem'}}}}}}}}
    put:
      operationId: putThing{i}
      tags: [thing{i}]
      requestBody: {{required: true, content: {{application/json: {{schema: {{$ref: '#/components/schemas/Thing{i}'}}}}}}}}
      responses:
        '204': {{description: Done}}
"
        );
    }
    text.push_str("components:\n  schemas:\n    Problem:\n      type: object\n      required: [title]\n      properties: {title: {type: string}}\n");
    for i in 0..n {
        let _ = write!(
            text,
            "    Thing{i}:
      type: object
      required: [id, kind, size]
      properties:
        id: {{type: string, format: uuid}}
        kind: {{type: string, enum: [small, large]}}
        size: {{type: integer, minimum: 0, maximum: {max}}}
        made_at: {{type: string, format: date-time}}
        tags: {{type: array, maxItems: 20, items: {{type: string, maxLength: 40}}}}
        parts: {{type: array, items: {{$ref: '#/components/schemas/Part{i}'}}}}
    Part{i}:
      oneOf:
        - {{type: object, required: [kind, width], properties: {{kind: {{const: plate}}, width: {{type: number}}}}}}
        - {{type: object, required: [kind, length], properties: {{kind: {{const: rod}}, length: {{type: number}}}}}}
",
            max = 100 + i
        );
    }
    text
}

/// An LCOV report of `n_files` files with 400 lines each.
#[must_use]
pub fn lcov(n_files: usize) -> String {
    let mut text = String::new();
    for file in 0..n_files {
        let _ = writeln!(text, "SF:src/file{file}.rs");
        for function in 0..20 {
            let line = function * 20 + 1;
            let _ = writeln!(text, "FN:{line},f{function}\nFNDA:{function},f{function}");
        }
        for line in 1..=400 {
            let _ = writeln!(text, "DA:{line},{}", (line * 7 + file) % 5);
        }
        let _ = writeln!(text, "LF:400\nLH:320\nend_of_record");
    }
    text
}
