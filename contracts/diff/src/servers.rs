//! The servers of two `OpenAPI` documents.

use std::collections::BTreeMap;

use tollgate_contracts_model::{Contract, Node};

use crate::change::Level;
use crate::walk::{Direction, Draft, Scope, Walk, Words};

/// Reports addresses that one document lists and the other does not. A document without servers
/// states no address, so that writing the first one down changes nothing.
pub(crate) fn compare(walk: &mut Walk<'_>) {
    let (old, new) = (addresses(walk.old), addresses(walk.new));
    if old.is_empty() {
        return;
    }
    for (address, server) in &old {
        if !new.contains_key(address) {
            let message = format!("the server `{address}` is gone: clients that use it must move");
            let places = (Some(server.place(&walk.old.entry)), None);
            let draft = Draft::with_level("api-server-removed", Level::Warning, message, places);
            walk.push(&scope(), draft);
        }
    }
    for (address, server) in &new {
        if !old.contains_key(address) {
            let message = format!("the server `{address}` is new");
            let places = (None, Some(server.place(&walk.new.entry)));
            let draft = Draft::with_level("api-server-added", Level::Info, message, places);
            walk.push(&scope(), draft);
        }
    }
}

fn scope() -> Scope {
    Scope {
        operation: None,
        direction: Direction::Request,
        subject: "request-body",
        words: Words::Http,
        path: "/servers".to_owned(),
        is_nested: false,
    }
}

/// The servers of the document by address. Variables have their defaults, and an empty path and `/`
/// are one address.
fn addresses(contract: &Contract) -> BTreeMap<String, &Node> {
    let servers = contract.root().get("servers").map(Node::items);
    let pairs = servers.into_iter().flatten().filter_map(|server| {
        let address = server.get("url")?.as_str()?;
        let address = with_defaults(address, server);
        Some((address.trim_end_matches('/').to_owned(), server))
    });
    pairs.collect()
}

fn with_defaults(address: &str, server: &Node) -> String {
    let variables = server.get("variables").map(Node::entries);
    let mut address = address.to_owned();
    for variable in variables.into_iter().flatten() {
        if let Some(default) = variable.node.get("default").and_then(Node::scalar_text) {
            address = address.replace(&format!("{{{}}}", variable.key), default);
        }
    }
    address
}
