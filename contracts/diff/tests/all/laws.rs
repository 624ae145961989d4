//! Laws of the comparison, on random small documents: nothing between equal documents, whatever
//! the order, the names or the form; additions never undo a break.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tollgate_contracts_diff::{Level, diff};
use tollgate_contracts_model::{Contract, parse_contract};

const NAMES: &[&str] = &["Ant", "Bee", "Cow"];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"type": "string"})),
        (1..9_u32).prop_map(|n| json!({"type": "string", "maxLength": n})),
        Just(json!({"type": "string", "enum": ["x", "y", "z"]})),
        (0..9_i32).prop_map(|n| json!({"type": "integer", "minimum": n})),
        Just(json!({"type": "number", "nullable": true})),
        Just(json!({"type": "boolean"})),
        Just(json!({})),
        prop::sample::select(NAMES)
            .prop_map(|name| json!({"$ref": format!("#/components/schemas/{name}")})),
    ]
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let properties = prop::collection::btree_map("[a-d]", (inner, any::<bool>()), 0..4);
    properties.prop_map(|properties| {
        let required: Vec<&String> = properties
            .iter()
            .filter_map(|(name, (_, is_required))| is_required.then_some(name))
            .collect();
        let shapes: Map<String, Value> = properties
            .iter()
            .map(|(name, (shape, _))| (name.clone(), shape.clone()))
            .collect();
        json!({"type": "object", "properties": shapes, "required": required})
    })
}

fn shape() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            object(inner.clone()),
            inner
                .clone()
                .prop_map(|item| json!({"type": "array", "items": item})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|list| json!({"oneOf": list})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|list| json!({"allOf": list})),
            inner.prop_map(|value| json!({"type": "object", "additionalProperties": value})),
        ]
    })
}

/// A component that refers only to those after it, so that inlining ends.
fn components() -> impl Strategy<Value = Map<String, Value>> {
    (shape(), shape(), object(leaf())).prop_map(|(ant, bee, cow)| {
        let mut components = Map::new();
        components.insert("Ant".into(), without(ant, &["Ant"]));
        components.insert("Bee".into(), without(bee, &["Ant", "Bee"]));
        components.insert("Cow".into(), without(cow, NAMES));
        components
    })
}

/// References to some components replaced by a plain type.
fn without(value: Value, names: &[&str]) -> Value {
    map_values(value, &|value| {
        let is_one = value["$ref"]
            .as_str()
            .is_some_and(|text| names.iter().any(|name| text.ends_with(&format!("/{name}"))));
        is_one.then(|| json!({"type": "string"}))
    })
}

/// Replaces values from the outside in.
fn map_values(value: Value, replace: &dyn Fn(&Value) -> Option<Value>) -> Value {
    if let Some(replaced) = replace(&value) {
        return replaced;
    }
    match value {
        Value::Array(items) => items
            .into_iter()
            .map(|item| map_values(item, replace))
            .collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| (key, map_values(value, replace)))
            .collect(),
        other => other,
    }
}

fn document() -> impl Strategy<Value = Value> {
    (components(), shape(), shape(), leaf(), any::<bool>()).prop_map(
        |(components, body, answer, parameter, is_required)| {
            json!({
                "openapi": "3.0.3",
                "info": {"title": "T", "version": "1.0.0"},
                "paths": {
                    "/things": {
                        "get": {
                            "parameters": [{
                                "name": "q", "in": "query",
                                "required": is_required, "schema": parameter,
                            }],
                            "responses": {"200": {"description": "d", "content": {
                                "application/json": {"schema": answer},
                            }}},
                        },
                        "post": {
                            "requestBody": {"content": {"application/json": {"schema": body}}},
                            "responses": {"204": {"description": "d"}},
                        },
                    },
                },
                "components": {"schemas": components},
            })
        },
    )
}

fn load(document: &Value) -> Contract {
    parse_contract("api.json", &document.to_string()).unwrap()
}

