//! Ends sessions: in the tables, in every process, and first of all in this one.

use std::time::Duration;

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{KeyId, SessionId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use crate::domain::event::Event;
use crate::domain::guest::GuestSession;
use crate::domain::impersonation::LONGEST as IMPERSONATION_LIFETIME;
use crate::domain::revocation::{Revocation, Revoked};
use crate::domain::session::EndReason;
use crate::domain::user::User;
use crate::events::publish::about;
use crate::store::{guests, revocations, sessions, users};

/// How long the feed of revocations is kept: longer than any token lives, so that a reader that begins anew misses
/// nothing that matters.
pub(crate) const FEED_RETENTION: Duration = Duration::from_hours(1);

/// Until when ended tokens could still be shown; those of who acts as another live longer than others.
fn expiry(resources: &Resources, now: Timestamp) -> Timestamp {
    now.plus(resources.config.access_token_lifetime.max(IMPERSONATION_LIFETIME))
}

/// Tells the other processes and the audit log, in the transaction that ends the sessions.
pub(crate) async fn publish(
    resources: &Resources,
    tx: &Tx,
    sessions: &[SessionId],
    user: &User,
    actor: Option<SubjectId>,
    reason: EndReason,
    now: Timestamp,
) -> Result<(), Error> {
    for session in sessions {
        publish_session(resources, tx, *session, now).await?;
        let event = Event::SessionEnded(*session, reason);
        let happened = about(actor, Some(user.organization_id), Some(user.user_id.into()), now, event);
        resources.publisher.append(tx, &happened).await?;
    }
    if sessions.is_empty() { Ok(()) } else { end_begun_in(resources, tx, sessions, now).await }
}

/// Ends what somebody began as others in sessions that end: its tokens name them, so each process refuses both at once.
async fn end_begun_in(resources: &Resources, tx: &Tx, ended: &[SessionId], now: Timestamp) -> Result<(), Error> {
    for (session, user_id) in sessions::end_begun_in(tx, ended, now).await? {
        publish_session(resources, tx, session, now).await?;
        let user = users::find(tx, user_id).await?;
        let event = Event::SessionEnded(session, EndReason::ActorEnded);
        let happened = about(None, user.map(|user| user.organization_id), Some(user_id.into()), now, event);
        resources.publisher.append(tx, &happened).await?;
    }
    for guest in guests::end_begun_in(tx, ended, now).await? {
        publish_guest(resources, tx, &guest, None, EndReason::ActorEnded, now).await?;
    }
    Ok(())
}

/// Tells the other processes and the audit log that a guest has ended.
pub(super) async fn publish_guest(
    resources: &Resources,
    tx: &Tx,
    guest: &GuestSession,
    actor: Option<SubjectId>,
    reason: EndReason,
    now: Timestamp,
) -> Result<(), Error> {
    publish_session(resources, tx, guest.session_id(), now).await?;
    let event = Event::SessionEnded(guest.session_id(), reason);
    let happened = about(actor, Some(guest.organization_id), Some(guest.guest_id), now, event);
    resources.publisher.append(tx, &happened).await
}

/// Tells the other processes that a session has ended.
pub(super) async fn publish_session(
    resources: &Resources,
    tx: &Tx,
    session: SessionId,
    now: Timestamp,
) -> Result<(), Error> {
    let revocation = Revocation { revoked: Revoked::Session(session), expires: expiry(resources, now) };
    revocations::append(tx, &revocation, now).await
}

/// Ends everything that was signed with keys that somebody may have stolen.
pub(super) async fn publish_keys(tx: &Tx, keys: &[KeyId], now: Timestamp) -> Result<(), Error> {
    // Whoever has the key can sign tokens for ever: for as long as the feed is kept, nobody may skip this.
    let expires = now.plus(FEED_RETENTION);
    for key in keys {
        revocations::append(tx, &Revocation { revoked: Revoked::Key(*key), expires }, now).await?;
    }
    Ok(())
}

/// Makes this process refuse the tokens of the sessions, before the caller is answered.
pub(crate) fn obey(resources: &Resources, sessions: &[SessionId], now: Timestamp) {
    for session in sessions {
        resources.revocations.revoke_session(*session, expiry(resources, now));
    }
}

/// Ends all tokens of a subject that will not come back.
pub(crate) async fn publish_subject(
    resources: &Resources,
    tx: &Tx,
    subject: SubjectId,
    now: Timestamp,
) -> Result<(), Error> {
    let revocation = Revocation { revoked: Revoked::Subject(subject, now), expires: expiry(resources, now) };
    revocations::append(tx, &revocation, now).await
}
