//! Exchanges the refresh token of a guest, by the same rules as that of a person.

use rolecall_authz::Examiner;
use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::time::Timestamp;

use super::refresh_tokens::Error;
use super::tokens::{self, Tokens};
use super::{Resources, revoke};
use crate::config::IdentityConfig;
use crate::domain::event::Event;
use crate::domain::guest::GuestSession;
use crate::domain::refresh::{Decision, Presented, successor};
use crate::domain::session::EndReason;
use crate::events::publish::about;
use crate::store::guests;

/// What the transaction found out.
enum Settled {
    Successor(GuestSession),
    Reused(GuestSession),
    Refused,
}

/// Exchanges a refresh token; of any number of parallel calls all get the same successor.
pub(super) async fn run(
    resources: &Resources,
    examiner: &Examiner,
    presented: &OpaqueToken,
    audience: Option<&str>,
) -> Result<Tokens, Error> {
    let hash = &presented.digest();
    let stored = guests::find_token(&resources.db.reader(), hash).await?.ok_or(Error::RefreshTokenRefused)?;
    // Guests look around in Rolecall itself.
    if audience.is_some_and(|asked| asked != resources.config.audience) {
        return Err(Error::AudienceRefused);
    }
    // Before the token is used up, so that an outage costs nobody the session.
    let access = examiner.find_active(stored.guest_id).await.map_err(Error::Unconfirmed)?;
    access.ok_or(Error::RefreshTokenRefused)?;
    let (next, now) = (successor(&resources.successors, presented), resources.now());
    let next_hash = &next.digest();
    match resources.db.write(|tx| async move { settle(resources, &tx, hash, next_hash, now).await }).await? {
        Settled::Successor(guest) => Ok(tokens::of_guest(resources, &guest, next, now)),
        Settled::Reused(guest) => {
            revoke::obey(resources, &[guest.session_id()], now);
            Err(Error::RefreshTokenRefused)
        }
        Settled::Refused => Err(Error::RefreshTokenRefused),
    }
}

async fn settle(
    resources: &Resources,
    tx: &Tx,
    hash: &[u8; 32],
    next_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let Some(before) = guests::find_token(tx, hash).await? else { return Ok(Settled::Refused) };
    // Holds the guest's row: refreshes and its end come one after the other.
    let Some(guest) = guests::lock(tx, before.guest_id).await? else { return Ok(Settled::Refused) };
    let stored = guests::find_token(tx, hash).await?.unwrap_or(before);
    let presented = Presented { used_at: stored.used_at, session_alive: guest.is_alive(now) };
    match presented.decide(now, IdentityConfig::refresh_grace()) {
        Decision::Refuse => Ok(Settled::Refused),
        Decision::Repeat => Ok(Settled::Successor(guest)),
        Decision::Rotate => {
            let guest = guest.refreshed(now);
            if !guests::use_up_token(tx, hash, now).await? {
                return Err(StoreError::Conflict);
            }
            guests::insert_token(tx, next_hash, guest.guest_id, stored.generation + 1).await?;
            guests::note_refresh(tx, &guest).await?;
            Ok(Settled::Successor(guest))
        }
        Decision::Reuse => {
            guests::end(tx, guest.guest_id, EndReason::TokenReused, now).await?;
            let event = Event::RefreshTokenReused(guest.session_id());
            let happened = about(None, Some(guest.organization_id), Some(guest.guest_id), now, event);
            resources.publisher.append(tx, &happened).await?;
            revoke::publish_guest(resources, tx, &guest, None, EndReason::TokenReused, now).await?;
            Ok(Settled::Reused(guest))
        }
    }
}
