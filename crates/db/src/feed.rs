//! Change feeds: what happened, numbered so that any number of readers can follow.
//!
//! An entry is appended in the transaction of its change and numbered after the commit, by one
//! [sequencer](crate::sequencer) at a time. Numbers are dense and grow in an order that agrees with
//! the order of commits, so a reader that has read up to a number has missed nothing below it.

use rolecall_kernel::time::Timestamp;
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use crate::sql::{execute, integer, statement};
use crate::{Error, Tx};

/// A numbered entry of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// Its number; the first is 1.
    pub seq: i64,
    /// What happened.
    pub payload: Vec<u8>,
    /// When it was appended.
    pub time: Timestamp,
}

/// Appends an entry; it is numbered once the transaction is committed.
pub async fn append(tx: &Tx, feed: &'static str, payload: &[u8], now: Timestamp) -> Result<(), Error> {
    tx.appended_to_feed();
    let text = "INSERT INTO feed_entries (feed, payload, created) VALUES ($1, $2, $3)";
    execute(tx, text, vec![feed.into(), payload.to_vec().into(), now.as_micros().into()]).await.map(drop)
}

/// Appends an entry that is numbered at once, and returns its number.
///
/// Writers of the feed wait for each other until they commit: only for a feed whose number is part
/// of the answer.
pub async fn append_numbered(tx: &Tx, feed: &'static str, payload: &[u8], now: Timestamp) -> Result<i64, Error> {
    tx.appended_to_feed();
    let seq = advance(tx, feed, 1).await?;
    let text = "INSERT INTO feed_entries (feed, seq, payload, created) VALUES ($1, $2, $3, $4)";
    execute(tx, text, vec![feed.into(), seq.into(), payload.to_vec().into(), now.as_micros().into()]).await?;
    Ok(seq)
}

/// Moves the head of a feed on, holding its row until the transaction ends, and returns the new head.
pub(crate) async fn advance(tx: &Tx, feed: &str, by: i64) -> Result<i64, Error> {
    let text = "INSERT INTO feed_heads (feed, head) VALUES ($1, $2)
        ON CONFLICT (feed) DO UPDATE SET head = feed_heads.head + excluded.head RETURNING head";
    integer(tx, text, vec![feed.into(), by.into()]).await
}

/// Reads entries after a number, in order.
pub async fn read_after<C: ConnectionTrait>(
    reader: &C,
    feed: &str,
    seq: i64,
    limit: u32,
) -> Result<Vec<FeedEntry>, Error> {
    let text = "SELECT seq, payload, created FROM feed_entries WHERE feed = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    let values = vec![feed.into(), seq.into(), i64::from(limit).into()];
    let rows = reader.query_all_raw(statement(reader, text, values)).await?;
    Ok(rows.iter().map(entry).collect::<Result<_, DbErr>>()?)
}

/// Returns the highest number given, zero before the first.
pub async fn head<C: ConnectionTrait>(reader: &C, feed: &str) -> Result<i64, Error> {
    integer(reader, "SELECT head FROM feed_heads WHERE feed = $1", vec![feed.into()]).await
}

/// Returns the lowest number that can still be read, or the next one to come when none can.
///
/// A reader that stopped further back has missed entries and must begin anew.
pub async fn oldest<C: ConnectionTrait>(reader: &C, feed: &str) -> Result<i64, Error> {
    let text = "SELECT COALESCE(
        (SELECT min(seq) FROM feed_entries WHERE feed = $1 AND seq IS NOT NULL),
        (SELECT head + 1 FROM feed_heads WHERE feed = $1), 1)";
    integer(reader, text, vec![feed.into()]).await
}

/// Returns when the entry was appended that has waited longest for its number; `None` when all have theirs.
///
/// What was committed before this was asked and is not waiting is found by [`read_after`] from now
/// on. Entries are never waiting for long unless every sequencer is gone.
pub async fn waiting_since<C: ConnectionTrait>(reader: &C, feed: &str) -> Result<Option<Timestamp>, Error> {
    // Sorted by entry: the index of what waits is read, and one row of it.
    let text = "SELECT created FROM feed_entries WHERE feed = $1 AND seq IS NULL ORDER BY entry LIMIT 1";
    let row = reader.query_one_raw(statement(reader, text, vec![feed.into()])).await?;
    Ok(row.map(|row| row.try_get("", "created").map(Timestamp::from_micros)).transpose()?)
}

fn entry(row: &QueryResult) -> Result<FeedEntry, DbErr> {
    Ok(FeedEntry {
        seq: row.try_get("", "seq")?,
        payload: row.try_get("", "payload")?,
        time: Timestamp::from_micros(row.try_get("", "created")?),
    })
}
