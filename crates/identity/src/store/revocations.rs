//! The feed of tokens that ended before their time.

use rolecall_db::{Error, Tx, feed};
use rolecall_kernel::time::Timestamp;
use sea_orm::ConnectionTrait;

use super::corrupt;
use crate::domain::revocation::Revocation;

/// The name of the feed.
pub(crate) const FEED: &str = "revocations";

/// Appends a revocation; every process learns of it once the transaction is committed.
pub(crate) async fn append(tx: &Tx, revocation: &Revocation, now: Timestamp) -> Result<(), Error> {
    feed::append(tx, FEED, &revocation.to_bytes(), now).await
}

/// Reads revocations after a number of the feed, each with its own.
pub(crate) async fn read_after<C: ConnectionTrait>(
    connection: &C,
    seq: i64,
    limit: u32,
) -> Result<Vec<(i64, Revocation)>, Error> {
    let entries = feed::read_after(connection, FEED, seq, limit).await?;
    let read = |entry: rolecall_db::FeedEntry| {
        Ok((entry.seq, Revocation::parse(&entry.payload).ok_or_else(|| corrupt("revocation"))?))
    };
    entries.into_iter().map(read).collect()
}

/// Returns since when the oldest revocation waits that has no number yet.
pub(crate) async fn waiting_since<C: ConnectionTrait>(connection: &C) -> Result<Option<Timestamp>, Error> {
    feed::waiting_since(connection, FEED).await
}

/// Returns the highest number that was given.
pub(crate) async fn head<C: ConnectionTrait>(connection: &C) -> Result<i64, Error> {
    feed::head(connection, FEED).await
}

/// Returns the number before the oldest revocation that is kept.
pub(crate) async fn beginning<C: ConnectionTrait>(connection: &C) -> Result<i64, Error> {
    Ok(feed::oldest(connection, FEED).await? - 1)
}
