//! The bodies on the version's side of an exchange.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::backend::{Backend, Sender};

/// The body of a version's answer. Once it was read to its end, its connection is idle again.
pub(super) struct KeptBody {
    inner: Incoming,
    has_ended: bool,
    /// Absent when the connection is shared.
    connection: Option<(Arc<Backend>, Sender)>,
}

impl KeptBody {
    pub(super) fn new(inner: Incoming, backend: &Arc<Backend>, sender: Option<Sender>) -> Self {
        Self {
            inner,
            has_ended: false,
            connection: sender.map(|sender| (backend.clone(), sender)),
        }
    }
}

impl Body for KeptBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        self.has_ended |= match &polled {
            Poll::Ready(None) => true,
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers(),
            Poll::Ready(Some(Err(_))) | Poll::Pending => false,
        };
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for KeptBody {
    fn drop(&mut self) {
        let has_ended = self.is_end_stream();
        if let Some((backend, sender)) = self.connection.take().filter(|_| has_ended) {
            backend.put_idle(sender);
        }
    }
}
