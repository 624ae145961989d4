//! Servers of two contracts: addresses, protocols, variables, security.

use std::collections::BTreeSet;

use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{Contract, Node, Server};

use super::common::{below, bindings, credentials, named, place, security_changed, text};
use crate::change::Level;
use crate::walk::{Draft, Scope, Walk};

/// The servers of both sides by name.
pub(crate) fn servers<'a>(walk: &mut Walk<'a>, scope: &Scope) {
    let (old_contract, new_contract) = (walk.old, walk.new);
    let (old, new) = (old_contract.servers(), new_contract.servers());
    let find =
        |list: &[Server<'a>], name: &str| list.iter().find(|server| server.name == name).cloned();
    for server in &old {
        let scope = below(scope, &format!("/servers/{}", escape_token(&server.name)));
        let Some(other) = find(&new, &server.name) else {
            let message = format!("the server `{}` is gone", server.name);
            let places = (place(server.at), None);
            walk.push(
                &scope,
                Draft::with_level("server-removed", Level::Breaking, message, places),
            );
            continue;
        };
        server_parts(walk, &scope, server, &other);
    }
    for server in &new {
        if find(&old, &server.name).is_none() {
            let scope = below(scope, &format!("/servers/{}", escape_token(&server.name)));
            let message = format!("the server `{}` is new", server.name);
            let places = (None, place(server.at));
            walk.push(
                &scope,
                Draft::with_level("server-added", Level::Info, message, places),
            );
        }
    }
}

fn server_parts<'a>(walk: &mut Walk<'a>, scope: &Scope, old: &Server<'a>, new: &Server<'a>) {
    let places = || (place(old.at), place(new.at));
    let version = |server: &Server<'_>| text(server.at.node, "protocolVersion");
    for (what, from, to, level) in [
        (
            "address",
            old.address.clone(),
            new.address.clone(),
            Level::Breaking,
        ),
        (
            "protocol",
            old.protocol.clone(),
            new.protocol.clone(),
            Level::Breaking,
        ),
        (
            "protocol-version",
            version(old),
            version(new),
            Level::Warning,
        ),
    ] {
        if from != to {
            let message = format!(
                "the {} of the server changed from `{from}` to `{to}`",
                what.replace('-', " ")
            );
            walk.push(
                scope,
                Draft::with_level(format!("server-{what}-changed"), level, message, places()),
            );
        }
    }
    let names = |server: &Server<'_>| {
        let entries = server.at.node.get("variables").map(Node::entries);
        let keys = entries.unwrap_or_default().map(|entry| entry.key.clone());
        keys.collect::<BTreeSet<_>>()
    };
    named(
        walk,
        scope,
        "server-variable",
        (&names(old), &names(new)),
        places(),
    );
    let security = |contract: &Contract, server: &Server<'_>| {
        credentials(
            contract,
            server
                .at
                .node
                .get("security")
                .map(|node| (server.at.file, node)),
        )
    };
    let pair = (security(walk.old, old), security(walk.new, new));
    security_changed(walk, scope, "server", pair, places());
    bindings(
        walk,
        scope,
        "server",
        &old.bindings,
        &new.bindings,
        places(),
    );
}
