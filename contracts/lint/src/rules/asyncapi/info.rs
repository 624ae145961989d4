//! Rules of `info` and of tags. They must not know channels, but where tags stand.

use super::versions::{V2, V3};
use crate::rule::RuleLevel;
use crate::rules::openapi_checks;
use crate::rules::row::{ROW, Row, What, ask};

pub(super) const ROWS: &[Row] = &[
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
];
