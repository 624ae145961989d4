//! Servers, channels, operations and messages as values, and the rules for which layer takes
//! precedence.

use crate::node::{Node, Span};
use crate::views::Located;

/// One server of an `AsyncAPI` contract.
#[derive(Clone, Debug)]
pub struct Server<'a> {
    /// Its key under `servers`.
    pub name: String,
    /// Host, port and path, without a scheme; variables as written.
    pub address: String,
    /// `protocol`; empty when absent.
    pub protocol: String,
    /// Where its key is, in the entry file.
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
    /// Where its key is, in the entry file.
    pub key_span: Span,
    /// The channel object, references followed.
    pub at: Located<'a>,
    /// Where the channel object is in its file.
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
    /// The parameter object, references followed. In version 3 `enum` and `default` are there.
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
    /// Where the message object is in its file.
    pub pointer: String,
    /// The message object and its traits, the strongest first; use [`Message::get`] to read them.
    pub layers: Vec<Located<'a>>,
    /// The schema of the payload, in the file of `at`, references not followed; absent when
    /// there is none or its format is not JSON Schema.
    pub payload: Option<&'a Node>,
    /// `schemaFormat` of the payload as written.
    pub schema_format: Option<String>,
    /// The schemas of the headers, all of which apply: the message's own and those of its traits.
    pub headers: Vec<Located<'a>>,
    /// `contentType`, else the document's `defaultContentType`.
    pub content_type: Option<String>,
    /// The correlation id, references followed; its `location` names where the value is.
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
    /// Where its key is, in the entry file.
    pub key_span: Span,
    /// The operation object, references followed.
    pub at: Located<'a>,
    /// Where the operation object is in its file.
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

impl<'a> Message<'a> {
    /// The value of a key, of the message or of a trait, references not followed.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Located<'a>> {
        strongest(&self.layers, key)
    }

    /// Where the schema of the payload is in the file of the message.
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

pub(super) fn part<'a>(layer: &Located<'a>, key: &str) -> Option<Located<'a>> {
    layer.node.get(key).map(|node| Located {
        file: layer.file,
        node,
    })
}

pub(super) fn strongest<'a>(layers: &[Located<'a>], key: &str) -> Option<Located<'a>> {
    layers.iter().find_map(|layer| part(layer, key))
}
