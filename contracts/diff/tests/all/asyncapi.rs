//! Kinds of change between two `AsyncAPI` contracts, each once in version 2 and once in version 3:
//! one edit is one change with its code and level.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use serde_json::{Value, json};
use tollgate_contracts_diff::diff;
use tollgate_contracts_model::{Contract, parse_contract};

const CREDENTIALS: &str = "/components/securitySchemes";

fn payload() -> Value {
    json!({
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": "string", "maxLength": 5},
            "n": {"type": "integer"},
            "e": {"type": "string", "enum": ["x", "y"]},
            "o": {"type": "string"},
        },
    })
}

fn message(name: &str) -> Value {
    json!({
        "name": name,
        "contentType": "application/json",
        "headers": {"type": "object", "properties": {"h": {"type": "string"}}, "required": ["h"]},
        "payload": payload(),
        "correlationId": {"location": "$message.header#/h"},
        "bindings": {"kafka": {"key": {"type": "string"}}},
    })
}

fn version_2() -> Value {
    let with_id = |name: &str| {
        let mut message = message(name);
        message["messageId"] = json!(name);
        message
    };
    json!({
        "asyncapi": "2.6.0",
        "info": {"title": "T", "version": "1.0.0"},
        "servers": {"spare": {"url": "spare", "protocol": "kafka"}, "main": {
            "url": "broker:9092", "protocol": "kafka", "protocolVersion": "3.0",
            "security": [{"user": []}],
            "variables": {"v": {"default": "a"}},
            "bindings": {"kafka": {"schemaRegistryUrl": "https://one"}},
        }},
        "channels": {
            "orders/{id}": {
                "servers": ["main"],
                "parameters": {"id": {
                    "schema": {"type": "string", "enum": ["a", "b"]},
                    "location": "$message.payload#/a",
                }},
                "bindings": {"kafka": {"partitions": 3}},
                "subscribe": {
                    "operationId": "sendOrder",
                    "bindings": {"kafka": {"groupId": {"type": "string"}}},
                    "message": with_id("order"),
                },
            },
            "commands": {
                "publish": {"operationId": "takeCommand", "message": with_id("command")},
            },
        },
        "components": {"securitySchemes": {
            "user": {"type": "userPassword"},
            "key": {"type": "apiKey", "in": "user"},
        }},
    })
}

fn version_3() -> Value {
    json!({
        "asyncapi": "3.0.0",
        "info": {"title": "T", "version": "1.0.0"},
        "servers": {"spare": {"host": "spare", "protocol": "kafka"}, "main": {
            "host": "broker:9092", "protocol": "kafka", "protocolVersion": "3.0",
            "security": [{"$ref": "#/components/securitySchemes/user"}],
            "variables": {"v": {"default": "a"}},
            "bindings": {"kafka": {"schemaRegistryUrl": "https://one"}},
        }},
        "channels": {
            "orders": {
                "address": "orders/{id}",
                "servers": [{"$ref": "#/servers/main"}],
                "parameters": {"id": {"enum": ["a", "b"], "location": "$message.payload#/a"}},
                "bindings": {"kafka": {"partitions": 3}},
                "messages": {"order": message("order")},
            },
            "commands": {"address": "commands", "messages": {"command": message("command")}},
        },
        "operations": {
            "sendOrder": {
                "action": "send",
                "channel": {"$ref": "#/channels/orders"},
                "bindings": {"kafka": {"groupId": {"type": "string"}}},
            },
            "takeCommand": {"action": "receive", "channel": {"$ref": "#/channels/commands"}},
        },
        "components": {"securitySchemes": {
            "user": {"type": "userPassword"},
            "key": {"type": "apiKey", "in": "user"},
        }},
    })
}

/// Sets the value at a pointer; null takes it out.
fn edit(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    let parent = document.pointer_mut(parent).unwrap();
    if value.is_null() {
        parent.as_object_mut().unwrap().remove(&key).unwrap();
    } else {
        parent[key] = value;
    }
}

