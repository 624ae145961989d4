//! The messages of an AsyncAPI document: one tagged type for each channel and operation.

use std::collections::BTreeMap;

use tollgate_contracts_model::{Contract, Message, Node, NodeValue, Span};

use super::lowering::Lowering;
use super::view::Cursor;
use crate::ir::{self, Channel, DeclId, Docs, Shape};

/// The schema of a payload whose format is not JSON Schema.
static ANY: Node = Node {
    span: Span { line: 1, column: 1 },
    value: NodeValue::Bool(true),
};

/// Adds the channels, a type of all messages for each, and one for each operation that takes a
/// part of them.
pub(crate) fn lower<'a>(lowering: &mut Lowering<'a>, contract: &'a Contract) {
    for message in contract.messages() {
        lowering.payload(contract, &message);
    }
    let operations = contract.async_operations();
    let mut n_messages = BTreeMap::new();
    for channel in contract.channels() {
        let at = Cursor::at(contract, channel.at.file, &channel.pointer, channel.at.node);
        let union = lowering.message_union(&at, &channel.name, &channel.messages);
        let parameters = channel.parameters.iter().map(|parameter| {
            let text = parameter.at.node.get("description").and_then(Node::as_str);
            (parameter.name.clone(), text_docs(text.unwrap_or_default()))
        });
        let mut found = Channel {
            address: channel.address.clone(),
            parameters: parameters.collect(),
            docs: docs(&at),
            sends: Vec::new(),
            receives: Vec::new(),
            union,
            name: channel.name.clone(),
        };
        for operation in &operations {
            if operation.channel.as_ref() != Some(&channel.name) {
                continue;
            }
            let (one, other) = match operation.action.as_str() {
                "send" => (&mut found.sends, &mut found.receives),
                _ => (&mut found.receives, &mut found.sends),
            };
            lowering.add_messages(one, contract, &operation.messages);
            lowering.add_messages(other, contract, &operation.reply_messages);
        }
        n_messages.insert(channel.name.clone(), channel.messages.len());
        lowering.ir.channels.push(found);
    }
    for operation in &operations {
        let of_channel = operation.channel.as_ref();
        let of_channel = of_channel.and_then(|name| n_messages.get(name)).copied();
        let names_some = operation.at.node.get("messages").is_some()
            || operation.messages.len() < of_channel.unwrap_or(0);
        if names_some && operation.messages.len() > 1 {
            let (file, node) = (operation.at.file, operation.at.node);
            let at = Cursor::at(contract, file, &operation.pointer, node);
            lowering.message_union(&at, &operation.id, &operation.messages);
        }
    }
}

fn docs(owner: &Cursor<'_>) -> Docs {
    let text = owner.text("description").or_else(|| owner.text("title"));
    text_docs(text.or_else(|| owner.text("summary")).unwrap_or_default())
}

fn text_docs(text: &str) -> Docs {
    Docs {
        text: text.to_owned(),
        is_deprecated: false,
    }
}

impl<'a> Lowering<'a> {
    fn add_messages(
        &mut self,
        list: &mut Vec<ir::Message>,
        contract: &'a Contract,
        messages: &[Message<'a>],
    ) {
        for message in messages {
            if list.iter().any(|known| known.name == message.name) {
                continue;
            }
            let at = Cursor::at(contract, message.at.file, &message.pointer, message.at.node);
            let payload = self.payload(contract, message);
            let payload = payload.map(|payload| self.type_of(&payload, &message.name));
            let headers = at.get("headers");
            let headers =
                headers.map(|headers| self.type_of(&headers, &format!("{} headers", message.name)));
            let correlation_id = message.correlation_id.as_ref();
            let location = correlation_id.and_then(|id| id.node.get("location"));
            list.push(ir::Message {
                name: message.name.clone(),
                docs: docs(&at),
                payload,
                headers,
                content_type: message.content_type.clone(),
                correlation_id: location.and_then(Node::as_str).map(str::to_owned),
            });
        }
    }

    /// The tagged type of several messages; nothing when there is only one type.
    fn message_union(
        &mut self,
        owner: &Cursor<'a>,
        name: &str,
        messages: &[Message<'a>],
    ) -> Option<DeclId> {
        let mut named = Vec::new();
        for message in messages {
            if let Some(payload) = self.payload(owner.contract(), message) {
                named.push((message.key.clone(), payload));
            }
        }
        if named.is_empty() {
            return None;
        }
        let name = format!("{name} message");
        let shape = self.union_of(named, &name);
        let is_union = matches!(shape, Shape::Union(_));
        is_union.then(|| {
            let id = self.declare_inline(owner, name, docs(owner), shape);
            // No schema stands there.
            self.ir.decls[id].place.push_str("&messages");
            id
        })
    }

    /// The schema of a message's payload; an inline one is declared under the message's name.
    fn payload(&mut self, contract: &'a Contract, message: &Message<'a>) -> Option<Cursor<'a>> {
        message.at.node.get("payload")?;
        let node = message.payload.unwrap_or(&ANY);
        let payload = Cursor::at(contract, message.at.file, &message.payload_pointer(), node);
        if payload.is_reference() {
            return Some(payload);
        }
        let id = self.declare(&payload);
        if self.ir.decls[id].name == "payload" || self.ir.decls[id].name == "schema" {
            self.ir.decls[id].name.clone_from(&message.name);
        }
        Some(payload)
    }
}
