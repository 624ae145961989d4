//! Each rule has a document that keeps it and one that breaks it.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use std::collections::BTreeSet;

use tollgate_contracts::{LintSettings, RuleLevel, lint, parse_contract, rule_codes};

/// A document that keeps every rule.
const GOOD: &str = r##"
openapi: 3.0.3
info: {title: Orders, version: 1.0.0, description: Orders of a shop.}
servers: [{url: "https://shop.invalid"}]
tags: [{name: orders}]
paths:
  /orders/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
    get:
      operationId: getOrder
      description: One order.
      tags: [orders]
      x-permission: orders.read
      x-budget: fast
      responses:
        "200":
          description: The order.
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Order"}
        default: {description: An error.}
components:
  schemas:
    Order:
      type: object
      properties:
        state: {type: string, enum: [open, shut]}
        lines: {type: array, items: {type: integer}}
"##;

const GOOD_ASYNC: &str = r##"
asyncapi: 3.0.0
info: {title: Events, version: 1.0.0, description: Events of a shop.}
servers: {main: {host: shop.invalid, protocol: wss}}
channels:
  orders:
    address: /orders
    messages:
      placed:
        headers: {type: object}
        payload: {$ref: "#/components/schemas/Placed"}
operations:
  sendOrders:
    action: send
    channel: {$ref: "#/channels/orders"}
    description: Tells of orders.
components:
  schemas:
    Placed: {type: object}
"##;

/// Rule, text to replace in its good document, replacement that breaks the rule.
const BROKEN: &[(&str, &str, &str)] = &[
    ("operation-operationId", "      operationId: getOrder\n", ""),
    (
        "operation-operationId-unique",
        "components:",
        "  /other:\n    get: {operationId: getOrder, description: x, tags: [orders], responses: {\"200\": {description: x}}}\ncomponents:",
    ),
    (
        "operation-operationId-valid-in-url",
        "getOrder",
        "get order",
    ),
    (
        "operation-description",
        "      description: One order.\n",
        "",
    ),
    ("operation-tags", "      tags: [orders]\n", ""),
    (
        "operation-tag-defined",
        "      tags: [orders]\n",
        "      tags: [order]\n",
    ),
    ("operation-success-response", "\"200\":", "\"400\":"),
    (
        "operation-permission",
        "      x-permission: orders.read\n",
        "",
    ),
    ("operation-budget-class", "      x-budget: fast\n", ""),
    (
        "operation-error-response",
        "        default: {description: An error.}\n",
        "",
    ),
    ("path-params", "name: id", "name: key"),
    (
        "path-declarations-must-exist",
        "/orders/{id}:",
        "/orders/{}/{id}:",
    ),
    (
        "path-keys-no-trailing-slash",
        "/orders/{id}:",
        "/orders/{id}/:",
    ),
    (
        "path-not-include-query",
        "/orders/{id}:",
        "/orders/{id}?a=b:",
    ),
    ("info-description", ", description: Orders of a shop.", ""),
    (
        "oas3-api-servers",
        "servers: [{url: \"https://shop.invalid\"}]\n",
        "",
    ),
    (
        "openapi-tags-uniqueness",
        "[{name: orders}]",
        "[{name: orders}, {name: orders}]",
    ),
    (
        "no-$ref-siblings",
        "{$ref: \"#/components/schemas/Order\"}",
        "{$ref: \"#/components/schemas/Order\", description: x}",
    ),
    ("typed-enum", "[open, shut]", "[open, 1]"),
    ("duplicated-entry-in-enum", "[open, shut]", "[open, open]"),
    (
        "array-items",
        "{type: array, items: {type: integer}}",
        "{type: array}",
    ),
    (
        "oas3-unused-component",
        "    Order:\n",
        "    Dead: {type: object}\n    Order:\n",
    ),
    (
        "oas3-schema",
        "      tags: [orders]\n",
        "      tags: [orders]\n      sumary: x\n",
    ),
    (
        "asyncapi-info-description",
        ", description: Events of a shop.",
        "",
    ),
    (
        "asyncapi-servers",
        "servers: {main: {host: shop.invalid, protocol: wss}}\n",
        "",
    ),
    (
        "asyncapi-3-operation-description",
        "    description: Tells of orders.\n",
        "",
    ),
    (
        "asyncapi-3-headers-schema-type-object",
        "headers: {type: object}",
        "headers: {type: string}",
    ),
    ("asyncapi-3-document-unresolved", "    action: send\n", ""),
    (
        "asyncapi-unused-components-schema",
        "    Placed:",
        "    Dead: {type: object}\n    Placed:",
    ),
];

fn codes(text: &str) -> BTreeSet<String> {
    let settings = LintSettings {
        own_rules: true,
        ..LintSettings::default()
    };
    let contract = parse_contract("contract.yaml", text).unwrap();
    lint(&contract, &settings)
        .into_iter()
        .inspect(|finding| assert!(finding.place.as_ref().is_some_and(|place| place.line > 0)))
        .map(|finding| finding.code)
        .collect()
}

#[test]
fn good_documents_break_no_rule() {
    assert_eq!(codes(GOOD), BTreeSet::new());
    assert_eq!(codes(GOOD_ASYNC), BTreeSet::new());
}

#[test]
fn each_broken_document_breaks_its_rule() {
    for (code, from, to) in BROKEN {
        let good = if code.starts_with("asyncapi") {
            GOOD_ASYNC
        } else {
            GOOD
        };
        assert!(
            good.contains(from),
            "{code}: `{from}` is not in the good document"
        );
        let got = codes(&good.replacen(from, to, 1));
        assert!(got.contains(*code), "{code} is not among {got:?}");
    }
}

#[test]
fn every_rule_has_a_passing_and_a_failing_case() {
    let broken: BTreeSet<&str> = BROKEN.iter().map(|(code, ..)| *code).collect();
    let rules: BTreeSet<&str> = rule_codes().into_iter().collect();
    assert_eq!(
        broken, rules,
        "the good documents are the passing case of every rule"
    );
}

#[test]
fn own_rules_are_off_until_asked_for_and_levels_follow_the_settings() {
    let text =
        GOOD.replacen("      x-budget: fast\n", "", 1)
            .replacen("      tags: [orders]\n", "", 1);
    let contract = parse_contract("contract.yaml", &text).unwrap();
    let got: Vec<String> = lint(&contract, &LintSettings::default())
        .into_iter()
        .map(|finding| finding.code)
        .collect();
    assert_eq!(got, ["operation-tags"]);
    let settings = LintSettings {
        rules: [
            ("operation-tags".to_owned(), RuleLevel::Off),
            ("operation-budget-class".to_owned(), RuleLevel::Info),
            ("operation-tag".to_owned(), RuleLevel::Off),
        ]
        .into(),
        own_rules: false,
    };
    let findings = lint(&contract, &settings);
    let got: Vec<String> = findings
        .iter()
        .map(|finding| format!("{} {}", finding.severity.word(), finding.code))
        .collect();
    assert_eq!(
        got,
        ["warning lint-unknown-rule", "info operation-budget-class"]
    );
    let fix = findings[0].fix.as_ref().unwrap();
    assert_eq!(fix.description, "did you mean `operation-tags`?");
}
