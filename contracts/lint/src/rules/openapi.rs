//! The rules of `spectral:oas` for OpenAPI 3, as data. The rules for Swagger 2 are missing because
//! Tollgate does not read such documents.

use super::openapi_checks as checks;
use super::row::{ROW, Row, What, ask};
use super::{examples, servers};
use crate::rule::RuleLevel;

const OPERATIONS: &[&str] = &["$.paths[*][get,put,post,delete,options,head,patch,trace,query]"];

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "operation-success-response",
        message: "the operation has no 2xx or 3xx response",
        why: "clients cannot validate a successful response that is not described",
        fix: "describe the response of a successful call",
        given: OPERATIONS,
        then: &[ask("responses", What::Check(checks::success_response))],
        ..ROW
    },
    Row {
        name: "operation-operationId-unique",
        level: RuleLevel::Error,
        why: "code generators reject duplicate ids or overwrite one of the operations",
        fix: "rename one of the two",
        then: &[ask("paths", What::Check(checks::unique_operation_ids))],
        ..ROW
    },
    Row {
        name: "operation-parameters",
        why: "servers read one of them and ignore the other",
        fix: "remove one of the two",
        given: &["$.paths[*][get,put,post,delete,options,head,patch,trace,query].parameters"],
        then: &[ask("", What::Check(checks::unique_parameters))],
        ..ROW
    },
    Row {
        name: "operation-tag-defined",
        why: "a tag without a definition is usually a typing mistake and has no description",
        fix: "define it under `tags`, or correct its name",
        then: &[ask("", What::Check(checks::tags_defined))],
        ..ROW
    },
    Row {
        name: "path-params",
        level: RuleLevel::Error,
        why: "clients cannot build the path from its parameters",
        then: &[ask("paths", What::Check(checks::path_parameters))],
        ..ROW
    },
    Row {
        name: "contact-properties",
        is_recommended: false,
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
        name: "duplicated-entry-in-enum",
        why: "the duplicate adds nothing, and generated enums do not compile with it",
        fix: "remove one of the two",
        then: &[ask("", What::Check(checks::duplicated_enum))],
        ..ROW
    },
    Row {
        name: "info-contact",
        message: "`info` has no `contact`",
        why: "without it users of the API cannot report a problem",
        fix: "add `contact` with `name`, `url` and `email`",
        then: &[ask("info.contact", What::Truthy)],
        ..ROW
    },
    Row {
        name: "info-description",
        message: "`info.description` is missing or empty",
        why: "documentation does not explain what the API is for",
        then: &[ask("info.description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "info-license",
        is_recommended: false,
        message: "`info` has no `license`",
        why: "users cannot find out how they may use the API",
        then: &[ask("info.license", What::Truthy)],
        ..ROW
    },
    Row {
        name: "license-url",
        is_recommended: false,
        message: "the license has no `url`",
        why: "users cannot find the text of the license",
        then: &[ask("info.license.url", What::Truthy)],
        ..ROW
    },
    Row {
        name: "no-eval-in-markdown",
        message: "`{{property}}` has `eval(`",
        why: "documentation tools may execute it in the reader's browser",
        then: &[ask("", What::Check(checks::no_eval))],
        ..ROW
    },
    Row {
        name: "no-script-tags-in-markdown",
        message: "`{{property}}` has a `<script>` tag",
        why: "documentation tools may execute it in the reader's browser",
        then: &[ask("", What::Check(checks::no_script))],
        ..ROW
    },
    Row {
        name: "openapi-tags-alphabetical",
        is_recommended: false,
        message: "`tags` are not in alphabetical order: {{error}}",
        why: "a sorted list is easier to search",
        then: &[ask("tags", What::Alphabetical("name"))],
        ..ROW
    },
    Row {
        name: "openapi-tags-uniqueness",
        level: RuleLevel::Error,
        why: "documentation tools merge two tags of one name or drop one of them",
        fix: "remove one of the two",
        given: &["$.tags"],
        then: &[ask("", What::Check(checks::unique_tags))],
        ..ROW
    },
    Row {
        name: "openapi-tags",
        is_recommended: false,
        message: "`tags` is missing or empty",
        why: "documentation tools group operations by tag",
        then: &[ask("", What::Check(checks::has_tags))],
        ..ROW
    },
    Row {
        name: "operation-description",
        message: "the operation has no `description`",
        why: "documentation does not explain what the operation does",
        given: OPERATIONS,
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "operation-operationId",
        message: "the operation has no `operationId`",
        why: "code generators name the generated methods after it",
        given: OPERATIONS,
        then: &[ask("operationId", What::Truthy)],
        ..ROW
    },
    Row {
        name: "operation-operationId-valid-in-url",
        message: "the operation id has characters that are not valid in a URL",
        why: "links and documentation use the id in URLs, which break",
        given: OPERATIONS,
        then: &[ask(
            "operationId",
            What::Match(r"^[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]*$"),
        )],
        ..ROW
    },
    Row {
        name: "operation-singular-tag",
        is_recommended: false,
        message: "the operation has more than one tag",
        why: "documentation that groups by tag lists the operation more than once",
        given: OPERATIONS,
        then: &[ask("tags", What::LengthMax(1.0))],
        ..ROW
    },
    Row {
        name: "operation-tags",
        message: "the operation has no `tags`",
        why: "generated servers and documentation are grouped by tag",
        given: OPERATIONS,
        then: &[ask("", What::Check(checks::has_tags))],
        ..ROW
    },
    Row {
        name: "path-declarations-must-exist",
        message: "the path `{{property}}` has a parameter without a name",
        why: "an empty `{}` cannot be filled in, because it names no parameter",
        given: &["$.paths"],
        then: &[ask("@key", What::NotMatch("{}"))],
        ..ROW
    },
    Row {
        name: "path-keys-no-trailing-slash",
        message: "the path `{{property}}` ends with a slash",
        why: "some servers treat the path with the slash as another path",
        given: &["$.paths"],
        then: &[ask("@key", What::NotMatch(r".+\/$"))],
        ..ROW
    },
    Row {
        name: "path-not-include-query",
        message: "the path `{{property}}` has a query string",
        why: "tools read query parameters from `parameters` only",
        given: &["$.paths"],
        then: &[ask("@key", What::NotMatch(r"\?"))],
        ..ROW
    },
    Row {
        name: "tag-description",
        is_recommended: false,
        message: "the tag has no `description`",
        why: "documentation shows the group without an explanation",
        given: &["$.tags[*]"],
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "no-$ref-siblings",
        level: RuleLevel::Error,
        formats: &["oas3_0"],
        is_resolved: false,
        message: "`{{property}}` is next to a `$ref`",
        why: "OpenAPI 3.0 ignores keys next to a `$ref`",
        fix: "move it to where the reference leads, or wrap the reference in `allOf`",
        then: &[ask("", What::Check(checks::ref_siblings))],
        ..ROW
    },
    Row {
        name: "array-items",
        level: RuleLevel::Error,
        is_resolved: false,
        message: "an array has no `items`",
        why: "code generators cannot give the items a type",
        fix: "add `items`; `items: {}` allows any",
        then: &[ask("", What::Check(checks::array_items))],
        ..ROW
    },
    Row {
        name: "typed-enum",
        why: "validators reject every use of a value that has another type",
        then: &[ask("", What::Check(checks::typed_enums))],
        ..ROW
    },
    Row {
        name: "oas3-api-servers",
        message: "`servers` is missing or empty",
        why: "clients cannot find out which address to call",
        then: &[ask("", What::Check(servers::has_servers))],
        ..ROW
    },
    Row {
        name: "oas3-examples-value-or-externalValue",
        why: "tools use one of the two and ignore the other",
        given: &[
            "$.components.examples[*]",
            "$.paths[*][*]..content[*].examples[*]",
            "$.paths[*][*]..parameters[*].examples[*]",
            "$.components.parameters[*].examples[*]",
            "$.paths[*][*]..headers[*].examples[*]",
            "$.components.headers[*].examples[*]",
        ],
        then: &[ask("", What::Xor(&["externalValue", "value"]))],
        ..ROW
    },
    Row {
        name: "oas3-operation-security-defined",
        why: "clients cannot authenticate, because nothing describes how",
        given: &[
            "$.security[*]",
            "$.paths[*][get,put,post,delete,options,head,patch,trace,query].security[*]",
        ],
        then: &[ask("", What::Check(checks::security_defined))],
        ..ROW
    },
    Row {
        name: "oas3-parameter-description",
        is_recommended: false,
        message: "the parameter has no `description`",
        why: "documentation does not explain what the parameter means",
        given: &[
            "$.paths[*].parameters[?(@ && @.in)]",
            "$.paths[*][get,put,post,delete,options,head,patch,trace,query].parameters[?(@ && @.in)]",
            "$.components.parameters[?(@ && @.in)]",
        ],
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "oas3-server-not-example.com",
        is_recommended: false,
        message: "the server is `example.com`",
        why: "`example.com` is reserved for documentation, so calls to it fail",
        given: &["$.servers[*].url"],
        then: &[ask("", What::NotMatch(r"example\.com"))],
        ..ROW
    },
    Row {
        name: "oas3-server-trailing-slash",
        message: "the URL of the server ends with a slash",
        why: "joined with a path it produces a double slash",
        fix: "remove the slash",
        given: &["$.servers[*].url"],
        then: &[ask("", What::NotMatch("./$"))],
        ..ROW
    },
    Row {
        name: "oas3-valid-media-example",
        level: RuleLevel::Error,
        why: "users copy examples and mock servers send them, so an invalid one spreads",
        then: &[ask("", What::Check(examples::media_examples))],
        ..ROW
    },
    Row {
        name: "oas3-valid-schema-example",
        level: RuleLevel::Error,
        why: "users copy examples, and validators and code generators reject an invalid default",
        then: &[ask("", What::Check(examples::schema_examples))],
        ..ROW
    },
    Row {
        name: "oas3-schema",
        level: RuleLevel::Error,
        is_resolved: false,
        why: "tools reject the document or silently ignore the value",
        then: &[ask("", What::Check(checks::document))],
        ..ROW
    },
    Row {
        name: "oas3-unused-component",
        is_resolved: false,
        why: "an unused component is dead or its name is misspelled where it is used",
        fix: "remove it, or refer to it",
        then: &[ask("components", What::Check(checks::unused_components))],
        ..ROW
    },
    Row {
        name: "oas3-server-variables",
        level: RuleLevel::Error,
        why: "clients cannot build the address",
        given: &[
            "$.servers[*]",
            "$.paths[*].servers[*]",
            "$.paths[*][get,put,post,delete,options,head,patch,trace,query].servers[*]",
            "$.components.links[*].server",
            "$.paths[*][get,put,post,delete,options,head,patch,trace,query].responses[*].links[*].server",
            "$.components.responses[*].links[*].server",
        ],
        then: &[ask("", What::Check(servers::openapi_variables))],
        ..ROW
    },
    Row {
        name: "oas3-callbacks-in-callbacks",
        message: "a callback contains another callback",
        why: "tools ignore callbacks below the first level",
        given: &[
            "$.paths[*][get,put,post,delete,options,head,patch,trace,query].callbacks[*][*][*].callbacks",
        ],
        then: &[ask("", What::Undefined)],
        ..ROW
    },
    Row {
        name: "oas3_1-servers-in-webhook",
        formats: &["oas3_1", "oas3_2"],
        message: "a webhook has `servers`",
        why: "the receiver of a webhook chooses its address, so tools ignore these servers",
        given: &["$.webhooks.servers", "$.webhooks[*][*].servers"],
        then: &[ask("", What::Undefined)],
        ..ROW
    },
    Row {
        name: "oas3_1-callbacks-in-webhook",
        formats: &["oas3_1", "oas3_2"],
        message: "a webhook has a callback",
        why: "tools ignore callbacks of a webhook",
        given: &["$.webhooks[*][*].callbacks"],
        then: &[ask("", What::Undefined)],
        ..ROW
    },
    Row {
        name: "oas3_2-no-deprecated-xml-attribute",
        formats: &["oas3_2"],
        message: "`xml.attribute` is deprecated in OpenAPI 3.2",
        why: "it will be removed, and tools may already ignore it",
        fix: "write `nodeType: attribute`",
        then: &[ask("", What::Check(checks::xml_attributes))],
        ..ROW
    },
];
