//! The messages of an AsyncAPI document: one tagged type for each channel and operation.
//!
//! It must not know how a message is sent, nor the version of the document.

use tollgate_contracts::{Contract, Message, Node, NodeValue, Span};

use super::Lowering;
use super::view::Cursor;
use crate::ir::{Docs, Shape};

/// Stands for a payload whose format is no JSON Schema.
static ANY: Node = Node {
    span: Span { line: 1, column: 1 },
    value: NodeValue::Bool(true),
};

/// Adds a type of all messages for each channel, and for each operation that takes a part of them.
pub(crate) fn lower<'a>(lowering: &mut Lowering<'a>, contract: &'a Contract) {
    for message in contract.messages() {
        lowering.payload(contract, &message);
    }
    let channels = contract.channels();
    for channel in &channels {
        let at = Cursor::at(contract, channel.at.file, &channel.pointer, channel.at.node);
        lowering.message_union(&at, &channel.name, &channel.messages);
    }
    for operation in contract.async_operations() {
        let of_channel = channels
            .iter()
            .find(|channel| Some(&channel.name) == operation.channel.as_ref())
            .map_or(0, |channel| channel.messages.len());
        let names_some =
            operation.at.node.get("messages").is_some() || operation.messages.len() < of_channel;
        if names_some && operation.messages.len() > 1 {
            let (file, node) = (operation.at.file, operation.at.node);
            let at = Cursor::at(contract, file, &operation.pointer, node);
            lowering.message_union(&at, &operation.id, &operation.messages);
        }
    }
}

impl<'a> Lowering<'a> {
    fn message_union(&mut self, owner: &Cursor<'a>, name: &str, messages: &[Message<'a>]) {
        let mut named = Vec::new();
        for message in messages {
            if let Some(payload) = self.payload(owner.contract(), message) {
                named.push((message.key.clone(), payload));
            }
        }
        if named.is_empty() {
            return;
        }
        let name = format!("{name} message");
        let shape = self.union_of(named, &name);
        let text = owner.text("description").or_else(|| owner.text("title"));
        let docs = Docs {
            text: text
                .or_else(|| owner.text("summary"))
                .unwrap_or_default()
                .to_owned(),
            is_deprecated: false,
        };
        if let Shape::Union(_) = &shape {
            self.declare_inline(owner, name, docs, shape);
        }
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
