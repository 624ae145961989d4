//! Compares two documents: the fields of their roots, and which parts are compared with which.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::{Contract, Node};

use super::builder::Builder;
use super::operations::path_item;
use super::paths::{Paths, paths};
use super::security;
use super::sink::{At, Cx, Sink, entries};
use super::version::versions;
use crate::settings::DiffSettings;

pub(super) fn compare(old: &Contract, new: &Contract, settings: &DiffSettings, sink: &mut Sink) {
    let cx = Cx {
        builder: Builder::new(old, new),
        settings,
    };
    let (old_paths, new_paths) = (items(old, "paths"), items(new, "paths"));
    paths(&cx, &old_paths, &new_paths, sink);
    webhooks(&cx, &items(old, "webhooks"), &items(new, "webhooks"), sink);
    let (old_root, new_root) = (old.root(), new.root());
    let (from, to) = (old_root.get("security"), new_root.get("security"));
    security::requirements(from, to, &At::DOCUMENT, true, sink);
    let component = |contract: &'_ Contract, section: &str| -> BTreeSet<String> {
        let node = contract.root().pointer(&format!("/components/{section}"));
        let entries = node.map(Node::entries).unwrap_or_default();
        entries.map(|entry| entry.key.clone()).collect()
    };
    for name in component(old, "schemas").difference(&component(new, "schemas")) {
        sink.push("api-schema-removed", &At::DOCUMENT, vec![name.clone()]);
    }
    security::schemes(&schemes(old), &schemes(new), sink);
    versions(old_root, new_root, sink);
}

fn webhooks<'a>(cx: &Cx<'a, '_>, old: &Paths<'a>, new: &Paths<'a>, sink: &mut Sink) {
    for (name, item) in old {
        match new.get(name) {
            None => {
                let args = vec![(*name).to_owned()];
                sink.push("webhook-removed", &At::DOCUMENT, args);
            }
            Some(other) => {
                let path = format!("webhook:{name}");
                let pair = (*item, *other);
                path_item(cx, (&path, &path), pair, &BTreeMap::new(), false, sink);
            }
        }
    }
    for name in new.keys().filter(|name| !old.contains_key(*name)) {
        let args = vec![(*name).to_owned()];
        sink.push("webhook-added", &At::DOCUMENT, args);
    }
}

/// The path items of a section, `paths` or `webhooks`.
fn items<'a>(contract: &'a Contract, section: &str) -> Paths<'a> {
    let mut items = entries(contract, &contract.entry, contract.root().get(section));
    items.retain(|key, _| !key.starts_with("x-"));
    items
}

fn schemes(contract: &Contract) -> BTreeMap<&str, &Node> {
    let node = contract.root().pointer("/components/securitySchemes");
    let schemes = entries(contract, &contract.entry, node).into_iter();
    schemes.map(|(name, at)| (name, at.node)).collect()
}
