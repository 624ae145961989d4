//! Texts to nodes: what is read, what is refused, and that nothing panics.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use proptest::prelude::*;
use tollgate_contracts::{NodeValue, load, parse, parse_contract};

fn json(text: &str) -> serde_json::Value {
    parse("a.yaml", text).unwrap().to_json()
}

#[track_caller]
fn refused(file: &str, text: &str, want: &str) {
    let error = parse(file, text).unwrap_err().to_string();
    assert!(error.contains(want), "`{error}` does not contain `{want}`");
    assert!(error.starts_with(&format!("read `{file}:")), "{error}");
}

#[test]
fn scalars_follow_the_core_schema_and_keep_their_digits() {
    let got = json(
        "[yes, no, null, ~, true, 0o17, 0x1F, +1, 007, .5, 1e3, 1.10, .inf, 2020-01-01, '1', !!str 1]",
    );
    let want = serde_json::json!([
        "yes",
        "no",
        null,
        null,
        true,
        15,
        31,
        1,
        7,
        0.5,
        1000.0,
        1.1,
        ".inf",
        "2020-01-01",
        "1",
        "1"
    ]);
    assert_eq!(got, want);
    let node = parse("a.yaml", "[18446744073709551616000, 1.10]").unwrap();
    let texts: Vec<_> = node
        .items()
        .map(|item| item.scalar_text().unwrap())
        .collect();
    assert_eq!(texts, ["18446744073709551616000", "1.10"]);
}

#[test]
fn json_and_yaml_of_one_value_are_one_value_with_places() {
    let text = "{\"a\": [1, {\"b\": \"\\u00e9\\ud83d\\ude00\\n\"}],\r\n \"é\": null}";
    let by_json = parse("a.json", text).unwrap();
    let by_yaml = parse("a.yaml", "a:\n  - 1\n  - b: \"é😀\\n\"\né: ~\n").unwrap();
    assert_eq!(by_json.to_json(), by_yaml.to_json());
    let span = by_json.pointer("/a/1/b").unwrap().span;
    assert_eq!((span.line, span.column), (1, 17));
    let entry = by_json.entry("é").unwrap();
    assert_eq!((entry.key_span.line, entry.key_span.column), (2, 2));
    let span = by_yaml.pointer("/a/1/b").unwrap().span;
    assert_eq!((span.line, span.column), (3, 8));
}

#[test]
fn aliases_and_merge_keys_are_followed() {
    let got = json("base: &base {a: 1, b: 2}\nmore:\n  <<: *base\n  b: 3\nlist: [*base]\n");
    assert_eq!(got["more"], serde_json::json!({"a": 1, "b": 3}));
    assert_eq!(got["list"][0]["a"], 1);
}

#[test]
fn hostile_texts_are_refused_with_a_place() {
    refused("a.json", &"[".repeat(100_000), "deeper than");
    refused("a.yaml", &"- ".repeat(3_000), "deeper than");
    let bomb: String = (1..40).fold("a0: &a0 [x, x, x, x]\n".to_owned(), |text, n| {
        let m = n - 1;
        format!("{text}a{n}: &a{n} [*a{m}, *a{m}, *a{m}, *a{m}]\n")
    });
    refused("a.yaml", &bomb, "values");
    refused("a.yaml", "a: &a [*a]\n", "inside what it names");
    refused("a.yaml", "a: *b\n", "");
    refused("a.json", "{\"a\": [1, 2", "is missing");
    refused("a.json", "{\"a\": \"x", "ends inside quotes");
    refused("a.json", "{\"a\": 01}", "no");
    refused("a.yaml", "a: [1, 2\nb: 3\n", "");
    refused("a.yaml", "", "empty");
    refused("a.yaml", "a: 1\n---\nb: 2\n", "second document");
}

