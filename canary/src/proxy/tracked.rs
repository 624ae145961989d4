//! A request in flight and the body of its answer: both count themselves out when they end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};

use super::backend::Backend;
use super::kept::KeptBody;
use super::wire::VersionCounts;

pub(super) type OutBody = UnsyncBoxBody<Bytes, hyper::Error>;

/// Counted in flight from its making until it is dropped. Dropped without an end being stated, the
/// client has gone away.
#[derive(Debug)]
pub(super) struct InFlight {
    backend: Arc<Backend>,
    has_ended: bool,
}

impl InFlight {
    pub(super) fn new(backend: Arc<Backend>) -> Self {
        backend.count(|counts| {
            counts.requests += 1;
            counts.in_flight += 1;
        });
        Self {
            backend,
            has_ended: false,
        }
    }

    /// States how the request ended.
    pub(super) fn end(&mut self, change: impl FnOnce(&mut VersionCounts)) {
        self.has_ended = true;
        self.backend.count(change);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let has_ended = self.has_ended;
        self.backend.count(|counts| {
            counts.in_flight -= 1;
            counts.finished += 1;
            counts.client_aborts += u64::from(!has_ended);
        });
    }
}

/// A version's answer on its way to the client.
struct TrackedBody {
    inner: KeptBody,
    in_flight: InFlight,
}

pub(super) fn track(inner: KeptBody, in_flight: InFlight) -> OutBody {
    TrackedBody { inner, in_flight }.boxed_unsync()
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(None) => self.in_flight.end(|_| {}),
            Poll::Ready(Some(Err(_))) => self.in_flight.end(|counts| counts.broken += 1),
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        if self.inner.is_end_stream() && !self.in_flight.has_ended {
            self.in_flight.end(|_| {});
        }
    }
}