fn load(document: &Value) -> Contract {
    parse_contract("contract.json", &document.to_string()).unwrap()
}

/// A kind of change: code, level, and its edits in version 2 and in version 3.
struct Kind {
    code: String,
    level: &'static str,
    edits: [Vec<(String, Value)>; 2],
}

fn kind(code: &str, level: &'static str, two: &[(&str, Value)], three: &[(&str, Value)]) -> Kind {
    let own = |edits: &[(&str, Value)]| {
        let rows = edits.iter();
        rows.map(|(pointer, value)| ((*pointer).to_owned(), value.clone()))
            .collect()
    };
    Kind {
        code: code.to_owned(),
        level,
        edits: [own(two), own(three)],
    }
}

/// The same edits below the message of each version.
fn of_message(code: &str, level: &'static str, is_sent: bool, edits: &[(&str, Value)]) -> Kind {
    let bases = if is_sent {
        [
            "/channels/orders~1{id}/subscribe/message",
            "/channels/orders/messages/order",
        ]
    } else {
        [
            "/channels/commands/publish/message",
            "/channels/commands/messages/command",
        ]
    };
    let below = |base: &str| {
        let rows = edits.iter();
        rows.map(|(pointer, value)| (format!("{base}{pointer}"), value.clone()))
            .collect()
    };
    Kind {
        code: code.to_owned(),
        level,
        edits: bases.map(below),
    }
}

fn server_kinds() -> Vec<Kind> {
    let both = |code: &str, level, pointer: &str, value: Value| {
        kind(
            code,
            level,
            &[(pointer, value.clone())],
            &[(pointer, value)],
        )
    };
    vec![
        both(
            "server-added",
            "info",
            "/servers/more",
            json!({"url": "b", "host": "b", "protocol": "kafka"}),
        ),
        both("server-removed", "breaking", "/servers/spare", Value::Null),
        kind(
            "server-address-changed",
            "breaking",
            &[("/servers/main/url", json!("other:9092"))],
            &[("/servers/main/host", json!("other:9092"))],
        ),
        both(
            "server-protocol-changed",
            "breaking",
            "/servers/main/protocol",
            json!("kafka-secure"),
        ),
        both(
            "server-protocol-version-changed",
            "warning",
            "/servers/main/protocolVersion",
            json!("3.5"),
        ),
        both(
            "server-variable-added",
            "breaking",
            "/servers/main/variables/w",
            json!({"default": "b"}),
        ),
        both(
            "server-variable-removed",
            "breaking",
            "/servers/main/variables/v",
            Value::Null,
        ),
        both(
            "server-security-removed",
            "info",
            "/servers/main/security",
            json!([]),
        ),
        kind(
            "server-security-changed",
            "breaking",
            &[("/servers/main/security", json!([{"key": []}]))],
            &[(
                "/servers/main/security",
                json!([{"$ref": format!("#{CREDENTIALS}/key")}]),
            )],
        ),
        kind(
            "server-security-widened",
            "info",
            &[("/servers/main/security", json!([{"user": []}, {"key": []}]))],
            &[(
                "/servers/main/security",
                json!([{"$ref": format!("#{CREDENTIALS}/user")}, {"$ref": format!("#{CREDENTIALS}/key")}]),
            )],
        ),
        both(
            "server-binding-added",
            "warning",
            "/servers/main/bindings/kafka/schemaRegistryVendor",
            json!("v"),
        ),
        both(
            "server-binding-removed",
            "warning",
            "/servers/main/bindings/kafka/schemaRegistryUrl",
            Value::Null,
        ),
        both(
            "server-binding-changed",
            "breaking",
            "/servers/main/bindings/kafka/schemaRegistryUrl",
            json!("https://two"),
        ),
    ]
}

