//! The messages of an AsyncAPI document: one tagged type for each channel and operation.
//!
//! It must not know how a message is sent.

use super::Lowering;
use super::view::Cursor;
use crate::ir::{Docs, Shape};

/// Adds a type of all messages for each channel, and for each operation that takes a part of them.
pub(crate) fn lower<'a>(lowering: &mut Lowering<'a>, root: &Cursor<'a>) {
    let components = root.get("components").and_then(|all| all.get("messages"));
    for (name, message) in components.iter().flat_map(Cursor::entries) {
        lowering.payload(name, &message);
    }
    for (name, channel) in root.get("channels").iter().flat_map(Cursor::entries) {
        let Some(channel) = channel.resolve() else {
            continue;
        };
        let messages: Vec<_> = channel
            .get("messages")
            .iter()
            .flat_map(Cursor::entries)
            .map(|(name, message)| (name.to_owned(), message))
            .collect();
        lowering.message_union(&channel, name, messages);
    }
    for (name, operation) in root.get("operations").iter().flat_map(Cursor::entries) {
        let Some(operation) = operation.resolve() else {
            continue;
        };
        let messages: Vec<_> = operation
            .get("messages")
            .iter()
            .flat_map(Cursor::items)
            .filter_map(|message| {
                let reference = message.text("$ref")?;
                let name = reference.rsplit('/').next()?.to_owned();
                Some((name, message))
            })
            .collect();
        if messages.len() > 1 {
            lowering.message_union(&operation, name, messages);
        }
    }
}

impl<'a> Lowering<'a> {
    fn message_union(
        &mut self,
        owner: &Cursor<'a>,
        name: &str,
        messages: Vec<(String, Cursor<'a>)>,
    ) {
        let mut named = Vec::new();
        for (label, message) in messages {
            let label = if label.is_empty() {
                name.to_owned()
            } else {
                label
            };
            if let Some(payload) = self.payload(&label, &message) {
                named.push((label, payload));
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
    fn payload(&mut self, name: &str, message: &Cursor<'a>) -> Option<Cursor<'a>> {
        let message = message.resolve()?;
        let payload = message.get("payload")?;
        // A payload may be wrapped with the format of its schema.
        let payload = match payload.get("schema") {
            Some(schema) if payload.get("schemaFormat").is_some() => schema,
            _ => payload,
        };
        if payload.is_reference() {
            return Some(payload);
        }
        let id = self.declare(&payload);
        if self.ir.decls[id].name == "payload" || self.ir.decls[id].name == "schema" {
            let own = message.text("name").unwrap_or(name);
            self.ir.decls[id].name = own.to_owned();
        }
        Some(payload)
    }
}
