//! The rules of `spectral:oas` for OpenAPI 3. Data. Those of Swagger 2 are not here, as such
//! documents are not read.

use super::openapi_checks as checks;
use super::row::{ROW, Row, What, ask};
use super::{examples, servers};
use crate::rule::RuleLevel;

const OPERATIONS: &[&str] = &["$.paths[*][get,put,post,delete,options,head,patch,trace,query]"];

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "operation-success-response",
        message: "the operation has no 2xx or 3xx response",
        why: "nobody can check an answer that is not described",
        fix: "describe what the operation answers when all is well",
        given: OPERATIONS,
        then: &[ask("responses", What::Check(checks::success_response))],
        ..ROW
    },
    Row {
        name: "operation-operationId-unique",
        level: RuleLevel::Error,
        why: "two operations of one name can't be told apart",
        fix: "rename one of the two",
        then: &[ask("paths", What::Check(checks::unique_operation_ids))],
        ..ROW
    },
    Row {
        name: "operation-parameters",
        why: "a server reads one of them only",
        fix: "remove one of the two",
        given: &["$.paths[*][get,put,post,delete,options,head,patch,trace,query].parameters"],
        then: &[ask("", What::Check(checks::unique_parameters))],
        ..ROW
    },
    Row {
        name: "operation-tag-defined",
        why: "a tag without definition is often a slip",
        fix: "define it under `tags`, or mend its name",
        then: &[ask("", What::Check(checks::tags_defined))],
        ..ROW
    },
    Row {
        name: "path-params",
        level: RuleLevel::Error,
        why: "a path can't be filled in when its parameters don't fit it",
        then: &[ask("paths", What::Check(checks::path_parameters))],
        ..ROW
    },
    Row {
        name: "contact-properties",
        is_recommended: false,
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
        name: "duplicated-entry-in-enum",
        why: "the second one says nothing and breaks generated enums",
        fix: "remove one of the two",
        then: &[ask("", What::Check(checks::duplicated_enum))],
        ..ROW
    },
    Row {
        name: "info-contact",
        message: "`info` has no `contact`",
        why: "readers must know whom to ask",
        fix: "add `contact` with `name`, `url` and `email`",
        then: &[ask("info.contact", What::Truthy)],
        ..ROW
    },
    Row {
        name: "info-description",
        message: "`info.description` is missing or empty",
        why: "readers must know what the contract is for",
        then: &[ask("info.description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "info-license",
        is_recommended: false,
        message: "`info` has no `license`",
        why: "readers must know what they may do with it",
        then: &[ask("info.license", What::Truthy)],
        ..ROW
    },
    Row {
        name: "license-url",
        is_recommended: false,
        message: "the license has no `url`",
        why: "the name of a license alone is not its text",
        then: &[ask("info.license.url", What::Truthy)],
        ..ROW
    },
    Row {
        name: "no-eval-in-markdown",
        message: "`{{property}}` has `eval(`",
        why: "documentation tools may run it",
        then: &[ask("", What::Check(checks::no_eval))],
        ..ROW
    },
    Row {
        name: "no-script-tags-in-markdown",
        message: "`{{property}}` has a `<script>` tag",
        why: "documentation tools may run it",
        then: &[ask("", What::Check(checks::no_script))],
        ..ROW
    },
    Row {
        name: "openapi-tags-alphabetical",
        is_recommended: false,
        message: "`tags` are not in alphabetical order: {{error}}",
        why: "a sorted list is easier to look through",
        then: &[ask("tags", What::Alphabetical("name"))],
        ..ROW
    },
    Row {
        name: "openapi-tags-uniqueness",
        level: RuleLevel::Error,
        why: "two tags of one name can't be told apart",
        fix: "remove one of the two",
        given: &["$.tags"],
        then: &[ask("", What::Check(checks::unique_tags))],
        ..ROW
    },
    Row {
        name: "openapi-tags",
        is_recommended: false,
        message: "`tags` is missing or empty",
        why: "documentation is grouped by tag",
        then: &[ask("", What::Check(checks::has_tags))],
        ..ROW
    },
    Row {
        name: "operation-description",
        message: "the operation has no `description`",
        why: "who calls it must know what it does",
        given: OPERATIONS,
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "operation-operationId",
        message: "the operation has no `operationId`",
        why: "generated clients are named by it",
        given: OPERATIONS,
        then: &[ask("operationId", What::Truthy)],
        ..ROW
    },
    Row {
        name: "operation-operationId-valid-in-url",
        message: "the id of the operation has letters that are not valid in a URL",
        why: "links and documentation put it into addresses",
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
        why: "documentation that is grouped by tag shows it twice",
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
        why: "an empty `{}` names no parameter",
        given: &["$.paths"],
        then: &[ask("@key", What::NotMatch("{}"))],
        ..ROW
    },
    Row {
        name: "path-keys-no-trailing-slash",
        message: "the path `{{property}}` ends with a slash",
        why: "servers differ in whether it counts",
        given: &["$.paths"],
        then: &[ask("@key", What::NotMatch(r".+\/$"))],
        ..ROW
    },
    Row {
        name: "path-not-include-query",
        message: "the path `{{property}}` has a query string",
        why: "query parameters stand under `parameters`",
        given: &["$.paths"],
        then: &[ask("@key", What::NotMatch(r"\?"))],
        ..ROW
    },
    Row {
        name: "tag-description",
        is_recommended: false,
        message: "the tag has no `description`",
        why: "readers must know what the group is about",
        given: &["$.tags[*]"],
        then: &[ask("description", What::Truthy)],
        ..ROW
    },
    Row {
        name: "no-$ref-siblings",
        level: RuleLevel::Error,
        formats: &["oas3_0"],
        is_resolved: false,
        message: "`{{property}}` stands beside a `$ref`",
        why: "OpenAPI 3.0 ignores what stands beside a `$ref`",
        fix: "move it to where the reference leads, or wrap the reference in `allOf`",
        then: &[ask("", What::Check(checks::ref_siblings))],
        ..ROW
    },
    Row {
        name: "array-items",
        level: RuleLevel::Error,
        is_resolved: false,
        message: "an array has no `items`",
        why: "nobody knows of which type its items are",
        fix: "add `items`; `items: {}` allows any",
        then: &[ask("", What::Check(checks::array_items))],
        ..ROW
    },
    Row {
        name: "typed-enum",
        why: "a value of another type is never valid",
        then: &[ask("", What::Check(checks::typed_enums))],
        ..ROW
    },
    Row {
        name: "oas3-api-servers",
        message: "`servers` is missing or empty",
        why: "a client must know where to call",
        then: &[ask("", What::Check(servers::has_servers))],
        ..ROW
    },
    Row {
        name: "oas3-examples-value-or-externalValue",
        why: "readers take one of them only",
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
        why: "nobody can tell how to prove who they are",
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
        why: "who calls must know what it means",
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
        why: "nothing answers there",
        given: &["$.servers[*].url"],
        then: &[ask("", What::NotMatch(r"example\.com"))],
        ..ROW
    },
    Row {
        name: "oas3-server-trailing-slash",
        message: "the URL of the server ends with a slash",
        why: "joined with a path it gives two slashes",
        fix: "remove the slash",
        given: &["$.servers[*].url"],
        then: &[ask("", What::NotMatch("./$"))],
        ..ROW
    },
    Row {
        name: "oas3-valid-media-example",
        level: RuleLevel::Error,
        why: "readers copy examples, and mock servers send them",
        then: &[ask("", What::Check(examples::media_examples))],
        ..ROW
    },
    Row {
        name: "oas3-valid-schema-example",
        level: RuleLevel::Error,
        why: "readers copy examples, and a default that is refused is no default",
        then: &[ask("", What::Check(examples::schema_examples))],
        ..ROW
    },
    Row {
        name: "oas3-schema",
        level: RuleLevel::Error,
        is_resolved: false,
        why: "tools refuse or silently drop it",
        then: &[ask("", What::Check(checks::document))],
        ..ROW
    },
    Row {
        name: "oas3-unused-component",
        is_resolved: false,
        why: "what nobody refers to is dead or misspelt",
        fix: "remove it, or refer to it",
        then: &[ask("components", What::Check(checks::unused_components))],
        ..ROW
    },
    Row {
        name: "oas3-server-variables",
        level: RuleLevel::Error,
        why: "an address with holes leads nowhere",
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
        message: "a callback stands in a callback",
        why: "tools look at one level only",
        given: &[
            "$.paths[*][get,put,post,delete,options,head,patch,trace,query].callbacks[*][*][*].callbacks",
        ],
        then: &[ask("", What::Undefined)],
        ..ROW
    },
    Row {
        name: "oas3_1-servers-in-webhook",
        formats: &["oas3_1", "oas3_2"],
        message: "servers stand in a webhook",
        why: "who receives a webhook chooses the address",
        given: &["$.webhooks.servers", "$.webhooks[*][*].servers"],
        then: &[ask("", What::Undefined)],
        ..ROW
    },
    Row {
        name: "oas3_1-callbacks-in-webhook",
        formats: &["oas3_1", "oas3_2"],
        message: "a callback stands in a webhook",
        why: "nobody calls back who was called back",
        given: &["$.webhooks[*][*].callbacks"],
        then: &[ask("", What::Undefined)],
        ..ROW
    },
    Row {
        name: "oas3_2-no-deprecated-xml-attribute",
        formats: &["oas3_2"],
        message: "`xml.attribute` is deprecated in OpenAPI 3.2",
        why: "it is to go",
        fix: "write `nodeType: attribute`",
        then: &[ask("", What::Check(checks::xml_attributes))],
        ..ROW
    },
];
