//! Channels, operations and messages of `AsyncAPI` 2 and 3: one view of both.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use std::fmt::Write;

use tollgate_contracts_model::{
    Contract, Kind, LoadSettings, Viewpoint, load_with, parse_contract,
};

use crate::malformed::MALFORMED_ASYNCAPI;

const V2: &str = r##"
asyncapi: 2.6.0
info: {title: Lights, version: 1.0.0}
defaultContentType: application/json
servers:
  prod: {url: 'mqtt://{host}:1883/v1', protocol: mqtt}
channels:
  lights/{id}/measured:
    parameters:
      id: {$ref: '#/components/parameters/id'}
    servers: [prod]
    bindings: {ws: {method: GET}}
    publish:
      operationId: onMeasured
      traits: [{$ref: '#/components/operationTraits/kafka'}]
      message: {$ref: '#/components/messages/measured'}
    subscribe:
      message:
        oneOf:
          - $ref: '#/components/messages/measured'
          - {name: switched, contentType: text/plain, payload: {type: string}}
          - {payload: {type: integer}}
  avro:
    publish: {operationId: onMeasured, message: {$ref: '#/components/messages/avro'}}
components:
  parameters:
    id: {schema: {type: string}}
  operationTraits:
    kafka: {bindings: {kafka: {groupId: {type: string}, clientId: {type: string}}}}
  messageTraits:
    common: {headers: {type: object, properties: {trace: {type: string}}}, summary: from the trait}
  messages:
    measured:
      name: light.measured
      summary: own
      traits: [{$ref: '#/components/messageTraits/common'}]
      headers: {type: object, properties: {own: {type: string}}}
      correlationId: {location: '$message.header#/trace'}
      payload: {$ref: '#/components/schemas/Measured'}
    avro: {schemaFormat: application/vnd.apache.avro;version=1.9.0, payload: {type: record, fields: [{$ref: x}]}}
  schemas:
    Measured: {type: object, properties: {lumens: {type: integer}}}
"##;

const V3: &str = r##"
asyncapi: 3.0.0
info: {title: Lights, version: 1.0.0}
defaultContentType: application/json
servers:
  prod: {host: '{host}:1883', pathname: /v1, protocol: mqtt}
channels:
  measured:
    address: lights/{id}/measured
    parameters: {id: {enum: [a, b]}}
    servers: [{$ref: '#/servers/prod'}]
    bindings: {ws: {method: GET}}
    messages:
      measured: {$ref: '#/components/messages/measured'}
      switched: {contentType: text/plain, payload: {type: string}}
operations:
  onMeasured:
    action: receive
    channel: {$ref: '#/channels/measured'}
    traits: [{$ref: '#/components/operationTraits/kafka'}]
    messages: [{$ref: '#/channels/measured/messages/measured'}]
  sendMeasured:
    action: send
    channel: {$ref: '#/channels/measured'}
components:
  operationTraits:
    kafka: {bindings: {kafka: {groupId: {type: string}, clientId: {type: string}}}}
  messageTraits:
    common: {headers: {type: object, properties: {trace: {type: string}}}, summary: from the trait}
  messages:
    measured:
      name: light.measured
      summary: own
      traits: [{$ref: '#/components/messageTraits/common'}]
      headers: {type: object, properties: {own: {type: string}}}
      correlationId: {location: '$message.header#/trace'}
      payload: {$ref: '#/components/schemas/Measured'}
    avro: {payload: {schemaFormat: application/vnd.apache.avro;version=1.9.0, schema: {type: record}}}
  schemas:
    Measured: {type: object, properties: {lumens: {type: integer}}}
"##;

