//! Whoever calls, as handlers see it.

use std::sync::Arc;

use rolecall_kernel::id::{OrganizationId, ServiceAccountId, SessionId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;
use sha2::{Digest as _, Sha256};
use tonic::{Request, Status};

use crate::access::{ScopeKind, SessionLimits, SubjectAccess, SubjectKind};
use crate::layer::Ruling;
use crate::refusal::Refusal;
use crate::scope::Scope;
use crate::token::claims::{AccessClaims, ServiceClaims};

/// What kind of caller it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerKind {
    /// A person.
    User,
    /// A program with an account.
    ServiceAccount,
    /// An anonymous visitor of one organization.
    Guest,
    /// Another service of the suite.
    Service,
}

/// Whoever calls: its token was good, its session goes on, and it is active at [`revision`](Self::revision).
#[derive(Debug, Clone)]
pub struct Caller {
    identity: Identity,
    access: Arc<SubjectAccess>,
    /// The rights of the person who acts as the subject.
    actor: Option<Arc<SubjectAccess>>,
}

#[derive(Debug, Clone)]
enum Identity {
    Subject(Arc<AccessClaims>),
    Service(Arc<ServiceClaims>),
}

impl Caller {
    /// Makes the caller that an access token and the rights of its subject tell of.
    pub const fn new(claims: Arc<AccessClaims>, access: Arc<SubjectAccess>) -> Self {
        Self { identity: Identity::Subject(claims), access, actor: None }
    }

    /// Makes the caller that somebody is who acts as the subject of an access token.
    pub const fn acting(claims: Arc<AccessClaims>, access: Arc<SubjectAccess>, actor: Arc<SubjectAccess>) -> Self {
        Self { identity: Identity::Subject(claims), access, actor: Some(actor) }
    }

    /// Makes the caller that a service token tells of.
    pub fn of_service(claims: Arc<ServiceClaims>) -> Self {
        let access = Arc::new(SubjectAccess {
            subject: subject_of_service(claims.caller().unwrap_or_default()),
            kind: SubjectKind::ServiceAccount,
            organization_id: None,
            organization_active: false,
            roles: Vec::new(),
            admin: false,
            blocked: false,
            grants: Vec::new(),
            session_limits: SessionLimits::default(),
            revision: 0,
        });
        Self { identity: Identity::Service(claims), access, actor: None }
    }

    /// Returns what kind of caller it is.
    pub fn kind(&self) -> CallerKind {
        match (&self.identity, self.access.kind) {
            (Identity::Service(_), _) => CallerKind::Service,
            (Identity::Subject(_), SubjectKind::User) => CallerKind::User,
            (Identity::Subject(_), SubjectKind::ServiceAccount) => CallerKind::ServiceAccount,
            (Identity::Subject(_), SubjectKind::Guest) => CallerKind::Guest,
        }
    }

    /// Returns who calls. A service of the suite has an identifier of its own, derived from its name.
    pub fn subject(&self) -> SubjectId {
        self.access.subject
    }

    /// Returns the user, if a person calls.
    pub fn user(&self) -> Option<UserId> {
        (self.kind() == CallerKind::User).then(|| UserId::from_uuid(self.subject().as_uuid()))
    }

    /// Returns the person who acts as the [subject](Self::subject), if somebody does.
    pub fn actor(&self) -> Option<SubjectId> {
        self.actor.as_ref().map(|actor| actor.subject)
    }

    /// Returns the service account, if one calls.
    pub fn service_account(&self) -> Option<ServiceAccountId> {
        (self.kind() == CallerKind::ServiceAccount).then(|| ServiceAccountId::from_uuid(self.subject().as_uuid()))
    }

    /// Returns the name of the calling service of the suite, such as `identity`.
    pub fn service(&self) -> Option<&str> {
        match &self.identity {
            Identity::Subject(_) => None,
            Identity::Service(claims) => claims.caller(),
        }
    }

    /// Returns the session that the token belongs to.
    pub fn session(&self) -> Option<SessionId> {
        self.claims().and_then(|claims| claims.sid)
    }

    /// Returns when the caller last proved who it is.
    pub fn auth_time(&self) -> Timestamp {
        match &self.identity {
            Identity::Subject(claims) => claims.auth_time,
            Identity::Service(claims) => claims.iat,
        }
    }

    /// Returns how the caller proved who it is (RFC 8176).
    pub fn authentication_methods(&self) -> &[String] {
        self.claims().map_or(&[], |claims| &claims.amr)
    }

    /// Tells whether a program of a person calls, with a token that was exchanged for a personal access token.
    pub fn is_personal_token(&self) -> bool {
        self.claims().is_some_and(AccessClaims::is_personal_token)
    }

