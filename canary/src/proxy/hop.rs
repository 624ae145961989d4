//! A client's connection beneath the HTTP engine. It reads the protocol off the first bytes, keeps
//! a connection open whose client has closed its sending side and waits for the answer, and sends
//! interim answers (1xx), which the engine cannot.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// The first bytes of a client that speaks HTTP/2 at once (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A client that closed its sending side gets its answer when it begins within this time. Later the
/// client counts as gone: a closed connection looks the same.
const HALF_CLOSED_MAX: Duration = Duration::from_secs(2);

/// What the requests of a connection tell the connection.
#[derive(Debug, Default)]
pub(super) struct Hop {
    is_answering: AtomicBool,
    early: Mutex<Early>,
}

/// Interim answers that are not sent yet.
#[derive(Debug, Default)]
struct Early {
    bytes: Vec<u8>,
    task: Option<Waker>,
}

impl Hop {
    fn early(&self) -> MutexGuard<'_, Early> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request was read and its answer has not ended until the result is dropped.
    pub(super) fn answering(self: &Arc<Self>) -> Answering {
        self.is_answering.store(true, Ordering::Relaxed);
        Answering(self.clone())
    }

    /// Sends an interim answer before whatever the engine sends next.
    pub(super) fn send_early(&self, bytes: &[u8]) {
        let mut early = self.early();
        early.bytes.extend_from_slice(bytes);
        if let Some(task) = early.task.take() {
            task.wake();
        }
    }

    /// Remembers the task of the connection, so that interim answers are sent at once.
    pub(super) async fn attend(&self) {
        std::future::poll_fn(|cx| {
            self.early().task = Some(cx.waker().clone());
            Poll::Ready(())
        })
        .await;
    }

    /// Ends when no interim answer waits: the final one must not overtake it.
    pub(super) async fn early_sent(&self) {
        std::future::poll_fn(|cx| {
            let mut early = self.early();
            if early.bytes.is_empty() {
                return Poll::Ready(());
            }
            early.task = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Called when the engine has nothing unsent, so never within another answer.
    fn poll_early(&self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut early = self.early();
        if early.bytes.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while !early.bytes.is_empty() {
            match Pin::new(&mut *stream).poll_write(cx, &early.bytes) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(n)) => drop(early.bytes.drain(..n)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        if let Some(task) = early.task.take() {
            task.wake();
        }
        Poll::Ready(Ok(()))
    }
}

/// Dropped when the answer has ended.
#[derive(Debug)]
pub(super) struct Answering(Arc<Hop>);

impl Answering {
    pub(super) fn hop(&self) -> &Arc<Hop> {
        &self.0
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.is_answering.store(false, Ordering::Relaxed);
    }
}

/// One client's connection.
#[derive(Debug)]
pub(super) struct ClientIo {
    stream: TcpStream,
    /// What was read to learn the protocol.
    first: Bytes,
    hop: Arc<Hop>,
    half_closed: Option<Pin<Box<Sleep>>>,
}

impl ClientIo {
    /// Reads until the protocol is known. Returns whether it is HTTP/2.
    pub(super) async fn accept(mut stream: TcpStream) -> io::Result<(Self, bool)> {
        let mut first = BytesMut::with_capacity(4_096);
        while PREFACE.starts_with(&first) && first.len() < PREFACE.len() {
            if stream.read_buf(&mut first).await? == 0 {
                break;
            }
        }
        let is_http2 = first.starts_with(PREFACE);
        let io = Self {
            stream,
            first: first.freeze(),
            hop: Arc::default(),
            half_closed: None,
        };
        Ok((io, is_http2))
    }

    pub(super) fn hop(&self) -> Arc<Hop> {
        self.hop.clone()
    }

    /// The end of what the client sends, once it is to be believed.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.hop.is_answering.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let half_closed = self
            .half_closed
            .get_or_insert_with(|| Box::pin(sleep(HALF_CLOSED_MAX)));
        half_closed.as_mut().poll(cx).map(Ok)
    }

    /// The answer continues, so the client's time begins anew.
    fn prolong(&mut self) {
        if let Some(half_closed) = &mut self.half_closed {
            let until = tokio::time::Instant::now() + HALF_CLOSED_MAX;
            half_closed.as_mut().reset(until);
        }
    }
}

impl AsyncRead for ClientIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let n = self.first.len().min(buffer.remaining());
            buffer.put_slice(&self.first[..n]);
            self.first.advance(n);
            if self.first.is_empty() {
                // The bytes would be held as long as the connection.
                self.first = Bytes::new();
            }
            return Poll::Ready(Ok(()));
        }
        if self.half_closed.is_some() {
            return self.poll_end(cx);
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if matches!(polled, Poll::Ready(Ok(()))) && buffer.filled().len() == before {
            return self.poll_end(cx);
        }
        polled
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.prolong();
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.prolong();
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.hop.poll_early(&mut this.stream, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
