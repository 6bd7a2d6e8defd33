//! The body of an answer, and what the layers still have to do when it ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;

use super::errors::Sealer;
use super::metrics::Finish;
use super::panics;
use crate::call::Call;

type Polled = Poll<Option<Result<Frame<Bytes>, Status>>>;

/// A body that remembers its call: each layer leaves here what it must do until the last frame.
#[derive(Default)]
pub(crate) struct AnswerBody {
    inner: Body,
    /// The span that the frames are made in.
    pub(super) span: Option<Span>,
    /// The call that the frames are made for; holds its place among those in flight.
    pub(super) call: Option<Call>,
    /// Completes the error with which a stream ends.
    pub(super) sealer: Option<Sealer>,
    /// Resolves to the error with which the stream must end now.
    pub(super) cut: Option<BoxFuture<'static, Status>>,
    /// Counts the call when it ends.
    pub(super) finish: Option<Finish>,
    ended: bool,
}

impl AnswerBody {
    /// Wraps the body that a service made.
    pub(super) fn new(inner: Body) -> Self {
        Self { ended: inner.is_end_stream(), inner, ..Self::default() }
    }

    /// Tells whether nothing follows the head of the answer.
    pub(super) const fn is_empty(&self) -> bool {
        self.ended
    }

    /// Makes the next frame within the call and its span; a panic becomes an error.
    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Polled {
        let inner = &mut self.inner;
        let frame = || match catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx))) {
            Ok(polled) => polled,
            Err(panic) => Poll::Ready(Some(Err(panics::defect(&*panic)))),
        };
        match self.call.clone() {
            Some(call) => call.sync_scope(frame),
            None => frame(),
        }
    }

    /// Ends the answer with these trailers.
    fn end(&mut self, trailers: HeaderMap) -> Frame<Bytes> {
        let trailers = match &self.sealer {
            Some(sealer) => sealer.seal_trailers(trailers),
            None => trailers,
        };
        self.ended = true;
        if let Some(mut finish) = self.finish.take() {
            finish.set_code(code(&trailers));
        }
        // What is left of the handler is dropped now, not when the peer has read the trailers.
        (self.inner, self.call, self.cut) = (Body::empty(), None, None);
        Frame::trailers(trailers)
    }

    fn fail(&mut self, status: &Status) -> Frame<Bytes> {
        let mut trailers = HeaderMap::new();
        // A status that cannot be written is a defect, and the code alone says so.
        if status.add_header(&mut trailers).is_err() {
            trailers.insert(Status::GRPC_STATUS, http::HeaderValue::from_static("13"));
        }
        self.end(trailers)
    }

    fn poll_within_span(&mut self, cx: &mut Context<'_>) -> Polled {
        if let Some(cut) = &mut self.cut
            && let Poll::Ready(status) = cut.as_mut().poll(cx)
        {
            return Poll::Ready(Some(Ok(self.fail(&status))));
        }
        let frame = match ready!(self.poll_inner(cx)) {
            None => {
                self.ended = true;
                return Poll::Ready(None);
            }
            Some(Err(status)) => self.fail(&status),
            Some(Ok(frame)) => match frame.into_trailers() {
                Ok(trailers) => self.end(trailers),
                Err(data) => data,
            },
        };
        Poll::Ready(Some(Ok(frame)))
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        if self.ended {
            return Poll::Ready(None);
        }
        let span = self.span.clone().unwrap_or_else(Span::none);
        span.in_scope(|| self.poll_within_span(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        if self.ended { SizeHint::with_exact(0) } else { self.inner.size_hint() }
    }
}

/// Reads the code from trailers, or from the head of an answer that is nothing but an error.
pub(super) fn code(headers: &HeaderMap) -> Code {
    headers.get(Status::GRPC_STATUS).map_or(Code::Ok, |value| Code::from_bytes(value.as_bytes()))
}
