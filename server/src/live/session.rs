//! One client's WebSocket, from the welcome to the close.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tollgate_report::{Clock, Timestamp};

use super::broadcaster::{Broadcaster, TOKEN_REVOKED};
use super::event::LiveEvent;
use super::mailbox::{End, Mailbox, Parcel};
use super::rate::{Pace, RateLimit};
use super::topics::{any_covers, is_pattern};
use super::wire::{self, ClientMessage, Head};
use crate::store::{Missed, Store, StoreError};

/// How long the close of a connection may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The bounds of every session.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// How often the hub sends a heartbeat.
    pub heartbeat: Duration,
    /// How long after a heartbeat a sign of life must come.
    pub heartbeat_grace: Duration,
    /// How much may wait to be sent, in bytes.
    pub queue_bytes_max: usize,
}

/// What a session needs of the hub, and whose it is.
pub struct SessionContext {
    /// The database.
    pub store: Arc<Store>,
    /// Where events come from.
    pub broadcaster: Arc<Broadcaster>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When the hub shuts down.
    pub stop: CancellationToken,
    /// The bounds.
    pub limits: SessionLimits,
    /// The id of the key it was opened with.
    pub token_id: String,
    /// When that key ends.
    pub expires_at: Option<Timestamp>,
    /// Messages a second that the client may send.
    pub rate_limit: u32,
}

struct Session {
    cx: SessionContext,
    id: String,
    number: u64,
    mailbox: Arc<Mailbox>,
}

/// Serves one client until it goes away, is sent away, or the hub shuts down.
pub async fn serve(socket: WebSocket, cx: SessionContext) {
    let mailbox = Arc::new(Mailbox::new(cx.limits.queue_bytes_max));
    let (number, position) = cx.broadcaster.add(Arc::clone(&mailbox), &cx.token_id);
    let session = Session {
        id: format!("{:016x}", rand::random::<u64>()),
        number,
        mailbox,
        cx,
    };
    let (mut sink, mut stream) = socket.split();
    let welcome = wire::welcome(
        session.head(Some(position)),
        session.cx.limits.heartbeat.as_secs(),
        session.cx.rate_limit,
    );
    session.mailbox.put(Parcel::Answer(welcome));
    // A lost branch drops unsent parcels or unread messages of a connection that ends now.
    let end = tokio::select! {
        end = session.read(&mut stream) => end,
        end = session.write(&mut sink) => end,
    };
    session.cx.broadcaster.remove(session.number);
    if end == End::TooFast {
        // The warning must be out before the close; a client that does not take it is dropped.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, session.send_answers(&mut sink)).await;
    }
    tracing::debug!(session.id = session.id, ?end, "event stream closed");
    close(sink, stream, end).await;
}

