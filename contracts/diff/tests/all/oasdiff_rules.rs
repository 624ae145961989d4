//! Every rule of oasdiff is found somewhere, or there is a written reason why it can't be: pairs
//! of schemas in every place, pairs of documents, and the vectors where they are.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tollgate_contracts_diff::{DiffSettings, Stability, peer_findings, rules};
use tollgate_contracts_model::parse_contract;

use crate::shared::shared;

/// Rules that oasdiff has and never reports, with the reason.
const NEVER: &[(&str, &str)] = &[
    (
        "request-body-min-items-set",
        "oasdiff reads an absent `minItems` as 0, so it is increased, not set",
    ),
    ("request-parameter-min-items-set", "as above"),
    ("request-property-min-items-set", "as above"),
    (
        "response-body-min-items-unset",
        "oasdiff reads an absent `minItems` as 0, so it is decreased, not unset",
    ),
    ("response-property-min-items-unset", "as above"),
];

/// Pairs of schemas; each is compared in both directions.
fn schemas() -> Vec<(Value, Value)> {
    let string = json!({"type": "string"});
    let mut pairs = Vec::new();
    for (key, values) in [
        ("maximum", [json!(5), json!(9)]),
        ("minimum", [json!(5), json!(9)]),
        ("exclusiveMaximum", [json!(5), json!(9)]),
        ("exclusiveMinimum", [json!(5), json!(9)]),
        ("maxLength", [json!(5), json!(9)]),
        ("minLength", [json!(5), json!(9)]),
        ("maxItems", [json!(5), json!(9)]),
        ("minItems", [json!(5), json!(9)]),
        ("pattern", [json!("^a"), json!("^b")]),
        ("pattern", [json!("^a"), json!(".*")]),
        ("default", [json!("a"), json!("b")]),
        ("const", [json!("a"), json!("b")]),
        ("enum", [json!(["a", "b"]), json!(["b", "c"])]),
        ("contentMediaType", [json!("a/b"), json!("a/c")]),
        ("contentEncoding", [json!("base64"), json!("base32")]),
        ("format", [json!("date"), json!("date-time")]),
        ("x-extensible-enum", [json!(["a"]), json!(["b"])]),
        ("deprecated", [json!(true), json!(false)]),
        ("x-stability-level", [json!("beta"), json!("stable")]),
        ("nullable", [json!(true), json!(false)]),
        (
            "propertyNames",
            [json!({"pattern": "^a"}), json!({"pattern": "^b"})],
        ),
        ("if", [json!({"const": 1}), json!({"const": 2})]),
        ("then", [json!({"const": 1}), json!({"const": 2})]),
        ("else", [json!({"const": 1}), json!({"const": 2})]),
        ("contains", [json!({"const": 1}), json!({"const": 2})]),
        ("minContains", [json!(1), json!(2)]),
        ("maxContains", [json!(1), json!(2)]),
        (
            "unevaluatedItems",
            [json!({"const": 1}), json!({"const": 2})],
        ),
        (
            "unevaluatedProperties",
            [json!({"const": 1}), json!({"const": 2})],
        ),
        ("contentSchema", [json!({"const": 1}), json!({"const": 2})]),
        (
            "prefixItems",
            [
                json!([{"const": 1}]),
                json!([{"const": 1}, {"type": "null"}]),
            ],
        ),
        ("patternProperties", [json!({"^a": {}}), json!({"^b": {}})]),
        ("dependentSchemas", [json!({"a": {}}), json!({"b": {}})]),
        (
            "dependentRequired",
            [json!({"a": ["b"]}), json!({"a": ["c"]})],
        ),
        (
            "allOf",
            [
                json!([{"type": "string"}]),
                json!([{"type": "string"}, {"maxLength": 3}]),
            ],
        ),
        (
            "allOf",
            [
                json!([{"type": "string"}]),
                json!([{"type": "string"}, {"title": "only words"}]),
            ],
        ),
        (
            "anyOf",
            [
                json!([{"minLength": 1}, {"maxLength": 9}]),
                json!([{"minLength": 1}]),
            ],
        ),
        (
            "oneOf",
            [
                json!([{"minLength": 1}, {"maxLength": 9}]),
                json!([{"minLength": 1}]),
            ],
        ),
        (
            "discriminator",
            [json!({"propertyName": "a"}), json!({"propertyName": "b"})],
        ),
        (
            "discriminator",
            [
                json!({"propertyName": "a", "mapping": {"x": "1", "y": "2"}}),
                json!({"propertyName": "a", "mapping": {"x": "3", "z": "2"}}),
            ],
        ),
    ] {
        let with = |value: &Value| {
            let mut schema = string.clone();
            schema[key] = value.clone();
            schema
        };
        pairs.push((with(&values[0]), with(&values[1])));
        pairs.push((string.clone(), with(&values[0])));
    }
    let types = [
        json!({"type": "integer"}),
        json!({"type": "number"}),
        json!({"type": ["string", "null"]}),
        json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
        json!({"type": "boolean"}),
        json!({}),
    ];
    pairs.extend(types.iter().map(|other| (string.clone(), other.clone())));
    pairs.push((types[0].clone(), types[1].clone()));
    let object = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required});
    let named = |extra: Value| {
        let mut schema = json!({"type": "string"});
        for (key, value) in extra.as_object().unwrap() {
            schema[key] = value.clone();
        }
        object(json!({"a": schema}), json!(["a"]))
    };
    let plain = named(json!({}));
    pairs.push((
        plain.clone(),
        object(json!({"a": {"type": "string"}}), json!([])),
    ));
    pairs.push((object(json!({}), json!([])), plain.clone()));
    pairs.push((
        object(json!({}), json!([])),
        object(json!({"a": {"type": "string"}}), json!([])),
    ));
    pairs.push((object(json!({}), json!([])), named(json!({"default": "a"}))));
    pairs.push((
        named(json!({"default": "a"})),
        object(json!({"a": {"type": "string", "default": "a"}}), json!([])),
    ));
    pairs.push((
        plain.clone(),
        json!({"oneOf": [plain, object(json!({"b": {}}), json!([]))]}),
    ));
    for (key, required) in [
        ("readOnly", true),
        ("readOnly", false),
        ("writeOnly", true),
        ("writeOnly", false),
    ] {
        let list = if required { json!(["a"]) } else { json!([]) };
        let hidden = object(json!({"a": {"type": "string", key: true}}), list.clone());
        pairs.push((
            object(json!({"a": {"type": "string"}}), list.clone()),
            hidden.clone(),
        ));
        pairs.push((object(json!({}), json!([])), hidden.clone()));
        let open = object(json!({"a": {"type": "string", key: true}}), json!([]));
        pairs.push((hidden, open));
        for (limit, from, to) in [
            ("maximum", json!(5), json!(9)),
            ("minimum", json!(5), json!(9)),
            ("exclusiveMaximum", json!(5), json!(9)),
            ("exclusiveMinimum", json!(5), json!(9)),
            ("maxLength", json!(5), json!(9)),
            ("enum", json!(["a"]), json!(["a", "b"])),
        ] {
            let with = |value: &Value| {
                object(
                    json!({"a": {"type": "string", key: true, limit: value}}),
                    json!([]),
                )
            };
            pairs.push((with(&from), with(&to)));
        }
    }
    for sunset in [None, Some("2020-01-01"), Some("2030-01-01"), Some("soon")] {
        let mut property = json!({"type": "string", "deprecated": true});
        if let Some(sunset) = sunset {
            property["x-sunset"] = json!(sunset);
        }
        pairs.push((
            object(json!({"a": {"type": "string"}}), json!([])),
            object(json!({"a": property}), json!([])),
        ));
    }
    pairs
}

