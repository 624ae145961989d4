//! Rules of channels, their parameters and operations.

use super::versions::{V2, V3};
use crate::rule::RuleLevel;
use crate::rules::asyncapi_checks as checks;
use crate::rules::row::{ROW, Row, What, ask};

const EMPTY_NAME: &str = "an empty `{}` cannot be filled in, because it names no parameter";
const QUERY: &str = "the address of a channel is not a URL; use parameters or bindings";
const SLASH: &str = "some servers treat the path with the slash as another path";
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
        why: "clients cannot build the address from its parameters",
        given: &["$.channels.*", "$.components.channels.*"],
        then: &[ask("", What::Check(checks::channel_parameters))],
        ..ROW
    },
    Row {
        name: "asyncapi-channel-servers",
        level: RuleLevel::Error,
        formats: V2,
        why: "clients cannot find out where to connect",
        then: &[ask("", What::Check(checks::channel_servers))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-channel-servers",
        level: RuleLevel::Error,
        formats: V3,
        is_resolved: false,
        message: "the server of the channel is not one of `servers`",
        why: "clients cannot find out where to connect",
        fix: "refer to `#/servers/NAME`",
        given: &["$.channels.*"],
        then: &[ask("$.servers.*.$ref", What::Match(r"#\/servers\/"))],
        ..ROW
    },
    Row {
        name: "asyncapi-operation-description",
        formats: V2,
        message: "the operation has no `description`",
        why: "documentation does not explain what the operation does",
        given: OPERATIONS_2,
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-3-operation-description",
        formats: V3,
        message: "the operation has no `description`",
        why: "documentation does not explain what the operation does",
        given: &["$.operations.*"],
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-operation-operationId-uniqueness",
        level: RuleLevel::Error,
        formats: V2,
        why: "code generators reject duplicate ids or overwrite one of the operations",
        then: &[ask("", What::Check(checks::unique_operation_ids))],
        ..ROW
    },
    Row {
        name: "asyncapi-operation-operationId",
        level: RuleLevel::Error,
        formats: V2,
        message: "the operation has no `operationId`",
        why: "code generators name the generated methods after it",
        given: OPERATIONS_2,
        then: &[ask("operationId", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-operation-security",
        level: RuleLevel::Error,
        formats: V2,
        why: "clients cannot authenticate, because nothing describes how",
        given: &["$.channels[*][publish,subscribe].security.*"],
        then: &[ask("", What::Check(checks::security))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-operation-security",
        level: RuleLevel::Error,
        formats: V3,
        why: "clients cannot authenticate, because nothing describes how",
        given: &["$.operations.*.security.*"],
        then: &[ask("", What::Check(checks::security_3))],
        ..ROW
    },
    Row {
        name: "asyncapi-parameter-description",
        is_recommended: false,
        message: "the parameter has no `description`",
        why: "documentation does not explain what the parameter means",
        given: &["$.components.parameters.*", "$.channels.*.parameters.*"],
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
];
