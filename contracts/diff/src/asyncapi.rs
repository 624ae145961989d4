//! Compares two `AsyncAPI` contracts: channels, operations and messages, payloads by viewpoint.
//! Peers read what the application sends, and write what it receives.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{AsyncOperation, Channel, Located, Message, Span};

use crate::change::Level;
use crate::walk::{Direction, Draft, Effect, Scope, Walk, Words};
use crate::{async_parts, schema};

pub(crate) fn compare(walk: &mut Walk<'_>) {
    let (old_contract, new_contract) = (walk.old, walk.new);
    let (old, new) = (
        old_contract.async_operations(),
        new_contract.async_operations(),
    );
    async_parts::servers(walk, &scope(None, Direction::Request, String::new()));
    compare_operations(walk, &old, &new);
    let used: BTreeSet<String> = old
        .iter()
        .filter_map(|operation| operation.channel.clone())
        .collect();
    compare_channels(
        walk,
        &old_contract.channels(),
        &new_contract.channels(),
        &used,
    );
}

fn scope(operation: Option<&str>, direction: Direction, path: String) -> Scope {
    Scope {
        operation: operation.map(str::to_owned),
        direction,
        subject: match direction {
            Direction::Request => "request-body",
            Direction::Response => "response-body",
        },
        words: Words::Message,
        path,
        is_nested: false,
    }
}

