//! Servers, channels, operations and messages read from the entry document.

use std::collections::HashSet;

use super::layers::payload_of;
use super::parts::{AsyncOperation, Channel, ChannelParameter, Message, Server, part, strongest};
use crate::contract::Contract;
use crate::kind::Kind;
use crate::node::{Entry, Node, escape_token, unescape_token};
use crate::views::{Located, text};

/// A place with a pointer, references followed.
pub(super) struct Stand<'a> {
    pub(super) at: Located<'a>,
    pub(super) pointer: String,
}

/// A channel with the key and place that the entry file gives it.
pub(super) struct ChannelStand<'a> {
    pub(super) entry: &'a Entry,
    pub(super) stand: Stand<'a>,
}

impl Contract {
    /// The servers under `servers`, in document order.
    #[must_use]
    pub fn servers(&self) -> Vec<Server<'_>> {
        if !self.kind.is_async() {
            return Vec::new();
        }
        let servers = self.root().get("servers").map(Node::entries);
        servers
            .unwrap_or_default()
            .map(|entry| {
                let at = self.follow(&self.entry, &entry.node);
                Server {
                    name: entry.key.clone(),
                    address: address_of(at.node),
                    protocol: text(at.node, "protocol").unwrap_or_default(),
                    key_span: entry.key_span,
                    at,
                    bindings: self.bindings(&[at]),
                }
            })
            .collect()
    }

    /// The channels under `channels`, in document order.
    #[must_use]
    pub fn channels(&self) -> Vec<Channel<'_>> {
        self.channel_stands()
            .into_iter()
            .map(|channel| self.channel(&channel))
            .collect()
    }

    fn channel_stands(&self) -> Vec<ChannelStand<'_>> {
        let channels = self.root().get("channels").map(Node::entries);
        channels
            .unwrap_or_default()
            .filter(|entry| !entry.key.starts_with("x-"))
            .map(|entry| {
                let pointer = format!("/channels/{}", escape_token(&entry.key));
                let stand = self.stand(&self.entry, &entry.node, pointer);
                ChannelStand { entry, stand }
            })
            .collect()
    }

    fn channel<'a>(&'a self, channel: &ChannelStand<'a>) -> Channel<'a> {
        let at = channel.stand.at;
        let is_2 = self.kind == Kind::AsyncApi2;
        let parameters = at.node.get("parameters").map(Node::entries);
        Channel {
            name: channel.entry.key.clone(),
            address: if is_2 {
                Some(channel.entry.key.clone())
            } else {
                text(at.node, "address")
            },
            key_span: channel.entry.key_span,
            at,
            pointer: channel.stand.pointer.clone(),
            messages: if is_2 {
                self.messages_of_verbs(channel)
            } else {
                self.messages_of(&channel.stand)
            },
            parameters: parameters
                .unwrap_or_default()
                .map(|entry| {
                    let at = self.follow(at.file, &entry.node);
                    ChannelParameter {
                        name: entry.key.clone(),
                        at,
                        schema: at.node.get("schema"),
                    }
                })
                .collect(),
            servers: at
                .node
                .get("servers")
                .map(Node::items)
                .unwrap_or_default()
                .filter_map(|server| match server.as_str() {
                    Some(name) => Some(name.to_owned()),
                    None => Some(last_token(server)).filter(|name| !name.is_empty()),
                })
                .collect(),
            bindings: self.bindings(&[at]),
        }
    }

    /// The messages of a channel of version 3.
    fn messages_of<'a>(&'a self, channel: &Stand<'a>) -> Vec<Message<'a>> {
        let messages = channel.at.node.get("messages");
        messages
            .map(Node::entries)
            .unwrap_or_default()
            .map(|entry| {
                let pointer = format!("{}/messages/{}", channel.pointer, escape_token(&entry.key));
                self.message(
                    &entry.key,
                    self.stand(channel.at.file, &entry.node, pointer),
                )
            })
            .collect()
    }

    pub(super) fn message<'a>(&'a self, key: &str, stand: Stand<'a>) -> Message<'a> {
        let Stand { at, pointer } = stand;
        let layers = self.layers(at);
        let (payload, schema_format) = payload_of(self.kind, at.node, &layers);
        let headers = layers.iter().filter_map(|layer| part(layer, "headers"));
        let headers = headers.collect();
        let correlation_id = strongest(&layers, "correlationId");
        let content_type = strongest(&layers, "contentType")
            .and_then(|found| found.node.scalar_text())
            .map(str::to_owned);
        Message {
            key: key.to_owned(),
            name: strongest(&layers, "name")
                .and_then(|found| found.node.scalar_text())
                .unwrap_or(key)
                .to_owned(),
            at,
            pointer,
            payload,
            schema_format,
            headers,
            content_type: content_type.or_else(|| text(self.root(), "defaultContentType")),
            correlation_id: correlation_id.map(|found| self.follow(found.file, found.node)),
            bindings: self.bindings(&layers),
            layers,
        }
    }

    pub(super) fn stand<'a>(&'a self, file: &str, node: &'a Node, pointer: String) -> Stand<'a> {
        let resolved = self.resolve(file, node);
        Stand {
            at: Located {
                file: resolved.file,
                node: resolved.node,
            },
            pointer: resolved.pointer.unwrap_or(pointer),
        }
    }

    /// All messages: those of `components.messages`, then those of channels that are not
    /// references to them; each node once, in document order.
    #[must_use]
    pub fn messages(&self) -> Vec<Message<'_>> {
        let components = self
            .root()
            .pointer("/components/messages")
            .map(Node::entries)
            .unwrap_or_default()
            .map(|entry| {
                let pointer = format!("/components/messages/{}", escape_token(&entry.key));
                self.message(&entry.key, self.stand(&self.entry, &entry.node, pointer))
            });
        let mut seen = HashSet::new();
        let mut messages: Vec<Message<'_>> = components.collect();
        for channel in self.channels() {
            messages.extend(channel.messages);
        }
        messages.retain(|message| seen.insert(std::ptr::from_ref(message.at.node).addr()));
        messages
    }

    /// The operations, in document order: those under `operations`, in version 2 those of the
    /// channels.
    #[must_use]
    pub fn async_operations(&self) -> Vec<AsyncOperation<'_>> {
        let channels = self.channel_stands();
        if self.kind == Kind::AsyncApi2 {
            return self.verb_operations(&channels);
        }
        let channels: Vec<_> = channels.iter().map(|stand| self.channel(stand)).collect();
        let operations = self.root().get("operations").map(Node::entries);
        operations
            .unwrap_or_default()
            .filter(|entry| !entry.key.starts_with("x-"))
            .map(|entry| self.async_operation(entry, &channels))
            .collect()
    }

    fn async_operation<'a>(
        &'a self,
        entry: &'a Entry,
        channels: &[Channel<'a>],
    ) -> AsyncOperation<'a> {
        let pointer = format!("/operations/{}", escape_token(&entry.key));
        let Stand { at, pointer } = self.stand(&self.entry, &entry.node, pointer);
        let (channel, messages) = self.operation_messages(at, channels);
        let reply = at
            .node
            .get("reply")
            .map(|reply| self.follow(at.file, reply));
        let layers = self.layers(at);
        AsyncOperation {
            id: entry.key.clone(),
            action: text(at.node, "action").unwrap_or_default(),
            key_span: entry.key_span,
            at,
            pointer,
            channel,
            messages,
            reply_messages: reply
                .map(|reply| self.operation_messages(reply, channels).1)
                .unwrap_or_default(),
            permission: text(at.node, "x-permission"),
            bindings: self.bindings(&layers),
            layers,
        }
    }

    fn operation_messages<'a>(
        &'a self,
        holder: Located<'a>,
        channels: &[Channel<'a>],
    ) -> (Option<String>, Vec<Message<'a>>) {
        let Some(reference) = holder.node.get("channel") else {
            return (None, Vec::new());
        };
        let stand = self.stand(holder.file, reference, String::new());
        let known = channels
            .iter()
            .find(|channel| std::ptr::eq(channel.at.node, stand.at.node));
        let of_channel = known.map_or_else(
            || self.messages_of(&stand),
            |channel| channel.messages.clone(),
        );
        let channel = known.map(|channel| channel.name.clone());
        let Some(named) = holder.node.get("messages").and_then(Node::as_array) else {
            return (channel, of_channel);
        };
        let messages = named
            .iter()
            .map(|node| {
                let stand = self.stand(holder.file, node, String::new());
                of_channel
                    .iter()
                    .find(|message| std::ptr::eq(message.at.node, stand.at.node))
                    .cloned()
                    .unwrap_or_else(|| self.message(&last_token(node), stand))
            })
            .collect();
        (channel, messages)
    }
}

fn last_token(reference: &Node) -> String {
    let text = reference.get("$ref").and_then(Node::as_str);
    text.and_then(|text| text.rsplit('/').next())
        .map(|token| unescape_token(token).into_owned())
        .unwrap_or_default()
}

/// `host` and `pathname`, or `url` without its scheme.
fn address_of(server: &Node) -> String {
    if let Some(url) = text(server, "url") {
        let rest = url.split_once("://").map(|(_, rest)| rest.to_owned());
        return rest.unwrap_or(url);
    }
    let host = text(server, "host").unwrap_or_default();
    format!("{host}{}", text(server, "pathname").unwrap_or_default())
}
