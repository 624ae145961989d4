//! The rules of `spectral:asyncapi` for AsyncAPI 2 and 3, as data, by the part of a contract that
//! they check. The rules for the whole document are in this file.

mod channels;
mod info;
mod messages;
mod servers;
mod versions;

use crate::rule::RuleLevel;
use crate::rules::asyncapi_checks as checks;
use crate::rules::row::{ROW, Row, What, ask};
use versions::{V2, V3};

/// All rules, by family.
pub(super) const FAMILIES: &[&[Row]] = &[
    DOCUMENT,
    info::ROWS,
    servers::ROWS,
    channels::ROWS,
    messages::ROWS,
];

const DOCUMENT: &[Row] = &[
    Row {
        name: "asyncapi-latest-version",
        level: RuleLevel::Info,
        message: "AsyncAPI `3.1.0` is the latest version",
        why: "new tools may support the latest version only",
        given: &["$.asyncapi"],
        then: &[ask("", What::Check(checks::latest_version))],
        ..ROW
    },
    Row {
        name: "asyncapi-schema",
        level: RuleLevel::Error,
        formats: V2,
        why: "tools reject the document or silently ignore the value",
        then: &[ask("", What::Check(checks::document))],
        ..ROW
    },
    Row {
        name: "asyncapi-unused-components-schema",
        is_resolved: false,
        why: "an unused component is dead or its name is misspelled where it is used",
        fix: "remove it, or refer to it",
        given: &["$.components.schemas"],
        then: &[ask("", What::Check(checks::unused_schemas))],
        ..ROW
    },
    Row {
        name: "asyncapi-unused-components-server",
        is_resolved: false,
        why: "an unused component is dead or its name is misspelled where it is used",
        fix: "remove it, or refer to it",
        given: &["$.components.servers"],
        then: &[ask("", What::Check(checks::unused_servers))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-document-resolved",
        level: RuleLevel::Error,
        formats: V3,
        why: "tools reject the document or silently ignore the value",
        then: &[ask("", What::Check(checks::document))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-document-unresolved",
        level: RuleLevel::Error,
        formats: V3,
        is_resolved: false,
        message: "a reference is not allowed in this place",
        why: "tools reject the document or silently ignore the value",
        fix: "replace the reference with the object itself",
        then: &[ask("", What::Check(checks::misplaced_references))],
        ..ROW
    },
];
