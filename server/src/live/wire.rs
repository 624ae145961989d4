//! The messages of the event stream as `contracts/asyncapi.yaml` describes them.

use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;

use crate::store::{Snapshot, StoredEvent};

/// A message of a client.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ClientMessage {
    /// Wants the events of some topics.
    Subscribe(Incoming<Topics>),
    /// Wants some topics no more.
    Unsubscribe(Incoming<Topics>),
    /// Reports that the client has handled all events up to a seq.
    Ack(Incoming<Ack>),
    /// Requests a `pong`.
    Ping(Incoming<Ping>),
    /// Requests the events that the client missed.
    Resume(Incoming<Resume>),
}

/// The envelope of a client's message, without its type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Incoming<P> {
    /// The connection's id; not needed.
    #[serde(default)]
    #[expect(dead_code, reason = "named so that it is a known field")]
    session_id: Option<String>,
    /// When it was sent; not needed.
    #[serde(default)]
    #[expect(dead_code, reason = "named so that it is a known field")]
    timestamp: Option<Timestamp>,
    /// The content of the message.
    pub payload: P,
}

/// What `subscribe` and `unsubscribe` say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// Topics or patterns.
    pub topics: Vec<String>,
}

/// The content of `ack`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ack {
    /// The last event that was handled.
    pub seq: i64,
}

/// The content of `ping`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ping {
    /// Comes back in the pong.
    #[serde(default)]
    pub nonce: Option<String>,
}

/// The content of `resume`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The epoch of the client's last event.
    pub epoch: String,
    /// The seq of the client's last event.
    pub since: i64,
    /// Topics to subscribe to first.
    #[serde(default)]
    pub topics: Vec<String>,
}

/// The sender of a message, its time, and its position in the events.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The connection's id.
    pub session_id: &'a str,
    /// When it is sent.
    pub now: Timestamp,
    /// The last event before it, with its epoch; absent where the contract has none.
    pub at: Option<(i64, &'a str)>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outgoing<'a, P> {
    r#type: &'a str,
    session_id: &'a str,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<&'a str>,
    payload: P,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Welcome<'a> {
    version: &'a str,
    heartbeat_seconds: u64,
    rate_limit: u32,
}

#[derive(Serialize)]
struct Subscribed<'a> {
    topics: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
}

#[derive(Serialize)]
struct Pong<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

#[derive(Serialize)]
struct Note<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct EventHead<'a> {
    timestamp: Timestamp,
    topic: &'a str,
    seq: i64,
    epoch: &'a str,
}

fn render<P: Serialize>(r#type: &str, head: Head<'_>, payload: P) -> String {
    let message = Outgoing {
        r#type,
        session_id: head.session_id,
        timestamp: head.now,
        seq: head.at.map(|(seq, _)| seq),
        epoch: head.at.map(|(_, epoch)| epoch),
        payload,
    };
    serde_json::to_string(&message).expect("these types have only text keys")
}

/// The connection is open.
#[must_use]
pub fn welcome(head: Head<'_>, heartbeat_seconds: u64, rate_limit: u32) -> String {
    let version = env!("CARGO_PKG_VERSION");
    render(
        "welcome",
        head,
        Welcome {
            version,
            heartbeat_seconds,
            rate_limit,
        },
    )
}

/// The topics a client is subscribed to now.
#[must_use]
pub fn subscribed(head: Head<'_>, topics: &[String], recovered: Option<bool>) -> String {
    render("subscribed", head, Subscribed { topics, recovered })
}

/// A sign of life.
#[must_use]
pub fn pong(head: Head<'_>, nonce: Option<&str>) -> String {
    render("pong", head, Pong { nonce })
}

/// Everything that a client needs to continue. This crate stored the lists as JSON, so they are
/// copied unchanged.
#[must_use]
pub fn snapshot(head: Head<'_>, Snapshot(lists): &Snapshot) -> String {
    let envelope = render("snapshot", head, ());
    let before_payload = envelope
        .strip_suffix("null}")
        .expect("the payload is the last field");
    format!(r#"{before_payload}{{"recovered":false,"state":{lists}}}}}"#)
}

/// The client should change something.
#[must_use]
pub fn warning(head: Head<'_>, code: &str, message: &str) -> String {
    render("warning", head, Note { code, message })
}

/// A message was not understood.
#[must_use]
pub fn error(head: Head<'_>, code: &str, message: &str) -> String {
    render("error", head, Note { code, message })
}

/// An event's message after `{"type":"event","sessionId":"…",`: the same for every session.
/// The data is stored as JSON by this crate, so it is taken over as it is.
#[must_use]
pub fn event_tail(stored: &StoredEvent, epoch: &str) -> String {
    let head = EventHead {
        timestamp: stored.at,
        topic: &stored.topic,
        seq: stored.seq,
        epoch,
    };
    let head = serde_json::to_string(&head).expect("these types have only text keys");
    let fields = &head[1..head.len() - 1];
    let (kind, data) = (&stored.kind, &stored.data);
    format!(r#"{fields},"payload":{{"kind":"{kind}","data":{data}}}}}"#)
}

/// An event's whole message for one session. Session ids need no escaping.
#[must_use]
pub fn event(session_id: &str, tail: &str) -> String {
    const TYPE: &str = r#"{"type":"event","sessionId":""#;
    let mut text = String::with_capacity(TYPE.len() + session_id.len() + 2 + tail.len());
    text.push_str(TYPE);
    text.push_str(session_id);
    text.push_str("\",");
    text.push_str(tail);
    text
}
