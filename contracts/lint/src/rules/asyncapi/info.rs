//! Rules of `info` and of tags.

use super::versions::{V2, V3};
use crate::rule::RuleLevel;
use crate::rules::openapi_checks;
use crate::rules::row::{ROW, Row, What, ask};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "asyncapi-info-contact-properties",
        message: "the contact has no `{{property}}`",
        why: "without it users of the API cannot report a problem",
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
        why: "without it users of the API cannot report a problem",
        fix: "add `contact` with `name`, `url` and `email`",
        then: &[ask("info.contact", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-info-description",
        message: "`info.description` is missing or empty",
        why: "documentation does not explain what the API is for",
        then: &[ask("info.description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-info-license-url",
        is_recommended: false,
        message: "the license has no `url`",
        why: "users cannot find the text of the license",
        then: &[ask("info.license.url", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-info-license",
        message: "`info` has no `license`",
        why: "users cannot find out how they may use the API",
        then: &[ask("info.license", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-tag-description",
        is_recommended: false,
        formats: V2,
        message: "the tag has no `description`",
        why: "documentation shows the group without an explanation",
        given: &["$.tags[*]"],
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-3-tag-description",
        is_recommended: false,
        formats: V3,
        message: "the tag has no `description`",
        why: "documentation shows the group without an explanation",
        given: &["$.info.tags[*]"],
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-tags-alphabetical",
        is_recommended: false,
        formats: V2,
        message: "`tags` are not in alphabetical order: {{error}}",
        why: "a sorted list is easier to search",
        then: &[ask("tags", What::Alphabetical("name"))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-tags-alphabetical",
        is_recommended: false,
        formats: V3,
        message: "`tags` are not in alphabetical order: {{error}}",
        why: "a sorted list is easier to search",
        given: &["$.info"],
        then: &[ask("tags", What::Alphabetical("name"))],
        ..ROW
    },
    Row {
        name: "asyncapi-tags-uniqueness",
        level: RuleLevel::Error,
        formats: V2,
        why: "documentation tools merge two tags of one name or drop one of them",
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
        why: "documentation tools merge two tags of one name or drop one of them",
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
        message: "`tags` is missing",
        why: "documentation tools group operations by tag",
        then: &[ask("tags", What::Truthy)],
        ..ROW
    },
    Row {
        name: "asyncapi-3-tags",
        formats: V3,
        message: "`info` has no `tags`",
        why: "documentation tools group operations by tag",
        given: &["$.info"],
        then: &[ask("tags", What::Truthy)],
        ..ROW
    },
];
