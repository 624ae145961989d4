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

/// A Cobertura report of `n_files` classes with 400 lines each, as coverage.py indents it.
#[must_use]
pub fn cobertura(n_files: usize) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" ?>\n<coverage line-rate=\"0.8\" branch-rate=\"0\">\n\t<sources/>\n\t<packages>\n\t\t<package name=\".\">\n\t\t\t<classes>\n",
    );
    for file in 0..n_files {
        let _ = writeln!(
            text,
            "\t\t\t\t<class name=\"file{file}.py\" filename=\"src/file{file}.py\" line-rate=\"0.8\">\n\t\t\t\t\t<methods/>\n\t\t\t\t\t<lines>"
        );
        for line in 1..=400 {
            let hits = (line * 7 + file) % 5;
            let _ = writeln!(
                text,
                "\t\t\t\t\t\t<line number=\"{line}\" hits=\"{hits}\"/>"
            );
        }
        text.push_str("\t\t\t\t\t</lines>\n\t\t\t\t</class>\n");
    }
    text.push_str("\t\t\t</classes>\n\t\t</package>\n\t</packages>\n</coverage>\n");
    text
}

/// A JUnit report of `n_suites` suites with 100 tests each; each fiftieth test failed with a text.
#[must_use]
pub fn junit(n_suites: usize) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for suite in 0..n_suites {
        let _ = writeln!(
            text,
            "  <testsuite name=\"crate{suite}::tests\" tests=\"100\" time=\"1.250\">"
        );
        for test in 0..100 {
            let _ = write!(
                text,
                "    <testcase name=\"module{test}::a_name_that_is_a_sentence_about_case_{test}\" classname=\"crate{suite}::tests\" timestamp=\"2026-01-01T00:00:00.000+00:00\" time=\"0.0{test}\">"
            );
            if test % 50 == 7 {
                let _ = write!(
                    text,
                    "<failure type=\"panic\">left &lt; right\n{}</failure>",
                    "at src/lib.rs:10\n".repeat(20)
                );
            }
            text.push_str("</testcase>\n");
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}
