//! Every breaking change of a schema carries a value that shows it, or says that there is none.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use serde_json::{Value, json};
use tollgate_contracts_diff::{Change, DiffSettings, Witness, diff_with};
use tollgate_contracts_model::{Contract, parse_contract};

/// `POST /orders` that takes a body of this schema.
fn api(schema: &Value) -> Contract {
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "Orders", "version": "1.2.0"},
        "paths": {"/orders": {"post": {
            "operationId": "placeOrder",
            "requestBody": {"required": true, "content": {"application/json": {"schema": schema}}},
            "responses": {"204": {"description": "ok"}}
        }}}
    });
    parse_contract("a.json", &document.to_string()).unwrap()
}

fn breaks(old: &Value, new: &Value, witnesses_max: usize) -> Vec<Change> {
    let settings = DiffSettings {
        witnesses_max,
        ..DiffSettings::default()
    };
    let mut changes = diff_with(&api(old), &api(new), &settings);
    changes.retain(|change| change.breaks.is_some());
    changes
}

#[test]
fn a_break_that_only_the_peers_rules_see_has_a_witness_or_says_that_there_is_none() {
    // What text is written in says nothing that a validator checks.
    let encoded = |word: &str| json!({"type": "string", "contentEncoding": word});
    let found = breaks(&encoded("base64"), &encoded("base64url"), 100);
    let codes: Vec<&str> = found.iter().map(|change| change.code.as_str()).collect();
    assert_eq!(codes, ["request-body-content-encoding-changed"]);
    assert_eq!(found[0].witness, Witness::NotFound);

    // Below `not` the narrower schema allows more: a value there would show the contrary.
    let hidden = |n: u64| json!({"not": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "maxLength": n}}}});
    for change in breaks(&hidden(9), &hidden(5), 100) {
        assert_ne!(change.witness, Witness::NotAsked, "{}", change.code);
    }
}

#[test]
fn a_limit_of_witnesses_is_told_apart_from_a_search_in_vain() {
    let object = |kind: &str| json!({"type": "object", "properties": {"a": {"type": kind}, "b": {"type": kind}}});
    let found = breaks(&object("string"), &object("integer"), 1);
    assert_eq!(found.len(), 2);
    assert!(matches!(found[0].witness, Witness::Found { .. }));
    assert_eq!(found[1].witness, Witness::BeyondBound);
}
