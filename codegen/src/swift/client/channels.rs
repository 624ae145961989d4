//! The channels of AsyncAPI documents: typed messages over any transport.

use std::fmt::Write as _;

use super::super::scope::Swift;
use super::super::text::{docs, literal, parameters};
use super::call::unique;
use crate::HEADER;
use crate::ir::{Channel, Docs, Message};
use crate::names::{self, Case};

const ANY_HEADERS: &str = "[String: JSONValue]";

/// The file of the channels.
pub(super) fn emit(swift: &Swift<'_>) -> String {
    let labels = unique(
        swift
            .ir
            .channels
            .iter()
            .map(|channel| channel.name.as_str()),
    );
    let labels: Vec<String> = labels
        .iter()
        .map(|label| format!("{label} channel"))
        .collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let taken: Vec<&str> = swift.names.iter().map(String::as_str).collect();
    let idents = names::members(&labels, Case::Pascal, &taken, "Interface");
    let mut text = format!("// {HEADER}\nimport Foundation\n");
    for (channel, ident) in swift.ir.channels.iter().zip(&idents) {
        text.push_str(&declaration(swift, channel, ident));
    }
    text
}

fn declaration(swift: &Swift<'_>, channel: &Channel, name: &str) -> String {
    let wires = unique(channel.parameters.iter().map(|(wire, _)| wire.as_str()));
    let wires: Vec<&str> = wires.iter().map(String::as_str).collect();
    let idents = parameters(&wires, &["address", "send", "receive"]);
    let shown = channel.address.as_deref().unwrap_or("known at run time");
    let whole = Docs {
        text: format!(
            "`{}`, address `{shown}`.\n\n{}",
            channel.name, channel.docs.text
        ),
        is_deprecated: channel.docs.is_deprecated,
    };
    let mut text = format!(
        "\n{}public struct {name}: Sendable, Hashable {{\n",
        docs(&whole, "")
    );
    let (mut arguments, mut assigns) = (Vec::new(), String::new());
    match &channel.address {
        None => {
            text.push_str("    public var address: String\n");
            arguments.push("address: String".to_owned());
            assigns.push_str("        self.address = address\n");
        }
        Some(address) => {
            let mut made = literal(address);
            for ((wire, about), ident) in channel.parameters.iter().zip(&idents) {
                text.push_str(&docs(about, "    "));
                let _ = writeln!(text, "    public var {ident}: String");
                arguments.push(format!("{ident}: String"));
                let _ = writeln!(assigns, "        self.{ident} = {ident}");
                let place = literal(&format!("{{{wire}}}"));
                let _ = write!(
                    made,
                    "\n            .replacingOccurrences(of: {place}, with: ChannelWire.part({ident}))"
                );
            }
            let _ = write!(
                text,
                "\n    /// The address, with the parameters in their places.\n    public var address: String {{\n        {made}\n    }}\n"
            );
        }
    }
    let _ = write!(
        text,
        "\n    public init({}) {{\n{assigns}    }}\n",
        arguments.join(", ")
    );
    text.push_str(&senders(swift, channel));
    text.push_str(&receivers(swift, channel));
    text.push_str("}\n");
    text
}

fn payload_type(swift: &Swift<'_>, message: &Message) -> String {
    let payload = message.payload.as_ref();
    payload.map_or_else(|| "JSONValue".to_owned(), |ty| swift.type_text(ty))
}

fn headers_type(swift: &Swift<'_>, message: &Message) -> String {
    let headers = message.headers.as_ref();
    headers.map_or_else(|| ANY_HEADERS.to_owned(), |ty| swift.type_text(ty))
}

fn senders(swift: &Swift<'_>, channel: &Channel) -> String {
    let own = channel.sends.iter().map(|message| (message, "application"));
    let peer = channel
        .receives
        .iter()
        .filter(|message| !channel.sends.iter().any(|sent| sent.name == message.name))
        .map(|message| (message, "peer"));
    let all: Vec<(&Message, &str)> = own.chain(peer).collect();
    let labels = unique(all.iter().map(|(message, _)| message.name.as_str()));
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let idents = names::members(&labels, Case::Pascal, &[], "Message");
    let mut text = String::new();
    for ((message, who), ident) in all.into_iter().zip(idents) {
        let about = Docs {
            text: format!(
                "Sends `{}`, a message of the {who}.\n\n{}",
                message.name, message.docs.text
            ),
            is_deprecated: message.docs.is_deprecated,
        };
        let payload = payload_type(swift, message);
        let headers = headers_type(swift, message);
        let media = message
            .content_type
            .as_deref()
            .unwrap_or("application/json");
        let default = if headers == ANY_HEADERS { " = [:]" } else { "" };
        let _ = write!(
            text,
            "\n{}    public func send{ident}(\n        _ payload: {payload}, headers: {headers}{default}, over transport: some ChannelTransport\n    ) async throws {{\n        try await ChannelWire.send(\n            payload, headers, {}, {}, to: address, over: transport)\n    }}\n",
            docs(&about, "    "),
            literal(&message.name),
            literal(media)
        );
    }
    text
}

fn receivers(swift: &Swift<'_>, channel: &Channel) -> String {
    let mut text = String::new();
    let sides = [
        ("receive", "the application", &channel.receives),
        ("receiveAsPeer", "a peer of the application", &channel.sends),
    ];
    for (function, who, messages) in sides {
        let Some(first) = messages.first() else {
            continue;
        };
        let payload = payload_type(swift, first);
        let payload = if messages.iter().all(|m| payload_type(swift, m) == payload) {
            payload
        } else {
            channel
                .union
                .map_or_else(|| "JSONValue".to_owned(), |id| swift.names[id].clone())
        };
        let headers = headers_type(swift, first);
        let headers = if messages.iter().all(|m| headers_type(swift, m) == headers) {
            headers
        } else {
            ANY_HEADERS.to_owned()
        };
        let _ = write!(
            text,
            "\n    /// The messages for {who}.\n    public func {function}(\n        over transport: some ChannelTransport\n    ) async throws -> AsyncThrowingStream<ChannelMessage<{payload}, {headers}>, any Error> {{\n        try await ChannelWire.receive(from: address, over: transport)\n    }}\n"
        );
        if let [first, rest @ ..] = messages.as_slice()
            && let Some(expression) = &first.correlation_id
            && rest
                .iter()
                .all(|m| m.correlation_id.as_ref() == Some(expression))
        {
            let _ = write!(
                text,
                "\n    /// What links a message of `{function}` to another one.\n    public func correlationID{suffix}(of message: ChannelMessage<{payload}, {headers}>) -> JSONValue? {{\n        message.value(at: {})\n    }}\n",
                literal(expression),
                suffix = if function == "receive" { "" } else { "AsPeer" }
            );
        }
    }
    text
}
