//! The channels of the contract: typed messages over any transport.
//!
//! A channel's methods are named from the viewpoint of the application that the contract
//! describes: what it sends, a peer receives, and the other way round; both use this file.
#![allow(
    clippy::allow_attributes,
    clippy::doc_lazy_continuation,
    clippy::doc_markdown,
    dead_code,
    reason = "the contract decides the names and shapes, not the author of the code"
)]

use std::fmt;
use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A frame of a transport: bytes with their media type, and metadata.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame {
    /// Headers of the message; empty over transports that have none.
    pub headers: Map<String, Value>,
    /// The media type, such as `application/json`.
    pub content_type: String,
    /// The payload as it is on the wire.
    pub payload: Vec<u8>,
}

/// A connection to a broker or a peer, such as a WebSocket or a Kafka client.
pub trait Transport {
    /// Why the transport failed.
    type Error;

    /// Sends one frame to an address.
    fn send(&mut self, address: &str, frame: Frame) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// The next frame from an address; nothing when the channel has ended.
    fn receive(&mut self, address: &str) -> impl Future<Output = Result<Option<Frame>, Self::Error>> + Send;
}

/// A message with its metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope<P, H = Map<String, Value>> {
    /// The headers.
    pub headers: H,
    /// The media type.
    pub content_type: String,
    /// The payload.
    pub payload: P,
}

/// Why a message was not sent or not received; `E` is the transport's own reason.
#[derive(Debug)]
pub enum ChannelError<E> {
    /// The transport failed.
    Transport(E),
    /// The message can't be written as JSON.
    Encode(serde_json::Error),
    /// The frame is not a message of the channel.
    Decode(Frame, serde_json::Error),
}

impl<E: fmt::Display> fmt::Display for ChannelError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => write!(f, "the transport failed: {error}"),
            Self::Encode(error) => write!(f, "cannot write the message: {error}"),
            Self::Decode(_, error) => write!(f, "the frame is not a message of the channel: {error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for ChannelError<E> {}

async fn send<T: Transport>(
    transport: &mut T,
    address: &str,
    content_type: &str,
    payload: &impl Serialize,
    headers: Option<&impl Serialize>,
) -> Result<(), ChannelError<T::Error>> {
    let headers = headers.map(serde_json::to_value).transpose().map_err(ChannelError::Encode)?;
    let headers = match headers {
        Some(Value::Object(headers)) => headers,
        _ => Map::new(),
    };
    let payload = serde_json::to_vec(payload).map_err(ChannelError::Encode)?;
    let frame = Frame { headers, content_type: content_type.to_owned(), payload };
    transport.send(address, frame).await.map_err(ChannelError::Transport)
}

async fn receive<T: Transport, P: DeserializeOwned, H: DeserializeOwned>(
    transport: &mut T,
    address: &str,
) -> Result<Option<Envelope<P, H>>, ChannelError<T::Error>> {
    let Some(frame) = transport.receive(address).await.map_err(ChannelError::Transport)? else {
        return Ok(None);
    };
    let payload = serde_json::from_slice(&frame.payload);
    let headers = serde_json::from_value(Value::Object(frame.headers.clone()));
    match (payload, headers) {
        (Ok(payload), Ok(headers)) => Ok(Some(Envelope { headers, content_type: frame.content_type, payload })),
        (Err(error), _) | (_, Err(error)) => Err(ChannelError::Decode(frame, error)),
    }
}

/// The first value that is present at one of these places, as text.
fn correlation(headers: &impl Serialize, payload: &impl Serialize, places: &[(bool, &str)]) -> Option<String> {
    let headers = serde_json::to_value(headers).ok()?;
    let payload = serde_json::to_value(payload).ok()?;
    places.iter().find_map(|(is_header, pointer)| {
        let found = if *is_header { &headers } else { &payload }.pointer(pointer)?;
        match found {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    })
}

/// Text as one part of an address.
fn part(text: &str) -> String {
    text.replace(['/', '{', '}'], "_")
}
