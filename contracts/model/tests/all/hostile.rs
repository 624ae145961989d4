//! Documents made to cost time, memory or stack: each ends with nodes, findings or an error.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use std::collections::BTreeMap;
use std::fmt::Write;

use tollgate_contracts_model::{Contract, parse, parse_contract, parse_documents};

const HEAD: &str = "openapi: 3.1.0\ninfo: {title: A, version: '1'}\ncomponents:\n  schemas:\n";

/// A contract of schemas, one a line.
fn schemas(lines: impl Iterator<Item = String>) -> Contract {
    let mut text = HEAD.to_owned();
    for line in lines {
        writeln!(text, "    {line}").unwrap();
    }
    parse_contract("a.yaml", &text).unwrap()
}

fn codes(contract: &Contract) -> BTreeMap<&str, usize> {
    let mut codes = BTreeMap::new();
    for finding in &contract.findings {
        *codes.entry(finding.code.as_str()).or_insert(0) += 1;
    }
    codes
}

#[test]
fn a_gigabyte_of_aliases_is_refused_at_the_alias_that_goes_too_far() {
    let by_lists = |n: usize| -> String {
        (1..n).fold(
            "a0: &a0 [xxxxxxxx, x, x, x, x, x, x, x, x]\n".to_owned(),
            |text, n| {
                let alias = format!("*a{}, ", n - 1).repeat(9);
                format!("{text}a{n}: &a{n} [{alias}]\n")
            },
        )
    };
    let error = parse("a.yaml", &by_lists(12)).unwrap_err();
    assert!(
        error.to_string().contains("more than 1000000 values"),
        "{error}"
    );
    assert_eq!(error.line, 6);
    let merges = (1..40).fold("a0: &a0 {x: [1, 2, 3]}\n".to_owned(), |text, n| {
        let m = n - 1;
        format!("{text}a{n}: &a{n} {{<<: [*a{m}, *a{m}], k{n}: *a{m}}}\n")
    });
    assert!(parse("a.yaml", &merges).is_err());
    // What the strict reader refuses is bounded in the lenient one too.
    let lenient = format!("{}z: [\n\tx\n]\n", by_lists(12));
    assert!(parse("a.yaml", &lenient).is_err());
}

#[test]
fn deep_texts_are_refused_and_texts_at_the_border_are_read() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        for n_levels in [50, 95, 200, 5_000, 200_000] {
            let text = format!("{}1{}", open.repeat(n_levels), close.repeat(n_levels));
            for file in ["a.json", "a.yaml"] {
                let read = parse(file, &text);
                let n_deep = n_levels * if open.len() > 5 { 2 } else { 1 };
                assert_eq!(read.is_ok(), n_deep <= 190, "{open} {n_levels} {file}");
            }
        }
    }
    let block: String = (0..500).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert!(
        parse("a.yaml", &block)
            .unwrap_err()
            .to_string()
            .contains("deeper")
    );
    let unclosed = "a: ".to_owned() + &"{".repeat(100_000);
    assert!(parse("a.yaml", &unclosed).is_err());
}

#[test]
fn long_chains_and_circles_of_references_end() {
    let last = 20_000;
    let chain = schemas((0..=last).map(|n| match n {
        n if n == last => format!("S{n}: {{type: string}}"),
        n => format!("S{n}: {{$ref: '#/components/schemas/S{}'}}", n + 1),
    }));
    let (_, first) = chain.component_schemas()[0];
    assert!(chain.resolve(&chain.entry, first).is_missing);
    assert_eq!(codes(&chain), BTreeMap::new());
    let _ = chain.bundle(&chain.entry, first);
    let circle = schemas(
        (0..40).map(|n| format!("S{n}: {{$ref: '#/components/schemas/S{}'}}", (n + 1) % 40)),
    );
    assert_eq!(codes(&circle), BTreeMap::from([("ref-cycle", 40)]));
    let behind = schemas(
        [
            "A: {$ref: '#/components/schemas/B/x'}",
            "B: {$ref: '#/components/schemas/A/x'}",
        ]
        .into_iter()
        .map(str::to_owned),
    );
    assert_eq!(codes(&behind), BTreeMap::from([("ref-missing", 2)]));
}

