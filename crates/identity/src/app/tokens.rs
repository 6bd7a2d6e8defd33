//! Issues access tokens.

use std::fmt;

use rolecall_authz::{AccessClaims, SubjectKind};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{SessionId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use crate::domain::access_token::{AccessToken, may_carry};
use crate::domain::session::Session;

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
    /// The session.
    pub(crate) session_id: SessionId,
    /// Whose it is.
    pub(crate) user_id: UserId,
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
        session_id: session.session_id,
        user_id: session.user_id,
    }
}

/// Issues another access token of a session.
pub(crate) fn access_of_session(resources: &Resources, session: &Session, now: Timestamp) -> (String, Timestamp) {
    let expires = session.access_expires(now, &resources.config.lifetimes(session.methods));
    let mut claims = claims(resources, session.user_id.into(), SubjectKind::User, now, expires);
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
    }
}
