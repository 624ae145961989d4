//! Servers, channels, operations and messages of `AsyncAPI` 2 and 3 as one view. It must not know
//! how two contracts differ, nor what is good style.
//!
//! | here | in version 3 | in version 2 |
//! |---|---|---|
//! | channel | entry of `channels` with its `address` | entry of `channels`, whose key is its address |
//! | operation | entry of `operations` | `publish` and `subscribe` of a channel |
//! | its id | its key | `operationId`, else `<channel>.publish` or `<channel>.subscribe` |
//! | action | `action` | `publish` is `receive`, `subscribe` is `send` ([`Viewpoint`]) |
//! | messages of an operation | `messages`, else all of its channel | `message`, or its `oneOf` |
//! | messages of a channel | `messages` | those of its operations, each once |
//! | payload | `payload`, or `payload.schema` with `schemaFormat` | `payload`, by the message's `schemaFormat` |
//! | traits | an object's own key wins over its traits | a trait wins over the object's own key |
//! | server address | `host` and `pathname` | `url` without its scheme |

use std::collections::{BTreeSet, HashSet};

use tollgate_report::Finding;

use crate::document::{Contract, Kind};
use crate::grammar;
use crate::source::{Entry, Node, Span, escape_token, unescape_token};
use crate::views::{Located, text};

/// How deep `oneOf` of messages may stand in each other.
const ONE_OF_DEPTH_MAX: usize = 8;

/// Whom an `AsyncAPI` 2 document describes. The specification means the application (the server):
/// others publish what it receives. Some documents are written the other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Viewpoint {
    /// `publish` is what the application receives, `subscribe` what it sends.
    #[default]
    Application,
    /// `publish` is what the application sends, `subscribe` what it receives.
    Client,
}

/// One server of an `AsyncAPI` contract.
#[derive(Clone, Debug)]
pub struct Server<'a> {
    /// Its key under `servers`.
    pub name: String,
    /// Host, port and path, without a scheme; variables as written.
    pub address: String,
    /// `protocol`; empty when absent.
    pub protocol: String,
    /// Where its key stands, in the entry file.
    pub key_span: Span,
    /// The server object, references followed.
    pub at: Located<'a>,
    /// Its bindings.
    pub bindings: Vec<Binding<'a>>,
}

/// One channel of an `AsyncAPI` contract.
#[derive(Clone, Debug)]
pub struct Channel<'a> {
    /// Its key under `channels`.
    pub name: String,
    /// Its address; absent when unknown or null.
    pub address: Option<String>,
    /// Where its key stands, in the entry file.
    pub key_span: Span,
    /// The channel object, references followed.
    pub at: Located<'a>,
    /// Where the channel object stands in its file.
    pub pointer: String,
    /// Its messages by name, references followed, in document order.
    pub messages: Vec<Message<'a>>,
    /// The parameters of its address.
    pub parameters: Vec<ChannelParameter<'a>>,
    /// The names of its servers; empty means all.
    pub servers: Vec<String>,
    /// Its bindings.
    pub bindings: Vec<Binding<'a>>,
}

/// One parameter of a channel's address.
#[derive(Clone, Debug)]
pub struct ChannelParameter<'a> {
    /// Its name in the address.
    pub name: String,
    /// The parameter object, references followed. In version 3 `enum` and `default` stand there.
    pub at: Located<'a>,
    /// Its schema, in version 2.
    pub schema: Option<&'a Node>,
}

