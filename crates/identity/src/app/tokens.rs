//! Issues access tokens.

use std::fmt;

use rolecall_authz::{AccessClaims, SubjectKind};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{SessionId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
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
    let access_expires = session.access_expires(now, &resources.config.lifetimes());
    let mut claims = claims(resources, session.user_id.into(), SubjectKind::User, now, access_expires);
    claims.sid = Some(session.session_id);
    claims.auth_time = session.auth_time;
    claims.amr = vec!["pwd".to_owned()];
    Tokens {
        access_token: resources.signer.sign_access(&claims),
        access_expires,
        refresh_token,
        refresh_expires: session.idle_expires,
        session_id: session.session_id,
        user_id: session.user_id,
    }
}

/// Issues the access token of a service account.
pub(crate) fn of_service_account(resources: &Resources, subject: SubjectId, now: Timestamp) -> (String, Timestamp) {
    let expires = now.plus(resources.config.access_token_lifetime);
    let claims = claims(resources, subject, SubjectKind::ServiceAccount, now, expires);
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
    }
}
