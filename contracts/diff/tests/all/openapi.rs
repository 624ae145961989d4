//! What counts as a change, for whom it breaks, and the laws of `diff`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_contracts_diff::{Bump, check_blessed, diff, diff_json, suggest_bump};
use tollgate_contracts_model::{Contract, parse_contract};
use tollgate_report::Outcome;

fn contract(value: &Value) -> Contract {
    parse_contract("a.json", &value.to_string()).unwrap()
}

/// `POST /orders` with these schemas as request and response.
fn api(request: Value, response: Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Orders", "version": "1.2.0"},
        "paths": {"/orders": {"post": {
            "operationId": "placeOrder",
            "requestBody": {"required": true, "content": {"application/json": {"schema": request}}},
            "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": response}}}}
        }}}
    })
}

#[track_caller]
fn check_schema(old: Value, new: Value, want_request: &[&str], want_response: &[&str]) {
    let any = || json!({"type": "boolean"});
    for (is_request, want) in [(true, want_request), (false, want_response)] {
        let make = |schema: &Value| {
            contract(&if is_request {
                api(schema.clone(), any())
            } else {
                api(any(), schema.clone())
            })
        };
        let got: Vec<String> = diff(&make(&old), &make(&new))
            .iter()
            .map(|change| format!("{} {}", change.level.word(), change.code))
            .collect();
        assert_eq!(got, want, "{old} to {new}, request: {is_request}");
    }
}

#[test]
fn a_schema_change_breaks_the_side_that_relies_on_the_old_one() {
    let object = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required});
    let text = || json!({"type": "string"});
    check_schema(
        object(json!({"a": text()}), json!(["a"])),
        object(json!({}), json!([])),
        &["warning request-property-removed"],
        &["breaking response-required-property-removed"],
    );
    check_schema(
        object(json!({}), json!([])),
        object(json!({"a": text()}), json!(["a"])),
        &["breaking new-required-request-property"],
        &["info response-required-property-added"],
    );
    check_schema(
        object(json!({"a": text()}), json!([])),
        object(json!({"a": text()}), json!(["a"])),
        &["breaking request-property-became-required"],
        &["info response-property-became-required"],
    );
    check_schema(
        object(json!({"a": text()}), json!(["a"])),
        object(json!({"a": text()}), json!([])),
        &["info request-property-became-optional"],
        &["breaking response-property-became-optional"],
    );
    check_schema(
        json!({"type": "integer"}),
        json!({"type": "number"}),
        &["info request-body-type-generalized"],
        &["breaking response-body-type-generalized"],
    );
    check_schema(
        json!({"type": "string"}),
        json!({"type": ["string", "null"]}),
        &["info request-body-became-nullable"],
        &["breaking response-body-became-nullable"],
    );
    check_schema(
        json!({"type": "string", "enum": ["a"]}),
        json!({"type": "string", "enum": ["a", "b"]}),
        &["info request-body-enum-value-added"],
        &["warning response-body-enum-value-added"],
    );
    check_schema(
        json!({"type": "string", "maxLength": 9}),
        json!({"type": "string", "maxLength": 5}),
        &["breaking request-body-max-length-decreased"],
        &["info response-body-max-length-decreased"],
    );
    check_schema(
        json!({"oneOf": [{"type": "string"}]}),
        json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
        &["info request-body-one-of-added"],
        &["breaking response-body-one-of-added"],
    );
    check_schema(
        json!({"type": "string"}),
        json!({"type": "string", "format": "email"}),
        &["breaking request-body-format-added"],
        &["info response-body-format-added"],
    );
    check_schema(
        json!({"type": "string"}),
        json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        &["info request-body-became-nullable"],
        &["breaking response-body-became-nullable"],
    );
}

/// An edit of the whole document and the codes that it gives, with their places.
#[track_caller]
fn check_edit(edit: impl Fn(&mut Value), want: &[&str]) {
    let old = api(json!({"type": "string"}), json!({"type": "string"}));
    let mut new = old.clone();
    edit(&mut new);
    let got: Vec<String> = diff(&contract(&old), &contract(&new))
        .iter()
        .map(|change| format!("{} {}", change.level.word(), change.code))
        .collect();
    assert_eq!(got, want);
}

