//! Reads the log in parts of bounded size, each of one chain.

use rolecall_authz::Scope;
use rolecall_db::Error;
use uuid::Uuid;

use super::{checkpoints, details, walk};
use crate::app::App;
use crate::domain::audit::{Head, Recorded, SignedCheckpoint};
use crate::store::{audit, audit_chains};

/// The most entries of a part.
const PART: u64 = 100;

/// How far the log was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    /// The chain; none before the first.
    pub(crate) chain: Option<Uuid>,
    /// The number of its last entry that was read.
    pub(crate) sequence: i64,
}

/// A part of a chain.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) entries: Vec<Recorded>,
    pub(crate) checkpoints: Vec<SignedCheckpoint>,
    /// How far the log is read with it.
    pub(crate) position: Position,
}

/// Reads the part after a position; none at the end.
pub(crate) async fn next(app: &App, scope: &Scope, after: Position) -> Result<Option<Part>, Error> {
    let mut position = after;
    loop {
        if let Some(chain) = position.chain
            && let Some(part) = read(app, chain, position.sequence).await?
        {
            return Ok(Some(part));
        }
        match walk::next(&app.database.reader(), scope, position.chain).await? {
            Some(chain) => position = Position { chain: Some(chain), sequence: 0 },
            None => return Ok(None),
        }
    }
}

async fn read(app: &App, chain: Uuid, after: i64) -> Result<Option<Part>, Error> {
    let reader = app.database.reader();
    let stored = audit::list_chain(&reader, chain, after, PART).await?;
    let Some(link) = stored.last().and_then(|last| last.link) else { return Ok(None) };
    let is_end = (stored.len() as u64) < PART;
    let mut signed = audit_chains::list_checkpoints(&reader, chain, after, link.sequence, PART).await?;
    if is_end {
        let head = Head { sequence: link.sequence, hash: link.hash };
        signed.push(checkpoints::sign(app, chain, head, app.now()));
    }
    let entries = details::open(app, &reader, stored).await?;
    let position = Position { chain: Some(chain), sequence: link.sequence };
    Ok(Some(Part { entries, checkpoints: signed, position }))
}
