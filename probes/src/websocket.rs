//! WebSocket probes: handshake, message, reply, hold.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::attempt::RunCheck;
use crate::context::{Context, Vars};
use crate::http::dial::{Io, OnPhase, Target, dial};
use crate::http::error::NetError;
use crate::http::{expand_headers, run as run_http, url_of};
use crate::json::{contains, violations};
use crate::result::{Cause, Observation};
use crate::settings::WebsocketCheck;

/// An open WebSocket.
pub(crate) type Socket = WebSocketStream<Box<dyn Io>>;
impl RunCheck for WebsocketCheck {
    async fn run(
        &self,
        cx: &Context,
        vars: &mut Vars,
        seen: &mut Observation,
        _timeout: Duration,
    ) -> Result<(), Cause> {
        run(self, cx, vars, seen).await
    }
}

/// Runs one WebSocket check.
async fn run(
    check: &WebsocketCheck,
    cx: &Context,
    vars: &mut Vars,
    seen: &mut Observation,
) -> Result<(), Cause> {
    let started = Instant::now();
    if let Some(ticket) = &check.ticket {
        let mut of_ticket = Observation::default();
        run_http(ticket, cx, vars, &mut of_ticket).await?;
        seen.phase("ticket", started.elapsed());
    }
    let label = format!("`websocket {}`", check.path);
    let to_cause = |error: NetError| error.to_cause(&label);
    let request = request_of(check, cx, vars)?;
    let (mut socket, agreed) = open(request, cx, check.message_size_max.0, &mut |name, took| {
        seen.phase(name, took)
    })
    .await
    .map_err(|error| refused(error, &label))?;
    if let Some(want) = &check.subprotocol
        && agreed.as_deref() != Some(want)
    {
        let got = agreed.map_or("none".to_owned(), |agreed| format!("`{agreed}`"));
        let what = format!("subprotocol of {label}");
        return Err(Cause::target("subprotocol", what, format!("`{want}`"), got));
    }
    let sent = Instant::now();
    if let Some(message) = &check.send {
        let text = vars.expand_json(message)?.to_string();
        send(&mut socket, Message::text(text))
            .await
            .map_err(to_cause)?;
    }
    if let Some(expect) = &check.expect {
        let part = vars.expand_json(expect)?;
        let (message, n_others) = await_message(&mut socket, &part).await.map_err(to_cause)?;
        seen.phase("message", sent.elapsed());
        seen.measurements
            .insert("other_messages".to_owned(), n_others as f64);
        judge_schema(check, cx, &label, &message)?;
    }
    seen.judged = Some(started.elapsed());
    if let Some(hold) = check.hold {
        hold_open(&mut socket, hold.0, &label).await?;
    }
    leave(&mut socket).await;
    Ok(())
}

/// A handshake that is ready to be sent.
pub(crate) struct Handshake {
    target: Target,
    request: http::Request<()>,
}

impl Handshake {
    pub(crate) fn headers_mut(&mut self) -> &mut http::HeaderMap {
        self.request.headers_mut()
    }
}

/// The handshake of a check, with its variables filled in.
pub(crate) fn request_of(
    check: &WebsocketCheck,
    cx: &Context,
    vars: &Vars,
) -> Result<Handshake, Cause> {
    let mut handshake = handshake(&url_of(&check.path, cx, vars)?)?;
    let headers = handshake.request.headers_mut();
    for (name, value) in expand_headers(&check.headers, vars)? {
        headers.insert(name, value);
    }
    if let Some(subprotocol) = &check.subprotocol {
        let value = HeaderValue::from_str(subprotocol).map_err(|error| {
            Cause::prober(
                "settings",
                "subprotocol",
                "a header value",
                error.to_string(),
            )
        })?;
        headers.insert(SEC_WEBSOCKET_PROTOCOL, value);
    }
    Ok(handshake)
}

/// The handshake for an `http` or `https` URL.
pub(crate) fn handshake(url: &str) -> Result<Handshake, Cause> {
    let target = Target::parse(url)?;
    let scheme = if target.is_tls { "wss" } else { "ws" };
    let url = format!("{scheme}://{}{}", target.authority, target.path_and_query);
    let request = url
        .into_client_request()
        .map_err(|error| Cause::prober("settings", "url", "a WebSocket URL", error.to_string()))?;
    Ok(Handshake { target, request })
}

