//! Checks of examples and defaults against their schemas.

use tollgate_contracts_model::Node;

use crate::context::Context;
use crate::hit::Hit;
use crate::tree::Item;
use crate::validate::{self, Dialect, Question, Relax};

/// The edition of JSON Schema that an OpenAPI document uses.
fn dialect(context: &Context<'_, '_>) -> Dialect {
    if context.is("oas3_0") {
        return Dialect::Draft4;
    }
    let named = context
        .contract
        .root()
        .get("jsonSchemaDialect")
        .and_then(Node::as_str);
    match named {
        Some(text) if text.contains("draft-07") => Dialect::Draft7,
        Some(text) if text.contains("draft-04") => Dialect::Draft4,
        _ => Dialect::Draft2020,
    }
}

/// The hits of a value that doesn't follow its schema.
pub(super) fn hits(
    context: &Context<'_, '_>,
    (schema, value): (Item, Item),
    dialect: Dialect,
    relax: Relax,
    all: bool,
) -> Vec<Hit> {
    let question = Question {
        schemas: context.tree,
        base: None,
        values: context.tree,
        is_resolved: true,
        dialect,
        relax,
        all,
        patterns: context.patterns,
    };
    validate::validate(question, schema, value)
        .into_iter()
        .map(|failure| {
            let name = context.tree.key_text(failure.at);
            Hit::new(failure.at, format!("`{name}` {}", failure.message))
        })
        .collect()
}

pub(super) fn schema_examples(context: &Context<'_, '_>, _: Item) -> Vec<Hit> {
    let tree = context.tree;
    let dialect = dialect(context);
    let mut out = Vec::new();
    for schema in &context.facts().schema_examples {
        for key in ["example", "default"] {
            if let Some(value) = tree.child(*schema, key) {
                out.extend(hits(context, (*schema, value), dialect, Relax::No, false));
            }
        }
    }
    out
}

pub(super) fn media_examples(context: &Context<'_, '_>, _: Item) -> Vec<Hit> {
    let tree = context.tree;
    let dialect = dialect(context);
    let mut out = Vec::new();
    for (media, in_request, in_response) in &context.facts().media_examples {
        let Some(schema) = tree.child(*media, "schema") else {
            continue;
        };
        let relaxes: &[Relax] = match (in_request, in_response) {
            (true, true) => &[Relax::ReadOnly, Relax::WriteOnly],
            (true, false) => &[Relax::ReadOnly],
            (false, true) => &[Relax::WriteOnly],
            (false, false) => &[Relax::No],
        };
        for value in values(context, *media, &mut out) {
            for relax in relaxes {
                out.extend(hits(context, (schema, value), dialect, *relax, false));
            }
        }
    }
    out
}

/// The values of `example`, else of `examples`; an example without a value is a hit.
fn values(context: &Context<'_, '_>, media: Item, out: &mut Vec<Hit>) -> Vec<Item> {
    let tree = context.tree;
    if let Some(example) = tree.child(media, "example") {
        return vec![example];
    }
    let Some(examples) = tree.child(media, "examples") else {
        return Vec::new();
    };
    let mut values = Vec::new();
    for child in tree.children(examples) {
        let example = tree.follow(child);
        let node = tree.node(example);
        if node.as_object().is_none() || node.get("externalValue").is_some() {
            continue;
        }
        let value = tree
            .child(example, "value")
            .or_else(|| tree.child(example, "dataValue"));
        match value {
            Some(value) => values.push(value),
            None if node.get("serializedValue").is_some() || node.get("$ref").is_some() => {}
            None => out.push(Hit::new(example, "the example has no `value`")),
        }
    }
    values
}