/// One field of a binding, from the object or one of its traits.
#[derive(Clone, Debug)]
pub struct Binding<'a> {
    /// The protocol, such as `kafka`.
    pub protocol: String,
    /// The field, such as `groupId`.
    pub field: String,
    /// Its value, references not followed.
    pub at: Located<'a>,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// Its key in the channel or under `components.messages`; of an inline message of version 2
    /// its `messageId`, `name` or the id of its operation.
    pub key: String,
    /// `name` when given, else the key.
    pub name: String,
    /// The message object, references followed.
    pub at: Located<'a>,
    /// Where the message object stands in its file.
    pub pointer: String,
    /// The message object and its traits, the strongest first: what to ask with
    /// [`Message::get`].
    pub layers: Vec<Located<'a>>,
    /// The schema of the payload, in the file of `at`, references not followed; absent when
    /// there is none or its format is no JSON Schema.
    pub payload: Option<&'a Node>,
    /// `schemaFormat` of the payload as written.
    pub schema_format: Option<String>,
    /// The schemas of the headers, all of which hold: the message's own and its traits'.
    pub headers: Vec<Located<'a>>,
    /// `contentType`, else the document's `defaultContentType`.
    pub content_type: Option<String>,
    /// The correlation id, references followed; `location` says where it stands.
    pub correlation_id: Option<Located<'a>>,
    /// Its bindings.
    pub bindings: Vec<Binding<'a>>,
}

/// One operation of an `AsyncAPI` contract.
#[derive(Clone, Debug)]
pub struct AsyncOperation<'a> {
    /// Its key under `operations`; in version 2 its `operationId`, else `<channel>.publish` or
    /// `<channel>.subscribe`. Unique in the contract.
    pub id: String,
    /// `send` or `receive`, from the viewpoint of the application that the document describes.
    pub action: String,
    /// Where its key stands, in the entry file.
    pub key_span: Span,
    /// The operation object, references followed.
    pub at: Located<'a>,
    /// Where the operation object stands in its file.
    pub pointer: String,
    /// The operation object and its traits, the strongest first.
    pub layers: Vec<Located<'a>>,
    /// The name of its channel under `channels`, when it leads there.
    pub channel: Option<String>,
    /// Its messages; all of its channel when it names none.
    pub messages: Vec<Message<'a>>,
    /// The messages of its reply.
    pub reply_messages: Vec<Message<'a>>,
    /// `x-permission`, when it is a text.
    pub permission: Option<String>,
    /// Its bindings.
    pub bindings: Vec<Binding<'a>>,
}

impl Viewpoint {
    /// What a document says by `x-viewpoint` at its top (`application`, `server` or `client`).
    pub(crate) fn of(root: &Node) -> Self {
        match root.get("x-viewpoint").and_then(Node::as_str) {
            Some("client") => Self::Client,
            _ => Self::Application,
        }
    }

    fn action(self, verb: &str) -> &'static str {
        match (self, verb) {
            (Self::Application, "publish") | (Self::Client, "subscribe") => "receive",
            _ => "send",
        }
    }
}

impl<'a> Message<'a> {
    /// The value of a key, of the message or of a trait, references not followed.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Located<'a>> {
        strongest(&self.layers, key)
    }

    /// Where the schema of the payload stands in the file of the message.
    #[must_use]
    pub fn payload_pointer(&self) -> String {
        let has_format = self
            .at
            .node
            .get("payload")
            .is_some_and(|payload| payload.get("schemaFormat").is_some());
        let below = if has_format && self.schema_format.is_some() {
            "/payload/schema"
        } else {
            "/payload"
        };
        format!("{}{below}", self.pointer)
    }
}

impl<'a> AsyncOperation<'a> {
    /// The value of a key, of the operation or of a trait, references not followed.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Located<'a>> {
        strongest(&self.layers, key)
    }
}

/// A place with a pointer, references followed.
struct Stand<'a> {
    at: Located<'a>,
    pointer: String,
}