fn bound(bindings: &[tollgate_contracts_model::Binding<'_>]) -> String {
    let fields = bindings
        .iter()
        .map(|binding| format!("{}.{}", binding.protocol, binding.field));
    fields.collect::<Vec<_>>().join(" ")
}

/// The view of a contract as lines.
fn view(contract: &Contract) -> String {
    let mut out = String::new();
    for server in contract.servers() {
        writeln!(
            out,
            "server {} {} {}",
            server.name, server.protocol, server.address
        )
        .unwrap();
    }
    for channel in contract.channels() {
        let address = channel.address.unwrap_or_default();
        let parameters: Vec<_> = channel.parameters.iter().map(|it| &*it.name).collect();
        let keys: Vec<_> = channel.messages.iter().map(|it| &*it.key).collect();
        writeln!(
            out,
            "channel {} {address} {parameters:?} {:?} [{}] {keys:?}",
            channel.name,
            channel.servers,
            bound(&channel.bindings)
        )
        .unwrap();
    }
    for operation in contract.async_operations() {
        let keys: Vec<_> = operation.messages.iter().map(|it| &*it.key).collect();
        let channel = operation.channel.clone().unwrap_or_default();
        writeln!(
            out,
            "operation {} {} {channel} [{}] {keys:?}",
            operation.id,
            operation.action,
            bound(&operation.bindings)
        )
        .unwrap();
    }
    for message in contract.messages() {
        let node = contract.documents[message.at.file]
            .root
            .pointer(&message.pointer);
        assert!(
            std::ptr::eq(node.unwrap(), message.at.node),
            "{}",
            message.pointer
        );
        if let Some(payload) = message.payload {
            let node = contract.documents[message.at.file]
                .root
                .pointer(&message.payload_pointer());
            assert!(std::ptr::eq(node.unwrap(), payload));
        }
        let summary = message.get("summary").and_then(|at| at.node.as_str());
        writeln!(
            out,
            "message {} {} {} {} headers, correlated {}, read {}, {}",
            message.key,
            message.name,
            message.content_type.clone().unwrap_or_default(),
            message.headers.len(),
            message.correlation_id.is_some(),
            message.payload.is_some(),
            summary.unwrap_or("-")
        )
        .unwrap();
    }
    for finding in &contract.findings {
        let place = finding.place.as_ref().unwrap();
        writeln!(out, "finding {} {place}", finding.code).unwrap();
    }
    out
}

#[test]
fn version_2_is_read_as_operations_of_the_application() {
    let contract = parse_contract("lights.yaml", V2).unwrap();
    assert_eq!(contract.kind, Kind::AsyncApi2);
    insta::assert_snapshot!(view(&contract), @r#"
    server prod mqtt {host}:1883/v1
    channel lights/{id}/measured lights/{id}/measured ["id"] ["prod"] [ws.method] ["measured", "switched", "lights/{id}/measured.subscribe"]
    channel avro avro [] [] [] ["avro"]
    operation onMeasured receive lights/{id}/measured [kafka.groupId kafka.clientId] ["measured"]
    operation lights/{id}/measured.subscribe send lights/{id}/measured [] ["measured", "switched", "lights/{id}/measured.subscribe"]
    operation onMeasured_2 receive avro [] ["avro"]
    message measured light.measured application/json 2 headers, correlated true, read true, from the trait
    message avro avro application/json 0 headers, correlated false, read false, -
    message switched switched text/plain 0 headers, correlated false, read true, -
    message lights/{id}/measured.subscribe lights/{id}/measured.subscribe application/json 0 headers, correlated false, read true, -
    finding schema-format-unread lights.yaml:40:11
    "#);
    let schema = contract.message_schema("light.measured").unwrap();
    assert_eq!(schema["$defs"]["Measured"]["type"], "object");
}

#[test]
fn version_3_is_read_into_the_same_view() {
    let contract = parse_contract("lights.yaml", V3).unwrap();
    insta::assert_snapshot!(view(&contract), @r#"
    server prod mqtt {host}:1883/v1
    channel measured lights/{id}/measured ["id"] ["prod"] [ws.method] ["measured", "switched"]
    operation onMeasured receive measured [kafka.groupId kafka.clientId] ["measured"]
    operation sendMeasured send measured [] ["measured", "switched"]
    message measured light.measured application/json 2 headers, correlated true, read true, own
    message avro avro application/json 0 headers, correlated false, read false, -
    message switched switched text/plain 0 headers, correlated false, read true, -
    finding schema-format-unread lights.yaml:38:11
    "#);
}

#[test]
fn the_viewpoint_of_a_client_turns_the_actions_round() {
    let actions = |contract: &Contract| -> Vec<String> {
        let operations = contract.async_operations().into_iter();
        operations.map(|operation| operation.action).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lights.yaml");
    std::fs::write(&path, V2).unwrap();
    let settings = |viewpoint| LoadSettings {
        viewpoint,
        ..LoadSettings::default()
    };
    let application = load_with(&path, &settings(None)).unwrap();
    assert_eq!(actions(&application), ["receive", "send", "receive"]);
    let client = load_with(&path, &settings(Some(Viewpoint::Client))).unwrap();
    assert_eq!(actions(&client), ["send", "receive", "send"]);
    let says_so = format!("x-viewpoint: client{V2}");
    let client = parse_contract("lights.yaml", &says_so).unwrap();
    assert_eq!(actions(&client), ["send", "receive", "send"]);
}

#[test]
fn a_pointer_that_does_not_escape_a_slash_is_followed_with_a_finding() {
    let text = "asyncapi: 2.0.0\ninfo: {title: A, version: '1'}\nchannels:\n  a: {publish: {message: \
                {$ref: '#/components/messages/deep/er/name'}}}\ncomponents: {messages: {deep/er/name: \
                {payload: {type: string}}}}\n";
    let contract = parse_contract("a.yaml", text).unwrap();
    assert_eq!(contract.channels()[0].messages[0].key, "deep/er/name");
    assert_eq!(contract.findings.len(), 1);
    assert_eq!(contract.findings[0].code, "ref-unescaped");
    let fix = contract.findings[0].fix.as_ref().unwrap();
    assert_eq!(
        fix.description,
        "write `#/components/messages/deep~1er~1name`"
    );
}

#[test]
fn odd_version_2_documents_do_not_stop_the_view() {
    for text in MALFORMED_ASYNCAPI {
        let text = format!("asyncapi: 2.4.0\n{text}\n");
        let contract = parse_contract("a.yaml", &text).unwrap();
        let _ = (
            contract.channels(),
            contract.async_operations(),
            contract.messages(),
        );
    }
}
