//! Issues access tokens.

use std::fmt;

use rolecall_authz::{AccessClaims, Actor, SubjectKind};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{SessionId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use crate::domain::access_token::{AccessToken, may_carry};
use crate::domain::guest::GuestSession;
use crate::domain::session::{Acting, Session};

/// The tokens of a session.
#[derive(Clone)]
pub(crate) struct Tokens {
    /// Sent with each call.
    pub(crate) access_token: String,
    /// When it ends.
    pub(crate) access_expires: Timestamp,
    /// Exchanged for new tokens.
    pub(crate) refresh_token: OpaqueToken,
    /// When it ends unless it is used.
    pub(crate) refresh_expires: Timestamp,
    /// What the device shows at its next login; only right after a login on one that was not known.
    pub(crate) device_token: Option<OpaqueToken>,
    /// The session.
    pub(crate) session_id: SessionId,
    /// Whose it is.
    pub(crate) holder: Holder,
}

/// Whose tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A person's.
    User(UserId),
    /// A stranger's.
    Guest(SubjectId),
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({:?}, redacted)", self.session_id)
    }
}

/// Issues the tokens of a session around a refresh token that is stored.
pub(crate) fn of_session(
    resources: &Resources,
    session: &Session,
    refresh_token: OpaqueToken,
    now: Timestamp,
) -> Tokens {
    let (access_token, access_expires) = access_of_session(resources, session, now);
    Tokens {
        access_token,
        access_expires,
        refresh_token,
        refresh_expires: session.idle_expires,
        device_token: None,
        session_id: session.session_id,
        holder: Holder::User(session.user_id),
    }
}

/// Issues the tokens of a guest around a refresh token that is stored.
pub(crate) fn of_guest(
    resources: &Resources,
    guest: &GuestSession,
    refresh_token: OpaqueToken,
    now: Timestamp,
) -> Tokens {
    let access_expires = now.plus(resources.config.access_token_lifetime).min(guest.absolute_expires);
    let mut claims = claims(resources, guest.guest_id, SubjectKind::Guest, now, access_expires);
    claims.sid = Some(guest.session_id());
    claims.auth_time = guest.began;
    Tokens {
        access_token: resources.signer.sign_access(&claims),
        access_expires,
        refresh_token,
        refresh_expires: guest.idle_expires,
        device_token: None,
        session_id: guest.session_id(),
        holder: Holder::Guest(guest.guest_id),
    }
}

/// A session in which somebody acts as another subject.
#[derive(Debug)]
pub(crate) struct ActedSession<'a> {
    /// The session.
    pub(crate) session_id: SessionId,
    /// As whom it acts.
    pub(crate) subject: SubjectId,
    /// What kind of account that is.
    pub(crate) kind: SubjectKind,
    /// Who acts.
    pub(crate) acting: Acting,
    /// The session in which that person itself logged in.
    pub(crate) own: &'a Session,
    /// When it ends.
    pub(crate) expires: Timestamp,
}

/// Issues the one access token of a session in which somebody acts as another.
///
/// When and how somebody proved who it is tells of the person who acts.
pub(crate) fn of_acted_session(resources: &Resources, acted: &ActedSession<'_>, now: Timestamp) -> String {
    let mut claims = claims(resources, acted.subject, acted.kind, now, acted.expires);
    claims.sid = Some(acted.session_id);
    claims.auth_time = acted.own.auth_time;
    claims.amr = acted.own.methods.names().into_iter().map(str::to_owned).collect();
    claims.act = Some(Actor { sub: acted.acting.actor.into(), sid: acted.acting.session_id });
    claims.read_only = acted.acting.read_only;
    resources.signer.sign_access(&claims)
}

/// Issues another access token of a session.
pub(crate) fn access_of_session(resources: &Resources, session: &Session, now: Timestamp) -> (String, Timestamp) {
    let expires = session.access_expires(now, &resources.config.lifetimes(session.methods));
    let mut claims = claims(resources, session.user_id.into(), SubjectKind::User, now, expires);
    if let Some(audience) = &session.audience {
        claims.aud.clone_from(audience);
    }
    claims.sid = Some(session.session_id);
    claims.auth_time = session.auth_time;
    claims.amr = session.methods.names().into_iter().map(str::to_owned).collect();
    (resources.signer.sign_access(&claims), expires)
}

/// Issues the access token of a service account.
pub(crate) fn of_service_account(resources: &Resources, subject: SubjectId, now: Timestamp) -> (String, Timestamp) {
    let expires = now.plus(resources.config.access_token_lifetime);
    let claims = claims(resources, subject, SubjectKind::ServiceAccount, now, expires);
    (resources.signer.sign_access(&claims), expires)
}

/// Issues the access token of a personal access token, which is its session.
///
/// That the person proved who it is lies as far back as the token's making, so it never passes for a fresh proof.
pub(crate) fn of_access_token(resources: &Resources, token: &AccessToken, now: Timestamp) -> (String, Timestamp) {
    let expires = now.plus(resources.config.access_token_lifetime).min(token.expires);
    let mut claims = claims(resources, token.user_id.into(), SubjectKind::User, now, expires);
    claims.sid = Some(token.session_id());
    claims.auth_time = token.created;
    // None of the registered values (RFC 8176) means a secret that a program shows.
    claims.amr = vec!["pat".to_owned()];
    claims.scope = Some(token.permissions.iter().filter(|name| may_carry(name)).cloned().collect());
    (resources.signer.sign_access(&claims), expires)
}

fn claims(resources: &Resources, sub: SubjectId, kind: SubjectKind, now: Timestamp, exp: Timestamp) -> AccessClaims {
    AccessClaims {
        iss: resources.config.issuer.clone(),
        sub,
        aud: resources.config.audience.clone(),
        exp,
        iat: now,
        sid: None,
        jti: SessionId::new(now, resources.entropy.as_ref()).to_string(),
        auth_time: now,
        amr: Vec::new(),
        kind,
        scope: None,
        act: None,
        read_only: false,
    }
}
