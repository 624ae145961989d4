//! Runs rules over a contract: finds the values that a rule applies to, checks them, and writes the
//! messages of the hits.

use std::collections::BTreeSet;

use crate::context::Context;
use crate::functions::Target;
use crate::hit::Hit;
use crate::jsonpath::Path;
use crate::rule::{Action, Field, Rule, Then};
use crate::tree::Item;
use crate::values::shown;

/// A hit with its message, before its severity is known.
pub(crate) struct Worded {
    pub(crate) hit: Hit,
    pub(crate) message: String,
}

/// All places that break a rule, each once.
pub(crate) fn run(context: &Context<'_, '_>, rule: &Rule) -> Vec<Worded> {
    let mut out = Vec::new();
    let mut seen: BTreeSet<(Item, bool, String)> = BTreeSet::new();
    context.is_resolved.set(rule.is_resolved);
    for given in &rule.given {
        let is_for = given.formats.as_ref().is_none_or(|formats| {
            formats
                .iter()
                .any(|format| context.formats.contains(format))
        });
        if !is_for {
            continue;
        }
        for then in &rule.then {
            look(context, rule, &given.path, then, &mut |hit, path| {
                let message = word(context, rule, &hit, path);
                if seen.insert((hit.at, hit.is_key, message.clone())) {
                    out.push(Worded { hit, message });
                }
            });
        }
    }
    out
}

/// Finds the values that a path leads to and reports each hit with its path.
fn look(
    context: &Context<'_, '_>,
    rule: &Rule,
    path: &Path,
    then: &Then,
    report: &mut dyn FnMut(Hit, &dyn Fn() -> String),
) {
    let tree = context.tree;
    let matches = path.evaluate(tree, context.patterns, tree.root(), rule.is_resolved);
    for (item, frame) in matches.iter() {
        let value = if rule.is_resolved {
            tree.follow(item)
        } else {
            item
        };
        let pointer = || matches.pointer(tree, frame);
        if matches.are_keys {
            ask(context, &then.action, Target::Key(item), &mut |hit| {
                report(hit, &pointer)
            });
            continue;
        }
        each_target(context, rule, &then.field, value, &mut |target| {
            ask(context, &then.action, target, &mut |hit| {
                report(hit, &pointer)
            });
        });
    }
}

fn ask(
    context: &Context<'_, '_>,
    action: &Action,
    target: Target<'_>,
    report: &mut dyn FnMut(Hit),
) {
    let hits = match (action, target) {
        (Action::Core(function), target) => function.apply(context, target),
        (Action::Native(check), Target::Value(item)) => check(context, item),
        (Action::Native(_), _) => Vec::new(),
    };
    hits.into_iter().for_each(report);
}

/// Visits the parts of a value that a rule checks.
fn each_target(
    context: &Context<'_, '_>,
    rule: &Rule,
    field: &Field,
    value: Item,
    visit: &mut dyn FnMut(Target<'_>),
) {
    let tree = context.tree;
    let follow = |item: Item| {
        if rule.is_resolved {
            tree.follow(item)
        } else {
            item
        }
    };
    let node = tree.node(value);
    let is_nested = node.as_object().is_some() || node.as_array().is_some();
    match field {
        Field::Whole => visit(Target::Value(value)),
        _ if !is_nested => visit(Target::Value(value)),
        Field::Keys => {
            let mut is_empty = true;
            for child in tree.children(value) {
                is_empty = false;
                visit(Target::Key(child));
            }
            if is_empty {
                visit(Target::Missing(value, "@key"));
            }
        }
        Field::Path(path) => {
            let matches = path.evaluate(tree, context.patterns, value, rule.is_resolved);
            let mut is_empty = true;
            for (item, _) in matches.iter() {
                is_empty = false;
                visit(if matches.are_keys {
                    Target::Key(item)
                } else {
                    Target::Value(follow(item))
                });
            }
            if is_empty {
                visit(Target::Missing(value, ""));
            }
        }
        Field::Property(whole, parts) => {
            if let Some(child) = tree.child(value, whole) {
                visit(Target::Value(follow(child)));
                return;
            }
            let mut at = value;
            for part in parts {
                match tree.child(at, part) {
                    Some(child) => at = follow(child),
                    None => {
                        let last = parts.last().unwrap_or(whole);
                        visit(Target::Missing(at, last));
                        return;
                    }
                }
            }
            visit(Target::Value(at));
        }
    }
}

/// The message of a hit, by the template of its rule.
fn word(context: &Context<'_, '_>, rule: &Rule, hit: &Hit, path: &dyn Fn() -> String) -> String {
    let template = rule.message.as_ref().or(rule.description.as_ref());
    let Some(template) = template.filter(|template| !template.trim().is_empty()) else {
        return hit.error.clone();
    };
    if !template.contains("{{") {
        return template.trim().to_owned();
    }
    let mut out = String::new();
    let mut rest = template.as_str();
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before.strip_suffix('#').unwrap_or(before));
        let Some((name, after)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        out.push_str(&variable(context, rule, hit, name.trim(), path));
        rest = after;
    }
    out.push_str(rest);
    out.trim().to_owned()
}

fn variable(
    context: &Context<'_, '_>,
    rule: &Rule,
    hit: &Hit,
    name: &str,
    path: &dyn Fn() -> String,
) -> String {
    let tree = context.tree;
    let property = || hit.missing.clone().unwrap_or_else(|| tree.key_text(hit.at));
    match name {
        "error" => hit.error.clone(),
        "description" => rule.description.clone().unwrap_or_default(),
        "property" => property(),
        "path" => {
            // The way over references, when it ends at the value; else where the value is.
            let way = path();
            let own = tree.pointer(hit.at);
            let is_moved = tree.file(hit.at) != tree.file(tree.root());
            format!("#{}", if is_moved { way } else { own })
        }
        "value" => match hit.is_key {
            true => shown_plain(&tree.key_text(hit.at)),
            false => match tree.node(hit.at) {
                node if node.as_array().is_some() => "Array[]".to_owned(),
                node if node.as_object().is_some() => "Object{}".to_owned(),
                node => shown(node).trim_matches('`').to_owned(),
            },
        },
        "print(\"property\")" | "print('property')" => match property() {
            name if name.is_empty() => "the document ".to_owned(),
            name => format!("`{name}` "),
        },
        "print(\"value\")" | "print('value')" => shown(tree.node(hit.at)),
        _ => String::new(),
    }
}

fn shown_plain(text: &str) -> String {
    format!("\"{text}\"")
}