/// The document with the keys of every object the other way round, and lists of names too.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let rows = entries.iter().rev().map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    ("required" | "enum", Value::Array(items)) => {
                        Value::Array(items.iter().rev().cloned().collect())
                    }
                    _ => value.clone(),
                };
                format!("{}:{}", json!(key), reversed(&value))
            });
            format!("{{{}}}", rows.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let rows: Vec<String> = items.iter().map(reversed).collect();
            format!("[{}]", rows.join(","))
        }
        other => other.to_string(),
    }
}

fn inlined(document: &Value) -> Value {
    let components = document["components"]["schemas"].clone();
    let mut inlined = document.clone();
    for _ in 0..NAMES.len() {
        inlined = map_values(inlined, &|value| {
            let name = value["$ref"].as_str()?.rsplit('/').next()?;
            Some(components[name].clone())
        });
    }
    inlined
}

fn renamed(document: &Value) -> Value {
    let mut text = document.to_string();
    for name in NAMES {
        text = text.replace(&format!("schemas/{name}"), &format!("schemas/Other{name}"));
        text = text.replace(&format!("\"{name}\":"), &format!("\"Other{name}\":"));
    }
    serde_json::from_str(&text).unwrap()
}

/// One edit that takes something away from those who relied on it.
fn narrowed(document: &Value, which: u8) -> Value {
    let mut document = document.clone();
    let things = &mut document["paths"]["/things"];
    match which % 4 {
        0 => {
            things.as_object_mut().unwrap().remove("post").unwrap();
        }
        1 => things["get"]["parameters"][0]["required"] = json!(true),
        2 => things["get"]["responses"] = json!({"404": {"description": "d"}}),
        _ => {
            let parameter = json!({
                "name": "n", "in": "query", "required": true, "schema": {"type": "string"},
            });
            let list = things["get"]["parameters"].as_array_mut().unwrap();
            list.push(parameter);
        }
    }
    document
}

/// Additions that nobody has to know.
fn extended(document: &Value) -> Value {
    let mut document = document.clone();
    document["paths"]["/more"] = json!({"get": {"responses": {"200": {"description": "d"}}}});
    document["components"]["schemas"]["New"] = json!({"type": "string"});
    document["paths"]["/things"]["get"]["parameters"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "o", "in": "query", "schema": {"type": "string"}}));
    document
}

fn breaks(old: &Value, new: &Value) -> BTreeSet<(String, String)> {
    diff(&load(old), &load(new))
        .into_iter()
        .filter(|change| change.level == Level::Breaking)
        .map(|change| (change.code, change.path))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_document_does_not_differ_from_itself(document in document()) {
        prop_assert_eq!(diff(&load(&document), &load(&document)), []);
    }

    #[test]
    fn the_order_of_keys_says_nothing(document in document()) {
        let other = parse_contract("api.json", &reversed(&document)).unwrap();
        prop_assert_eq!(diff(&load(&document), &other), []);
    }

    #[test]
    fn inline_and_behind_a_reference_are_the_same(document in document()) {
        let other = inlined(&document);
        prop_assert_eq!(diff(&load(&document), &load(&other)), []);
        prop_assert_eq!(diff(&load(&other), &load(&document)), []);
    }

    #[test]
    fn the_name_of_a_component_is_seen_by_nobody(document in document()) {
        prop_assert_eq!(diff(&load(&document), &load(&renamed(&document))), []);
    }

    /// For every narrowing edit e and every addition x that touches nothing of e: what breaks
    /// from a to e(a) breaks from a to x(e(a)), at the same place.
    #[test]
    fn additions_never_undo_a_break(document in document(), which in any::<u8>()) {
        let narrower = narrowed(&document, which);
        let broken = breaks(&document, &narrower);
        let after = breaks(&document, &extended(&narrower));
        prop_assert!(broken.is_subset(&after), "{:?} is not within {:?}", broken, after);
    }

    /// What breaks in one direction of a widening breaks nobody in the other: a document compared
    /// with one that only has more operations breaks nobody, and the reverse does.
    #[test]
    fn more_operations_break_nobody_and_fewer_do(document in document()) {
        let more = extended(&document);
        prop_assert!(breaks(&document, &more).is_empty());
        prop_assert!(!breaks(&more, &document).is_empty());
    }
}
