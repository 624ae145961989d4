//! Rules of messages: headers, payloads and schemas.

use super::versions::{V2, V3};
use crate::rule::RuleLevel;
use crate::rules::asyncapi_checks as checks;
use crate::rules::row::{ROW, Row, What, ask};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "asyncapi-headers-schema-type-object",
        level: RuleLevel::Error,
        formats: V2,
        why: "headers are pairs of names and values, so other schemas match no message",
        given: &[
            "$.components.messageTraits.*.headers",
            "$.components.messages.*.headers",
            "$.channels.*.[publish,subscribe].message.headers",
            "$.channels.*.[publish,subscribe].message.traits[*].headers",
        ],
        then: &[ask("", What::Check(checks::headers_are_objects))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-headers-schema-type-object",
        level: RuleLevel::Error,
        formats: V3,
        why: "headers are pairs of names and values, so other schemas match no message",
        given: &[
            "$.components.messageTraits.*.headers",
            "$.components.messages.*.headers",
            "$.channels.*.messages.*.headers",
            "$.channels.*.messages.*.traits[*].headers",
        ],
        then: &[ask("", What::Check(checks::headers_are_objects))],
        ..ROW
    },
    Row {
        name: "asyncapi-message-examples",
        level: RuleLevel::Error,
        formats: V2,
        why: "users copy examples and mock servers send them, so an invalid one spreads",
        given: &[
            "$.channels.*.[publish,subscribe].message",
            "$.channels.*.[publish,subscribe].message.oneOf.*",
            "$.components.channels.*.[publish,subscribe].message",
            "$.components.channels.*.[publish,subscribe].message.oneOf.*",
            "$.components.messages.*",
            "$.channels.*.[publish,subscribe].message.traits.*",
            "$.channels.*.[publish,subscribe].message.oneOf.*.traits.*",
            "$.components.channels.*.[publish,subscribe].message.traits.*",
            "$.components.channels.*.[publish,subscribe].message.oneOf.*.traits.*",
            "$.components.messages.*.traits.*",
            "$.components.messageTraits.*",
        ],
        then: &[ask("", What::Check(checks::message_examples))],
        ..ROW
    },
    Row {
        name: "asyncapi-message-messageId-uniqueness",
        level: RuleLevel::Error,
        formats: V2,
        why: "code generators reject duplicate ids or overwrite one of the messages",
        then: &[ask("", What::Check(checks::unique_message_ids))],
        ..ROW
    },
    Row {
        name: "asyncapi-payload-default",
        level: RuleLevel::Error,
        formats: V2,
        why: "validators and code generators reject the default",
        given: &[
            "$.components.messageTraits[?(@.schemaFormat === void 0)].payload.default^",
            "$.components.messages[?(@.schemaFormat === void 0)].payload.default^",
            "$.channels[*][publish,subscribe][?(@property === 'message' && @.schemaFormat === void 0)].payload.default^",
        ],
        then: &[ask("", What::Check(checks::schema_default))],
        ..ROW
    },
    Row {
        name: "asyncapi-payload-examples",
        level: RuleLevel::Error,
        formats: V2,
        why: "users copy examples and mock servers send them, so an invalid one spreads",
        given: &[
            "$.components.messageTraits[?(@.schemaFormat === void 0)].payload.examples^",
            "$.components.messages[?(@.schemaFormat === void 0)].payload.examples^",
            "$.channels[*][publish,subscribe][?(@property === 'message' && @.schemaFormat === void 0)].payload.examples^",
        ],
        then: &[ask("", What::Check(checks::schema_examples))],
        ..ROW
    },
    Row {
        name: "asyncapi-payload-unsupported-schemaFormat",
        level: RuleLevel::Info,
        formats: V2,
        message: "the payload has a `schemaFormat` and is not checked",
        why: "only schemas of AsyncAPI itself are checked, so mistakes in this one go unnoticed",
        given: &[
            "$.components.messageTraits.*",
            "$.components.messages.*",
            "$.channels[*][publish,subscribe].message",
        ],
        then: &[ask("schemaFormat", What::Undefined)],
        ..ROW
    },
    Row {
        name: "asyncapi-3-payload-unsupported-schemaFormat",
        level: RuleLevel::Info,
        formats: V3,
        message: "the payload has a `schemaFormat` and is not checked",
        why: "only schemas of AsyncAPI itself are checked, so mistakes in this one go unnoticed",
        given: &[
            "$.components.messages.*.payload",
            "$.channels.*.messages.*.payload",
        ],
        then: &[ask("schemaFormat", What::Undefined)],
        ..ROW
    },
    Row {
        name: "asyncapi-payload",
        level: RuleLevel::Error,
        formats: V2,
        why: "consumers cannot validate or generate code for the message",
        given: &[
            "$.components.messageTraits[?(@.schemaFormat === void 0)].payload",
            "$.components.messages[?(@.schemaFormat === void 0)].payload",
            "$.channels[*][publish,subscribe][?(@property === 'message' && @.schemaFormat === void 0)].payload",
        ],
        then: &[ask("", What::Check(checks::payload))],
        ..ROW
    },
    Row {
        name: "asyncapi-schema-default",
        level: RuleLevel::Error,
        formats: V2,
        why: "validators and code generators reject the default",
        given: &[
            "$.components.schemas.*.default^",
            "$.components.parameters.*.schema.default^",
            "$.channels.*.parameters.*.schema.default^",
        ],
        then: &[ask("", What::Check(checks::schema_default))],
        ..ROW
    },
    Row {
        name: "asyncapi-schema-examples",
        level: RuleLevel::Error,
        formats: V2,
        why: "users copy examples and mock servers send them, so an invalid one spreads",
        given: &[
            "$.components.schemas.*.examples^",
            "$.components.parameters.*.schema.examples^",
            "$.channels.*.parameters.*.schema.examples^",
        ],
        then: &[ask("", What::Check(checks::schema_examples))],
        ..ROW
    },
];
