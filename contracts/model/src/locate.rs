//! Finds the node that a target names: by pointer, or by `$anchor` and `$id`, also through
//! references on the way.

use std::collections::BTreeMap;

use crate::contract::Document;
use crate::node::{Node, escape_token, unescape_token};
use crate::targets::{Target, target_of};

/// How many references in a row are followed.
pub(crate) const CHAIN_MAX: usize = 64;

type Documents = BTreeMap<String, Document>;

/// The node of a target whose file is not a file but the `$id` of a schema.
fn locate_by_id<'a>(
    documents: &'a Documents,
    target: &Target,
    budget: &mut usize,
) -> Option<Located<'a>> {
    let (document, base) = documents
        .values()
        .find_map(|document| Some((document, document.names.ids.get(&target.file)?)))?;
    *budget = budget.checked_sub(1)?;
    let is_anchor = !target.pointer.is_empty() && !target.pointer.starts_with('/');
    let pointer = if is_anchor {
        target.pointer.clone()
    } else {
        format!("{base}{}", target.pointer)
    };
    let file = document.file.clone();
    locate_within(documents, &Target { file, pointer }, budget)
}

/// A node that a target names.
pub(crate) struct Located<'a> {
    /// Where it is, as a plain pointer.
    pub(crate) target: Target,
    pub(crate) node: &'a Node,
    /// A key with a `/` was found although the pointer does not escape it.
    pub(crate) is_joined: bool,
}

/// The node of a target. A token that is not there is searched behind a `$ref` on the way
/// (`#/channels/orders/messages/placed` where `orders` is a reference).
pub(crate) fn locate<'a>(documents: &'a Documents, target: &Target) -> Option<Located<'a>> {
    let mut budget = CHAIN_MAX;
    locate_within(documents, target, &mut budget)
}

fn locate_within<'a>(
    documents: &'a Documents,
    target: &Target,
    budget: &mut usize,
) -> Option<Located<'a>> {
    let Some(document) = documents.get(&target.file) else {
        return locate_by_id(documents, target, budget);
    };
    if let Some(node) = document.root.pointer(&target.pointer) {
        return Some(Located {
            target: target.clone(),
            node,
            is_joined: false,
        });
    }
    let again = |pointer: String, budget: &mut usize| {
        *budget = budget.checked_sub(1)?;
        let file = target.file.clone();
        locate_within(documents, &Target { file, pointer }, budget)
    };
    if !target.pointer.starts_with('/') {
        return again(document.names.anchors.get(&target.pointer)?.clone(), budget);
    }
    // A pointer may be meant from a schema with an `$id` of its own, not from the document.
    let bases = document.names.ids.values().filter(|base| !base.is_empty());
    for base in bases.take(CHAIN_MAX) {
        let pointer = format!("{base}{}", target.pointer);
        if document.root.pointer(&pointer).is_some() {
            return again(pointer, budget);
        }
    }
    let mut node = &document.root;
    let mut at = String::new();
    let mut is_joined = false;
    let tokens: Vec<&str> = target.pointer.split('/').skip(1).collect();
    let mut rest = tokens.as_slice();
    while let [token, after @ ..] = rest {
        if let Some(child) = node.child(&unescape_token(token)) {
            node = child;
            at = format!("{at}/{token}");
            rest = after;
            continue;
        }
        if let Some((key, child, after)) = joined_child(node, rest) {
            node = child;
            at = format!("{at}/{key}");
            rest = after;
            is_joined = true;
            continue;
        }
        *budget = budget.checked_sub(1)?;
        let text = node.reference_text()?;
        let mut next = target_of(&target.file, text);
        for token in rest {
            next.pointer = format!("{}/{token}", next.pointer);
        }
        return locate_within(documents, &next, budget);
    }
    let file = target.file.clone();
    let target = Target { file, pointer: at };
    Some(Located {
        target,
        node,
        is_joined,
    })
}

/// The child whose key has `/` in it, when the pointer does not escape them: the escaped key, the
/// child, and the tokens after it. Real documents write such pointers (Deepgram).
fn joined_child<'a, 't>(
    node: &'a Node,
    tokens: &'t [&'t str],
) -> Option<(String, &'a Node, &'t [&'t str])> {
    let mut key = unescape_token(tokens.first()?).into_owned();
    for (idx, token) in tokens.iter().enumerate().skip(1) {
        key.push('/');
        key.push_str(&unescape_token(token));
        if let Some(child) = node.get(&key) {
            return Some((escape_token(&key).into_owned(), child, &tokens[idx + 1..]));
        }
    }
    None
}