fn channel_kinds() -> Vec<Kind> {
    let two = "/channels/orders~1{id}";
    let three = "/channels/orders";
    let each = |code: &str, level, below: &str, value: Value| {
        let (two, three) = (format!("{two}{below}"), format!("{three}{below}"));
        kind(code, level, &[(&two, value.clone())], &[(&three, value)])
    };
    vec![
        kind(
            "channel-added",
            "info",
            &[("/channels/more", json!({}))],
            &[("/channels/more", json!({"address": "more"}))],
        ),
        each(
            "channel-parameter-added",
            "breaking",
            "/parameters/more",
            json!({}),
        ),
        each(
            "channel-parameter-removed",
            "breaking",
            "/parameters/id",
            Value::Null,
        ),
        each(
            "channel-parameter-location-changed",
            "breaking",
            "/parameters/id/location",
            json!("$message.payload#/o"),
        ),
        kind(
            "received-message-parameter-enum-value-removed",
            "breaking",
            &[(
                "/channels/orders~1{id}/parameters/id/schema/enum",
                json!(["a"]),
            )],
            &[("/channels/orders/parameters/id/enum", json!(["a"]))],
        ),
        kind(
            "received-message-parameter-enum-value-added",
            "info",
            &[(
                "/channels/orders~1{id}/parameters/id/schema/enum",
                json!(["a", "b", "c"]),
            )],
            &[(
                "/channels/orders/parameters/id/enum",
                json!(["a", "b", "c"]),
            )],
        ),
        each("channel-servers-widened", "info", "/servers", json!([])),
        kind(
            "channel-servers-narrowed",
            "breaking",
            &[("/channels/commands/servers", json!(["main"]))],
            &[(
                "/channels/commands/servers",
                json!([{"$ref": "#/servers/main"}]),
            )],
        ),
        each(
            "channel-binding-added",
            "warning",
            "/bindings/kafka/replicas",
            json!(2),
        ),
        each(
            "channel-binding-removed",
            "warning",
            "/bindings/kafka/partitions",
            Value::Null,
        ),
        each(
            "channel-binding-changed",
            "breaking",
            "/bindings/kafka/partitions",
            json!(4),
        ),
    ]
}

fn operation_kinds() -> Vec<Kind> {
    let two = "/channels/orders~1{id}/subscribe";
    let three = "/operations/sendOrder";
    let each = |code: &str, level, below: &str, value: [Value; 2]| {
        let [first, second] = value;
        let (two, three) = (format!("{two}{below}"), format!("{three}{below}"));
        kind(code, level, &[(&two, first)], &[(&three, second)])
    };
    vec![
        kind(
            "async-operation-added",
            "info",
            &[(
                "/channels/commands/subscribe",
                json!({"operationId": "more", "message": {"payload": {"type": "string"}}}),
            )],
            &[(
                "/operations/more",
                json!({"action": "receive", "channel": {"$ref": "#/channels/commands"}}),
            )],
        ),
        kind(
            "async-operation-removed",
            "breaking",
            &[("/channels/commands/publish", Value::Null)],
            &[("/operations/takeCommand", Value::Null)],
        ),
        each(
            "operation-security-added",
            "breaking",
            "/security",
            [
                json!([{"user": []}]),
                json!([{"$ref": format!("#{CREDENTIALS}/user")}]),
            ],
        ),
        each(
            "operation-binding-added",
            "warning",
            "/bindings/kafka/clientId",
            [json!({"type": "string"}), json!({"type": "string"})],
        ),
        each(
            "operation-binding-removed",
            "warning",
            "/bindings/kafka/groupId",
            [Value::Null, Value::Null],
        ),
        each(
            "operation-binding-changed",
            "breaking",
            "/bindings/kafka/groupId",
            [json!({"type": "integer"}), json!({"type": "integer"})],
        ),
    ]
}

