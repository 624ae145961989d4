//! The rules of `spectral:asyncapi`, for AsyncAPI 2 and 3, by the part of a contract that they are
//! about; those of the document as a whole are here. Data. They must not know how rules are run.

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
        why: "tools turn to the latest version first",
        given: &["$.asyncapi"],
        then: &[ask("", What::Check(checks::latest_version))],
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
