//! Gives entries their place in the chain, one process at a time.
//!
//! Entries are taken without a number, by any process. Whoever holds the lease numbers what is committed; the heads of
//! the chains are locked while it does and no number is given twice, so not even a holder that slept past its lease
//! makes a chain fork.

use std::collections::BTreeMap;
use std::time::Duration;

use rolecall_db::{Error, Tx, leases};
use uuid::Uuid;

use super::details;
use crate::app::App;
use crate::domain::audit::{Head, Link};
use crate::store::audit::{self, Chained, Stored};
use crate::store::audit_chains;

/// The most entries of one transaction.
const BATCH: u64 = 200;

/// How long the others leave the work to a process that died.
const LEASE: Duration = Duration::from_secs(2);

/// Chains all that was taken, and returns how many entries that were; none when another process does it.
pub(crate) async fn run(app: &App) -> Result<usize, Error> {
    let mut chained = 0;
    while !audit::list_unchained(&app.database.reader(), 1).await?.is_empty() {
        match app.database.write(|tx| async move { chain_batch(app, &tx).await }).await? {
            0 => break,
            some => chained += some,
        }
    }
    Ok(chained)
}

async fn chain_batch(app: &App, tx: &Tx) -> Result<usize, Error> {
    let now = app.now();
    if leases::hold(tx, "audit_chain", app.audit.holder, LEASE, now).await?.is_none() {
        return Ok(0);
    }
    let entries = audit::list_unchained(tx, BATCH).await?;
    let keys = details::keys_to_seal(app, tx, &entries).await?;
    let mut heads = lock_heads(app, tx, &entries).await?;
    for Stored { event, .. } in &entries {
        let Some(head) = heads.get_mut(&event.chain()) else { continue };
        let kept = details::seal(app, &keys, event)?;
        let sequence = head.sequence + 1;
        let hash = event.entry(sequence, kept.subject, kept.commitment).hash(&head.hash);
        let link = Link { sequence, commitment: kept.commitment, hash };
        let chained = Chained { link, sealed_for: kept.subject, sealed: kept.sealed };
        if !audit::chain(tx, event, chained).await? {
            return Err(Error::Conflict);
        }
        *head = Head { sequence, hash };
    }
    for (chain, head) in &heads {
        audit_chains::advance(tx, *chain, head).await?;
    }
    Ok(entries.len())
}

/// Locks the heads in the order of their ids, as everybody does.
async fn lock_heads(app: &App, tx: &Tx, entries: &[Stored]) -> Result<BTreeMap<Uuid, Head>, Error> {
    let chains: std::collections::BTreeSet<Uuid> = entries.iter().map(|entry| entry.event.chain()).collect();
    let mut heads = BTreeMap::new();
    for chain in chains {
        heads.insert(chain, audit_chains::lock(tx, chain, app.now()).await?);
    }
    Ok(heads)
}
