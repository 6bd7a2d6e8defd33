//! What kind of request this is: gRPC, gRPC-Web, or plain HTTP; one port serves all three.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use tokio::time::Instant;
use tonic::body::Body;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer as _, Service, ServiceExt as _};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Cors, CorsLayer};
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use crate::REQUEST_ID;
use crate::call::Call;
use crate::stack::{Plain, Stack};

/// How long a plain HTTP route may take.
const HTTP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a browser may remember what it is allowed.
const PREFLIGHT_AGE: Duration = Duration::from_hours(1);

/// The service of every connection; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Front(Arc<Doors>);

#[derive(Debug)]
struct Doors {
    cors: Option<Cors<Dispatch>>,
    dispatch: Dispatch,
}

impl Front {
    pub(super) fn new(stack: Stack, http: axum::Router, allowed_origins: &[String]) -> Self {
        let web = GrpcWebLayer::new().layer(stack.clone());
        let dispatch = Dispatch { stack, web, http: http.layer(CatchPanicLayer::new()) };
        let origins: Vec<_> = allowed_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
        // Without allowed origins there is no layer at all, and browsers refuse on their own.
        let cors = (!origins.is_empty()).then(|| cors(origins).layer(dispatch.clone()));
        Self(Arc::new(Doors { cors, dispatch }))
    }

    /// Serves a request; nothing is copied for those that are gRPC.
    pub(super) fn serve(&self, request: Request<Body>) -> BoxFuture<'static, Result<Response<Body>, Infallible>> {
        match &self.0.cors {
            Some(cors) if request.headers().contains_key(header::ORIGIN) => cors.clone().call(request).boxed(),
            _ => self.0.dispatch.serve(request),
        }
    }
}

fn cors(origins: Vec<HeaderValue>) -> CorsLayer {
    let plain = [header::CONTENT_TYPE, header::AUTHORIZATION, REQUEST_ID];
    let asked = ["x-grpc-web", "x-user-agent", "grpc-timeout", "rolecall-min-revision", "traceparent"];
    let told = ["grpc-status", "grpc-message", "grpc-status-details-bin"].map(HeaderName::from_static);
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(plain.into_iter().chain(asked.map(HeaderName::from_static)).collect::<Vec<_>>())
        .expose_headers(told.into_iter().chain([REQUEST_ID]).collect::<Vec<_>>())
        .max_age(PREFLIGHT_AGE)
}

#[derive(Clone, Debug)]
struct Dispatch {
    stack: Stack,
    web: GrpcWebService<Stack>,
    http: axum::Router,
}

impl Dispatch {
    fn serve(&self, request: Request<Body>) -> BoxFuture<'static, Result<Response<Body>, Infallible>> {
        match Kind::of(&request) {
            Kind::Grpc => self.stack.serve(request),
            Kind::Web => self.web.clone().call(request).boxed(),
            Kind::Http => plain(self.stack.plain().clone(), self.http.clone(), request).boxed(),
            Kind::Refused(code) => std::future::ready(Ok(empty(code))).boxed(),
        }
    }
}

impl Service<Request<Body>> for Dispatch {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.serve(request)
    }
}

/// What a request is.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Grpc,
    Web,
    Http,
    Refused(StatusCode),
}

impl Kind {
    fn of(request: &Request<Body>) -> Self {
        let content = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let kind = content.split(';').next().unwrap_or("").trim();
        let Some(rest) = kind.strip_prefix("application/grpc") else {
            return Self::Http;
        };
        match (rest, request.method() == Method::POST, request.version()) {
            (_, false, _) => Self::Refused(StatusCode::METHOD_NOT_ALLOWED),
            ("-web" | "-web+proto" | "-web-text" | "-web-text+proto", true, _) => Self::Web,
            ("" | "+proto", true, Version::HTTP_2) => Self::Grpc,
            ("" | "+proto", true, _) => Self::Refused(StatusCode::HTTP_VERSION_NOT_SUPPORTED),
            _ => Self::Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        }
    }
}

async fn plain(calls: Plain, http: axum::Router, request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let (deadline, span) = (Instant::now() + HTTP_TIMEOUT, span(&request));
    let (name, call) = calls.enter(&request, deadline);
    span.record("request_id", name.to_str().unwrap_or_default());
    let mut response = match call {
        Some(call) => serve(call, deadline, http, request).instrument(span.clone()).await?,
        None => overloaded(),
    };
    span.record("http.response.status_code", response.status().as_u16());
    response.headers_mut().insert(REQUEST_ID, name);
    Ok(response)
}

async fn serve(
    call: Call,
    deadline: Instant,
    http: axum::Router,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible> {
    let answer = call.scope(http.oneshot(request.map(axum::body::Body::new)));
    match tokio::time::timeout_at(deadline, answer).await {
        Ok(answer) => answer.map(|response| response.map(Body::new)),
        Err(_) => Ok(empty(StatusCode::GATEWAY_TIMEOUT)),
    }
}

/// The span holds nothing of the address, which may carry a secret; who serves the request adds the route.
fn span(request: &Request<Body>) -> Span {
    let method = match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        // A stranger may write anything there.
        _ => "_OTHER",
    };
    let span = info_span!(
        "http",
        otel.name = method,
        otel.kind = "server",
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        request_id = Empty
    );
    rolecall_telemetry::context::continue_from_headers(&span, request.headers());
    span
}

fn overloaded() -> Response<Body> {
    let mut response = empty(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn empty(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asvs_v4_1_1_the_content_type_decides_who_answers() {
        let kind = |method: Method, content: &str, version| {
            let request = Request::builder().method(method).version(version).header(header::CONTENT_TYPE, content);
            Kind::of(&request.body(Body::empty()).expect("a request"))
        };
        let (post, h1, h2) = (Method::POST, Version::HTTP_11, Version::HTTP_2);
        assert_eq!(kind(post.clone(), "application/grpc", h2), Kind::Grpc);
        assert_eq!(kind(post.clone(), "application/grpc+proto", h2), Kind::Grpc);
        assert_eq!(kind(post.clone(), "application/grpc-web+proto", h1), Kind::Web);
        assert_eq!(kind(post.clone(), "application/grpc-web-text", h2), Kind::Web);
        assert_eq!(kind(post.clone(), "application/json", h2), Kind::Http);
        assert_eq!(kind(post.clone(), "application/grpc; charset=utf-8", h2), Kind::Grpc);
        assert_eq!(kind(post.clone(), "application/grpc", h1), Kind::Refused(StatusCode::HTTP_VERSION_NOT_SUPPORTED));
        assert_eq!(kind(post, "application/grpc+json", h2), Kind::Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        assert_eq!(kind(Method::GET, "application/grpc", h2), Kind::Refused(StatusCode::METHOD_NOT_ALLOWED));
    }
}