#[test]
fn operations_parameters_responses_and_security_are_compared() {
    let at = "/paths/~1orders/post";
    let set = |pointer: String, key: &'static str, value: Value| {
        move |document: &mut Value| {
            document.pointer_mut(&pointer).unwrap()[key] = value.clone();
        }
    };
    check_edit(
        |d| d["paths"] = json!({}),
        &["breaking api-path-removed-without-deprecation"],
    );
    check_edit(
        set("/paths".into(), "/new", json!({"get": {"responses": {}}})),
        &["info endpoint-added"],
    );
    check_edit(
        set(
            at.into(),
            "parameters",
            json!([{"name": "q", "in": "query", "required": true}]),
        ),
        &["breaking new-required-request-parameter"],
    );
    check_edit(
        set(
            at.into(),
            "parameters",
            json!([{"name": "q", "in": "query"}]),
        ),
        &["info new-optional-request-parameter"],
    );
    check_edit(
        set(at.into(), "deprecated", json!(true)),
        &["info endpoint-deprecated"],
    );
    check_edit(
        set(
            format!("{at}/responses"),
            "404",
            json!({"description": "x"}),
        ),
        &["info response-non-success-status-added"],
    );
    check_edit(
        |d| d["paths"]["/orders"]["post"]["responses"] = json!({}),
        &["breaking response-success-status-removed"],
    );
    check_edit(
        set(format!("{at}/requestBody"), "required", json!(false)),
        &["info request-body-became-optional"],
    );
    check_edit(
        |d| {
            d["paths"]["/orders"]["post"]
                .as_object_mut()
                .unwrap()
                .remove("requestBody");
        },
        &["breaking request-body-removed"],
    );
    check_edit(
        set(at.into(), "security", json!([{"key": []}])),
        &["breaking api-security-added"],
    );
}

#[test]
fn a_name_of_a_path_parameter_is_no_change_and_recursion_ends() {
    let api = |name: &str, extra: Value| {
        json!({
            "openapi": "3.0.3", "info": {"title": "T", "version": "1"},
            "paths": {format!("/trees/{{{name}}}"): {"get": {
                "parameters": [{"name": name, "in": "path", "required": true, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "x", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}}}
            }}},
            "components": {"schemas": {"Tree": {"type": "object", "properties": {
                "left": {"$ref": "#/components/schemas/Tree"}, "value": extra
            }}}}
        })
    };
    let old = contract(&api("id", json!({"type": "string"})));
    assert_eq!(
        diff(&old, &contract(&api("key", json!({"type": "string"})))),
        []
    );
    let changes = diff(&old, &contract(&api("id", json!({"type": "integer"}))));
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0].operation.as_deref(), Some("GET /trees/{id}"));
    assert!(
        changes[0].path.ends_with("/properties/value"),
        "{}",
        changes[0].path
    );
    assert!(changes[0].place_old.is_some() && changes[0].place_new.is_some());
}

#[test]
fn payloads_are_judged_by_who_sends_them() {
    let api = |action: &str, required: Value| {
        json!({
            "asyncapi": "3.0.0", "info": {"title": "T", "version": "1"},
            "channels": {"orders": {"address": "orders", "messages": {"placed": {"payload":
                {"type": "object", "properties": {"id": {"type": "string"}}, "required": required}}}}},
            "operations": {"go": {"action": action, "channel": {"$ref": "#/channels/orders"}}}
        })
    };
    for (action, want) in [
        ("send", "info sent-message-property-became-required"),
        (
            "receive",
            "breaking received-message-property-became-required",
        ),
    ] {
        let changes = diff(
            &contract(&api(action, json!([]))),
            &contract(&api(action, json!(["id"]))),
        );
        let got: Vec<String> = changes
            .iter()
            .map(|c| format!("{} {}", c.level.word(), c.code))
            .collect();
        assert_eq!(got, [want]);
        assert_eq!(changes[0].alias_oasdiff, None);
    }
}

#[test]
fn a_break_fails_unless_its_major_version_says_so() {
    let old = api(json!({"type": "number"}), json!({"type": "number"}));
    let mut new = api(json!({"type": "integer"}), json!({"type": "number"}));
    let verdict = check_blessed(Some(&contract(&old)), &contract(&new));
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert_eq!(verdict.findings[0].code, "request-body-type-changed");
    assert!(verdict.findings[0].place.is_some());
    let changes = diff(&contract(&old), &contract(&new));
    assert_eq!(suggest_bump(&changes), Bump::Major);
    let stored = diff_json(&changes, &[]);
    assert_eq!(stored["version"], 1);
    assert_eq!(stored["bump"], "major");
    assert_eq!(
        stored["changes"][0]["aliases"]["oasdiff"],
        "request-body-type-changed"
    );
    new["info"]["version"] = json!("2.0.0");
    assert_eq!(
        check_blessed(Some(&contract(&old)), &contract(&new)).outcome,
        Outcome::Pass
    );
    assert_eq!(
        check_blessed(Some(&contract(&old)), &contract(&old)).outcome,
        Outcome::Pass
    );
    let verdict = check_blessed(None, &contract(&old));
    assert_eq!(verdict.outcome, Outcome::Warn);
    let fix = verdict.findings[0].fix.as_ref().unwrap();
    assert_eq!(fix.command.as_deref(), Some("{tollgate} contract bless"));
}

fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string"})),
        Just(json!({"type": "string", "maxLength": 5, "pattern": "^a"})),
        Just(json!({"type": ["integer", "null"], "minimum": 1})),
        Just(json!({"type": "string", "enum": ["a", "b"]})),
        Just(json!({"$ref": "#/components/schemas/Known"})),
        Just(json!({})),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::btree_map("[a-d]", inner.clone(), 0..4).prop_map(
                |properties| json!({"type": "object", "properties": properties, "required": ["a"]})
            ),
            inner
                .clone()
                .prop_map(|items| json!({"type": "array", "items": items})),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|all| json!({"oneOf": all})),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|all| json!({"anyOf": all})),
            proptest::collection::vec(inner, 1..3).prop_map(|all| json!({"allOf": all})),
        ]
    })
}

fn with_components(schema: &Value) -> Value {
    let mut document = api(schema.clone(), schema.clone());
    document["components"]["schemas"]["Known"] =
        json!({"type": "object", "properties": {"me": {"$ref": "#/components/schemas/Known"}}});
    document
}

/// Each inline schema under a property or item moved behind a reference.
fn moved(schema: &Value, components: &mut serde_json::Map<String, Value>) -> Value {
    let mut schema = schema.clone();
    let mut hide = |value: &mut Value| {
        let inner = moved(value, components);
        let name = format!("Moved{}", components.len());
        components.insert(name.clone(), inner);
        *value = json!({"$ref": format!("#/components/schemas/{name}")});
    };
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(&mut hide);
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(items) = schema.get_mut(key).and_then(Value::as_array_mut) {
            items.iter_mut().for_each(&mut hide);
        }
    }
    if let Some(items) = schema.get_mut("items") {
        hide(items);
    }
    schema
}

/// The same document with the entries of every object in reverse order, as YAML flow text.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let rows: Vec<String> = object
                .iter()
                .rev()
                .map(|(key, value)| format!("{}: {}", json!(key), reversed(value)))
                .collect();
            format!("{{{}}}", rows.join(", "))
        }
        Value::Array(items) => {
            let rows: Vec<String> = items.iter().map(reversed).collect();
            format!("[{}]", rows.join(", "))
        }
        other => other.to_string(),
    }
}

proptest! {
    #[test]
    fn a_contract_does_not_differ_from_itself_in_any_order(schema in any_schema()) {
        let document = with_components(&schema);
        let old = contract(&document);
        prop_assert_eq!(diff(&old, &old.clone()), vec![]);
        let new = parse_contract("b.yaml", &reversed(&document)).unwrap();
        prop_assert_eq!(diff(&old, &new), vec![]);
    }

    #[test]
    fn inline_or_behind_a_reference_is_one(schema in any_schema()) {
        let old = with_components(&schema);
        let mut components = serde_json::Map::new();
        let schema = moved(&schema, &mut components);
        let mut new = with_components(&schema);
        for (name, schema) in components {
            new["components"]["schemas"][name] = schema;
        }
        prop_assert_eq!(diff(&contract(&old), &contract(&new)), vec![]);
        prop_assert_eq!(diff(&contract(&new), &contract(&old)), vec![]);
    }
}

/// A union of this many inline events; each says what it is by the one value of `type`.
fn events(n: usize, is_titled: bool) -> Vec<Value> {
    (0..n)
        .map(|index| {
            let mut event = json!({
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": {"type": "string", "enum": [format!("event.{index}")]},
                    "at": {"type": "integer"}
                }
            });
            if is_titled {
                event["title"] = json!("Event");
            }
            event
        })
        .collect()
}