/// A channel with the key and place that the entry file gives it.
struct ChannelStand<'a> {
    entry: &'a Entry,
    stand: Stand<'a>,
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

    /// The messages of both operations of a channel of version 2, each once.
    fn messages_of_verbs<'a>(&'a self, channel: &ChannelStand<'a>) -> Vec<Message<'a>> {
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
            Some(last) if is_reference && !last.is_empty() => unescape_token(last),
            _ => own.unwrap_or_else(|| id.to_owned()),
        };
        let key = unique(key, |key| messages.iter().any(|known| known.key == key));
        messages.push(self.message(&key, stand));
    }

    fn message<'a>(&'a self, key: &str, stand: Stand<'a>) -> Message<'a> {
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

    /// An object and its traits, the strongest first (`AsyncAPI` 3.0, traits merge mechanism;
    /// 2.6, operation object and message object, `traits`).
    fn layers<'a>(&'a self, at: Located<'a>) -> Vec<Located<'a>> {
        let traits = at.node.get("traits").map(Node::items).unwrap_or_default();
        let mut layers: Vec<_> = traits
            .rev()
            .map(|node| self.follow(at.file, node))
            .collect();
        let own = if self.kind == Kind::AsyncApi2 {
            layers.len()
        } else {
            0
        };
        layers.insert(own, at);
        layers
    }

    /// The fields of the bindings of some layers, the strongest value of each.
    fn bindings<'a>(&'a self, layers: &[Located<'a>]) -> Vec<Binding<'a>> {
        let mut bindings: Vec<Binding<'a>> = Vec::new();
        for bound in layers.iter().filter_map(|layer| part(layer, "bindings")) {
            let bound = self.follow(bound.file, bound.node);
            for protocol in bound.node.entries() {
                let fields = self.follow(bound.file, &protocol.node);
                for field in fields.node.entries() {
                    let is_known = bindings
                        .iter()
                        .any(|known| known.protocol == protocol.key && known.field == field.key);
                    if !is_known {
                        bindings.push(Binding {
                            protocol: protocol.key.clone(),
                            field: field.key.clone(),
                            at: Located {
                                file: fields.file,
                                node: &field.node,
                            },
                        });
                    }
                }
            }
        }
        bindings
    }

    fn stand<'a>(&'a self, file: &str, node: &'a Node, pointer: String) -> Stand<'a> {
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

    fn verb_operations<'a>(&'a self, channels: &[ChannelStand<'a>]) -> Vec<AsyncOperation<'a>> {
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

/// A finding for each payload in a format that is no JSON Schema: it is not looked into.
pub(crate) fn unread_formats(contract: &Contract) -> Vec<Finding> {
    if !contract.kind.is_async() {
        return Vec::new();
    }
    let unread = contract.messages().into_iter().filter_map(|message| {
        let format = message.schema_format.as_deref()?;
        (!grammar::is_json_schema_name(format)).then(|| {
            Finding::warning(
                "schema-format-unread",
                format!(
                    "the payload of `{}` is in `{format}`: its schema is not read, any value counts as valid",
                    message.name
                ),
            )
            .at(message.at.node.place(message.at.file))
            .because("only the formats of AsyncAPI, JSON Schema and OpenAPI are read")
            .fix("describe the payload in JSON Schema beside it")
        })
    });
    unread.collect()
}

/// The schema of a payload when its format is a JSON Schema, and the format.
fn payload_of<'a>(
    kind: Kind,
    node: &'a Node,
    layers: &[Located<'a>],
) -> (Option<&'a Node>, Option<String>) {
    let Some(payload) = node.get("payload") else {
        return (None, None);
    };
    let (schema, format) = if kind == Kind::AsyncApi2 {
        let format = strongest(layers, "schemaFormat").and_then(|found| found.node.scalar_text());
        (Some(payload), format)
    } else {
        let format = payload.get("schemaFormat").and_then(Node::scalar_text);
        let schema = match format {
            Some(_) => payload.get("schema"),
            None => Some(payload),
        };
        (schema, format)
    };
    let is_read = format.is_none_or(grammar::is_json_schema_name);
    (schema.filter(|_| is_read), format.map(str::to_owned))
}

fn part<'a>(layer: &Located<'a>, key: &str) -> Option<Located<'a>> {
    layer.node.get(key).map(|node| Located {
        file: layer.file,
        node,
    })
}

fn strongest<'a>(layers: &[Located<'a>], key: &str) -> Option<Located<'a>> {
    layers.iter().find_map(|layer| part(layer, key))
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

/// The name, with a number behind it when it is taken.
fn unique(name: String, is_taken: impl Fn(&str) -> bool) -> String {
    let mut unique = name.clone();
    let mut number = 2;
    while is_taken(&unique) {
        unique = format!("{name}_{number}");
        number += 1;
    }
    unique
}

fn last_token(reference: &Node) -> String {
    let text = reference.get("$ref").and_then(Node::as_str);
    text.and_then(|text| text.rsplit('/').next())
        .map(unescape_token)
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
