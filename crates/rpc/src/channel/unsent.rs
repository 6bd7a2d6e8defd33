//! Calls that never left are sent again.
//!
//! A server closes a connection that has grown old, and a call that goes to this connection in the same moment finds it
//! closed before a byte of it was sent. Nobody saw the first try, so that even a change can be repeated: gRPC calls this
//! a transparent retry (proposal A6).

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::{Service as _, ServiceExt as _};

/// How often a call is sent when it never leaves; each new connection could end in the same way.
const MAX_TRIES: usize = 5;

/// Calls, and calls again as long as nothing of the request was sent.
pub(super) async fn call(mut channel: Channel, request: Request<Body>) -> Result<Response<Body>, Error> {
    let (head, mut body) = request.into_parts();
    let mut tries = 1;
    loop {
        let returned = Returned::default();
        let lent = Body::new(Lent { body, begun: false, returned: returned.clone() });
        let error = match channel.ready().await?.call(Request::from_parts(head.clone(), lent)).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match returned.take() {
            Some(unsent) if tries < MAX_TRIES && never_left(&error) => body = unsent,
            _ => return Err(error),
        }
        tries += 1;
    }
}

/// Tells whether hyper gave the request up before it was sent.
fn never_left(error: &Error) -> bool {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source())
        .filter_map(|error| error.downcast_ref::<hyper::Error>())
        .any(|error| error.is_canceled() || error.is_closed())
}

/// Where a body comes back to that nobody began to read.
#[derive(Clone, Default)]
struct Returned(Arc<Mutex<Option<Body>>>);

impl Returned {
    fn take(&self) -> Option<Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, body: Body) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }
}

/// A body that comes back when it is dropped unread.
struct Lent {
    body: Body,
    begun: bool,
    returned: Returned,
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.begun = true;
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.begun {
            self.returned.put(std::mem::take(&mut self.body));
        }
    }
}
