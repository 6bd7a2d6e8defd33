//! The tower layer that lets through only calls that may be made.

mod authorize;
mod watch;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

pub(crate) use authorize::min_revision;
pub use authorize::{Authorizer, MIN_REVISION};

use crate::caller::Caller;
use crate::policy::Rule;
use crate::refusal::Refusal;
use crate::refused::Refusals;
use authorize::Decision;
use watch::Watch;

/// The request id of a call. Outer layers put it into the extensions of the request, and every
/// refusal carries it as `RequestInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallId(pub Arc<str>);

/// Who decided about a call, and by which rule: for streams, which are decided about again.
#[derive(Debug, Clone)]
pub struct Ruling {
    pub(crate) authorizer: Arc<Authorizer>,
    pub(crate) rule: Arc<Rule>,
}

impl Ruling {
    /// Notes who decides by which rule.
    pub const fn new(authorizer: Arc<Authorizer>, rule: Arc<Rule>) -> Self {
        Self { authorizer, rule }
    }

    /// Returns the rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }
}

/// Authenticates and authorizes on the head of the request, before its body is read.
///
/// Behind it, the extensions of a request hold the [`Ruling`] and, unless the method is public, the
/// `Arc<Caller>`. Refusals are answered at once with a status and a default body.
#[derive(Debug, Clone)]
pub struct AuthLayer {
    authorizer: Arc<Authorizer>,
    refusals: Refusals,
}

impl AuthLayer {
    /// Makes the layer.
    pub fn new(authorizer: Authorizer) -> Self {
        Self { authorizer: Arc::new(authorizer), refusals: Refusals::default() }
    }

    /// Counts refused calls there.
    #[must_use]
    pub fn counting(self, refusals: Refusals) -> Self {
        Self { refusals, ..self }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService { inner, authorizer: Arc::clone(&self.authorizer), refusals: self.refusals.clone() }
    }
}

/// The service that [`AuthLayer`] makes.
#[derive(Debug, Clone)]
pub struct AuthService<S> {
    inner: S,
    authorizer: Arc<Authorizer>,
    refusals: Refusals,
}

impl<S, B, R> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = AuthFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // A caller comes from this layer or not at all.
        request.extensions_mut().remove::<Arc<Caller>>();
        let Some(rule) = self.authorizer.rule(request.uri().path()) else {
            return AuthFuture::refused(Refusal::unknown_method(request.uri().path()), &request);
        };
        request.extensions_mut().insert(Ruling::new(Arc::clone(&self.authorizer), Arc::clone(&rule)));
        let watch = Watch { refusals: self.refusals.clone(), rule: Arc::clone(&rule), caller: None };
        match self.authorizer.decide(&rule, request.headers()) {
            Decision::Open => AuthFuture::admitted(self.inner.call(request), watch),
            Decision::Admitted(caller) => {
                request.extensions_mut().insert(Arc::clone(&caller));
                AuthFuture::admitted(self.inner.call(request), watch.of(caller))
            }
            Decision::Refused(refusal) => {
                watch.refused(&refusal, self.authorizer.caller_of(request.headers()));
                AuthFuture::refused(refusal, &request)
            }
            Decision::Ask(question) => {
                let authorizer = Arc::clone(&self.authorizer);
                // The instance that was polled ready makes the call; its clone waits for the next one.
                let clone = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, clone);
                let answer = Box::pin(async move { authorizer.ask(&rule, question).await });
                let authorizer = Arc::clone(&self.authorizer);
                AuthFuture {
                    state: State::Asking { answer, call: Some((inner, request)), authorizer, watch: Some(watch) },
                }
            }
        }
    }
}

pin_project! {
    /// The answer to a call through [`AuthService`].
    pub struct AuthFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        Admitted { #[pin] future: S::Future, watch: Watch },
        Asking {
            answer: BoxFuture<'static, Result<Arc<Caller>, Refusal>>,
            call: Option<(S, Request<B>)>,
            authorizer: Arc<Authorizer>,
            watch: Option<Watch>,
        },
        Refused { status: Option<tonic::Status> },
    }
}

impl<S: Service<Request<B>>, B> AuthFuture<S, B> {
    const fn admitted(future: S::Future, watch: Watch) -> Self {
        Self { state: State::Admitted { future, watch } }
    }

    fn refused(refusal: Refusal, request: &Request<B>) -> Self {
        Self { state: State::Refused { status: Some(refusal.into_status(request.extensions().get())) } }
    }
}

impl<S, B, R> Future for AuthFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let next = match this.state.as_mut().project() {
                StateProjection::Admitted { future, watch } => {
                    let answer = ready!(future.poll(cx));
                    if let Ok(response) = &answer {
                        watch.look(response.headers());
                    }
                    return Poll::Ready(answer);
                }
                StateProjection::Refused { status } => {
                    let status = status.take().unwrap_or_else(|| Refusal::Internal.into_status(None));
                    return Poll::Ready(Ok(status.into_http()));
                }
                StateProjection::Asking { answer, call, authorizer, watch } => {
                    match (ready!(answer.as_mut().poll(cx)), call.take().zip(watch.take())) {
                        (Ok(caller), Some(((mut inner, mut request), watch))) => {
                            request.extensions_mut().insert(Arc::clone(&caller));
                            State::Admitted { future: inner.call(request), watch: watch.of(caller) }
                        }
                        (Err(refusal), Some(((_, request), watch))) => {
                            watch.refused(&refusal, authorizer.caller_of(request.headers()));
                            State::Refused { status: Some(refusal.into_status(request.extensions().get())) }
                        }
                        (_, None) => State::Refused { status: None },
                    }
                }
            };
            this.state.set(next);
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for AuthFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthFuture").finish_non_exhaustive()
    }
}
