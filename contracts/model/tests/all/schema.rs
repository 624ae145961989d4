//! Self-contained schemas, judged by `jsonschema`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use serde_json::{Value, json};
use tollgate_contracts_model::parse_contract;

const ORDERS: &str = r##"
openapi: 3.0.3
info: {title: Orders, version: 1.0.0}
paths:
  /orders/{id}:
    post:
      operationId: putOrder
      requestBody:
        content: {"application/json; charset=utf-8": {schema: {$ref: "#/components/schemas/Order"}}}
      responses:
        "2XX": {$ref: "#/components/responses/Ok"}
        default: {description: x, content: {application/problem+json: {schema: {type: object, required: [title]}}}}
  /plain:
    get: {responses: {"204": {description: x}}}
components:
  responses:
    Ok: {description: x, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
  schemas:
    Order:
      type: object
      required: [id]
      properties:
        id: {type: string, nullable: true, enum: [a, b]}
        price: {type: number, minimum: 0, exclusiveMinimum: true, example: {$ref: nowhere}}
        parent: {nullable: true, allOf: [{$ref: "#/components/schemas/Order"}]}
"##;

#[track_caller]
fn check(schema: &Value, instance: Value, want: bool) {
    let validator = jsonschema::validator_for(schema).unwrap();
    assert_eq!(
        validator.is_valid(&instance),
        want,
        "{instance} by {schema:#}"
    );
}

#[test]
fn a_3_0_schema_is_lifted_and_carries_what_it_reaches() {
    let contract = parse_contract("orders.yaml", ORDERS).unwrap();
    assert!(contract.findings.is_empty(), "{:?}", contract.findings);
    let response = contract.response_schema("putOrder", 201).unwrap();
    assert_eq!(contract.request_schema("putOrder").unwrap(), response);
    check(&response, json!({"id": null}), true);
    check(&response, json!({"id": "c"}), false);
    check(&response, json!({"id": "a", "price": 0}), false);
    check(&response, json!({"id": "a", "price": 0.1}), true);
    check(&response, json!({"id": "a", "parent": null}), true);
    check(
        &response,
        json!({"id": "a", "parent": {"id": "a", "parent": {}}}),
        false,
    );
    let problem = contract.response_schema("putOrder", 404).unwrap();
    check(&problem, json!({}), false);
    assert_eq!(contract.response_schema("get_plain", 204), None);
    assert_eq!(contract.response_schema("nothing", 200), None);
}

#[test]
fn a_message_has_a_schema_by_its_name_and_by_its_key() {
    let text = r##"
asyncapi: 3.0.0
info: {title: Events, version: 1.0.0}
channels:
  orders:
    messages:
      placed: {$ref: "#/components/messages/placed"}
components:
  messages:
    placed: {name: order.placed, payload: {schemaFormat: "application/schema+json;version=draft-07", schema: {$ref: "#/components/schemas/Id"}}}
    avro: {payload: {schemaFormat: application/vnd.apache.avro, schema: {type: record}}}
  schemas:
    Id: {type: string}
"##;
    let contract = parse_contract("events.yaml", text).unwrap();
    let codes: Vec<_> = contract.findings.iter().map(|it| &*it.code).collect();
    assert_eq!(codes, ["schema-format-unread"]);
    let schema = contract.message_schema("order.placed").unwrap();
    assert_eq!(contract.message_schema("placed").unwrap(), schema);
    check(&schema, json!("a"), true);
    check(&schema, json!(1), false);
    assert_eq!(contract.message_schema("avro"), None);
    let names: Vec<_> = contract.channels()[0]
        .messages
        .iter()
        .map(|m| m.name.clone())
        .collect();
    assert_eq!(names, ["order.placed"]);
}