#[test]
fn a_key_that_stands_twice_is_a_finding_and_the_last_value_counts() {
    let text = "openapi: 3.1.0\ninfo: {title: A, title: B, version: '1'}\npaths: {}\n";
    let contract = parse_contract("a.yaml", text).unwrap();
    assert_eq!(contract.title, "B");
    assert_eq!(contract.findings[0].code, "duplicate-key");
    assert_eq!(
        contract.findings[0].place.as_ref().unwrap().to_string(),
        "a.yaml:2:18"
    );
}

#[test]
fn a_byte_order_mark_is_skipped_and_bytes_that_are_no_utf_8_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    std::fs::write(
        &path,
        "\u{feff}openapi: 3.1.0\r\ninfo: {title: A, version: '1'}\r\n",
    )
    .unwrap();
    assert_eq!(load(&path).unwrap().title, "A");
    std::fs::write(&path, b"openapi: 3.1.0\ninfo: \xff\n").unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(error.contains("a.yaml:2"), "{error}");
    std::fs::write(&path, "swagger: '2.0'\n").unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(error.contains("Swagger 2"), "{error}");
}

#[test]
fn references_stay_inside_the_folder_and_a_dollar_ref_in_data_is_data() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(folder.path().join("secret.yaml"), "type: string\n").unwrap();
    std::fs::write(inner.join("part.yaml"), "Pet: {type: string}\n").unwrap();
    let text = "openapi: 3.1.0\ninfo: {title: A, version: '1'}\ncomponents:\n  schemas:\n    \
                Out: {$ref: '../secret.yaml'}\n    Abs: {$ref: '/etc/passwd'}\n    \
                In: {$ref: './part.yaml#/Pet'}\n    Slip: {$ref: './part.yaml#/Pett'}\n    \
                Round: {$ref: '#/components/schemas/Round'}\n    \
                Web: {$ref: 'https://shop.invalid/a.yaml'}\n    \
                Data: {type: object, example: {$ref: nowhere.yaml}, enum: [{$ref: x}], properties: {$ref: {type: string}}}\n";
    std::fs::write(inner.join("a.yaml"), text).unwrap();
    let contract = load(&inner.join("a.yaml")).unwrap();
    let got: Vec<String> = contract
        .findings
        .iter()
        .map(|finding| {
            let line = finding.place.as_ref().map_or(0, |place| place.line);
            let fix = finding.fix.as_ref().map(|fix| fix.description.as_str());
            format!(
                "{line} {} {}",
                finding.code,
                fix.filter(|fix| fix.contains("did you")).unwrap_or("")
            )
        })
        .collect();
    assert_eq!(
        got,
        [
            "5 ref-outside ",
            "6 ref-outside ",
            "8 ref-missing did you mean `Pet`?",
            "9 ref-cycle ",
            "10 ref-remote "
        ]
    );
    let (_, node) = contract.component_schemas()[2];
    let resolved = contract.resolve(&contract.entry, node);
    assert_eq!(resolved.node.get("type").unwrap().as_str(), Some("string"));
}

proptest! {
    #[test]
    fn no_text_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = parse("a.yaml", &text);
        let _ = parse("a.json", &text);
    }

    #[test]
    fn no_text_made_of_syntax_panics(text in "[-:{}\\[\\],&*a<|>\"'#!?%@ \\n\\t0-9.~$/\\\\]{0,120}") {
        let _ = parse("a.yaml", &text);
        let _ = parse("a.json", &text);
        let contract = format!("openapi: 3.1.0\npaths:\n  /a: {text}");
        if let Ok(contract) = parse_contract("a.yaml", &contract) {
            let _ = contract.operations();
            let _ = tollgate_contracts::diff(&contract, &contract);
            let _ = tollgate_contracts::lint(&contract, &tollgate_contracts::LintSettings::default());
        }
    }

    #[test]
    fn json_text_is_read_as_serde_json_reads_it(value in any_json()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let node = parse("a.json", &text).unwrap();
        prop_assert_eq!(node.to_json(), value);
        prop_assert!(!matches!(node.value, NodeValue::Number(ref n) if n.is_empty()));
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}
