//! The body of an answer, which reports to its exchange what passes and how it ends.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};

use super::kept::KeptBody;
use crate::ledger::{End, Exchange};

pub(super) type OutBody = UnsyncBoxBody<Bytes, hyper::Error>;

/// A version's answer on its way to the client.
struct TrackedBody {
    inner: KeptBody,
    exchange: Exchange,
}

pub(super) fn track(inner: KeptBody, exchange: Exchange) -> OutBody {
    TrackedBody { inner, exchange }.boxed_unsync()
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
            Poll::Ready(None) => self.exchange.end(End::Whole),
            Poll::Ready(Some(Err(_))) => self.exchange.end(End::Cut),
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.exchange.data(data.len());
                } else if let Some(trailers) = frame.trailers_ref() {
                    self.exchange.trailers(trailers);
                }
            }
            Poll::Pending => {}
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
        if self.inner.is_end_stream() {
            self.exchange.end(End::Whole);
        }
    }
}
