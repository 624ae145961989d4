//! Checks of servers and the variables in their addresses, of both specifications.

use tollgate_contracts_model::Node;

use crate::context::Context;
use crate::hit::Hit;
use crate::tree::Item;

/// How many addresses are made from the values of variables.
const ADDRESSES_MAX: usize = 200;

pub(super) fn has_servers(context: &Context<'_, '_>, root: Item) -> Vec<Hit> {
    let tree = context.tree;
    let Some(servers) = tree.get(root, "servers") else {
        return vec![Hit::new(root, "`servers` is missing")];
    };
    let node = tree.node(servers);
    let is_list = node.as_array().is_some_and(|servers| !servers.is_empty());
    let wrong = tree
        .children(servers)
        .find(|server| tree.node(tree.follow(*server)).as_object().is_none());
    match wrong {
        _ if !is_list => vec![Hit::new(servers, "`servers` is not a list or is empty")],
        Some(server) => vec![Hit::new(server, "a server must be an object")],
        None => Vec::new(),
    }
}

/// The names in braces of an address, in order.
pub(super) fn variables(address: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = address;
    while let Some((_, after)) = rest.split_once('{') {
        // As in `{(.+?)}`: one letter at least before the brace that closes.
        let Some(end) = after
            .char_indices()
            .skip(1)
            .find(|(_, letter)| *letter == '}')
        else {
            break;
        };
        names.push(&after[..end.0]);
        rest = &after[end.0 + 1..];
    }
    names
}

pub(super) fn openapi_variables(context: &Context<'_, '_>, server: Item) -> Vec<Hit> {
    check(context, server, true)
}

pub(super) fn asyncapi_variables(context: &Context<'_, '_>, server: Item) -> Vec<Hit> {
    check(context, server, false)
}

/// `is_strict`: each variable needs a default, and the address must be one with all values.
fn check(context: &Context<'_, '_>, server: Item, is_strict: bool) -> Vec<Hit> {
    let tree = context.tree;
    let mut hits = Vec::new();
    let Some(url) = tree.get(server, "url") else {
        return vec![Hit::new(server, "the server has no `url`")];
    };
    let Some(address) = tree.node(url).as_str() else {
        return vec![Hit::new(url, "the `url` of a server must be a string")];
    };
    let found = variables(address);
    let holder = tree.get(server, "variables");
    let defined: Vec<Item> = holder
        .map(|holder| tree.children(holder).collect())
        .unwrap_or_default();
    let name = |item: Item| tree.name(item).unwrap_or_default();
    for variable in &defined {
        if !found.contains(&name(*variable)) {
            let message = format!("the variable `{}` is not in `{address}`", name(*variable));
            hits.push(Hit::new(tree.follow(*variable), message));
        }
    }
    let missing: Vec<&str> = found
        .iter()
        .filter(|found| !defined.iter().any(|defined| name(*defined) == **found))
        .copied()
        .collect();
    if !missing.is_empty() {
        let message = format!("`variables` does not define `{}`", missing.join("`, `"));
        hits.push(Hit::new(holder.unwrap_or(server), message));
    }
    let mut values: Vec<(&str, Vec<&str>)> = Vec::new();
    for variable in defined
        .iter()
        .filter(|defined| found.contains(&name(**defined)))
    {
        let item = tree.follow(*variable);
        let node = tree.node(item);
        let default = tree.child(item, "default");
        let allowed = node.get("enum").and_then(Node::as_array);
        if let (Some(default), Some(allowed)) = (default, allowed) {
            let text = tree.node(default).scalar_text();
            if !allowed.iter().any(|allowed| allowed.scalar_text() == text) {
                let message = format!("the default of `{}` is not in its `enum`", name(*variable));
                hits.push(Hit::new(default, message));
            }
        }
        if default.is_none() && is_strict {
            hits.push(Hit::new(
                item,
                format!("the variable `{}` has no `default`", name(*variable)),
            ));
        }
        let texts = match allowed {
            Some(allowed) => allowed.iter().filter_map(Node::scalar_text).collect(),
            None => default
                .and_then(|item| tree.node(item).scalar_text())
                .into_iter()
                .collect(),
        };
        values.push((name(*variable), texts));
    }
    if is_strict
        && let Some(holder) = holder
        && let Some(bad) = bad_address(address, &values)
    {
        hits.push(Hit::new(
            holder,
            format!("with these values the address is `{bad}`, which is not a URL"),
        ));
    }
    hits
}

/// An address made from the values of the variables that is not a URL with a scheme.
fn bad_address(address: &str, values: &[(&str, Vec<&str>)]) -> Option<String> {
    let mut addresses = vec![address.to_owned()];
    for (name, texts) in values {
        let hole = format!("{{{name}}}");
        addresses = addresses
            .iter()
            .flat_map(|address| texts.iter().map(|text| address.replace(&hole, text)))
            .take(ADDRESSES_MAX)
            .collect();
    }
    addresses
        .into_iter()
        .filter(|_| !values.is_empty())
        .find(|address| !is_url(address))
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let is_scheme = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    let host = rest.strip_prefix("//").unwrap_or(rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let port_is_good = host.rsplit_once(':').is_none_or(|(_, port)| {
        host.ends_with(']') || port.parse::<u16>().is_ok() || port.is_empty()
    });
    let is_special = matches!(scheme, "http" | "https" | "ws" | "wss" | "ftp");
    is_scheme
        && (!is_special
            || (!host.is_empty() && port_is_good && !host.contains([' ', '<', '>', '^', '|'])))
}