    /// Returns the claims of the access token; a service of the suite has none.
    pub fn claims(&self) -> Option<&AccessClaims> {
        match &self.identity {
            Identity::Subject(claims) => Some(claims),
            Identity::Service(_) => None,
        }
    }

    /// Shares the claims, for who checks them again later.
    pub(crate) fn shared_claims(&self) -> Option<Arc<AccessClaims>> {
        match &self.identity {
            Identity::Subject(claims) => Some(Arc::clone(claims)),
            Identity::Service(_) => None,
        }
    }

    /// Returns the organization that the caller belongs to.
    pub fn organization(&self) -> Option<OrganizationId> {
        self.access.organization_id
    }

    /// Returns the rights of the subject that calls; empty for a service of the suite.
    ///
    /// What the token opens of them, and what somebody who acts as the subject reaches of them, [`scope`](Self::scope)
    /// and [`holds`](Self::holds) tell.
    pub fn access(&self) -> &SubjectAccess {
        &self.access
    }

    /// Returns the revision at which the rights were read.
    pub fn revision(&self) -> i64 {
        self.access.revision
    }

    /// Returns where the caller holds the permission: the widest of its grants, nowhere for one that its token is
    /// not made for.
    ///
    /// Somebody who acts as the subject reaches of it only what it could reach itself. A relation to a row is that of the
    /// subject, if the actor holds the permission at all; which of those rows the actor could reach itself is for
    /// whoever looks for them to ask ([`actor_reaches`](Self::actor_reaches)).
    ///
    /// A service of the suite reaches only methods that are open to services, and there it is
    /// trusted with every row: such a method carries the actor, whose rights it checks itself.
    pub fn scope(&self, permission: &str) -> Scope {
        if self.service().is_some() {
            return Scope::All;
        }
        if !self.covers(permission) {
            return Scope::Nothing;
        }
        let own = scope_of(&self.access, permission);
        let Some(actor) = &self.actor else { return own };
        let reached = scope_of(actor, permission);
        match (&own, self.access.organization_id) {
            (Scope::Related(_), Some(_)) if !reached.is_nothing() => own,
            (_, Some(id)) if reached.includes_organization(id) => own.within(id),
            (_, Some(_) | None) => Scope::Nothing,
        }
    }

    /// Tells whether whoever acts as the subject, if somebody does, holds the permission itself on everything in the
    /// organization.
    pub fn actor_reaches(&self, permission: &str, organization: OrganizationId) -> bool {
        self.actor.as_ref().is_none_or(|actor| scope_of(actor, permission).includes_organization(organization))
    }

    /// Tells whether the caller holds the permission anywhere.
    pub fn holds(&self, permission: &str) -> bool {
        self.service().is_some() || !self.scope(permission).is_nothing()
    }

    /// Tells whether the token may be used for the permission.
    fn covers(&self, permission: &str) -> bool {
        self.claims().is_none_or(|claims| claims.covers(permission))
    }
}

/// Where a subject holds a permission, whatever token it shows.
fn scope_of(access: &SubjectAccess, permission: &str) -> Scope {
    match (access.widest(permission), access.organization_id) {
        (Some(ScopeKind::Any), _) => Scope::All,
        (Some(ScopeKind::Own), Some(organization)) => Scope::organization(organization),
        (Some(ScopeKind::SelfOnly), _) => Scope::SelfOnly(access.subject),
        (Some(ScopeKind::Related), _) => Scope::Related(access.subject),
        (Some(ScopeKind::Own), None) | (None, _) => Scope::Nothing,
    }
}

/// The same name always gives the same identifier (`UUIDv8`, RFC 9562), which is nobody else's.
fn subject_of_service(name: &str) -> SubjectId {
    let digest = Sha256::new().chain_update(b"rolecall/service/").chain_update(name).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    SubjectId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// Returns who calls; every method but a public one has a caller.
pub fn caller<T>(request: &Request<T>) -> Result<Arc<Caller>, Status> {
    found(request)
}

/// Returns who decided about the call, and by which rule.
pub(crate) fn ruling<T>(request: &Request<T>) -> Result<Ruling, Status> {
    found(request)
}

fn found<T, E: Clone + Send + Sync + 'static>(request: &Request<T>) -> Result<E, Status> {
    request.extensions().get::<E>().cloned().ok_or_else(|| {
        tracing::error!(
            missing = std::any::type_name::<E>(),
            "a method asks for what the authorization layer did not leave"
        );
        Refusal::Internal.into_status(None)
    })
}

#[cfg(test)]
mod tests;
