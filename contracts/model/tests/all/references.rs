//! References of every kind: where they lead, and what is said of those that lead nowhere.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use std::collections::BTreeMap;
use std::fs;

use tollgate_contracts_model::remote::{Lock, digest, missing_urls};
use tollgate_contracts_model::{
    Contract, LoadSettings, load, load_with, parse_contract, parse_documents,
};

const HEAD: &str = "openapi: 3.1.0\ninfo: {title: A, version: '1'}\n";

/// A contract of some files; the first is the entry.
fn contract(files: &[(&str, &str)]) -> Contract {
    let texts: BTreeMap<String, String> = files
        .iter()
        .enumerate()
        .map(|(idx, (name, text))| {
            let head = if idx == 0 { HEAD } else { "" };
            ((*name).to_owned(), format!("{head}{text}"))
        })
        .collect();
    parse_documents(files[0].0, &texts).unwrap()
}

/// Where each component schema of a contract leads (`file#pointer`), and the findings.
#[track_caller]
fn check(files: &[(&str, &str)], want: &[&str]) {
    let contract = contract(files);
    let mut got = Vec::new();
    for (name, node) in contract.component_schemas() {
        let resolved = contract.resolve(&contract.entry, node);
        let pointer = resolved.pointer.unwrap_or_default();
        got.push(if resolved.is_missing {
            format!("{name} missing")
        } else {
            format!("{name} {}#{pointer}", resolved.file)
        });
    }
    for finding in &contract.findings {
        let line = finding.place.as_ref().map_or(0, |place| place.line);
        got.push(format!("{} {line}", finding.code));
    }
    assert_eq!(got, want);
}

#[test]
fn files_are_found_relative_to_the_file_that_names_them() {
    check(
        &[
            (
                "api/a.yaml",
                "components:\n  schemas:\n    A: {$ref: ./parts/b.yaml}\n    B: {$ref: 'parts/b.yaml#/x~1y/0/a~0b'}\n    \
                 C: {$ref: 'parts/c%20d.yaml#/caf%C3%A9'}\n    D: {$ref: 'parts\\c d.yaml'}\n    E: {$ref: 'a.yaml#/components/schemas/A'}\n",
            ),
            ("api/parts/b.yaml", "x/y: [{a~b: {type: string}}]\n"),
            (
                "api/parts/c d.yaml",
                "café: {$ref: '../parts/./deep/../b.yaml#/x~1y'}\n",
            ),
        ],
        &[
            "A api/parts/b.yaml#",
            "B api/parts/b.yaml#/x~1y/0/a~0b",
            "C api/parts/b.yaml#/x~1y",
            "D api/parts/c d.yaml#",
            "E api/parts/b.yaml#",
        ],
    );
}

#[test]
fn a_cycle_of_files_ends_and_a_cycle_of_references_is_a_finding() {
    check(
        &[
            (
                "a.yaml",
                "components:\n  schemas:\n    A: {$ref: b.yaml}\n    B: {$ref: '#/components/schemas/B'}\n    C: {$ref: '#/components/schemas/D'}\n    D: {$ref: '#/components/schemas/C'}\n",
            ),
            (
                "b.yaml",
                "type: object\nproperties: {a: {$ref: 'a.yaml#/components/schemas/A'}, b: {$ref: '#'}}\n",
            ),
        ],
        &[
            "A b.yaml#",
            "B missing",
            "C missing",
            "D missing",
            "ref-cycle 6",
            "ref-cycle 7",
            "ref-cycle 8",
        ],
    );
}

#[test]
fn schemas_are_found_by_anchor_and_by_id() {
    check(
        &[(
            "a.yaml",
            "components:\n  schemas:\n    A: {$ref: '#leaf'}\n    B: {$ref: 'https://shop.invalid/tree'}\n    C: {$ref: 'https://shop.invalid/tree#/properties/a'}\n    \
             D: {$dynamicRef: '#node'}\n    E: {$ref: twig}\n    F: {$ref: 'https://shop.invalid/no'}\n    Leaf: {$anchor: leaf, type: string}\n    \
             Tree: {$id: 'https://shop.invalid/tree', $dynamicAnchor: node, properties: {a: {type: string}, b: {$ref: '#/properties/a'}}, example: {$anchor: no}}\n    \
             Twig: {$id: twig, type: string}\n    G: {$ref: '#no'}\n",
        )],
        &[
            "A a.yaml#/components/schemas/Leaf",
            "B a.yaml#/components/schemas/Tree",
            "C a.yaml#/components/schemas/Tree/properties/a",
            "D a.yaml#/components/schemas/Tree",
            "E a.yaml#/components/schemas/Twig",
            "F missing",
            "Leaf a.yaml#",
            "Tree a.yaml#",
            "Twig a.yaml#",
            "G missing",
            "ref-missing 14",
            "ref-remote 10",
        ],
    );
}