fn message_kinds(is_sent: bool) -> Vec<Kind> {
    let side = if is_sent { "sent" } else { "received" };
    let when = |sent, received| if is_sent { sent } else { received };
    let of = |end: &str, level, edits: &[(&str, Value)]| {
        of_message(&format!("{side}-message-{end}"), level, is_sent, edits)
    };
    vec![
        of(
            "content-type-changed",
            "breaking",
            &[("/contentType", json!("application/xml"))],
        ),
        of(
            "correlation-id-removed",
            when("breaking", "info"),
            &[("/correlationId", Value::Null)],
        ),
        of(
            "correlation-id-changed",
            "breaking",
            &[("/correlationId/location", json!("$message.header#/x"))],
        ),
        of(
            "headers-removed",
            when("breaking", "info"),
            &[("/headers", Value::Null)],
        ),
        of(
            "header-property-type-changed",
            "breaking",
            &[("/headers/properties/h/type", json!("integer"))],
        ),
        of(
            "header-property-became-optional",
            when("breaking", "info"),
            &[("/headers/required", json!([]))],
        ),
        of(
            "payload-removed",
            when("breaking", "info"),
            &[("/payload", Value::Null)],
        ),
        of(
            "property-type-changed",
            "breaking",
            &[("/payload/properties/n/type", json!("string"))],
        ),
        of(
            "property-type-generalized",
            when("breaking", "info"),
            &[("/payload/properties/n/type", json!("number"))],
        ),
        of(
            "property-became-required",
            when("info", "breaking"),
            &[("/payload/required", json!(["a", "o"]))],
        ),
        of(
            "property-became-optional",
            when("breaking", "info"),
            &[("/payload/required", json!([]))],
        ),
        of(
            "property-became-nullable",
            when("breaking", "info"),
            &[("/payload/properties/o/type", json!(["string", "null"]))],
        ),
        of(
            "property-enum-value-added",
            when("warning", "info"),
            &[("/payload/properties/e/enum", json!(["x", "y", "z"]))],
        ),
        of(
            "property-enum-value-removed",
            when("info", "breaking"),
            &[("/payload/properties/e/enum", json!(["x"]))],
        ),
        of(
            "property-max-length-decreased",
            when("info", "breaking"),
            &[("/payload/properties/a/maxLength", json!(4))],
        ),
        of(
            "property-max-length-increased",
            when("breaking", "info"),
            &[("/payload/properties/a/maxLength", json!(6))],
        ),
        of(
            "property-max-length-unset",
            when("breaking", "info"),
            &[("/payload/properties/a/maxLength", Value::Null)],
        ),
        of(
            "property-pattern-added",
            when("info", "breaking"),
            &[("/payload/properties/o/pattern", json!("^a"))],
        ),
        of(
            "additional-properties-narrowed",
            when("info", "breaking"),
            &[("/payload/additionalProperties", json!(false))],
        ),
    ]
}

fn check(kinds: &[Kind]) {
    let mut wrong = Vec::new();
    for kind in kinds {
        for (version, base) in [(2, version_2()), (3, version_3())] {
            let mut changed = base.clone();
            for (pointer, value) in &kind.edits[version - 2] {
                edit(&mut changed, pointer, value.clone());
            }
            let changes = diff(&load(&base), &load(&changed));
            let got: Vec<(&str, &str)> = changes
                .iter()
                .map(|change| (change.code.as_str(), change.level.word()))
                .collect();
            if got != [(kind.code.as_str(), kind.level)] {
                wrong.push(format!(
                    "version {version}: {} {}: {got:?}",
                    kind.level, kind.code
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn servers_and_channels_are_compared_in_both_versions() {
    check(&server_kinds());
    check(&channel_kinds());
}

#[test]
fn operations_are_compared_in_both_versions() {
    check(&operation_kinds());
}

#[test]
fn messages_are_compared_by_viewpoint_in_both_versions() {
    check(&message_kinds(true));
    check(&message_kinds(false));
}

#[test]
fn there_are_at_least_forty_kinds() {
    let lists = [
        server_kinds(),
        channel_kinds(),
        operation_kinds(),
        message_kinds(true),
        message_kinds(false),
    ];
    let kinds: std::collections::BTreeSet<String> =
        lists.into_iter().flatten().map(|kind| kind.code).collect();
    assert!(kinds.len() >= 40, "{}", kinds.len());
}

#[test]
fn a_contract_compared_with_itself_has_no_changes() {
    for base in [version_2(), version_3()] {
        assert_eq!(diff(&load(&base), &load(&base)), []);
    }
}
