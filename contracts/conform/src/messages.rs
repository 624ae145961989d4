//! WebSocket messages from an `AsyncAPI` contract: which ones to send, and whether the received
//! ones are declared.

use serde_json::Value;
use tollgate_contracts_instance::Validator;
use tollgate_contracts_instance::{InstanceSettings, Json, instances_with, validator};
use tollgate_contracts_model::{Contract, Message};
use tollgate_report::Place;
use tollgate_stats::Rng;

use crate::checks::cut;

/// How many valid and invalid instances of each message are sent.
const PER_MESSAGE: usize = 6;

/// The messages of one channel that a client can send.
pub struct Talk {
    /// The channel's name.
    pub channel: String,
    /// Its address below the base, starting with `/`.
    pub address: String,
    /// Where the channel is declared.
    pub place: Place,
    /// What to send, in order.
    pub lines: Vec<Line>,
    declared: Vec<(String, Option<Validator>)>,
}

/// One message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The message's name.
    pub name: String,
    /// What is sent.
    pub text: String,
    /// Whether the contract allows it; otherwise the keyword that rejects it.
    pub broken: Option<String>,
}

/// What the other side did after one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A text frame.
    Text(String),
    /// A close frame with its code; 1005 when it had none.
    Closed(u16),
    /// The connection broke without a close frame.
    Dropped(String),
}

/// A failure in what was received.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageFailure {
    /// The check, such as `message-invalid`.
    pub check: String,
    /// The channel.
    pub channel: String,
    /// What is wrong.
    pub message: String,
    /// What was sent before; empty when nothing was.
    pub sent: String,
    /// Where the channel is declared.
    pub place: Place,
}

/// The channels of a contract whose address has no parameters, from the side of a client: it sends
/// what the described application receives, and awaits what the application sends.
#[must_use]
pub fn talks(contract: &Contract, seed: u64) -> Vec<Talk> {
    let operations = contract.async_operations();
    let mut found = Vec::new();
    for channel in contract.channels() {
        let Some(address) = channel
            .address
            .clone()
            .filter(|address| !address.contains('{'))
        else {
            continue;
        };
        let of = |action: &str| -> Vec<Message<'_>> {
            operations
                .iter()
                .filter(|operation| {
                    operation.channel.as_deref() == Some(&channel.name)
                        && operation.action == action
                })
                .flat_map(|operation| operation.messages.clone())
                .collect()
        };
        let sent = of("receive");
        let lines = lines_of(contract, &sent, Rng::of(seed, &channel.name).next_u64());
        let declared = of("send")
            .iter()
            .map(|message| (message.name.clone(), checker(contract, message)))
            .collect();
        found.push(Talk {
            address: format!("/{}", address.trim_start_matches('/')),
            place: channel.key_span.place(&contract.entry),
            channel: channel.name,
            lines,
            declared,
        });
    }
    found
}

fn checker(contract: &Contract, message: &Message<'_>) -> Option<Validator> {
    validator(&contract.bundle(message.at.file, message.payload?)).ok()
}

fn lines_of(contract: &Contract, messages: &[Message<'_>], seed: u64) -> Vec<Line> {
    let mut by_message: Vec<Vec<Line>> = Vec::new();
    for message in messages {
        let Some(payload) = message.payload else {
            continue;
        };
        let schema = contract.bundle(message.at.file, payload);
        let Ok(validator) = validator(&schema) else {
            continue;
        };
        let settings = InstanceSettings {
            seed: Rng::of(seed, &message.name).next_u64(),
            n_max: PER_MESSAGE,
            n_broken_max: PER_MESSAGE,
            size_max: 60,
            has_wide_numbers: false,
            has_extra_keys: false,
            ..InstanceSettings::default()
        };
        let made = instances_with(&schema, &validator, &settings);
        let line = |json: &Json, broken: Option<String>| Line {
            name: message.name.clone(),
            text: json.to_string(),
            broken,
        };
        let mut lines = Vec::new();
        for example in message
            .at
            .node
            .get("examples")
            .map(tollgate_contracts_model::Node::items)
            .unwrap_or_default()
        {
            let value = example
                .get("payload")
                .map(tollgate_contracts_model::Node::to_json);
            if let Some(value) = value.filter(|value| validator.is_valid(value)) {
                lines.push(line(&Json::of(&value), None));
            }
        }
        lines.extend(made.valid.iter().map(|instance| line(&instance.json, None)));
        lines.extend(made.invalid.iter().map(|broken| {
            line(
                &broken.json,
                Some(format!("`{}` at `{}`", broken.keyword, broken.pointer)),
            )
        }));
        by_message.push(lines);
    }
    // In turns, so that a bounded run has something of each.
    let longest = by_message.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .flat_map(|n| {
            by_message
                .iter()
                .filter_map(move |lines| lines.get(n).cloned())
        })
        .collect()
}

/// What is wrong with the answer to a line (none for messages that arrive on their own after
/// opening).
#[must_use]
pub fn judge(talk: &Talk, line: Option<&Line>, heard: &[Heard]) -> Vec<MessageFailure> {
    let sent = line.map(|line| line.text.clone()).unwrap_or_default();
    let fail = |check: &str, message: String| MessageFailure {
        check: check.to_owned(),
        channel: talk.channel.clone(),
        message,
        sent: sent.clone(),
        place: talk.place.clone(),
    };
    let mut found = Vec::new();
    for one in heard {
        match one {
            Heard::Text(text) => {
                if let Some(problem) = undeclared(talk, text) {
                    found.push(fail("message-invalid", problem));
                }
            }
            Heard::Dropped(reason) => {
                found.push(fail(
                    "connection-dropped",
                    format!("the connection broke without a close frame: {reason}"),
                ));
            }
            Heard::Closed(1011) => {
                found.push(fail(
                    "server-error",
                    "the service closed with 1011, an internal error".to_owned(),
                ));
            }
            Heard::Closed(code)
                if line.is_some_and(|line| line.broken.is_none())
                    && *code != 1001
                    && *code != 1012 =>
            {
                found.push(fail(
                    "valid-refused",
                    format!("a message that the contract allows closed the connection with {code}"),
                ));
            }
            Heard::Closed(_) => {}
        }
    }
    found
}

/// Why a text matches none of the declared messages.
fn undeclared(talk: &Talk, text: &str) -> Option<String> {
    if talk.declared.is_empty() {
        return None;
    }
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return Some(cut(&format!("a message is not JSON: {text}")));
    };
    let holds = |validator: &Option<Validator>| {
        validator
            .as_ref()
            .is_none_or(|validator| validator.is_valid(&value))
    };
    if talk.declared.iter().any(|(_, validator)| holds(validator)) {
        return None;
    }
    // The message that it names says best what is wrong.
    let kind = value
        .get("type")
        .or_else(|| value.get("event"))
        .and_then(Value::as_str);
    let named = talk
        .declared
        .iter()
        .find(|(name, _)| Some(name.as_str()) == kind);
    let reason = named.and_then(|(name, validator)| {
        let error = validator.as_ref()?.validate(&value).err()?;
        Some(format!("`{name}` at `{}`: {error}", error.instance_path()))
    });
    let reason = reason.unwrap_or_else(|| "it is none of the declared messages".to_owned());
    Some(cut(&format!("{reason}: {text}")))
}
