//! Follows the tokens that ended before their time.

use std::time::Duration;

use rolecall_db::{Connection, Error as StoreError};

use super::Resources;
use crate::domain::revocation::{Position, Revocation, Revoked};
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
    /// What was read up to.
    pub(crate) position: Position,
    /// Whether nothing is left to be told that was committed more than a second ago.
    pub(crate) is_complete: bool,
}

/// Returns the position before every revocation that can still matter.
pub(crate) async fn beginning(resources: &Resources) -> Result<Position, StoreError> {
    let number = revocations::beginning(&resources.db.reader()).await?;
    Ok(Position { number, last: None })
}

/// Reads on after a position; what has ended by itself is skipped.
///
/// A position that the feed does not know was told before the database was restored to an earlier state: the next step
/// begins anew, or what got the same numbers since would be missed.
pub(crate) async fn step(resources: &Resources, after: Position) -> Result<Step, StoreError> {
    let (reader, now) = (resources.db.reader(), resources.now());
    // Asked first: what has its number by now is among what is read next.
    let waiting = revocations::waiting_since(&reader).await?;
    let Some(read) = read_on(&reader, after).await? else {
        let position = beginning(resources).await?;
        return Ok(Step { revocations: Vec::new(), position, is_complete: false });
    };
    let position = read.last().map_or(after, |&(number, last)| Position { number, last: Some(last) });
    let is_read = u32::try_from(read.len()).is_ok_and(|count| count < BATCH);
    let is_complete = is_read && waiting.is_none_or(|since| now.since(since) <= NUMBERED_WITHIN);
    let matters = |revocation: &Revocation| now < revocation.expires;
    let revocations = read.into_iter().map(|(_, revocation)| revocation).filter(matters).collect();
    Ok(Step { revocations, position, is_complete })
}

/// Reads what comes after a position; none when the position is of another history.
async fn read_on<C: Connection>(reader: &C, after: Position) -> Result<Option<Vec<(i64, Revocation)>>, StoreError> {
    let Some(last) = after.last else {
        let read = revocations::read_after(reader, after.number, BATCH).await?;
        let is_known = !read.is_empty() || after.number <= revocations::head(reader).await?;
        return Ok(is_known.then_some(read));
    };
    let mut read = revocations::read_after(reader, after.number - 1, BATCH + 1).await?;
    match read.first() {
        Some(first) if *first == (after.number, last) => {
            read.remove(0);
            Ok(Some(read))
        }
        Some((number, _)) if *number == after.number => Ok(None),
        // What the position names is deleted once it does not matter any more, with all that came before it.
        Some(_) => Ok((revocations::beginning(reader).await? >= after.number).then_some(read)),
        None => Ok((revocations::head(reader).await? >= after.number).then_some(read)),
    }
}

/// Makes this process refuse what ended elsewhere, and notes that it has heard everything.
pub(crate) async fn obey(resources: &Resources, after: Position) -> Result<Position, StoreError> {
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
pub(crate) async fn is_kept(resources: &Resources, position: Position) -> Result<bool, StoreError> {
    Ok(position.number >= beginning(resources).await?.number)
}