#[test]
fn variants_of_a_large_union_are_matched_in_any_order() {
    for is_titled in [false, true] {
        let old = events(120, is_titled);
        let mut new = old.clone();
        new.reverse();
        check_schema(json!({"anyOf": old}), json!({"anyOf": new}), &[], &[]);
        new[3]["required"] = json!(["type", "at"]);
        check_schema(
            json!({"anyOf": old}),
            json!({"anyOf": new}),
            &["breaking request-property-became-required"],
            &["info response-property-became-required"],
        );
    }
}

#[test]
fn equal_variants_without_a_tag_are_matched_by_their_text() {
    let plain = |index: usize| json!({"type": "string", "pattern": format!("^{index}")});
    let old: Vec<Value> = (0..100).chain([7, 7]).map(plain).collect();
    let new: Vec<Value> = old.iter().rev().cloned().collect();
    check_schema(json!({"oneOf": old}), json!({"oneOf": new}), &[], &[]);
}

#[test]
fn what_a_document_says_twice_has_no_order() {
    let parameter = |format: &str| json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string", "format": format}});
    let operation = |id: &str, formats: [&str; 2]| {
        json!({
            "operationId": id,
            "parameters": [parameter(formats[0]), parameter(formats[1])],
            "responses": {"200": {"description": "ok"}}
        })
    };
    let document = |path: Value| json!({"openapi": "3.1.0", "info": {"title": "Orders", "version": "1.0.0"}, "paths": {"/orders/{id}": path}});
    let get = ("get".to_owned(), ["uuid", "email"]);
    let head = ("head".to_owned(), ["uuid", "email"]);
    let make = |order: [&(String, [&str; 2]); 2], is_reversed: bool| {
        let mut item = serde_json::Map::new();
        for (method, formats) in order {
            let mut formats = *formats;
            if is_reversed {
                formats.reverse();
            }
            item.insert(method.clone(), operation("orders", formats));
        }
        contract(&document(Value::Object(item)))
    };
    let (old, new) = (make([&get, &head], false), make([&head, &get], true));
    assert!(diff(&old, &new).is_empty(), "{:?}", diff(&old, &new));
}

#[test]
fn paths_that_differ_in_names_of_parameters_only_stay_apart() {
    let path = |name: &str, format: &str| {
        let operation = json!({
            "operationId": format!("by{name}"),
            "parameters": [{"name": name, "in": "path", "required": true, "schema": {"type": "string", "format": format}}],
            "responses": {"200": {"description": "ok"}}
        });
        (format!("/orders/{{{name}}}"), json!({"get": operation}))
    };
    let document = |paths: Vec<(String, Value)>| {
        let paths: serde_json::Map<String, Value> = paths.into_iter().collect();
        contract(
            &json!({"openapi": "3.1.0", "info": {"title": "Orders", "version": "1.0.0"}, "paths": paths}),
        )
    };
    let old = document(vec![path("id", "uuid"), path("mail", "email")]);
    let new = document(vec![path("mail", "email"), path("id", "uuid")]);
    assert!(diff(&old, &new).is_empty(), "{:?}", diff(&old, &new));
    // One of two goes: it is that one and no other.
    let one = document(vec![path("mail", "email")]);
    let changes = diff(&old, &one);
    let operations: Vec<&str> = changes
        .iter()
        .filter_map(|c| c.operation.as_deref())
        .collect();
    assert_eq!(operations, ["GET /orders/{id}"], "{changes:?}");
}

#[test]
fn servers_are_compared_by_address_with_the_defaults_of_their_variables() {
    let document = |servers: Value| {
        contract(
            &json!({"openapi": "3.1.0", "info": {"title": "Orders", "version": "1.0.0"}, "servers": servers, "paths": {}}),
        )
    };
    let codes = |old: Value, new: Value| -> Vec<String> {
        let changes = diff(&document(old), &document(new));
        let words = changes
            .iter()
            .map(|change| format!("{} {}", change.level.word(), change.message));
        words.collect()
    };
    let v1 = json!([{"url": "https://{host}/v1/", "variables": {"host": {"default": "api.test"}}}]);
    let same = json!([{"url": "https://api.test/v1"}]);
    assert!(codes(v1.clone(), same).is_empty());
    assert_eq!(
        codes(v1.clone(), json!([{"url": "https://api.test/v2"}])),
        [
            "warning the server `https://api.test/v1` is gone: clients that use it must move",
            "info the server `https://api.test/v2` is new",
        ]
    );
    // A document that listed no server stated no address.
    assert!(codes(json!([]), v1).is_empty());
}
