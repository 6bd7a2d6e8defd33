//! Makes a new signing key, by hand or because the newest is old.
//!
//! A key is published first and signs later, so that every verifier knows it before the first token is signed with it;
//! the keys before stay until the last of their tokens has ended. No call fails meanwhile.

use rolecall_authz::LEEWAY;
use rolecall_db::Tx;
use rolecall_kernel::id::{KeyId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::fault::{Fault, take_faults};
use super::once::{Answer, Once, take_repeats};
use super::{Resources, revoke, signing_keys as rings};
use crate::domain::event::Event;
use crate::events::publish::about;
use crate::store::signing_keys::{self, SigningKey};

/// How to rotate.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who rotates.
    pub(crate) actor: SubjectId,
    /// Whether the new key signs at once and all before end at once.
    pub(crate) retire_previous: bool,
    /// The name of the change.
    pub(crate) once: Option<Once<Rotated>>,
}

/// A new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rotated {
    /// Its identifier.
    pub(crate) key_id: KeyId,
    /// From when it signs.
    pub(crate) active_from: Timestamp,
}

/// Why there is no new key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);

/// Makes a new key.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<Rotated>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let now = resources.now();
    let delay = if command.retire_previous { std::time::Duration::ZERO } else { resources.config.key_publication };
    let fresh = &resources.signer.draw(now, now.plus(delay), resources.entropy.as_ref());
    let rotated = Rotated { key_id: fresh.key_id, active_from: fresh.active_from };
    let made = resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, &rotated, now).await?;
            let before = rings::lock_and_list(&tx, fresh.key_id, now).await?;
            store(resources, &tx, fresh, Some(command.actor), command.retire_previous, now).await?;
            if !command.retire_previous {
                return Ok(Vec::new());
            }
            let ended: Vec<KeyId> = before.iter().map(|key| key.key_id).collect();
            revoke::publish_keys(&tx, &ended, now).await?;
            Ok(ended)
        })
        .await;
    match made {
        Ok(ended) => {
            obey(resources, &ended).await;
            Ok(Answer::Fresh(rotated))
        }
        Err(Error::Fault(fault)) if fault.is_repeat() => {
            let stored = Once::find(command.once.as_ref(), &reader).await?;
            stored.map(Answer::Stored).ok_or(Error::Fault(fault))
        }
        Err(error) => Err(error),
    }
}

/// Makes a new key if the newest is as old as it may become; of many replicas one does it.
pub(crate) async fn run_if_due(resources: &Resources) -> Result<bool, Fault> {
    let now = resources.now();
    let fresh = &resources.signer.draw(now, now.plus(resources.config.key_publication), resources.entropy.as_ref());
    if !is_due(resources, &signing_keys::list(&resources.db.reader()).await?, now) {
        return Ok(false);
    }
    let rotated: Result<bool, rolecall_db::Error> = resources
        .db
        .write(|tx| async move {
            if !is_due(resources, &rings::lock_and_list(&tx, fresh.key_id, now).await?, now) {
                return Ok(false);
            }
            store(resources, &tx, fresh, None, false, now).await?;
            Ok(true)
        })
        .await;
    let rotated = rotated?;
    if rotated {
        obey(resources, &[]).await;
    }
    Ok(rotated)
}

fn is_due(resources: &Resources, keys: &[SigningKey], now: Timestamp) -> bool {
    let newest = keys.iter().filter(|key| key.retired_at.is_none()).map(|key| key.active_from).max();
    newest.is_none_or(|active_from| active_from.plus(resources.config.key_lifetime) <= now)
}

async fn store(
    resources: &Resources,
    tx: &Tx,
    fresh: &SigningKey,
    actor: Option<SubjectId>,
    retired_previous: bool,
    now: Timestamp,
) -> Result<(), rolecall_db::Error> {
    signing_keys::insert(tx, fresh).await?;
    // The clocks of the replica that signs last and of the one that lists the keys may both be off.
    let last_token = resources.config.access_token_lifetime + LEEWAY * 2;
    let end = if retired_previous { now } else { fresh.active_from.plus(last_token) };
    signing_keys::retire_others(tx, fresh.key_id, end).await?;
    let event = Event::SigningKeyRotated { key_id: fresh.key_id, retired_previous };
    resources.publisher.append(tx, &about(actor, None, None, now, event)).await
}

/// Makes this process obey before the caller is answered; the others follow within moments.
async fn obey(resources: &Resources, ended: &[KeyId]) {
    for id in ended {
        resources.signer.retire(*id);
    }
    if let Err(error) = resources.signer.refresh(&resources.db, resources.now()).await {
        tracing::warn!(%error, "the new signing key is taken up later");
    }
}