/// One document with a schema in every place where schemas stand.
fn document(schema: &Value, media: &str) -> Value {
    let below = json!({"type": "object", "properties": {"p": schema}});
    let content = |schema: &Value| json!({media: {"schema": schema}});
    let parameter = |name: &str, place: &str, schema: &Value| json!({"name": name, "in": place, "schema": schema});
    json!({
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1.0.0"},
        "paths": {"/things": {
            "post": {
                "parameters": [
                    parameter("q", "query", schema), parameter("r", "query", &below),
                    parameter("h", "header", schema), parameter("i", "header", &below),
                ],
                "requestBody": {"content": content(schema)},
                "responses": {"200": {
                    "description": "d", "content": content(schema),
                    "headers": {"X-A": {"schema": schema}},
                }},
            },
            "put": {
                "requestBody": {"content": content(&below)},
                "responses": {"200": {"description": "d", "content": content(&below)}},
            },
        }},
    })
}

/// Pairs of documents: base and an edit, in both directions.
fn documents() -> Vec<(Value, Value)> {
    let base = document(&json!({"type": "string"}), "application/json");
    let mut pairs = Vec::new();
    for (pointer, key, values) in [
        (
            "/paths/~1things/post/responses/200/headers/X-A",
            "required",
            [json!(true), json!(false)],
        ),
        (
            "/paths/~1things/post/parameters/0",
            "deprecated",
            [json!(true), json!(false)],
        ),
        (
            "",
            "security",
            [json!([{"a": ["r"]}]), json!([{"a": ["w"]}])],
        ),
        (
            "/paths/~1things/post",
            "security",
            [json!([{"a": ["r"]}]), json!([{"a": ["w"]}])],
        ),
        (
            "",
            "components",
            [
                json!({"securitySchemes": {"a": {"type": "oauth2", "flows": {"implicit": {
                "authorizationUrl": "u", "tokenUrl": "t", "scopes": {"r": "read", "k": "1"}}}}}}),
                json!({"securitySchemes": {"a": {"type": "oauth2", "flows": {"implicit": {
                "authorizationUrl": "v", "tokenUrl": "s", "scopes": {"w": "write", "k": "2"}}}}}}),
            ],
        ),
    ] {
        let with = |value: &Value| {
            let mut document = base.clone();
            document.pointer_mut(pointer).unwrap()[key] = value.clone();
            document
        };
        pairs.push((base.clone(), with(&values[0])));
        pairs.push((with(&values[0]), with(&values[1])));
    }
    for sunset in ["2020-01-01", "2030-01-01", "soon"] {
        let mut document = base.clone();
        let parameter = &mut document["paths"]["/things"]["post"]["parameters"][0];
        parameter["deprecated"] = json!(true);
        parameter["x-sunset"] = json!(sunset);
        pairs.push((base.clone(), document));
    }
    pairs.extend(operations());
    pairs
}