#[test]
fn a_bundle_grows_with_the_document_not_with_its_paths() {
    let doubling = schemas((0..60).map(|n| {
        let next = format!("{{$ref: '#/components/schemas/S{}'}}", (n + 1) % 60);
        format!("S{n}: {{allOf: [{next}, {next}], properties: {{a: {next}}}}}")
    }));
    let (_, first) = doubling.component_schemas()[0];
    let bundle = doubling.bundle(&doubling.entry, first);
    assert_eq!(bundle["$defs"].as_object().unwrap().len(), 60);
}

#[test]
fn many_wrong_references_cost_no_more_than_many_right_ones() {
    let n_schemas = 20_000;
    let missing = schemas(
        (0..n_schemas).map(|n| format!("Schema{n}: {{$ref: '#/components/schemas/Shema{n}'}}")),
    );
    assert_eq!(
        codes(&missing),
        BTreeMap::from([("ref-missing", n_schemas)])
    );
    let slashes = "/".repeat(100_000);
    let odd = schemas(
        [
            format!("A: {{$ref: '#{slashes}'}}"),
            format!("B: {{$ref: '{slashes}'}}"),
            format!("C: {{$ref: '#{}'}}", "%2f~0~1".repeat(20_000)),
            format!("D: {{$ref: '{}a.yaml'}}", "../".repeat(50_000)),
        ]
        .into_iter(),
    );
    assert_eq!(odd.findings.len(), 4, "{:?}", codes(&odd));
}

#[test]
fn large_documents_are_read_whole() {
    let long = schemas((0..60_000).map(|n| format!("S{n}: {{type: object}}")));
    assert_eq!(long.component_schemas().len(), 60_000);
    let node = long.root().pointer("/components/schemas/S59999").unwrap();
    assert_eq!(node.span.line, 60_004);
    let wide = format!("{{\"a\": [{}0]}}", "0,".repeat(300_000));
    assert_eq!(
        parse("a.json", &wide)
            .unwrap()
            .get("a")
            .unwrap()
            .items()
            .len(),
        300_001
    );
    let line = format!("{{\"a\": \"{}\", b}}", "x".repeat(1_000_000));
    let error = parse("a.json", &line).unwrap_err().to_string();
    assert!(error.len() < 1_000, "{}", error.len());
}

#[test]
fn a_truncated_document_is_an_error_or_a_shorter_document() {
    let whole = format!("{HEAD}    A: {{type: object, properties: {{a: {{type: \"s\"}}}}}}\n");
    for end in 0..whole.len() {
        if let Err(error) = parse("a.yaml", &whole[..end]) {
            assert!(error.line >= 1 && !error.hint.is_empty(), "{error}");
        }
    }
    let json = parse("a.yaml", &whole).unwrap().to_text();
    for end in 0..json.len() {
        assert!(parse("a.json", &json[..end]).is_err());
    }
}

#[test]
fn files_that_name_each_other_without_end_are_read_once() {
    let mut files: BTreeMap<String, String> = (0..300)
        .map(|n| {
            let text = format!(
                "properties: {{a: {{$ref: './x/../f{}.yaml'}}, b: {{$ref: 'f{}.yaml#/properties/a'}}}}\n",
                (n + 1) % 300,
                (n * 7) % 300
            );
            (format!("f{n}.yaml"), text)
        })
        .collect();
    files.insert(
        "a.yaml".to_owned(),
        format!("{HEAD}    A: {{$ref: f0.yaml}}\n"),
    );
    let contract = parse_documents("a.yaml", &files).unwrap();
    assert_eq!(contract.documents.len(), 301);
    assert_eq!(codes(&contract), BTreeMap::new());
}

#[test]
fn a_text_that_a_reader_gives_up_on_is_refused_with_its_place() {
    for text in [
        "openapi: 3.1.0\nx-a: [1, !b,c, \"\n",
        "openapi: 3.1.0\nx-a: [!*b,c]\nx-b: [}\n",
        "openapi: 3.1.0\nx-a: \"b\\",
    ] {
        let error = parse_contract("a.yaml", text).expect_err(text);
        assert!(error.to_string().contains("a.yaml"), "{error}");
    }
}
