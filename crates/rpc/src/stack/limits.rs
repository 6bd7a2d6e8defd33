//! What a request may be: one message or several, each within the method's size, uncompressed, whole.
//!
//! The length of a message stands in the five bytes before it, so a message that is too large is refused before it is
//! buffered. tonic would reserve memory for it first, and answer `OUT_OF_RANGE`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::future::{Either, Ready, ready as at_once};
use http::{HeaderMap, Request, Response, header};
use http_body::{Frame, SizeHint};
use rolecall_authz::Caller;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

use super::step::Trail;
use crate::call::{self, Acting};
use crate::methods::{Method, Methods};
use crate::status::{StatusBuilder, domain, reason};

/// The name of the layer.
pub(super) const NAME: &str = "limits";

/// The length of what precedes a message: a flag and its size.
const PREFIX: usize = 5;

/// A service that sees only requests within the limits of their method.
#[derive(Clone, Debug)]
pub struct Limited<S> {
    inner: S,
    methods: Arc<Methods>,
}

impl<S> Limited<S> {
    pub(super) const fn new(inner: S, methods: Arc<Methods>) -> Self {
        Self { inner, methods }
    }
}

impl<S> Service<Request<Body>> for Limited<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Trail::mark(&request, NAME);
        let method = self.methods.get(request.uri().path());
        if let Err(status) = check_head(request.headers(), method) {
            return Either::Right(at_once(Ok(status.into_http())));
        }
        if let Some(caller) = request.extensions().get::<Arc<Caller>>()
            && let Some(actor) = caller.actor()
        {
            call::note_acting(Acting { actor, target: caller.subject() });
        }
        let scan = Scan::new(method);
        Either::Left(self.inner.call(request.map(|inner| Body::new(Checked { inner, scan, ended: false }))))
    }
}

