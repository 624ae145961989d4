//! The channels of AsyncAPI documents: typed messages over any transport.

use std::fmt::Write as _;

use super::text::{comment, docs, key, literal, quoted};
use super::{TypeScript, import_checks};
use crate::ir::{Channel, Message};
use crate::names::{self, Case};

impl TypeScript<'_> {
    /// The file of the channels.
    pub(super) fn channels(&self) -> String {
        let mut out = "import * as c from \"./messages.js\";\nimport * as m from \"./models.js\";\nimport * as s from \"./support.js\";\n".to_owned();
        let n_head = out.len();
        out.push_str("\nexport * from \"./messages.js\";\n");
        let labels: Vec<&str> = self
            .ir
            .channels
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        let idents = names::members(&labels, Case::Pascal, &[], "Own");
        for (channel, ident) in self.ir.channels.iter().zip(&idents) {
            self.channel(&mut out, channel, ident);
        }
        import_checks(&mut out, n_head);
        out
    }

    fn channel(&self, out: &mut String, channel: &Channel, name: &str) {
        let shown = channel.address.as_deref().unwrap_or("known at run time");
        let mut lines = names::text_lines(&channel.docs.text);
        lines.push(format!("Channel `{}`, address `{shown}`.", channel.name).into());
        let text = lines.join("\n");
        let lines = names::text_lines(&text);
        let _ = writeln!(
            out,
            "\n/** The parameters of the address of `{name}Channel`. */\nexport interface {name}Parameters {{"
        );
        if channel.address.is_none() {
            out.push_str("  readonly address: string;\n");
        }
        let wires = parameters(channel);
        for wire in &wires {
            let text = channel.parameters.iter().find(|(own, _)| own == wire);
            if let Some((_, text)) = text {
                docs(out, text, "  ");
            }
            out.push_str("  readonly ");
            key(out, wire);
            out.push_str(": string;\n");
        }
        out.push_str("}\n");
        self.messages(out, &format!("{name}Sent"), &channel.sends);
        self.messages(out, &format!("{name}Received"), &channel.receives);
        let is_free = wires.is_empty() && channel.address.is_some();
        let start = if is_free { " = {}" } else { "" };
        let address = match &channel.address {
            Some(address) => format!("c.addressOf({}, parameters)", quoted(address)),
            None => "parameters.address".to_owned(),
        };
        let sends = self.kinds(&channel.sends);
        let receives = self.kinds(&channel.receives);
        let ends = [
            (
                "Channel",
                "The application's end.",
                "Sent",
                "Received",
                &sends,
                &receives,
            ),
            (
                "Peer",
                "The channel as seen by the peers of the application.",
                "Received",
                "Sent",
                &receives,
                &sends,
            ),
        ];
        for (suffix, text, sent, received, out_kinds, in_kinds) in ends {
            let mut lines = lines.clone();
            lines.push(text.into());
            out.push('\n');
            comment(out, &lines, "");
            let _ = write!(
                out,
                "export function open{name}{suffix}(transport: c.Transport, parameters: {name}Parameters{start}): c.Channel<{name}{sent}, {name}{received} | c.UnknownMessage> {{\n  return c.open(transport, {address}, {out_kinds}, {in_kinds});\n}}\n"
            );
        }
    }

    fn messages(&self, out: &mut String, name: &str, messages: &[Message]) {
        let mut types = Vec::new();
        for message in messages {
            let mut text = "c.Message<".to_owned();
            literal(&mut text, &message.name);
            text.push_str(", ");
            match &message.payload {
                Some(ty) => self.type_text(&mut text, ty),
                None => text.push_str("unknown"),
            }
            if let Some(headers) = &message.headers {
                text.push_str(", ");
                self.type_text(&mut text, headers);
            }
            text.push('>');
            if !types.contains(&text) {
                types.push(text);
            }
        }
        if types.is_empty() {
            types.push("never".to_owned());
        }
        out.push('\n');
        super::types::alternatives(out, name, &types);
    }

    fn kinds(&self, messages: &[Message]) -> String {
        let mut out = "[".to_owned();
        for message in messages {
            out.push_str("\n    [");
            literal(&mut out, &message.name);
            out.push_str(", ");
            match &message.payload {
                Some(ty) => self.check(&mut out, ty),
                None => out.push_str("s.any"),
            }
            let location = message.correlation_id.as_deref();
            match &message.headers {
                Some(ty) => {
                    out.push_str(", ");
                    self.check(&mut out, ty);
                }
                None if location.is_some() => out.push_str(", undefined"),
                None => {}
            }
            if let Some(location) = location {
                out.push_str(", ");
                literal(&mut out, location);
            }
            out.push_str("],");
        }
        out.push_str(if messages.is_empty() { "]" } else { "\n  ]" });
        out
    }
}

/// The parameters that a document declares, and those that only its address names.
fn parameters(channel: &Channel) -> Vec<String> {
    let mut wires: Vec<String> = channel
        .parameters
        .iter()
        .map(|(wire, _)| wire.clone())
        .collect();
    let address = channel.address.as_deref().unwrap_or_default();
    for part in address.split('{').skip(1) {
        if let Some((name, _)) = part.split_once('}')
            && !wires.iter().any(|wire| wire == name)
        {
            wires.push(name.to_owned());
        }
    }
    if channel.address.is_none() {
        wires.retain(|wire| wire != "address");
    }
    wires
}
