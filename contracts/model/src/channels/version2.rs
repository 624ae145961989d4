//! The operations of `AsyncAPI` 2, which are the `publish` and `subscribe` of a channel.

use std::collections::{BTreeSet, HashSet};

use super::parts::{AsyncOperation, Message};
use super::read::{ChannelStand, Stand};
use crate::contract::Contract;
use crate::node::{Entry, Node, unescape_token};
use crate::views::text;

/// How deep `oneOf` of messages may be nested.
const ONE_OF_DEPTH_MAX: usize = 8;

impl Contract {
    pub(super) fn verb_operations<'a>(
        &'a self,
        channels: &[ChannelStand<'a>],
    ) -> Vec<AsyncOperation<'a>> {
        let mut taken = BTreeSet::new();
        let mut operations = Vec::new();
        for channel in channels {
            let is_in_entry = channel.stand.at.file == self.entry;
            for (entry, node) in verb_entries(channel.stand.at.node) {
                let id = verb_id(&channel.entry.key, &entry.key, node);
                let id = unique(id, |id| taken.contains(id));
                taken.insert(id.clone());
                let pointer = format!("{}/{}", channel.stand.pointer, entry.key);
                let stand = self.stand(channel.stand.at.file, node, pointer);
                let layers = self.layers(stand.at);
                operations.push(AsyncOperation {
                    action: self.viewpoint.action(&entry.key).to_owned(),
                    key_span: if is_in_entry {
                        entry.key_span
                    } else {
                        channel.entry.key_span
                    },
                    channel: Some(channel.entry.key.clone()),
                    messages: self.messages_of_verb(&channel.stand, &entry.key, node, &id),
                    reply_messages: Vec::new(),
                    permission: text(stand.at.node, "x-permission"),
                    bindings: self.bindings(&layers),
                    at: stand.at,
                    pointer: stand.pointer,
                    layers,
                    id,
                });
            }
        }
        operations
    }

    /// The messages of both operations of a channel of version 2, each once.
    pub(super) fn messages_of_verbs<'a>(&'a self, channel: &ChannelStand<'a>) -> Vec<Message<'a>> {
        let mut messages: Vec<Message<'a>> = Vec::new();
        let mut seen = HashSet::new();
        for (verb, node) in verbs(channel.stand.at.node) {
            let id = verb_id(&channel.entry.key, verb, node);
            for mut message in self.messages_of_verb(&channel.stand, verb, node, &id) {
                if seen.insert(std::ptr::from_ref(message.at.node).addr()) {
                    message.key = unique(message.key, |key| {
                        messages.iter().any(|known| known.key == key)
                    });
                    messages.push(message);
                }
            }
        }
        messages
    }

    fn messages_of_verb<'a>(
        &'a self,
        channel: &Stand<'a>,
        verb: &str,
        operation: &'a Node,
        id: &str,
    ) -> Vec<Message<'a>> {
        let pointer = format!("{}/{verb}", channel.pointer);
        let operation = self.stand(channel.at.file, operation, pointer);
        let mut messages = Vec::new();
        if let Some(message) = operation.at.node.get("message") {
            let pointer = format!("{}/message", operation.pointer);
            let stand = self.stand(operation.at.file, message, pointer);
            self.push_messages(stand, message, id, 0, &mut messages);
        }
        messages
    }

    fn push_messages<'a>(
        &'a self,
        stand: Stand<'a>,
        written: &'a Node,
        id: &str,
        depth: usize,
        messages: &mut Vec<Message<'a>>,
    ) {
        if let Some(choices) = stand.at.node.get("oneOf").and_then(Node::as_array) {
            if depth < ONE_OF_DEPTH_MAX {
                for (idx, choice) in choices.iter().enumerate() {
                    let pointer = format!("{}/oneOf/{idx}", stand.pointer);
                    let next = self.stand(stand.at.file, choice, pointer);
                    self.push_messages(next, choice, id, depth + 1, messages);
                }
            }
            return;
        }
        let is_reference = written.get("$ref").is_some();
        let own = text(stand.at.node, "messageId").or_else(|| text(stand.at.node, "name"));
        let key = match stand.pointer.rsplit('/').next() {
            Some(last) if is_reference && !last.is_empty() => unescape_token(last).into_owned(),
            _ => own.unwrap_or_else(|| id.to_owned()),
        };
        let key = unique(key, |key| messages.iter().any(|known| known.key == key));
        messages.push(self.message(&key, stand));
    }
}

fn verb_entries(channel: &Node) -> impl Iterator<Item = (&Entry, &Node)> {
    channel
        .entries()
        .filter(|entry| entry.key == "publish" || entry.key == "subscribe")
        .map(|entry| (entry, &entry.node))
}

fn verbs(channel: &Node) -> impl Iterator<Item = (&str, &Node)> {
    verb_entries(channel).map(|(entry, node)| (entry.key.as_str(), node))
}

fn verb_id(channel: &str, verb: &str, operation: &Node) -> String {
    text(operation, "operationId")
        .filter(|id| !id.is_empty())
        .unwrap_or_else(|| format!("{channel}.{verb}"))
}

/// The name, with a number appended when it is taken.
fn unique(name: String, is_taken: impl Fn(&str) -> bool) -> String {
    let mut unique = name.clone();
    let mut number = 2;
    while is_taken(&unique) {
        unique = format!("{name}_{number}");
        number += 1;
    }
    unique
}
