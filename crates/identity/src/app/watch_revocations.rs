//! Follows the tokens that ended before their time.

use rolecall_db::Error as StoreError;

use super::Resources;
use crate::domain::revocation::{Revocation, Revoked};
use crate::store::revocations;

/// The most revocations of one step.
const BATCH: u32 = 500;

/// Some revocations, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// What ended.
    pub(crate) revocations: Vec<Revocation>,
    /// The number that was read up to.
    pub(crate) position: i64,
}

/// Returns the position before every revocation that can still matter.
pub(crate) async fn beginning(resources: &Resources) -> Result<i64, StoreError> {
    revocations::beginning(&resources.db.reader()).await
}

/// Reads on after a position; what has ended by itself is skipped.
pub(crate) async fn step(resources: &Resources, after: i64) -> Result<Step, StoreError> {
    let read = revocations::read_after(&resources.db.reader(), after, BATCH).await?;
    let position = read.last().map_or(after, |(position, _)| *position);
    let now = resources.now();
    let matters = |revocation: &Revocation| now < revocation.expires;
    let revocations = read.into_iter().map(|(_, revocation)| revocation).filter(matters).collect();
    Ok(Step { revocations, position })
}

/// Makes this process refuse what ended elsewhere, and notes that the feed is alive.
pub(crate) async fn obey(resources: &Resources, after: i64) -> Result<i64, StoreError> {
    let step = step(resources, after).await?;
    for revocation in &step.revocations {
        apply(resources, revocation);
    }
    resources.revocations.heartbeat();
    Ok(step.position)
}

fn apply(resources: &Resources, revocation: &Revocation) {
    match revocation.revoked {
        Revoked::Session(session) => resources.revocations.revoke_session(session, revocation.expires),
        Revoked::Subject(subject, not_before) => resources.revocations.revoke_subject_before(subject, not_before),
    }
}

/// For a position that may have been trimmed: whether reading on would miss nothing.
pub(crate) async fn is_kept(resources: &Resources, position: i64) -> Result<bool, StoreError> {
    Ok(position >= beginning(resources).await?)
}