/// Pairs that differ in what stands around schemas.
fn operations() -> Vec<(Value, Value)> {
    let base = document(&json!({"type": "string"}), "application/json");
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut document = base.clone();
        edit(&mut document);
        document
    };
    let deprecated = |sunset: Option<&str>| {
        edited(&|document| {
            let operation = &mut document["paths"]["/things"]["put"];
            operation["deprecated"] = json!(true);
            if let Some(sunset) = sunset {
                operation["x-sunset"] = json!(sunset);
            }
        })
    };
    let with_body = |required: bool| {
        edited(&|document| {
            document["paths"]["/things"]["get"] = json!({
                "requestBody": {"required": required, "content": {}},
                "responses": {"200": {"description": "d"}},
            });
        })
    };
    let bare = edited(&|document| {
        document["paths"]["/things"]["get"] = json!({"responses": {"200": {"description": "d"}}});
    });
    let media = |name: &str| document(&json!({"type": "string"}), name);
    let webhook = edited(&|document| document["webhooks"] = json!({"sent": {}}));
    let old_path = |is_there: bool| {
        edited(&|document| {
            if is_there {
                let operation = json!({"deprecated": true, "responses": {}});
                document["paths"]["/old"] = json!({"get": operation});
            }
        })
    };
    vec![
        (base.clone(), deprecated(None)),
        (base.clone(), deprecated(Some("2026-12-01"))),
        (bare.clone(), with_body(true)),
        (bare, with_body(false)),
        (media("application/json"), media("application/problem+json")),
        (
            media("text/plain; charset=utf-8"),
            media("text/plain; charset=ascii"),
        ),
        (base.clone(), webhook),
        (old_path(true), old_path(false)),
    ]
}

fn collect(old: &Value, new: &Value, found: &mut BTreeSet<&'static str>) {
    let load = |document: &Value| parse_contract("api.json", &document.to_string()).unwrap();
    let (old, new) = (load(old), load(new));
    for days in [0, 100] {
        let settings = DiffSettings {
            today: Some("2026-11-21".parse().unwrap()),
            deprecation_days_beta: days,
            deprecation_days_stable: days,
            stability_level: Stability::Draft,
            witnesses_max: 0,
        };
        for (old, new) in [(&old, &new), (&new, &old)] {
            found.extend(
                peer_findings(old, new, &settings)
                    .iter()
                    .map(|finding| finding.id),
            );
        }
    }
}

#[test]
fn every_rule_is_found_or_has_a_written_reason() {
    let Some(vectors) = vector_ids() else { return };
    let mut found = vectors;
    for (old, new) in schemas() {
        for media in ["application/json", "text/plain"] {
            collect(&document(&old, media), &document(&new, media), &mut found);
        }
    }
    for (old, new) in documents() {
        collect(&old, &new, &mut found);
    }
    let never: BTreeSet<&str> = NEVER.iter().map(|(id, _)| *id).collect();
    let missing: Vec<&str> = rules()
        .map(|rule| rule.id)
        .filter(|id| !found.contains(id) && !never.contains(id))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
    let surprising: Vec<&&str> = never.iter().filter(|id| found.contains(*id)).collect();
    assert_eq!(surprising, Vec::<&&str>::new());
}

/// What the pairs of the vectors give, in both directions.
fn vector_ids() -> Option<BTreeSet<&'static str>> {
    let folder = shared("vectors/oasdiff", "all rules of oasdiff")?;
    let settings = tollgate_contracts_model::LoadSettings {
        folder: Some(folder.clone()),
        ..tollgate_contracts_model::LoadSettings::default()
    };
    let compare = DiffSettings {
        today: Some("2026-11-21".parse().unwrap()),
        deprecation_days_beta: 31,
        deprecation_days_stable: 180,
        stability_level: Stability::Draft,
        witnesses_max: 0,
    };
    let mut found = BTreeSet::new();
    for file in ["pairs_expected.json", "mutated_expected.json"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
        for case in &cases {
            let [old, new] = case["specs"].as_array().unwrap().as_slice() else {
                continue;
            };
            let load = |spec: &Value| {
                let path = folder.join("data").join(spec.as_str().unwrap());
                tollgate_contracts_model::load_with(&path, &settings).unwrap()
            };
            let (old, new) = (load(old), load(new));
            for (old, new) in [(&old, &new), (&new, &old)] {
                found.extend(
                    peer_findings(old, new, &compare)
                        .iter()
                        .map(|finding| finding.id),
                );
            }
        }
    }
    Some(found)
}
