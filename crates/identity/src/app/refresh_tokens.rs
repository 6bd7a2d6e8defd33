//! Exchanges a refresh token for new tokens.

use rolecall_authz::{Examiner, Refusal};
use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::time::Timestamp;

use super::fault::{Fault, take_faults};
use super::tokens::{self, Tokens};
use super::{Resources, refresh_guest, revoke};
use crate::domain::event::Event;
use crate::domain::refresh::{Decision, Presented, successor};
use crate::domain::session::{EndReason, Lifetimes, Session, SessionLimits};
use crate::domain::user::User;
use crate::events::publish::about;
use crate::store::{refresh_tokens, sessions, users};

/// Why there are no new tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The token is unknown, used, ended, or its person is blocked.
    #[error("the refresh token is not good")]
    RefreshTokenRefused,
    /// The session is for another audience.
    #[error("the session is for another audience")]
    AudienceRefused,
    /// Whether its person may act cannot be told at present.
    #[error("whether the person may act cannot be confirmed")]
    Unconfirmed(Refusal),
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

/// What the transaction found out.
enum Settled {
    Successor(Session),
    Reused(Session),
    Refused,
}

/// Exchanges a refresh token; of any number of parallel calls all get the same successor.
pub(crate) async fn run(
    resources: &Resources,
    examiner: &Examiner,
    presented: &OpaqueToken,
    audience: Option<&str>,
) -> Result<Tokens, Error> {
    let reader = resources.db.reader();
    let hash = &presented.digest();
    let Some(stored) = refresh_tokens::find(&reader, hash).await? else {
        return refresh_guest::run(resources, examiner, presented, audience).await;
    };
    let session = sessions::find(&reader, stored.session_id).await?.ok_or(Error::RefreshTokenRefused)?;
    check_audience(resources, &session, audience)?;
    let user = &users::find(&reader, session.user_id).await?.ok_or(Error::RefreshTokenRefused)?;
    // Before the token is used up, so that an outage costs nobody the session.
    let access = examiner.find_active(SubjectId::from(session.user_id)).await.map_err(Error::Unconfirmed)?;
    let limits = access.ok_or(Error::RefreshTokenRefused)?.session_limits;
    let limits = SessionLimits { idle: limits.idle, absolute: limits.absolute };
    let lifetimes = &resources.config.lifetimes(session.methods).within(limits);
    let next = successor(&resources.successors, presented);
    let next_hash = &next.digest();
    let now = resources.now();
    let write = |tx| async move { settle(resources, &tx, hash, next_hash, user, lifetimes, now).await };
    let settled = resources.db.write(write).await?;
    match settled {
        Settled::Successor(session) => Ok(tokens::of_session(resources, &session, next, now)),
        Settled::Reused(session) => {
            revoke::obey(resources, &[session.session_id], now);
            Err(Error::RefreshTokenRefused)
        }
        Settled::Refused => Err(Error::RefreshTokenRefused),
    }
}

/// A family of tokens keeps its audience, as long as that is registered: its tokens are in the hands of that backend.
fn check_audience(resources: &Resources, session: &Session, asked: Option<&str>) -> Result<(), Error> {
    let config = &resources.config;
    if session.audience.as_ref().is_some_and(|audience| !config.audiences.contains(audience)) {
        return Err(Error::RefreshTokenRefused);
    }
    let own = session.audience.as_ref().unwrap_or(&config.audience);
    if asked.is_some_and(|asked| asked != own) { Err(Error::AudienceRefused) } else { Ok(()) }
}

async fn settle(
    resources: &Resources,
    tx: &Tx,
    hash: &[u8; 32],
    next_hash: &[u8; 32],
    user: &User,
    lifetimes: &Lifetimes,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let Some(before) = refresh_tokens::find(tx, hash).await? else {
        return Ok(Settled::Refused);
    };
    // Holds the session's row: refreshes, log-out and blocks of one session come one after the other.
    let Some(session) = sessions::lock(tx, before.session_id).await? else {
        return Ok(Settled::Refused);
    };
    let stored = refresh_tokens::find(tx, hash).await?.unwrap_or(before);
    let presented = Presented { used_at: stored.used_at, session_alive: session.is_alive(now) };
    match presented.decide(now, lifetimes.grace) {
        Decision::Refuse => Ok(Settled::Refused),
        Decision::Repeat => Ok(Settled::Successor(session)),
        Decision::Rotate => {
            let session = session.refreshed(now, lifetimes);
            if !refresh_tokens::use_up(tx, hash, now).await? {
                return Err(StoreError::Conflict);
            }
            refresh_tokens::insert(tx, next_hash, session.session_id, stored.generation + 1).await?;
            sessions::note_refresh(tx, &session).await?;
            Ok(Settled::Successor(session))
        }
        Decision::Reuse => {
            end_family(resources, tx, &session, user, now).await?;
            Ok(Settled::Reused(session))
        }
    }
}

async fn end_family(
    resources: &Resources,
    tx: &Tx,
    session: &Session,
    user: &User,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = session.session_id;
    sessions::end(tx, id, EndReason::TokenReused, now).await?;
    let event = Event::RefreshTokenReused(id);
    let happened = about(None, Some(user.organization_id), Some(user.user_id.into()), now, event);
    resources.publisher.append(tx, &happened).await?;
    revoke::publish(resources, tx, &[id], user, None, EndReason::TokenReused, now).await
}
