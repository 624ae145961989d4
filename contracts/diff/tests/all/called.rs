//! What the service calls, webhooks and callbacks: it writes the request and reads the answer.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use serde_json::{Value, json};
use tollgate_contracts_diff::diff;
use tollgate_contracts_model::{Contract, parse_contract};

/// A call with these schemas of the body that the service sends and of the answer that it reads.
fn call(sent: &Value, answer: &Value) -> Value {
    json!({
        "requestBody": {"required": true, "content": {"application/json": {"schema": sent}}},
        "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": answer}}}}
    })
}

fn with_webhook(call: Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Orders", "version": "1.2.0"},
        "webhooks": {"paid": {"post": call}}
    })
}

fn with_callback(call: Value) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Orders", "version": "1.2.0"},
        "paths": {"/orders": {"post": {
            "operationId": "placeOrder",
            "responses": {"201": {"description": "created"}},
            "callbacks": {"paid": {"{$request.body#/url}": {"post": call}}}
        }}}
    })
}

fn contract(value: &Value) -> Contract {
    parse_contract("a.json", &value.to_string()).unwrap()
}

fn changes(old: &Value, new: &Value) -> Vec<String> {
    diff(&contract(old), &contract(new))
        .iter()
        .map(|change| format!("{} {}", change.level.word(), change.code))
        .collect()
}

/// The same edit of a call as one of a webhook and of a callback; `CALLED` in `want` stands for
/// the word of either.
#[track_caller]
fn check(old: &Value, new: &Value, want: &[&str]) {
    type Holder = fn(Value) -> Value;
    for (word, hold) in [
        ("webhook", with_webhook as Holder),
        ("callback", with_callback as Holder),
    ] {
        let want: Vec<String> = want
            .iter()
            .map(|code| code.replace("CALLED", word))
            .collect();
        let (old, new) = (hold(old.clone()), hold(new.clone()));
        assert_eq!(changes(&old, &new), want, "{word}: {old} to {new}");
        assert_eq!(changes(&new, &new), Vec::<String>::new());
    }
}

fn object(required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": {"id": {"type": "string"}, "sum": {"type": "number"}},
        "required": required
    })
}

#[test]
fn a_call_breaks_the_client_that_relies_on_what_it_is_sent() {
    let any = json!({"type": "boolean"});
    check(
        &call(&object(&["id"]), &any),
        &call(&object(&[]), &any),
        &["breaking CALLED-request-property-became-optional"],
    );
    check(
        &call(&object(&[]), &any),
        &call(&object(&["id"]), &any),
        &["info CALLED-request-property-became-required"],
    );
    check(
        &call(&json!({"type": "string", "enum": ["a"]}), &any),
        &call(&json!({"type": "string", "enum": ["a", "b"]}), &any),
        &["warning CALLED-request-body-enum-value-added"],
    );
}

#[test]
fn a_call_breaks_the_client_whose_answer_is_refused() {
    let any = json!({"type": "boolean"});
    check(
        &call(&any, &object(&[])),
        &call(&any, &object(&["id"])),
        &["breaking CALLED-response-property-became-required"],
    );
    check(
        &call(&any, &object(&["id"])),
        &call(&any, &object(&[])),
        &["info CALLED-response-property-became-optional"],
    );
    let mut without = call(&any, &any);
    without["responses"] = json!({"204": {"description": "nothing"}});
    check(
        &call(&any, &any),
        &without,
        &[
            "breaking CALLED-response-status-removed",
            "info CALLED-response-status-added",
        ],
    );
}

#[test]
fn what_a_call_carries_beside_its_body_is_compared() {
    let any = json!({"type": "boolean"});
    let plain = call(&any, &any);
    let with = |is_required: bool| {
        let mut with = plain.clone();
        with["parameters"] = json!([
            {"name": "X-Signature", "in": "header", "required": is_required, "schema": {"type": "string"}}
        ]);
        with
    };
    check(
        &plain,
        &with(true),
        &["info CALLED-request-parameter-added"],
    );
    check(
        &with(true),
        &plain,
        &["breaking CALLED-request-parameter-removed"],
    );
    check(
        &with(true),
        &with(false),
        &["breaking CALLED-request-parameter-became-optional"],
    );
    let mut without = plain.clone();
    without.as_object_mut().unwrap().remove("requestBody");
    check(&plain, &without, &["breaking CALLED-request-body-removed"]);
    let mut other = plain.clone();
    other["requestBody"]["content"] = json!({"application/xml": {"schema": any}});
    check(
        &plain,
        &other,
        &[
            "warning CALLED-request-media-type-added",
            "info CALLED-request-media-type-removed",
        ],
    );
}

#[test]
fn a_callback_that_is_gone_breaks_who_waits_for_it() {
    let any = json!({"type": "boolean"});
    let with = with_callback(call(&any, &any));
    let mut without = with.clone();
    without["paths"]["/orders"]["post"]["callbacks"] = json!({});
    assert_eq!(
        changes(&with, &without),
        ["breaking callback-removed-without-deprecation"]
    );
    assert_eq!(changes(&without, &with), ["info callback-added"]);
    let mut deprecated = with.clone();
    let path = "/paths/~1orders/post/callbacks/paid/{$request.body#~1url}/post/deprecated";
    let call = path.strip_suffix("/deprecated").unwrap();
    deprecated.pointer_mut(call).unwrap()["deprecated"] = json!(true);
    assert_eq!(
        changes(&with, &deprecated),
        ["info callback-endpoint-deprecated"]
    );
    assert_eq!(
        changes(&deprecated, &without),
        ["info callback-removed-with-deprecation"]
    );
}

#[test]
fn a_callback_behind_a_reference_is_the_same_callback() {
    let any = json!({"type": "boolean"});
    let inline = with_callback(call(&any, &object(&[])));
    let mut shared = inline.clone();
    let callbacks = &mut shared["paths"]["/orders"]["post"]["callbacks"];
    let callback = callbacks["paid"].take();
    callbacks["paid"] = json!({"$ref": "#/components/callbacks/Paid"});
    shared["components"] = json!({"callbacks": {"Paid": callback}});
    assert_eq!(changes(&inline, &shared), Vec::<String>::new());
    let mut narrower = shared.clone();
    let path = "/components/callbacks/Paid/{$request.body#~1url}/post/responses/200/content/application~1json";
    narrower.pointer_mut(path).unwrap()["schema"] = object(&["id"]);
    let old = contract(&shared);
    let new = contract(&narrower);
    let found = diff(&old, &new);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].operation.as_deref(), Some("POST /orders"));
    assert_eq!(
        found[0].breaks.as_deref(),
        Some("a client that answers what the old contract allows")
    );
}
