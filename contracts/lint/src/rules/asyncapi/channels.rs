//! Rules of channels, their parameters and operations. They must not know what messages hold.

use super::versions::{V2, V3};
use crate::rule::RuleLevel;
use crate::rules::asyncapi_checks as checks;
use crate::rules::row::{ROW, Row, What, ask};

const EMPTY_NAME: &str = "an empty `{}` names no parameter";
const QUERY: &str = "an address of a channel is no URL; use parameters or bindings";
const SLASH: &str = "servers differ in whether it counts";
const OPERATIONS_2: &[&str] = &["$.channels[*][publish,subscribe]"];

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "asyncapi-channel-no-empty-parameter",
        formats: V2,
        message: "the channel `{{property}}` has a parameter without a name",
        why: EMPTY_NAME,
        given: &["$.channels"],
        then: &[ask("@key", What::NotMatch("{}"))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-channel-no-empty-parameter",
        formats: V3,
        message: "the address of the channel has a parameter without a name",
        why: EMPTY_NAME,
        given: &["$.channels.*"],
        then: &[ask("address", What::NotMatch("{}"))],
        ..ROW
    },
    Row {
        name: "asyncapi-channel-no-query-nor-fragment",
        formats: V2,
        message: "the channel `{{property}}` has a query or a fragment",
        why: QUERY,
        given: &["$.channels"],
        then: &[ask("@key", What::NotMatch(r"[\?#]"))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-channel-no-query-nor-fragment",
        formats: V3,
        message: "the address of the channel has a query or a fragment",
        why: QUERY,
        given: &["$.channels.*"],
        then: &[ask("address", What::NotMatch(r"[\?#]"))],
        ..ROW
    },
    Row {
        name: "asyncapi-channel-no-trailing-slash",
        formats: V2,
        message: "the channel `{{property}}` ends with a slash",
        why: SLASH,
        given: &["$.channels"],
        then: &[ask("@key", What::NotMatch(r".+\/$"))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-channel-no-trailing-slash",
        formats: V3,
        message: "the address of the channel ends with a slash",
        why: SLASH,
        given: &["$.channels.*"],
        then: &[ask("address", What::NotMatch(r".+\/$"))],
        ..ROW
    },
    Row {
        name: "asyncapi-channel-parameters",
        level: RuleLevel::Error,
        why: "an address can't be filled in when its parameters don't fit it",
        given: &["$.channels.*", "$.components.channels.*"],
        then: &[ask("", What::Check(checks::channel_parameters))],
        ..ROW
    },
    Row {
        name: "asyncapi-channel-servers",
        level: RuleLevel::Error,
        formats: V2,
        why: "a peer must know where to connect",
        then: &[ask("", What::Check(checks::channel_servers))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-channel-servers",
        level: RuleLevel::Error,
        formats: V3,
        is_resolved: false,
        message: "the server of the channel is not one of `servers`",
        why: "a peer must know where to connect",
        fix: "refer to `#/servers/NAME`",
        given: &["$.channels.*"],
        then: &[ask("$.servers.*.$ref", What::Match(r"#\/servers\/"))],
        ..ROW
    },
    Row {
        name: "asyncapi-operation-description",
        formats: V2,
        message: "the operation has no `description`",
        why: "who connects must know what it does",
        given: OPERATIONS_2,
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-3-operation-description",
        formats: V3,
        message: "the operation has no `description`",
        why: "who connects must know what it does",
        given: &["$.operations.*"],
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-operation-operationId-uniqueness",
        level: RuleLevel::Error,
        formats: V2,
        why: "two operations of one name can't be told apart",
        then: &[ask("", What::Check(checks::unique_operation_ids))],
        ..ROW
    },
    Row {
        name: "asyncapi-operation-operationId",
        level: RuleLevel::Error,
        formats: V2,
        message: "the operation has no `operationId`",
        why: "generated clients are named by it",
        given: OPERATIONS_2,
        then: &[ask("operationId", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-operation-security",
        level: RuleLevel::Error,
        formats: V2,
        why: "nobody can tell how to prove who they are",
        given: &["$.channels[*][publish,subscribe].security.*"],
        then: &[ask("", What::Check(checks::security))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-operation-security",
        level: RuleLevel::Error,
        formats: V3,
        why: "nobody can tell how to prove who they are",
        given: &["$.operations.*.security.*"],
        then: &[ask("", What::Check(checks::security_3))],
        ..ROW
    },
    Row {
        name: "asyncapi-parameter-description",
        is_recommended: false,
        message: "the parameter has no `description`",
        why: "who connects must know what it means",
        given: &["$.components.parameters.*", "$.channels.*.parameters.*"],
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
];