fn check_head(headers: &HeaderMap, method: &Method) -> Result<(), Status> {
    if headers.get("grpc-encoding").is_some_and(|encoding| encoding != "identity") {
        let message = "Requests are not accepted compressed; send them without `grpc-encoding`.";
        return Err(StatusBuilder::new(Code::InvalidArgument, domain::AUTHZ, reason::METADATA_INVALID, message)
            .metadata("key", "grpc-encoding")
            .build());
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    match length {
        Some(length) if !method.client_streaming && length > method.max_request_bytes.saturating_add(PREFIX) => {
            Err(too_large(method.max_request_bytes))
        }
        _ => Ok(()),
    }
}

/// A request body that is looked at as it streams in.
struct Checked {
    inner: Body,
    scan: Scan,
    ended: bool,
}

impl http_body::Body for Checked {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let checked = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(Ok(()), |data| self.scan.data(data)),
            // Whatever breaks a request on its way in is no defect of the server.
            Some(Err(status)) if status.code() != Code::Cancelled => Err(malformed("it could not be read to its end")),
            Some(Err(_)) => Ok(()),
            None => self.scan.end(),
        };
        if let Err(status) = checked {
            self.ended = true;
            return Poll::Ready(Some(Err(status)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        // An empty body still has to be refused where a message is due.
        self.ended || (self.scan.is_whole() && self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Follows the frames of gRPC through a body.
struct Scan {
    max: usize,
    single: bool,
    messages: usize,
    prefix: [u8; PREFIX],
    have: usize,
    left: usize,
}

impl Scan {
    const fn new(method: &Method) -> Self {
        let (max, single) = (method.max_request_bytes, !method.client_streaming);
        Self { max, single, messages: 0, prefix: [0; PREFIX], have: 0, left: 0 }
    }

    /// Looks at the next bytes.
    fn data(&mut self, mut data: &[u8]) -> Result<(), Status> {
        while !data.is_empty() {
            let taken = if self.left > 0 { self.skip(data) } else { self.read_prefix(data)? };
            data = &data[taken..];
        }
        Ok(())
    }

    fn skip(&mut self, data: &[u8]) -> usize {
        let taken = data.len().min(self.left);
        self.left -= taken;
        taken
    }

    fn read_prefix(&mut self, data: &[u8]) -> Result<usize, Status> {
        if self.single && self.messages > 0 {
            return Err(malformed("it holds more than one message"));
        }
        let taken = data.len().min(PREFIX - self.have);
        self.prefix[self.have..self.have + taken].copy_from_slice(&data[..taken]);
        self.have += taken;
        if self.have == PREFIX {
            self.begin_message()?;
        }
        Ok(taken)
    }

    fn begin_message(&mut self) -> Result<(), Status> {
        let [flag, length @ ..] = self.prefix;
        if flag != 0 {
            return Err(malformed("its message is marked as compressed, which is not accepted"));
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > self.max {
            return Err(too_large(self.max));
        }
        (self.have, self.left) = (0, length);
        self.messages += 1;
        Ok(())
    }

    /// Looks at the end.
    fn end(&self) -> Result<(), Status> {
        if self.have > 0 || self.left > 0 {
            return Err(malformed("it ends in the middle of a message"));
        }
        if self.single && self.messages == 0 {
            return Err(malformed("it holds no message"));
        }
        Ok(())
    }

    const fn is_whole(&self) -> bool {
        self.have == 0 && self.left == 0 && (!self.single || self.messages > 0)
    }
}

fn too_large(max: usize) -> Status {
    let message = format!("The request is larger than the {max} bytes that the method allows; send less at once.");
    StatusBuilder::new(Code::ResourceExhausted, domain::AUTHZ, reason::REQUEST_TOO_LARGE, message)
        .metadata("max_request_bytes", max.to_string())
        .build()
}

fn malformed(what: &str) -> Status {
    let message = format!("The request is not a valid message of the method: {what}.");
    StatusBuilder::new(Code::InvalidArgument, domain::AUTHZ, reason::REQUEST_MALFORMED, message).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(max: usize, single: bool) -> Scan {
        Scan { max, single, messages: 0, prefix: [0; PREFIX], have: 0, left: 0 }
    }

    fn frame(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(length).expect("small").to_be_bytes());
        bytes.resize(PREFIX + length, 7);
        bytes
    }

    fn reason_of(result: Result<(), Status>) -> Option<String> {
        use tonic_types::StatusExt as _;
        result.err().and_then(|status| status.get_details_error_info()).map(|info| info.reason)
    }

    #[test]
    fn the_size_is_refused_from_its_prefix_alone() {
        let mut scan = scan(100, true);
        assert_eq!(scan.data(&frame(101)[..4]).map_err(|_| ()), Ok(()));
        assert_eq!(reason_of(scan.data(&frame(101)[4..5])).as_deref(), Some(reason::REQUEST_TOO_LARGE));
    }

    #[test]
    fn no_message_half_a_message_and_two_messages_are_malformed() {
        assert_eq!(reason_of(scan(9, true).end()).as_deref(), Some(reason::REQUEST_MALFORMED));
        for cut in 1..frame(4).len() {
            let mut scan = scan(9, true);
            assert!(scan.data(&frame(4)[..cut]).is_ok());
            assert_eq!(reason_of(scan.end()).as_deref(), Some(reason::REQUEST_MALFORMED), "{cut}");
        }
        let mut scan = scan(9, true);
        assert_eq!(reason_of(scan.data(&[frame(4), frame(4)].concat())).as_deref(), Some(reason::REQUEST_MALFORMED));
        let mut compressed = frame(4);
        compressed[0] = 1;
        let mut scan = self::scan(9, true);
        assert_eq!(reason_of(scan.data(&compressed)).as_deref(), Some(reason::REQUEST_MALFORMED));
    }

    proptest! {
        #[test]
        fn however_a_stream_is_cut_its_messages_are_seen(sizes in proptest::collection::vec(0_usize..200, 0..8), step in 1_usize..64) {
            let bytes: Vec<u8> = sizes.iter().flat_map(|size| frame(*size)).collect();
            let mut scan = scan(100, false);
            let result = bytes.chunks(step).try_for_each(|chunk| scan.data(chunk)).and_then(|()| scan.end());
            prop_assert_eq!(result.is_ok(), sizes.iter().all(|size| *size <= 100));
            if result.is_ok() {
                prop_assert_eq!(scan.messages, sizes.len());
            }
        }
    }
}