/// Dials and shakes hands; the agreed subprotocol is the second value.
pub(crate) async fn open(
    handshake: Handshake,
    cx: &Context,
    message_size_max: u64,
    on_phase: OnPhase<'_>,
) -> Result<(Socket, Option<String>), NetError> {
    let stream = dial(&handshake.target, cx.tls(), &mut *on_phase).await?;
    let started = Instant::now();
    let size = usize::try_from(message_size_max).unwrap_or(usize::MAX);
    let config = WebSocketConfig::default()
        .max_message_size(Some(size))
        .max_frame_size(Some(size));
    let (socket, response) = client_async_with_config(handshake.request, stream, Some(config))
        .await
        .map_err(websocket)?;
    on_phase("handshake", started.elapsed());
    let agreed = response.headers().get(SEC_WEBSOCKET_PROTOCOL);
    let agreed = agreed
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    Ok((socket, agreed))
}

/// Sends one message.
pub(crate) async fn send(socket: &mut Socket, message: Message) -> Result<(), NetError> {
    socket.send(message).await.map_err(websocket)
}

pub(crate) fn websocket(error: Error) -> NetError {
    NetError::Websocket(Box::new(error))
}

pub(crate) fn refused(error: NetError, label: &str) -> Cause {
    match &error {
        NetError::Websocket(inner) => match &**inner {
            Error::Http(response) => {
                let got = response.status().as_u16().to_string();
                Cause::target("status", format!("handshake of {label}"), "101", got)
            }
            _ => error.to_cause(label),
        },
        _ => error.to_cause(label),
    }
}

/// How long the answer to our close frame is waited for.
const LEAVE_MAX: Duration = Duration::from_millis(250);

/// Closes the connection properly: remaining messages are read, because closing a socket with
/// unread data resets it and the other side would see a dropped connection. Errors are ignored.
pub(crate) async fn leave(socket: &mut Socket) {
    let leaving = async {
        if socket.close(None).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(LEAVE_MAX, leaving).await;
}

/// Reads until a message contains `part`; the second value counts the messages before it.
pub(crate) async fn await_message(
    socket: &mut Socket,
    part: &Value,
) -> Result<(Value, u64), NetError> {
    let mut n_others = 0;
    loop {
        let message = socket
            .next()
            .await
            .ok_or(NetError::Closed)?
            .map_err(websocket)?;
        let parsed = match &message {
            Message::Text(text) => serde_json::from_str::<Value>(text.as_str()).ok(),
            Message::Binary(bytes) => serde_json::from_slice(bytes).ok(),
            Message::Close(_) => return Err(NetError::Closed),
            _ => continue,
        };
        match parsed {
            Some(value) if contains(&value, part) => return Ok((value, n_others)),
            _ => n_others += 1,
        }
    }
}

fn judge_schema(
    check: &WebsocketCheck,
    cx: &Context,
    label: &str,
    message: &Value,
) -> Result<(), Cause> {
    let validator = match (&check.schema, &check.message) {
        (Some(schema), _) => cx.inline_validator(schema)?,
        (None, Some(name)) => {
            let validator = cx.message_validator(name)?;
            if validator.is_none() {
                let expected = format!("a schema of message `{name}` in the contract");
                let what = format!("reply of {label} against its schema");
                return Err(Cause::prober("no_schema", what, expected, "there is none"));
            }
            validator
        }
        (None, None) => None,
    };
    match validator.and_then(|validator| violations(&validator, message)) {
        None => Ok(()),
        Some(got) => {
            let what = format!("reply of {label} against its schema");
            Err(Cause::target(
                "schema",
                what,
                "a payload that conforms to the contract",
                got,
            ))
        }
    }
}

/// Reads (and so answers pings) until the time is over; a close before that fails.
async fn hold_open(socket: &mut Socket, hold: Duration, label: &str) -> Result<(), Cause> {
    let started = Instant::now();
    let lost = async {
        loop {
            match socket.next().await {
                None | Some(Ok(Message::Close(_))) => return NetError::Closed,
                Some(Err(error)) => return websocket(error),
                Some(Ok(_)) => {}
            }
        }
    };
    match timeout(hold, lost).await {
        Err(_) => Ok(()),
        Ok(error) => Err(Cause {
            code: "dropped".to_owned(),
            what: format!("held connection of {label}"),
            expected: format!("open for {hold:?}"),
            got: format!(
                "{} after {:?}",
                error.to_cause(label).got,
                started.elapsed()
            ),
            ..error.to_cause(label)
        }),
    }
}
