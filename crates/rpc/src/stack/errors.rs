//! Every error leaves with exactly one `ErrorInfo` and a `RequestInfo`; the text of a defect does not leave.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request};
use rolecall_authz::CallId;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::pb;

use super::answer;
use super::step::{Answer, Rest, Step};
use crate::details::Details;
use crate::status::{Chain, domain, reason};

/// Completes errors.
#[derive(Clone, Copy)]
pub(super) struct Seal;

impl Step for Seal {
    const NAME: &'static str = "errors";

    fn handle<S: Rest>(&self, request: Request<Body>, rest: &S) -> impl Future<Output = Answer> + Send + 'static {
        let id = request.extensions().get().map_or_else(|| "".into(), |CallId(id)| Arc::clone(id));
        let sealer = Sealer { request_id: id };
        let answer = rest.call(request);
        async move {
            let mut answer = answer.await;
            if answer.body().is_empty() {
                sealer.seal_head(&mut answer);
            } else {
                answer.body_mut().sealer = Some(sealer);
            }
            answer
        }
    }
}

/// Completes the errors of one call.
pub(super) struct Sealer {
    request_id: Arc<str>,
}

impl Sealer {
    /// Completes the error in the head of an answer that has no body.
    fn seal_head(&self, answer: &mut Answer) {
        if answer::code(answer.headers()) == Code::Ok {
            return;
        }
        // tonic leaves the status itself beside its headers; only that one still knows its cause.
        let status = answer.extensions_mut().remove().or_else(|| Status::from_header_map(answer.headers()));
        if let Some(status) = status {
            self.write(&status, answer.headers_mut());
        }
    }

    /// Completes the error in trailers; those of a success stay as they are.
    pub(super) fn seal_trailers(&self, mut trailers: HeaderMap) -> HeaderMap {
        if answer::code(&trailers) != Code::Ok
            && let Some(status) = Status::from_header_map(&trailers)
        {
            self.write(&status, &mut trailers);
        }
        trailers
    }

    fn write(&self, status: &Status, headers: &mut HeaderMap) {
        let sealed = self.seal(status);
        for name in [Status::GRPC_STATUS, Status::GRPC_MESSAGE, Status::GRPC_STATUS_DETAILS] {
            headers.remove(name);
        }
        if sealed.add_header(headers).is_err() {
            headers.insert(Status::GRPC_STATUS, http::HeaderValue::from_static("13"));
        }
    }

    /// Returns the status as it may leave.
    fn seal(&self, status: &Status) -> Status {
        let mut details = Details::decode(status.details());
        let info = details.find::<pb::ErrorInfo>().filter(|info| !info.reason.is_empty());
        let (code, info, message) = if let Some(info) = info {
            (defect_code(status.code()), info, status.message().to_owned())
        } else {
            let (code, reason, message) = classify(status);
            (code, stack_info(reason), message)
        };
        log(status, code);
        let (info, message) = if code == Code::Internal {
            details = Details::default();
            let sentence = "A defect of the server; its log says more under the request id";
            (without_metadata(info), format!("{sentence} {}.", self.request_id))
        } else {
            (info, message)
        };
        details.remove::<pb::ErrorInfo>();
        details.remove::<pb::DebugInfo>();
        details.remove::<pb::RequestInfo>();
        details.prepend(&info);
        details.push(&pb::RequestInfo { request_id: self.request_id.to_string(), serving_data: String::new() });
        let encoded = Bytes::from(details.encode(code, &message));
        Status::with_details_and_metadata(code, message, encoded, status.metadata().clone())
    }
}

/// `UNKNOWN` and `DATA_LOSS` are nothing that a caller could act on.
fn defect_code(code: Code) -> Code {
    if matches!(code, Code::Unknown | Code::DataLoss) { Code::Internal } else { code }
}

fn stack_info(reason: &str) -> pb::ErrorInfo {
    pb::ErrorInfo { reason: reason.to_owned(), domain: domain::AUTHZ.to_owned(), ..Default::default() }
}

fn without_metadata(info: pb::ErrorInfo) -> pb::ErrorInfo {
    pb::ErrorInfo { reason: info.reason, domain: info.domain, ..Default::default() }
}

/// Gives a code, a reason and a sentence to a status that came without `ErrorInfo`: those of tonic itself.
fn classify(status: &Status) -> (Code, &'static str, String) {
    let said = status.message();
    let (code, reason, message) = match status.code() {
        // tonic answers INTERNAL for what cannot be decoded, although the fault is the caller's.
        Code::Internal if said.starts_with("failed to decode Protobuf message") => {
            let message = format!("The request is not a valid message of the method: {said}.");
            return (Code::InvalidArgument, reason::REQUEST_MALFORMED, message);
        }
        // tonic answers OUT_OF_RANGE for a message beyond its limit; the gRPC specification says RESOURCE_EXHAUSTED.
        Code::OutOfRange => (Code::ResourceExhausted, reason::REQUEST_TOO_LARGE, "The message is too large."),
        Code::Internal | Code::Unknown | Code::DataLoss => (Code::Internal, reason::INTERNAL, ""),
        Code::Cancelled | Code::DeadlineExceeded => {
            (Code::DeadlineExceeded, reason::DEADLINE_EXCEEDED, "The call was not finished in time; repeat it.")
        }
        Code::ResourceExhausted => {
            (Code::ResourceExhausted, reason::OVERLOADED, "A limit is reached; repeat the call later.")
        }
        // The text of a transport error names hosts and ports.
        Code::Unavailable => {
            (Code::Unavailable, reason::UNREACHABLE, "Something the server needs is out of reach; repeat the call.")
        }
        Code::Unimplemented => (
            Code::Unimplemented,
            reason::METHOD_NOT_SERVED,
            "The method is not served here; call the server that does.",
        ),
        // The bare NOT_FOUND is that of health and reflection.
        Code::NotFound => (Code::NotFound, reason::SERVICE_UNKNOWN, "Nothing of that name is served here."),
        code @ (Code::Ok
        | Code::InvalidArgument
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unauthenticated) => (code, reason::UNSPECIFIED, said),
    };
    (code, reason, message.to_owned())
}

/// Writes the whole chain of a defect once; the span of the call adds the method and the request id.
fn log(status: &Status, code: Code) {
    let chain = Chain(status);
    if code == Code::Internal {
        tracing::error!(%chain, "defect");
    } else if code == Code::Unavailable {
        tracing::warn!(%chain, "out of reach");
    } else {
        tracing::debug!(?code, message = status.message(), "refused");
    }
}
