//! The rules of `spectral:asyncapi`, for AsyncAPI 2 and 3. Data.

use super::asyncapi_checks as checks;
use super::{ROW, Row, What, ask, openapi_checks, servers};
use crate::lint::rule::RuleLevel;

const V2: &[&str] = &["aas2"];
const V3: &[&str] = &["aas3"];
const OPERATIONS_2: &[&str] = &["$.channels[*][publish,subscribe]"];

const EMPTY_NAME: &str = "an empty `{}` names no parameter";
const QUERY: &str = "an address of a channel is no URL; use parameters or bindings";
const SLASH: &str = "servers differ in whether it counts";

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
        name: "asyncapi-headers-schema-type-object",
        level: RuleLevel::Error,
        formats: V2,
        why: "headers are pairs of names and values",
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
        why: "headers are pairs of names and values",
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
        name: "asyncapi-info-contact-properties",
        message: "the contact has no `{{property}}`",
        why: "readers must know whom to ask",
        given: &["$.info.contact"],
        then: &[
            ask("name", What::Truthy),
            ask("url", What::Truthy),
            ask("email", What::Truthy),
        ],
        ..ROW
    },
    Row {
        name: "asyncapi-info-contact",
        message: "`info` has no `contact`",
        why: "readers must know whom to ask",
        fix: "add `contact` with `name`, `url` and `email`",
        then: &[ask("info.contact", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-info-description",
        message: "`info.description` is missing or empty",
        why: "readers must know what the contract is for",
        then: &[ask("info.description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-info-license-url",
        is_recommended: false,
        message: "the license has no `url`",
        why: "the name of a license alone is not its text",
        then: &[ask("info.license.url", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-info-license",
        message: "`info` has no `license`",
        why: "readers must know what they may do with it",
        then: &[ask("info.license", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-latest-version",
        level: RuleLevel::Info,
        message: "AsyncAPI `3.1.0` is the latest version",
        why: "tools turn to the latest version first",
        given: &["$.asyncapi"],
        then: &[ask("", What::Check(checks::latest_version))],
        ..ROW
    },
    Row {
        name: "asyncapi-message-examples",
        level: RuleLevel::Error,
        formats: V2,
        why: "readers copy examples, and mock servers send them",
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
        why: "two messages of one name can't be told apart",
        then: &[ask("", What::Check(checks::unique_message_ids))],
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
    Row {
        name: "asyncapi-payload-default",
        level: RuleLevel::Error,
        formats: V2,
        why: "a default that is refused is no default",
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
        why: "readers copy examples, and mock servers send them",
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
        message: "the payload has a `schemaFormat` and is not looked at",
        why: "only schemas of AsyncAPI itself are checked",
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
        message: "the payload has a `schemaFormat` and is not looked at",
        why: "only schemas of AsyncAPI itself are checked",
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
        why: "nobody can tell what the message holds",
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
        why: "a default that is refused is no default",
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
        why: "readers copy examples, and mock servers send them",
        given: &[
            "$.components.schemas.*.examples^",
            "$.components.parameters.*.schema.examples^",
            "$.channels.*.parameters.*.schema.examples^",
        ],
        then: &[ask("", What::Check(checks::schema_examples))],
        ..ROW
    },
    Row {
        name: "asyncapi-schema",
        level: RuleLevel::Error,
        formats: V2,
        why: "tools refuse or silently drop it",
        then: &[ask("", What::Check(checks::document))],
        ..ROW
    },
    Row {
        name: "asyncapi-server-variables",
        level: RuleLevel::Error,
        formats: V2,
        why: "an address with holes leads nowhere",
        given: &["$.servers.*", "$.components.servers.*"],
        then: &[ask("", What::Check(servers::asyncapi_variables))],
        ..ROW
    },
    Row {
        name: "asyncapi-server-no-empty-variable",
        formats: V2,
        message: "the URL of the server has a variable without a name",
        why: "an empty `{}` names no variable",
        given: &["$.servers[*].url"],
        then: &[ask("", What::NotMatch("{}"))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-server-no-empty-variable",
        formats: V3,
        message: "the `{{property}}` of the server has a variable without a name",
        why: "an empty `{}` names no variable",
        given: &["$.servers[*].host", "$.servers[*].pathname"],
        then: &[ask("", What::NotMatch("{}"))],
        ..ROW
    },
    Row {
        name: "asyncapi-server-no-trailing-slash",
        formats: V2,
        message: "the URL of the server ends with a slash",
        why: "joined with a channel it gives two slashes",
        fix: "remove the slash",
        given: &["$.servers[*].url"],
        then: &[ask("", What::NotMatch("/$"))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-server-no-trailing-slash",
        formats: V3,
        message: "the host of the server ends with a slash",
        why: "a host has no path; that is `pathname`",
        fix: "remove the slash",
        given: &["$.servers.*.host"],
        then: &[ask("", What::NotMatch("/$"))],
        ..ROW
    },
    Row {
        name: "asyncapi-server-not-example-com",
        is_recommended: false,
        formats: V2,
        message: "the server is `example.com`",
        why: "nothing answers there",
        given: &["$.servers[*].url"],
        then: &[ask("", What::NotMatch(r"example\.com"))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-server-not-example-com",
        is_recommended: false,
        formats: V3,
        message: "the server is `example.com`",
        why: "nothing answers there",
        given: &["$.servers.*.host"],
        then: &[ask("", What::NotMatch(r"example\.com"))],
        ..ROW
    },
    Row {
        name: "asyncapi-server-security",
        level: RuleLevel::Error,
        formats: V2,
        why: "nobody can tell how to prove who they are",
        given: &["$.servers.*.security.*"],
        then: &[ask("", What::Check(checks::security))],
        ..ROW
    },
    Row {
        name: "asyncapi-servers",
        message: "`servers` is missing or empty",
        why: "a peer must know where to connect",
        then: &[ask("", What::Check(checks::has_servers))],
        ..ROW
    },
    Row {
        name: "asyncapi-tag-description",
        is_recommended: false,
        formats: V2,
        message: "the tag has no `description`",
        why: "readers must know what the group is about",
        given: &["$.tags[*]"],
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-3-tag-description",
        is_recommended: false,
        formats: V3,
        message: "the tag has no `description`",
        why: "readers must know what the group is about",
        given: &["$.info.tags[*]"],
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-tags-alphabetical",
        is_recommended: false,
        formats: V2,
        message: "`tags` are not in alphabetical order: {{error}}",
        why: "a sorted list is easier to look through",
        then: &[ask("tags", What::Alphabetical("name"))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-tags-alphabetical",
        is_recommended: false,
        formats: V3,
        message: "`tags` are not in alphabetical order: {{error}}",
        why: "a sorted list is easier to look through",
        given: &["$.info"],
        then: &[ask("tags", What::Alphabetical("name"))],
        ..ROW
    },
    Row {
        name: "asyncapi-tags-uniqueness",
        level: RuleLevel::Error,
        formats: V2,
        why: "two tags of one name can't be told apart",
        fix: "remove one of the two",
        given: &[
            "$.tags",
            "$.servers.*.tags",
            "$.components.servers.*.tags",
            "$.channels.*.[publish,subscribe].tags",
            "$.components.channels.*.[publish,subscribe].tags",
            "$.channels.*.[publish,subscribe].traits.*.tags",
            "$.components.channels.*.[publish,subscribe].traits.*.tags",
            "$.components.operationTraits.*.tags",
            "$.channels.*.[publish,subscribe].message.tags",
            "$.channels.*.[publish,subscribe].message.oneOf.*.tags",
            "$.components.channels.*.[publish,subscribe].message.tags",
            "$.components.channels.*.[publish,subscribe].message.oneOf.*.tags",
            "$.components.messages.*.tags",
            "$.channels.*.[publish,subscribe].message.traits.*.tags",
            "$.channels.*.[publish,subscribe].message.oneOf.*.traits.*.tags",
            "$.components.channels.*.[publish,subscribe].message.traits.*.tags",
            "$.components.channels.*.[publish,subscribe].message.oneOf.*.traits.*.tags",
            "$.components.messages.*.traits.*.tags",
            "$.components.messageTraits.*.tags",
        ],
        then: &[ask("", What::Check(openapi_checks::unique_tags))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-tags-uniqueness",
        level: RuleLevel::Error,
        formats: V3,
        why: "two tags of one name can't be told apart",
        fix: "remove one of the two",
        given: &[
            "$.info.tags",
            "$.servers.*.tags",
            "$.components.servers.*.tags",
            "$.operations.*.tags",
            "$.components.operations.*.tags",
            "$.operations.*.traits.*.tags",
            "$.components.operations.*.traits.*.tags",
            "$.components.operationTraits.*.tags",
            "$.channels.*.tags",
            "$.channels.*.messages.*.tags",
            "$.components.channels.*.messages.*.tags",
            "$.components.messages.*.tags",
            "$.channels.*.messages.*.traits.*.tags",
            "$.components.channels.*.messages.*.traits.*.tags",
            "$.components.messages.*.traits.*.tags",
            "$.components.messageTraits.*.tags",
        ],
        then: &[ask("", What::Check(openapi_checks::unique_tags))],
        ..ROW
    },
    Row {
        name: "asyncapi-tags",
        formats: V2,
        message: "there are no `tags`",
        why: "documentation is grouped by tag",
        then: &[ask("tags", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-3-tags",
        formats: V3,
        message: "`info` has no `tags`",
        why: "documentation is grouped by tag",
        given: &["$.info"],
        then: &[ask("tags", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-unused-components-schema",
        is_resolved: false,
        why: "what nobody refers to is dead or misspelt",
        fix: "remove it, or refer to it",
        given: &["$.components.schemas"],
        then: &[ask("", What::Check(checks::unused_schemas))],
        ..ROW
    },
    Row {
        name: "asyncapi-unused-components-server",
        is_resolved: false,
        why: "what nobody refers to is dead or misspelt",
        fix: "remove it, or refer to it",
        given: &["$.components.servers"],
        then: &[ask("", What::Check(checks::unused_servers))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-document-resolved",
        level: RuleLevel::Error,
        formats: V3,
        why: "tools refuse or silently drop it",
        then: &[ask("", What::Check(checks::document))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-document-unresolved",
        level: RuleLevel::Error,
        formats: V3,
        is_resolved: false,
        message: "no reference may stand here",
        why: "tools refuse or silently drop it",
        fix: "write the object itself here",
        then: &[ask("", What::Check(checks::misplaced_references))],
        ..ROW
    },
];
