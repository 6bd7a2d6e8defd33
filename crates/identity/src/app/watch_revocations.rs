//! Follows the tokens that ended before their time.

use std::time::Duration;

use rolecall_db::Error as StoreError;

use super::Resources;
use crate::domain::revocation::{Revocation, Revoked};
use crate::store::revocations;

/// The most revocations of one step.
const BATCH: u32 = 500;

/// Numbers are given within milliseconds; what waits for longer is missing from what was read.
const NUMBERED_WITHIN: Duration = Duration::from_secs(1);

/// Some revocations, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// What ended.
    pub(crate) revocations: Vec<Revocation>,
    /// The number that was read up to.
    pub(crate) position: i64,
    /// Whether nothing is left to be told that was committed more than a second ago.
    pub(crate) is_complete: bool,
}

/// Returns the position before every revocation that can still matter.
pub(crate) async fn beginning(resources: &Resources) -> Result<i64, StoreError> {
    revocations::beginning(&resources.db.reader()).await
}

/// Reads on after a position; what has ended by itself is skipped.
pub(crate) async fn step(resources: &Resources, after: i64) -> Result<Step, StoreError> {
    let (reader, now) = (resources.db.reader(), resources.now());
    // Asked first: what has its number by now is among what is read next.
    let waiting = revocations::waiting_since(&reader).await?;
    let read = revocations::read_after(&reader, after, BATCH).await?;
    let position = read.last().map_or(after, |(position, _)| *position);
    let is_read = u32::try_from(read.len()).is_ok_and(|count| count < BATCH);
    let is_complete = is_read && waiting.is_none_or(|since| now.since(since) <= NUMBERED_WITHIN);
    let matters = |revocation: &Revocation| now < revocation.expires;
    let revocations = read.into_iter().map(|(_, revocation)| revocation).filter(matters).collect();
    Ok(Step { revocations, position, is_complete })
}

/// Makes this process refuse what ended elsewhere, and notes that it has heard everything.
pub(crate) async fn obey(resources: &Resources, after: i64) -> Result<i64, StoreError> {
    let step = step(resources, after).await?;
    for revocation in &step.revocations {
        apply(resources, revocation);
    }
    if step.revocations.iter().any(|revocation| matches!(revocation.revoked, Revoked::Key(_)))
        && let Err(error) = resources.signer.refresh(&resources.db, resources.now()).await
    {
        tracing::warn!(%error, "new signing keys are taken up later");
    }
    if step.is_complete {
        resources.revocations.heartbeat();
    }
    Ok(step.position)
}

fn apply(resources: &Resources, revocation: &Revocation) {
    match revocation.revoked {
        Revoked::Session(session) => resources.revocations.revoke_session(session, revocation.expires),
        Revoked::Subject(subject, not_before) => resources.revocations.revoke_subject_before(subject, not_before),
        Revoked::Key(key) => resources.signer.retire(key),
    }
}

/// For a position that may have been trimmed: whether reading on would miss nothing.
pub(crate) async fn is_kept(resources: &Resources, position: i64) -> Result<bool, StoreError> {
    Ok(position >= beginning(resources).await?)
}
