//! Whether the core objects have what the specification asks for and nothing it does not know.
//! The tables join all versions from 3.0 to 3.2. They must not know style.

use tollgate_report::{Severity, suggest};

use super::facts::Facts;
use super::{Hit, Rule, Scope};
use crate::document::Kind;
use crate::grammar::Object;
use crate::source::Node;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "oas3-schema",
        severity: Severity::Error,
        scope: Scope::Http,
        why: "tools refuse or silently drop it",
        check,
    },
    Rule {
        code: "asyncapi-3-document-unresolved",
        severity: Severity::Error,
        scope: Scope::Async,
        why: "tools refuse or silently drop it",
        check,
    },
];

/// Known and required keys of an object.
struct Form {
    object: Object,
    word: &'static str,
    required: &'static [&'static str],
    known: &'static [&'static str],
}

const FORMS: &[Form] = &[
    Form {
        object: Object::OpenApi,
        word: "the document",
        required: &["info"],
        known: &[
            "openapi",
            "info",
            "servers",
            "paths",
            "webhooks",
            "components",
            "security",
            "tags",
            "externalDocs",
            "jsonSchemaDialect",
            "$self",
        ],
    },
    Form {
        object: Object::AsyncApi,
        word: "the document",
        required: &["info"],
        known: &[
            "asyncapi",
            "id",
            "info",
            "servers",
            "channels",
            "operations",
            "components",
            "defaultContentType",
        ],
    },
    Form {
        object: Object::PathItem,
        word: "the path item",
        required: &[],
        known: &[
            "$ref",
            "summary",
            "description",
            "get",
            "put",
            "post",
            "delete",
            "options",
            "head",
            "patch",
            "trace",
            "query",
            "additionalOperations",
            "servers",
            "parameters",
        ],
    },
    Form {
        object: Object::Operation,
        word: "the operation",
        required: &[],
        known: &[
            "tags",
            "summary",
            "description",
            "externalDocs",
            "operationId",
            "parameters",
            "requestBody",
            "responses",
            "callbacks",
            "deprecated",
            "security",
            "servers",
        ],
    },
    Form {
        object: Object::Parameter,
        word: "the parameter",
        required: &["name", "in"],
        known: &[
            "name",
            "in",
            "description",
            "required",
            "deprecated",
            "allowEmptyValue",
            "style",
            "explode",
            "allowReserved",
            "schema",
            "example",
            "examples",
            "content",
        ],
    },
    Form {
        object: Object::RequestBody,
        word: "the request body",
        required: &["content"],
        known: &["description", "content", "required"],
    },
    Form {
        object: Object::Response,
        word: "the response",
        required: &["description"],
        known: &["summary", "description", "headers", "content", "links"],
    },
    Form {
        object: Object::Channel,
        word: "the channel",
        required: &[],
        known: &[
            "address",
            "messages",
            "title",
            "summary",
            "description",
            "servers",
            "parameters",
            "tags",
            "externalDocs",
            "bindings",
        ],
    },
    Form {
        object: Object::AsyncOperation,
        word: "the operation",
        required: &["action", "channel"],
        known: &[
            "action",
            "channel",
            "title",
            "summary",
            "description",
            "security",
            "tags",
            "externalDocs",
            "bindings",
            "traits",
            "messages",
            "reply",
        ],
    },
    Form {
        object: Object::Message,
        word: "the message",
        required: &[],
        known: &[
            "headers",
            "payload",
            "correlationId",
            "contentType",
            "name",
            "title",
            "summary",
            "description",
            "tags",
            "externalDocs",
            "bindings",
            "examples",
            "traits",
        ],
    },
];

fn check(facts: &Facts<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    if facts.contract.kind == Kind::AsyncApi2 {
        return hits;
    }
    for form in FORMS {
        for met in facts.of(form.object) {
            check_form(form, met.file, met.node, &mut hits);
        }
    }
    check_info(facts, &mut hits);
    if facts.contract.kind == Kind::OpenApi30 && facts.contract.root().get("paths").is_none() {
        hits.push(Hit::new(
            facts.entry_place(None),
            "the document has no `paths`",
        ));
    }
    hits
}

fn check_form(form: &Form, file: &str, node: &Node, hits: &mut Vec<Hit>) {
    let Some(entries) = node.as_object() else {
        let message = format!("{} is no object but {}", form.word, node.type_word());
        hits.push(Hit::new(node.place(file), message));
        return;
    };
    for key in form.required {
        if node.get(key).is_none() {
            let message = format!("{} has no `{key}`", form.word);
            hits.push(Hit::new(node.place(file), message));
        }
    }
    for entry in entries {
        let key = entry.key.as_str();
        if form.known.contains(&key) || key.starts_with("x-") {
            continue;
        }
        let meant = match suggest::nearest(key, form.known.iter().copied()) {
            Some(near) => format!(", did you mean `{near}`?"),
            None => String::new(),
        };
        let message = format!("{} has an unknown key `{key}`{meant}", form.word);
        hits.push(Hit::new(entry.key_span.place(file), message));
    }
}

fn check_info(facts: &Facts<'_>, hits: &mut Vec<Hit>) {
    let Some(info) = facts.contract.root().get("info") else {
        return;
    };
    for key in ["title", "version"] {
        if info.get(key).and_then(Node::scalar_text).is_none() {
            let message = format!("`info` has no `{key}`");
            hits.push(Hit::new(facts.entry_place(Some(info)), message));
        }
    }
}