#[test]
fn references_lead_to_odd_places() {
    check(
        &[(
            "a.yaml",
            "components:\n  schemas:\n    A: {$ref: '#/paths/~1a~1{id}/get/responses/200/content/application~1json/schema/properties/x'}\n    \
             B: {$ref: '#/definitions/Old'}\n    C: {$ref: '#/components/schemas/E/properties/y'}\n    D: {$ref: '#/components/responses/R/content/a~1b/schema'}\n    \
             E: {$ref: '#/definitions/Old'}\n    F: {$ref: ''}\n    G: {$ref: 5}\n\
             definitions:\n  Old: {type: object, properties: {y: {type: string}}}\n\
             paths:\n  /b: {$ref: '#/paths/~1a~1{id}'}\n  /a/{id}:\n    get:\n      responses:\n        200: {content: {application/json: {schema: {properties: {x: {type: string}}}}}}\n",
        )],
        &[
            "A a.yaml#/paths/~1a~1{id}/get/responses/200/content/application~1json/schema/properties/x",
            "B a.yaml#/definitions/Old",
            "C a.yaml#/definitions/Old/properties/y",
            "D missing",
            "E a.yaml#/definitions/Old",
            "F a.yaml#",
            "G a.yaml#",
            "ref-missing 8",
        ],
    );
}

#[test]
fn a_dollar_ref_in_data_or_text_is_data() {
    check(
        &[(
            "a.yaml",
            "servers: [{url: /, description: {$ref: no.md}}]\ntags: [{name: a, description: {$ref: no.md}}]\ncomponents:\n  schemas:\n    \
             A: {default: {$ref: no}, const: {$ref: no}, enum: [{$ref: no}], example: {$ref: no}, examples: [{$ref: no}], x-y: {$ref: no}}\n  \
             examples:\n    E: {value: {$ref: no}}\n  responses:\n    R: {description: a, content: {a/b: {example: {$ref: no}, examples: {e: {value: {$ref: no}}}}}}\n",
        )],
        &["A a.yaml#"],
    );
}

#[test]
fn nothing_outside_the_folder_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(folder.path().join("secret.yaml"), "type: string\n").unwrap();
    let refs = [
        "../secret.yaml",
        "%2e%2e/secret.yaml",
        "..%2fsecret.yaml",
        "..\\secret.yaml",
        "x/../../secret.yaml",
        "./../inner/../secret.yaml",
        "/etc/passwd",
        "link.yaml",
        "file:///etc/passwd",
        "//shop.invalid/a.yaml",
    ];
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret.yaml", inner.join("link.yaml")).unwrap();
    for reference in refs {
        let text = format!("{HEAD}components: {{schemas: {{A: {{$ref: '{reference}'}}}}}}\n");
        fs::write(inner.join("a.yaml"), text).unwrap();
        let contract = load(&inner.join("a.yaml")).unwrap();
        assert_eq!(contract.documents.len(), 1, "{reference}");
        assert_eq!(contract.findings.len(), 1, "{reference}");
        let code = &contract.findings[0].code;
        assert!(
            code == "ref-outside" || code == "ref-remote",
            "{reference}: {code}"
        );
    }
}

#[test]
fn a_url_is_followed_only_when_its_text_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    let url = "https://shop.invalid/v1/pets.yaml";
    fs::write(
        &path,
        format!("{HEAD}components: {{schemas: {{A: {{$ref: '{url}#/Pet'}}}}}}\n"),
    )
    .unwrap();
    let contract = load(&path).unwrap();
    assert_eq!(contract.findings[0].code, "ref-remote");
    assert_eq!(missing_urls(&contract), [url]);
    let remotes = BTreeMap::from([
        (
            url.to_owned(),
            "Pet: {properties: {a: {$ref: '../v2/b.yaml'}, b: {$ref: /c.yaml}}}\n".to_owned(),
        ),
        (
            "https://shop.invalid/v2/b.yaml".to_owned(),
            "type: string\n".to_owned(),
        ),
    ]);
    let settings = LoadSettings {
        remotes,
        ..LoadSettings::default()
    };
    let contract = load_with(&path, &settings).unwrap();
    assert_eq!(missing_urls(&contract), ["https://shop.invalid/c.yaml"]);
    assert_eq!(contract.documents.len(), 3);
    let (_, node) = contract.component_schemas()[0];
    assert_eq!(contract.resolve(&contract.entry, node).file, url);
}