impl Session {
    fn head(&self, seq: Option<i64>) -> Head<'_> {
        Head {
            session_id: &self.id,
            now: self.cx.clock.now(),
            at: seq.map(|seq| (seq, self.cx.store.epoch())),
        }
    }

    /// Reads messages and watches for silence, expiry and shutdown.
    async fn read(&self, stream: &mut SplitStream<WebSocket>) -> End {
        let started = Instant::now();
        let mut rate_limit = RateLimit::new(self.cx.rate_limit, Duration::ZERO);
        let mut beat_at = started + self.cx.limits.heartbeat;
        let mut is_waiting = false;
        let key_ends = self
            .cx
            .expires_at
            .map(|end| started + end.since(self.cx.clock.now()));
        loop {
            // A lost branch drops a sleep; `next` keeps a half-read message inside the stream.
            let message = tokio::select! {
                message = stream.next() => message,
                () = self.cx.stop.cancelled() => return End::Shutdown,
                () = sleep_until(key_ends) => return End::KeyEnded,
                () = tokio::time::sleep_until(beat_at) => {
                    if is_waiting {
                        return End::Silent;
                    }
                    is_waiting = true;
                    beat_at += self.cx.limits.heartbeat_grace;
                    self.beat();
                    continue;
                }
            };
            let Some(Ok(message)) = message else {
                return End::Gone;
            };
            is_waiting = false;
            beat_at = Instant::now() + self.cx.limits.heartbeat;
            let pace = match message {
                Message::Pong(_) => continue,
                Message::Close(_) => return End::Gone,
                _ => rate_limit.take(started.elapsed()),
            };
            match (pace, message) {
                (Pace::Fine, Message::Text(text)) => self.handle(&text),
                (Pace::Fine, Message::Binary(_)) => {
                    self.refuse("binary", "messages are JSON in text frames");
                }
                (Pace::Fine | Pace::Drop, _) => {}
                (Pace::Warn, _) => self.warn_of_rate(),
                (Pace::Close, _) => return End::TooFast,
            }
        }
    }

    fn beat(&self) {
        let seq = self.cx.broadcaster.position();
        let pong = wire::pong(self.head(Some(seq)), None);
        self.mailbox.put(Parcel::Beat(pong));
    }

    fn warn_of_rate(&self) {
        let text = format!(
            "too many messages: {} a second are allowed, and this one was dropped",
            self.cx.rate_limit
        );
        let warning = wire::warning(self.head(None), "rate-limit", &text);
        self.mailbox.put(Parcel::Answer(warning));
    }

    fn refuse(&self, code: &str, text: &str) {
        let error = wire::error(self.head(None), code, text);
        self.mailbox.put(Parcel::Answer(error));
    }

    fn handle(&self, text: &str) {
        let message = match serde_json::from_str::<ClientMessage>(text) {
            Ok(message) => message,
            Err(error) => return self.refuse("not-understood", &error.to_string()),
        };
        match message {
            ClientMessage::Subscribe(message) => {
                let topics = message.payload.topics;
                self.change(
                    &topics,
                    |patterns| patterns.extend(topics.iter().cloned()),
                    None,
                );
            }
            ClientMessage::Unsubscribe(message) => {
                let topics = message.payload.topics;
                self.change(
                    &topics,
                    |patterns| patterns.retain(|it| !topics.contains(it)),
                    None,
                );
            }
            ClientMessage::Resume(message) => {
                let topics = message.payload.topics;
                let from = (message.payload.epoch, message.payload.since);
                let add = |patterns: &mut BTreeSet<String>| patterns.extend(topics.iter().cloned());
                self.change(&topics, add, Some(from));
            }
            ClientMessage::Ack(message) => self.ack(message.payload.seq),
            ClientMessage::Ping(message) => {
                let seq = self.cx.broadcaster.position();
                let pong = wire::pong(self.head(Some(seq)), message.payload.nonce.as_deref());
                self.mailbox.put(Parcel::Answer(pong));
            }
        }
    }

    fn ack(&self, seq: i64) {
        let position = self.cx.broadcaster.position();
        if seq > position {
            let text = format!("seq `{seq}` was not sent yet; the last one is {position}");
            self.refuse("ack-ahead", &text);
        }
    }

    fn change(
        &self,
        topics: &[String],
        change: impl FnOnce(&mut BTreeSet<String>),
        resume: Option<(String, i64)>,
    ) {
        if let Some(bad) = topics.iter().find(|topic| !is_pattern(topic)) {
            let text = format!("`{bad}` is not a topic or pattern, such as `run.*`");
            return self.refuse("topic", &text);
        }
        let parcel = |topics, seq| match resume {
            None => Parcel::Subscribed { topics, seq },
            Some((epoch, since)) => Parcel::Replay {
                epoch,
                since,
                topics,
                seq,
            },
        };
        if !self.cx.broadcaster.change(self.number, change, parcel) {
            self.refuse(
                "too-many-topics",
                "at most 100 topics or patterns are allowed",
            );
        }
    }

    /// Sends what is in the mailbox. Returns when it ends or the client is gone.
    async fn write(&self, sink: &mut SplitSink<WebSocket, Message>) -> End {
        let mut sent_seq = None;
        loop {
            let parcel = match self.mailbox.take().await {
                Ok(parcel) => parcel,
                Err(end) => return end,
            };
            let messages = match self.render(parcel, &mut sent_seq).await {
                Ok(messages) => messages,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "resume failed");
                    return End::Gone;
                }
            };
            for message in messages {
                // The end of the mailbox drops a send that the client doesn't take.
                let sent = tokio::select! {
                    sent = sink.send(message) => sent,
                    end = self.mailbox.wait_for_end() => return end,
                };
                if sent.is_err() {
                    return End::Gone;
                }
            }
        }
    }

    /// Sends the answers that wait, and no events.
    async fn send_answers(&self, sink: &mut SplitSink<WebSocket, Message>) {
        for parcel in self.mailbox.drain() {
            if let Parcel::Answer(text) = parcel
                && sink.send(Message::text(text)).await.is_err()
            {
                return;
            }
        }
    }

    async fn render(
        &self,
        parcel: Parcel,
        sent_seq: &mut Option<i64>,
    ) -> Result<Vec<Message>, StoreError> {
        Ok(match parcel {
            // A client that came from a hub further ahead has had this event already.
            Parcel::Event(event) if sent_seq.is_some_and(|sent| event.seq <= sent) => Vec::new(),
            Parcel::Event(event) => {
                *sent_seq = Some(event.seq);
                vec![Message::text(wire::event(&self.id, &event.tail))]
            }
            Parcel::Answer(text) => vec![Message::text(text)],
            Parcel::Beat(text) => vec![Message::text(text), Message::Ping(Bytes::new())],
            Parcel::Subscribed { topics, seq } => {
                let text = wire::subscribed(self.head(Some(seq)), &topics, None);
                vec![Message::text(text)]
            }
            Parcel::Replay { .. } if sent_seq.is_some() => {
                let text = "`resume` is accepted only before the first event of a connection; open a new one";
                vec![Message::text(wire::error(
                    self.head(None),
                    "resume-late",
                    text,
                ))]
            }
            Parcel::Replay {
                epoch,
                since,
                topics,
                seq,
            } => {
                let from = (epoch.as_str(), since);
                self.replay(from, &topics, seq, sent_seq).await?
            }
        })
    }

    /// What was missed after `from`, up to the event `seq`; or a snapshot.
    async fn replay(
        &self,
        from: (&str, i64),
        topics: &[String],
        seq: i64,
        sent_seq: &mut Option<i64>,
    ) -> Result<Vec<Message>, StoreError> {
        let (epoch, since) = from;
        let now = self.cx.clock.now();
        let Missed::Events(events) = self.cx.store.missed(epoch, since, seq, now).await? else {
            let (snapshot, seq) = self.cx.store.snapshot().await?;
            *sent_seq = Some(seq);
            let head = self.head(Some(seq));
            return Ok(vec![
                Message::text(wire::subscribed(head, topics, Some(false))),
                Message::text(wire::snapshot(head, &snapshot)),
            ]);
        };
        *sent_seq = Some(since.max(seq));
        let patterns: BTreeSet<String> = topics.iter().cloned().collect();
        let head = self.head(Some(since.max(seq)));
        let missed = events
            .iter()
            .filter(|event| event.kind != TOKEN_REVOKED && any_covers(&patterns, &event.topic));
        let missed = missed.map(|event| {
            let live = LiveEvent::new(event, self.cx.store.epoch());
            Message::text(wire::event(&self.id, &live.tail))
        });
        let subscribed = wire::subscribed(head, topics, Some(true));
        Ok(std::iter::once(Message::text(subscribed))
            .chain(missed)
            .collect())
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Sends the reason and waits a moment for the client's answer, so that the reason is not lost.
async fn close(
    mut sink: SplitSink<WebSocket, Message>,
    mut stream: SplitStream<WebSocket>,
    end: End,
) {
    let (code, reason) = match end {
        End::Gone => (1000, String::new()),
        End::TooSlow => (
            1013,
            "too slow: the queue of waiting events is full".to_owned(),
        ),
        End::TooFast => (1008, "too many messages".to_owned()),
        End::KeyEnded => (4401, "the key was revoked or has expired".to_owned()),
        End::Silent => (4408, "no sign of life".to_owned()),
        // Jittered, so that all clients don't come back in the same moment.
        End::Shutdown => (1012, rand::random_range(200..2_000).to_string()),
    };
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    let goodbye = async {
        if sink.send(Message::Close(Some(frame))).await.is_ok() && end != End::Gone {
            while let Some(Ok(_)) = stream.next().await {}
        }
    };
    // A client that does not take the close is dropped.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, goodbye).await;
}
