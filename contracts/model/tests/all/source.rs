//! Texts to nodes: what is read, what is refused, and that nothing panics.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use proptest::prelude::*;
use tollgate_contracts_model::{NodeValue, load, parse, parse_contract, source};

use crate::malformed::MADE_OF_SYNTAX;

fn json(text: &str) -> serde_json::Value {
    parse("a.yaml", text).unwrap().to_json()
}

/// What a text is read as, and the codes of the findings.
#[track_caller]
fn check(file: &str, text: &str, want: &str, codes: &[&str]) {
    let (node, findings) = match source::parse_with_findings(file, text) {
        Ok(read) => read,
        Err(error) => panic!("{text:?}: {error}"),
    };
    let got: Vec<_> = findings.iter().map(|finding| &*finding.code).collect();
    assert_eq!(
        (node.to_text().as_str(), got.as_slice()),
        (want, codes),
        "{text:?}"
    );
    assert!(
        findings
            .iter()
            .all(|it| it.place.is_some() && it.fix.is_some())
    );
}

#[track_caller]
fn refused(file: &str, text: &str, want: &str) {
    let error = parse(file, text).unwrap_err().to_string();
    assert!(error.contains(want), "`{error}` does not contain `{want}`");
    assert!(
        error.starts_with(&format!("cannot read `{file}:")),
        "{error}"
    );
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
fn odd_yaml_is_read_as_yaml_1_2_means_it() {
    for (text, want) in [
        (
            "[on, off, Yes, n, True, NULL]",
            r#"["on","off","Yes","n",true,null]"#,
        ),
        (
            "[2020-01-01, 12:30:45, 1_000, 1,000]",
            r#"["2020-01-01","12:30:45","1_000",1,0]"#,
        ),
        (
            "[0o17, 0x1F, 017, 08, +1, -0, .5, 5., 1e3]",
            r#"[15,31,17,8,1,-0,.5,5,1e3]"#,
        ),
        (
            "[.inf, -.INF, .nan, 1e400, 0.1000]",
            r#"[".inf","-.INF",".nan",1e400,0.1000]"#,
        ),
        (
            "200: a\nnull: b\ntrue: c\n1.5: d\n",
            r#"{"200":"a","null":"b","true":"c","1.5":"d"}"#,
        ),
        (
            "a: !!str 1\nb: !!int '2'\nc: ! 3\nd: !x {y: 1}\ne: !!float 1\n",
            r#"{"a":"1","b":2,"c":"3","d":{"y":1},"e":1}"#,
        ),
        (
            "\u{feff}a: 1\r\nb: |\r\n  x\r\n  y\r\n",
            r#"{"a":1,"b":"x\ny\n"}"#,
        ),
        (
            "a: >-\n  x\n  y\n# c\nb: 'it''s' # d\n",
            r#"{"a":"x y","b":"it's"}"#,
        ),
        (
            "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  a: 0\n",
            r#"{"x":{"a":1,"b":2},"y":{"b":3,"c":4},"z":{"a":0,"b":2,"c":4}}"#,
        ),
        ("a: &a x\nb: *a\n*a : c\n", r#"{"a":"x","b":"x","x":"c"}"#),
        ("'<<': 1\n", r#"{"<<":1}"#),
        ("a: {b: 1, c,}\n", r#"{"a":{"b":1,"c":null}}"#),
        ("? a\n: - b\n", r#"{"a":["b"]}"#),
        ("a: [\n  x,\n  y\n]\n", r#"{"a":["x","y"]}"#),
        ("%YAML 1.1\n---\na: yes\n...\n", r#"{"a":"yes"}"#),
        (
            "--- # c\na: http://x.y/z:80 \n",
            r#"{"a":"http://x.y/z:80"}"#,
        ),
    ] {
        let want = want.replace(",.5,", ",0.5,");
        check("a.yaml", text, &want, &[]);
    }
}

#[test]
fn what_only_libyaml_accepts_is_read_with_a_finding() {
    for (text, want) in [
        ("a:\n  b: [\n    x\n]\nc: 1\n", r#"{"a":{"b":["x"]},"c":1}"#),
        (
            "a:\n  b: {\n  x: &k 1\n}\nc: *k\n",
            r#"{"a":{"b":{"x":1}},"c":1}"#,
        ),
        ("a:\n  b: \"x\ny\"\n", r#"{"a":{"b":"x y"}}"#),
        ("a:\tb\n", r#"{"a":"b"}"#),
        ("a: [\n\tx\n]\n", r#"{"a":["x"]}"#),
        ("a: \"x\"#c\n", r#"{"a":"x"}"#),
    ] {
        check("a.yaml", text, want, &["yaml-lenient"]);
    }
    check(
        "a.yaml",
        "a: 1\n---\nb: [\n",
        r#"{"a":1}"#,
        &["yaml-second-document"],
    );
    check(
        "a.yaml",
        "a: 1\nb: 2\na: 3\na: 4\n",
        r#"{"a":4,"b":2}"#,
        &["duplicate-key"; 2],
    );
}

#[test]
fn what_people_write_beyond_json_is_read_with_a_finding() {
    for (text, want, code) in [
        ("{\"a\": [1, 2,],}", r#"{"a":[1,2]}"#, "json-trailing-comma"),
        (
            "// c\n{\"a\": /* d */ 1} // e",
            r#"{"a":1}"#,
            "json-comment",
        ),
        (
            "{\"a\": [NaN, -Infinity]}",
            r#"{"a":["NaN","-Infinity"]}"#,
            "json-number",
        ),
        (
            "{\"a\": [+1, .5, 01, 0x1F]}",
            r#"{"a":[1,0.5,1,31]}"#,
            "json-number",
        ),
        (
            "{\"a\": \"x\ty\nz\"}",
            r#"{"a":"x\ty\nz"}"#,
            "json-control-character",
        ),
        ("{\"a\": 1, \"a\": 2}", r#"{"a":2}"#, "duplicate-key"),
    ] {
        let (node, findings) = source::parse_with_findings("a.json", text).unwrap();
        assert_eq!(node.to_text(), want, "{text}");
        assert!(
            !findings.is_empty() && findings.iter().all(|it| it.code == code),
            "{text}"
        );
    }
    let text = "[1e400,18446744073709551616,0.1000,-0,1E+2,\"\\u00e9\\ud83d\"]";
    check(
        "a.json",
        text,
        "[1e400,18446744073709551616,0.1000,-0,1E+2,\"é\u{fffd}\"]",
        &[],
    );
    let many = format!("[{}1]", "01,".repeat(100_000));
    let (_, findings) = source::parse_with_findings("a.json", &many).unwrap();
    assert_eq!(findings.len(), 1_000);
}

#[test]
fn an_error_shows_the_line_with_a_caret_and_what_to_do() {
    let shown = |file: &str, text: &str| parse(file, text).unwrap_err().to_string();
    insta::assert_snapshot!(shown("a.yaml", "a: 1\nb: @x\n"), @r#"
    cannot read `a.yaml:2:4`: unexpected character: `@'; put the text in quotes
      2 | b: @x
        |    ^
    "#);
    insta::assert_snapshot!(shown("a.yaml", "a:\n   b: 1\n  c: 2\n"), @r#"
    cannot read `a.yaml:3:3`: while parsing a block mapping, did not find expected key; indent the line as deep as its neighbours
      3 |   c: 2
        |   ^
    "#);
    insta::assert_snapshot!(shown("a.json", "{\"a\": [1, 2}"), @r#"
    cannot read `a.json:1:12`: a `,` or `]` is missing; close the list
      1 | {"a": [1, 2}
        |            ^
    "#);
    insta::assert_snapshot!(shown("a.json", "{'a': 1}"), @r#"
    cannot read `a.json:1:2`: a key in quotes is missing; write `"key": value`
      1 | {'a': 1}
        |  ^
    "#);
}

#[test]
fn a_large_object_finds_its_keys_and_its_duplicates() {
    let mut text = String::from("{");
    for n in 0..40 {
        text.push_str(&format!("\"k{n}\": {n},\n"));
    }
    text.push_str("\"k7\": \"again\", \"k3\": \"again\", \"k7\": \"last\"}");
    let (node, findings) = source::parse_with_findings("a.json", &text).unwrap();
    assert_eq!(findings.len(), 3);
    assert_eq!(node.entries().len(), 40);
    assert_eq!(node.get("k7").unwrap().as_str(), Some("last"));
    assert_eq!(node.get("k3").unwrap().as_str(), Some("again"));
    assert_eq!(node.get("k39").unwrap().as_u64(), Some(39));
    assert!(node.get("k40").is_none());
    let keys: Vec<_> = node.entries().map(|entry| entry.key.clone()).collect();
    let want: Vec<_> = (0..40).map(|n| format!("k{n}")).collect();
    assert_eq!(keys, want);
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
    refused("a.yaml", "a: &a [*a]\n", "inside the value that it names");
    refused("a.yaml", "a: *b\n", "");
    refused("a.json", "{\"a\": [1, 2", "is missing");
    refused("a.json", "{\"a\": \"x", "ends inside quotes");
    refused("a.json", "{\"a\": 01x}", "not a JSON number");
    refused("a.yaml", "a: [1, 2\nb: 3\n", "");
    refused("a.yaml", "", "empty");
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
    assert!(
        error.contains("a.yaml:2:7`: the byte at offset 21"),
        "{error}"
    );
    std::fs::write(&path, "swagger: '2.0'\n").unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(
        error.contains("Swagger 2.0") && error.contains("convert"),
        "{error}"
    );
    let text = "openapi: 3.1.0\ninfo: {title: é, version: '1'}\n";
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(load(&path).unwrap().title, "é");
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
    fn no_text_made_of_syntax_panics(text in MADE_OF_SYNTAX) {
        let _ = parse("a.yaml", &text);
        let _ = parse("a.json", &text);
        let contract = format!("openapi: 3.1.0\npaths:\n  /a: {text}");
        if let Ok(contract) = parse_contract("a.yaml", &contract) {
            let _ = contract.operations();
        }
    }

    #[test]
    fn what_to_text_writes_is_read_as_the_same_text(value in any_json()) {
        let text = serde_json::to_string(&value).unwrap();
        let node = parse("a.json", &text).unwrap();
        prop_assert_eq!(node.to_text(), text.clone());
        prop_assert_eq!(parse("a.yaml", &text).unwrap().to_text(), text);
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