#[test]
fn a_lock_names_what_changed() {
    let mut lock = Lock::default();
    lock.urls
        .insert("https://shop.invalid/a".to_owned(), digest(b"abc"));
    assert_eq!(
        digest(b"abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(Lock::parse(&lock.to_text()).unwrap(), lock);
    assert_eq!(lock.check("https://shop.invalid/a", b"abc"), None);
    assert_eq!(
        lock.check("https://shop.invalid/a", b"abd").unwrap().code,
        "ref-lock"
    );
    assert_eq!(
        lock.check("https://shop.invalid/b", b"abc").unwrap().code,
        "ref-lock"
    );
    assert!(Lock::parse("{\"version\": 2, \"urls\": {}}").is_err());
    assert!(Lock::parse("[]").is_err());
}

#[test]
fn broken_files_are_findings_at_the_reference() {
    check(
        &[
            (
                "a.yaml",
                "components:\n  schemas:\n    A: {$ref: b.json}\n    B: {$ref: c.yaml}\n    C: {$ref: 'd.yaml#/no'}\n",
            ),
            ("b.json", "{\"a\": "),
            ("d.yaml", "yes: 1\n"),
        ],
        &[
            "A missing",
            "B missing",
            "C missing",
            "ref-broken 5",
            "ref-missing 6",
            "ref-missing 7",
        ],
    );
}

#[test]
fn openapi_3_2_and_webhooks_and_callbacks_are_read() {
    let text = "openapi: 3.2.0\n$self: https://shop.invalid/api\ninfo: {title: A, version: '1'}\npaths:\n  /a:\n    query: {operationId: q, responses: {200: {description: a}}}\n    \
                additionalOperations: {COPY: {operationId: copy, parameters: [{in: querystring, name: all, content: {application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/S'}}}}]}}\n    \
                post: {callbacks: {done: {'{$request.body#/url}': {post: {requestBody: {content: {a/b: {itemSchema: {$ref: '#/components/schemas/No'}}}}}}}}, \
                responses: {200: {description: a, content: {application/json: {$ref: '#/components/mediaTypes/M'}}}}}\n\
                webhooks:\n  new: {post: {operationId: hook}}\n  other: {$ref: '#/components/pathItems/P'}\n\
                components:\n  pathItems: {P: {get: {operationId: viaRef}}}\n  mediaTypes: {M: {schema: {$ref: 'https://shop.invalid/api#/components/schemas/S'}}}\n  schemas: {S: {type: object}}\n\
                tags: [{name: a}, {name: b, parent: a}]\n";
    let contract = parse_contract("a.yaml", text).unwrap();
    let list = |operations: Vec<tollgate_contracts_model::Operation<'_>>| -> Vec<String> {
        let lines = operations.iter().map(|it| {
            let node = contract.documents[it.file].root.pointer(&it.pointer);
            assert!(std::ptr::eq(node.unwrap(), it.node));
            format!("{} {} {}", it.id, it.method, it.path)
        });
        lines.collect()
    };
    assert_eq!(
        list(contract.operations()),
        ["q query /a", "post_a post /a", "copy COPY /a"]
    );
    assert_eq!(
        list(contract.webhooks()),
        ["hook post new", "viaRef get other"]
    );
    let codes: Vec<_> = contract
        .findings
        .iter()
        .map(|it| it.message.as_str())
        .collect();
    assert_eq!(codes, ["`#/components/schemas/No` cannot be resolved"]);
    let schema = contract.response_schema("post_a", 200).unwrap();
    assert_eq!(schema["$defs"]["S"]["type"], "object");
}

#[test]
fn documents_with_little_in_them_load() {
    for text in [
        "openapi: 3.1.0",
        "openapi: 3.1",
        "{openapi: 3.0.3, paths: null, components: null}",
        "{openapi: 3.0.3, paths: [], components: [1]}",
        "{openapi: 3.2.0, info: null, webhooks: {a: null}}",
        "{openapi: 3.1.0, components: {schemas: {A: true, B: false, C: null, D: [], E: 1}}}",
        "{openapi: 3.1.0, components: {pathItems: {a: {get: {}}}}}",
        "{asyncapi: 3.0.0}",
        "{asyncapi: 3.1.0, channels: [], operations: 1, servers: x}",
    ] {
        let contract = parse_contract("a.yaml", text).unwrap();
        let _ = (
            contract.operations(),
            contract.webhooks(),
            contract.channels(),
        );
        let _ = (
            contract.async_operations(),
            contract.messages(),
            contract.servers(),
        );
        for (_, node) in contract.component_schemas() {
            let _ = contract.bundle(&contract.entry, node);
        }
    }
}
