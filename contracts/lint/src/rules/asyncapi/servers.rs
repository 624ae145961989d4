//! Rules of servers and their variables.

use super::versions::{V2, V3};
use crate::rule::RuleLevel;
use crate::rules::asyncapi_checks as checks;
use crate::rules::row::{ROW, Row, What, ask};
use crate::rules::servers;

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "asyncapi-server-variables",
        level: RuleLevel::Error,
        formats: V2,
        why: "clients cannot build the address",
        given: &["$.servers.*", "$.components.servers.*"],
        then: &[ask("", What::Check(servers::asyncapi_variables))],
        ..ROW
    },
    Row {
        name: "asyncapi-server-no-empty-variable",
        formats: V2,
        message: "the URL of the server has a variable without a name",
        why: "an empty `{}` cannot be filled in, because it names no variable",
        given: &["$.servers[*].url"],
        then: &[ask("", What::NotMatch("{}"))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-server-no-empty-variable",
        formats: V3,
        message: "the `{{property}}` of the server has a variable without a name",
        why: "an empty `{}` cannot be filled in, because it names no variable",
        given: &["$.servers[*].host", "$.servers[*].pathname"],
        then: &[ask("", What::NotMatch("{}"))],
        ..ROW
    },
    Row {
        name: "asyncapi-server-no-trailing-slash",
        formats: V2,
        message: "the URL of the server ends with a slash",
        why: "joined with a channel it produces a double slash",
        fix: "remove the slash",
        given: &["$.servers[*].url"],
        then: &[ask("", What::NotMatch("/$"))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-server-no-trailing-slash",
        formats: V3,
        message: "the host of the server ends with a slash",
        why: "a host has no path, so clients connect to the wrong address; paths belong in `pathname`",
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
        why: "`example.com` is reserved for documentation, so calls to it fail",
        given: &["$.servers[*].url"],
        then: &[ask("", What::NotMatch(r"example\.com"))],
        ..ROW
    },
    Row {
        name: "asyncapi-3-server-not-example-com",
        is_recommended: false,
        formats: V3,
        message: "the server is `example.com`",
        why: "`example.com` is reserved for documentation, so calls to it fail",
        given: &["$.servers.*.host"],
        then: &[ask("", What::NotMatch(r"example\.com"))],
        ..ROW
    },
    Row {
        name: "asyncapi-server-security",
        level: RuleLevel::Error,
        formats: V2,
        why: "clients cannot authenticate, because nothing describes how",
        given: &["$.servers.*.security.*"],
        then: &[ask("", What::Check(checks::security))],
        ..ROW
    },
    Row {
        name: "asyncapi-servers",
        message: "`servers` is missing or empty",
        why: "clients cannot find out where to connect",
        then: &[ask("", What::Check(checks::has_servers))],
        ..ROW
    },
];
