//! An object with its traits, and which of several values takes precedence.

use super::parts::{Binding, part, strongest};
use crate::contract::Contract;
use crate::grammar;
use crate::kind::Kind;
use crate::node::Node;
use crate::views::Located;

impl Contract {
    /// An object and its traits, the strongest first (`AsyncAPI` 3.0, traits merge mechanism;
    /// 2.6, operation object and message object, `traits`).
    pub(super) fn layers<'a>(&'a self, at: Located<'a>) -> Vec<Located<'a>> {
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
    pub(super) fn bindings<'a>(&'a self, layers: &[Located<'a>]) -> Vec<Binding<'a>> {
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
}

/// The schema of a payload when its format is a JSON Schema, and the format.
pub(super) fn payload_of<'a>(
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
