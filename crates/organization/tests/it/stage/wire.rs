//! Clients whose caller is known: what the layer before the services does, without tokens.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response};
use rolecall_authz::access::cache::AccessRefusal;
use rolecall_authz::{
    Access, AccessCache, AccessCacheConfig, AccessClaims, Authorizer, Caller, Freshness, MAX_ACCESS_LIFETIME, Policy,
    Refusal, Rule, Ruling, ServiceClaims, SubjectKind,
};
use rolecall_kernel::id::{ServiceAccountId, SubjectId, UserId};
use rolecall_kernel::time::{Clock as _, Timestamp};
use rolecall_testkit::TestClock;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower::{Service, ServiceExt as _};

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    User(UserId),
    ServiceAccount(ServiceAccountId),
    Guest(SubjectId),
    /// Another service of the suite.
    Service,
}

/// The way to the services, for one caller.
#[derive(Clone)]
pub(crate) struct Wire {
    routes: Routes,
    who: Who,
    guard: Guard,
}

/// What decides about calls.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) access: AccessCache,
    pub(crate) policy: Arc<Policy>,
    /// What streams ask again.
    pub(crate) authorizer: Arc<Authorizer>,
    pub(crate) clock: TestClock,
}

/// Configures a cache that waits as long for its source as the tests' databases wait: no call fails because the machine
/// has no time for it.
pub(crate) const fn patient(freshness: Freshness) -> AccessCacheConfig {
    AccessCacheConfig { source_timeout: Duration::from_mins(1), ..AccessCacheConfig::new(freshness) }
}

impl Wire {
    pub(crate) fn new(routes: Routes, who: Who, guard: Guard) -> Self {
        Self { routes, who, guard }
    }

    async fn admit(&self, rule: &Rule) -> Result<Arc<Caller>, Status> {
        let (subject, kind) = match self.who {
            Who::Service if rule.is_internal() => return Ok(Arc::new(service("identity"))),
            Who::Service => return Err(Refusal::CallerKindRefused("people").into_status(None)),
            Who::User(user) => (user.into(), SubjectKind::User),
            Who::ServiceAccount(account) => (account.into(), SubjectKind::ServiceAccount),
            Who::Guest(guest) => (guest, SubjectKind::Guest),
        };
        let access = self.guard.access.get(subject, None).await.map_err(|refusal| match refusal {
            AccessRefusal::Unknown => Refusal::SubjectInactive.into_status(None),
            AccessRefusal::Unconfirmed(_) => Refusal::AccessUnconfirmed.into_status(None),
        })?;
        if !access.is_active() {
            return Err(Refusal::SubjectInactive.into_status(None));
        }
        let caller = Caller::new(Arc::new(claims(subject, kind, self.guard.clock.now())), access);
        let anyone = matches!(rule.access, Access::Public | Access::Restricted { authenticated: true, .. });
        if anyone || rule.permissions().iter().any(|permission| caller.holds(permission)) {
            return Ok(Arc::new(caller));
        }
        Err(Refusal::PermissionMissing(rule.permissions().to_vec()).into_status(None))
    }
}

/// A service of the suite, as its token tells of it.
pub(crate) fn service(name: &str) -> Caller {
    let time = Timestamp::from_seconds(0);
    Caller::of_service(Arc::new(ServiceClaims {
        iss: rolecall_authz::ISSUER_OF_SERVICES.to_owned(),
        sub: format!("service:{name}"),
        aud: "service:organization".to_owned(),
        exp: time,
        iat: time,
    }))
}

fn claims(sub: SubjectId, kind: SubjectKind, now: Timestamp) -> AccessClaims {
    AccessClaims {
        iss: "https://rolecall.example".to_owned(),
        sub,
        aud: "rolecall".to_owned(),
        exp: now.plus(MAX_ACCESS_LIFETIME),
        iat: now,
        sid: None,
        jti: "test".to_owned(),
        auth_time: now,
        amr: Vec::new(),
        kind,
        scope: None,
        act: None,
        read_only: false,
    }
}

impl Service<Request<Body>> for Wire {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let wire = self.clone();
        Box::pin(async move {
            let rule = wire.guard.policy.shared_rule(request.uri().path()).expect("every method has a rule").clone();
            let caller = wire.admit(&rule).await?;
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(Ruling::new(Arc::clone(&wire.guard.authorizer), rule));
            Ok(wire.routes.oneshot(request).await.unwrap_or_else(|never| match never {}))
        })
    }
}