fn compare_channels<'a>(
    walk: &mut Walk<'a>,
    old: &[Channel<'a>],
    new: &[Channel<'a>],
    used: &BTreeSet<String>,
) {
    let (old_entry, new_entry) = (walk.old.entry.clone(), walk.new.entry.clone());
    let at = |file: &str, span: Span| Some(span.place(file));
    for channel in old {
        let scope = scope(
            None,
            Direction::Response,
            format!("/channels/{}", escape_token(&channel.name)),
        );
        let same_name = new.iter().find(|candidate| candidate.name == channel.name);
        let found = same_name.or_else(|| {
            new.iter().find(|candidate| {
                candidate.address.is_some() && candidate.address == channel.address
            })
        });
        let old_place = at(&old_entry, channel.key_span);
        let Some(found) = found else {
            let message = format!("the channel `{}` is gone", channel.name);
            walk.push(
                &scope,
                Draft::with_level(
                    "channel-removed",
                    Level::Breaking,
                    message,
                    (old_place, None),
                ),
            );
            continue;
        };
        if found.address != channel.address {
            let message = format!("the address of the channel `{}` changed", channel.name);
            let places = (old_place, at(&new_entry, found.key_span));
            walk.push(
                &scope,
                Draft::with_level("channel-address-changed", Level::Breaking, message, places),
            );
        }
        async_parts::channel(walk, &scope, channel, found);
        // Without an operation nobody says who sends: read as sent by the application.
        if !used.contains(&channel.name) {
            compare_messages(walk, &scope, &channel.messages, &found.messages);
        }
    }
    for channel in new {
        let is_known = old.iter().any(|known| {
            known.name == channel.name
                || (known.address.is_some() && known.address == channel.address)
        });
        if !is_known {
            let message = format!("the channel `{}` is new", channel.name);
            let places = (None, at(&new_entry, channel.key_span));
            let path = format!("/channels/{}", escape_token(&channel.name));
            walk.push(
                &scope(None, Direction::Response, path),
                Draft::with_level("channel-added", Level::Info, message, places),
            );
        }
    }
}

fn compare_operations<'a>(
    walk: &mut Walk<'a>,
    old: &[AsyncOperation<'a>],
    new: &[AsyncOperation<'a>],
) {
    let (old_entry, new_entry) = (walk.old.entry.clone(), walk.new.entry.clone());
    let new_by_id: BTreeMap<&str, &AsyncOperation<'_>> = new
        .iter()
        .map(|operation| (operation.id.as_str(), operation))
        .collect();
    for operation in old {
        let path = format!("/operations/{}", escape_token(&operation.id));
        let scope = scope(Some(&operation.id), direction(operation), path);
        let place = Some(operation.key_span.place(&old_entry));
        match new_by_id.get(operation.id.as_str()) {
            None => {
                let message = format!("the operation `{}` is gone", operation.id);
                walk.push(
                    &scope,
                    Draft::with_level(
                        "async-operation-removed",
                        Level::Breaking,
                        message,
                        (place, None),
                    ),
                );
            }
            Some(found) if found.action != operation.action => {
                let message = format!(
                    "the action changed from `{}` to `{}`",
                    operation.action, found.action
                );
                let places = (place, Some(found.key_span.place(&new_entry)));
                walk.push(
                    &scope,
                    Draft::with_level(
                        "async-operation-action-changed",
                        Level::Breaking,
                        message,
                        places,
                    ),
                );
            }
            Some(found) => {
                async_parts::operation(walk, &scope, operation, found);
                compare_messages(walk, &scope, &operation.messages, &found.messages);
                let reply = reply_scope(&scope);
                compare_messages(
                    walk,
                    &reply,
                    &operation.reply_messages,
                    &found.reply_messages,
                );
            }
        }
    }
    for operation in new {
        if !old.iter().any(|known| known.id == operation.id) {
            let path = format!("/operations/{}", escape_token(&operation.id));
            let message = format!("the operation `{}` is new", operation.id);
            let places = (None, Some(operation.key_span.place(&new_entry)));
            walk.push(
                &scope(Some(&operation.id), direction(operation), path),
                Draft::with_level("async-operation-added", Level::Info, message, places),
            );
        }
    }
}

fn direction(operation: &AsyncOperation<'_>) -> Direction {
    if operation.action == "receive" {
        Direction::Request
    } else {
        Direction::Response
    }
}

/// A reply goes the other way.
fn reply_scope(of: &Scope) -> Scope {
    let direction = match of.direction {
        Direction::Request => Direction::Response,
        Direction::Response => Direction::Request,
    };
    scope(
        of.operation.as_deref(),
        direction,
        format!("{}/reply", of.path),
    )
}

fn compare_messages<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &[Message<'a>],
    new: &[Message<'a>],
) {
    let place = |message: &Message<'_>| Some(message.at.node.place(message.at.file));
    let find = |list: &[Message<'a>], wanted: &Message<'a>| {
        let by_key = list.iter().find(|message| message.key == wanted.key);
        by_key
            .or_else(|| list.iter().find(|message| message.name == wanted.name))
            .cloned()
    };
    let prefix = match scope.direction {
        Direction::Request => "request-body",
        Direction::Response => "response-body",
    };
    for message in old {
        let below = Scope {
            path: format!(
                "{}/messages/{}/payload",
                scope.path,
                escape_token(&message.key)
            ),
            ..scope.clone()
        };
        let Some(found) = find(new, message) else {
            // Who sends it is rejected; who waits for it waits in vain.
            let text = format!("the message `{}` is gone", message.name);
            let level = match scope.direction {
                Direction::Request => Level::Breaking,
                Direction::Response => Level::Warning,
            };
            let code = format!("{prefix}-removed");
            walk.push(
                &below,
                Draft::with_level(code, level, text, (place(message), None)),
            );
            continue;
        };
        async_parts::message(walk, &below, message, &found);
        compare_payload(walk, &below, message, &found);
    }
    for message in new {
        if find(old, message).is_none() {
            let level = match scope.direction {
                Direction::Request => Level::Info,
                Direction::Response => Level::Warning,
            };
            let text = format!("the message `{}` is new", message.name);
            let code = format!("{prefix}-added");
            walk.push(
                scope,
                Draft::with_level(code, level, text, (None, place(message))),
            );
        }
    }
}

fn compare_payload<'a>(walk: &mut Walk<'a>, scope: &Scope, old: &Message<'a>, new: &Message<'a>) {
    let located = |message: &Message<'a>| {
        message.payload.map(|node| Located {
            file: message.at.file,
            node,
        })
    };
    let (action, effect) = match (located(old), located(new)) {
        (Some(old), Some(new)) => return schema::compare(walk, scope, old, new),
        (None, None) => return,
        (None, Some(_)) => ("added", Effect::Narrow),
        (Some(_), None) => ("removed", Effect::Widen),
    };
    let place = |message: &Message<'_>| Some(message.at.node.place(message.at.file));
    let draft = Draft {
        code: format!("{}-payload-{action}", scope.subject),
        effect,
        level: None,
        message: format!("the payload of `{}` is {action}", new.name),
        old: place(old),
        new: place(new),
    };
    walk.push(scope, draft);
}
