//! The channels of AsyncAPI documents in Rust: typed messages over any transport.

use std::fmt::Write as _;

use crate::ir::{Channel, Ir, Message};
use crate::names::{self, Case};
use crate::rust::{Rust, doc_lines, literal, member};
use crate::{Artifact, HEADER};

const ANY_PAYLOAD: &str = "serde_json::Value";
const ANY_HEADERS: &str = "Map<String, Value>";

/// The file of the channels.
pub(crate) fn emit(ir: &Ir, models: &str, path: &str) -> Artifact {
    let rust = Rust::new(ir, &format!("{models}::"));
    let labels: Vec<&str> = ir.channels.iter().map(|c| c.name.as_str()).collect();
    let idents = names::members(&labels, Case::Pascal, &[], "Own");
    let mut text = format!("// {HEADER}\n{}", include_str!("templates/channels.rs"));
    for (channel, ident) in ir.channels.iter().zip(&idents) {
        text.push_str(&declaration(&rust, channel, &format!("{ident}Channel")));
    }
    Artifact::new(path, text)
}

fn declaration(rust: &Rust<'_>, channel: &Channel, name: &str) -> String {
    let wires: Vec<&str> = channel
        .parameters
        .iter()
        .map(|(wire, _)| wire.as_str())
        .collect();
    let idents = member(&wires, &["address"]);
    let shown = channel.address.as_deref().unwrap_or("known at run time");
    let docs = format!(
        "`{}`, address `{shown}`. {}",
        channel.name, channel.docs.text
    );
    let mut text = format!(
        "\n{}#[derive(Debug, Clone, PartialEq, Eq)]\npub struct {name} {{\n",
        doc_lines(&docs, "")
    );
    if channel.address.is_none() {
        text.push_str("    /// Its address.\n    pub address: String,\n");
    } else {
        for ((wire, docs), ident) in channel.parameters.iter().zip(&idents) {
            text.push_str(&doc_lines(&format!("`{wire}`. {}", docs.text), "    "));
            let _ = writeln!(text, "    pub {ident}: String,");
        }
    }
    let _ = write!(text, "}}\n\nimpl {name} {{\n{}", address(channel, &idents));
    text.push_str(&senders(rust, channel));
    text.push_str(&receivers(rust, channel));
    text.push_str(&correlation(channel));
    text.push_str("}\n");
    text
}

fn address(channel: &Channel, idents: &[String]) -> String {
    let Some(address) = &channel.address else {
        return "    /// Its address.\n    #[must_use]\n    pub fn address(&self) -> String {\n        self.address.clone()\n    }\n".to_owned();
    };
    let mut made = format!("{}.to_owned()", literal(address));
    for ((wire, _), ident) in channel.parameters.iter().zip(idents) {
        let _ = write!(
            made,
            ".replace({}, &part(&self.{ident}))",
            literal(&format!("{{{wire}}}"))
        );
    }
    format!(
        "    /// Its address, with the parameters in their places.\n    #[must_use]\n    pub fn address(&self) -> String {{\n        {made}\n    }}\n"
    )
}

fn payload_type(rust: &Rust<'_>, message: &Message) -> String {
    let payload = message.payload.as_ref();
    payload.map_or_else(|| ANY_PAYLOAD.to_owned(), |ty| rust.type_text(ty, None))
}

fn headers_type(rust: &Rust<'_>, message: &Message) -> String {
    let headers = message.headers.as_ref();
    headers.map_or_else(|| ANY_HEADERS.to_owned(), |ty| rust.type_text(ty, None))
}

/// One function for each message that is sent on the channel.
fn senders(rust: &Rust<'_>, channel: &Channel) -> String {
    let all: Vec<&Message> = channel.sends.iter().chain(&channel.receives).collect();
    let labels: Vec<&str> = all.iter().map(|message| message.name.as_str()).collect();
    let idents = names::members(&labels, Case::Snake, &[], "_");
    let mut text = String::new();
    for (index, (message, ident)) in all.into_iter().zip(idents).enumerate() {
        let is_own = index < channel.sends.len();
        if !is_own && channel.sends.iter().any(|sent| sent.name == message.name) {
            continue;
        }
        let who = if is_own { "application" } else { "peer" };
        let docs = format!(
            "Sends `{}`, a message of the {who}. {}",
            message.name, message.docs.text
        );
        let payload = payload_type(rust, message);
        let (argument, headers) = match &message.headers {
            Some(ty) => (
                format!(", headers: &{}", rust.type_text(ty, None)),
                "Some(headers)".to_owned(),
            ),
            None => (String::new(), format!("None::<&{ANY_HEADERS}>")),
        };
        let media = message
            .content_type
            .as_deref()
            .unwrap_or("application/json");
        let _ = write!(
            text,
            "\n{}    ///\n    /// # Errors\n    /// The message can't be written, or the transport fails.\n    pub async fn send_{ident}<T: Transport>(&self, transport: &mut T, payload: &{payload}{argument}) -> Result<(), ChannelError<T::Error>> {{\n        send(transport, &self.address(), {}, payload, {headers}).await\n    }}\n",
            doc_lines(&docs, "    "),
            literal(media)
        );
    }
    text
}

/// The next message for the application, and the next one for its peer.
fn receivers(rust: &Rust<'_>, channel: &Channel) -> String {
    let mut text = String::new();
    let sides = [
        ("receive", "the application", &channel.receives),
        (
            "receive_as_peer",
            "a peer of the application",
            &channel.sends,
        ),
    ];
    for (function, who, messages) in sides {
        let Some(first) = messages.first() else {
            continue;
        };
        let same = |of: &dyn Fn(&Message) -> String, other: &dyn Fn() -> String| {
            let one = of(first);
            if messages.iter().all(|message| of(message) == one) {
                one
            } else {
                other()
            }
        };
        let union = || match channel.union {
            Some(id) => format!("{}{}", rust.prefix, rust.names[id]),
            None => ANY_PAYLOAD.to_owned(),
        };
        let payload = same(&|message| payload_type(rust, message), &union);
        let headers = same(&|message| headers_type(rust, message), &|| {
            ANY_HEADERS.to_owned()
        });
        let _ = write!(
            text,
            "\n    /// The next message for {who}; nothing when the channel has ended.\n    ///\n    /// # Errors\n    /// The transport fails, or the frame is not a message of the channel.\n    pub async fn {function}<T: Transport>(&self, transport: &mut T) -> Result<Option<Envelope<{payload}, {headers}>>, ChannelError<T::Error>> {{\n        receive(transport, &self.address()).await\n    }}\n"
        );
    }
    text
}

/// The places of correlation ids in the channel's messages.
fn correlation(channel: &Channel) -> String {
    let mut places: Vec<String> = Vec::new();
    for message in channel.sends.iter().chain(&channel.receives) {
        let Some(expression) = &message.correlation_id else {
            continue;
        };
        let Some((source, pointer)) = expression.split_once('#') else {
            continue;
        };
        let place = format!("({}, {})", source.ends_with(".header"), literal(pointer));
        if !places.contains(&place) {
            places.push(place);
        }
    }
    if places.is_empty() {
        return String::new();
    }
    format!(
        "\n    /// The correlation id of a message, which links an answer to its request.\n    #[must_use]\n    pub fn correlation_id<P: Serialize, H: Serialize>(&self, envelope: &Envelope<P, H>) -> Option<String> {{\n        correlation(&envelope.headers, &envelope.payload, &[{}])\n    }}\n",
        places.join(", ")
    )
}
