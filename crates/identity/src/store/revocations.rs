//! The feed of tokens that ended before their time.

use rolecall_db::{Error, Tx, feed};
use rolecall_kernel::id::{KeyId, SessionId, SubjectId};
use rolecall_kernel::time::Timestamp;
use sea_orm::ConnectionTrait;
use sea_orm::prelude::Uuid;

use super::corrupt;
use crate::domain::revocation::{Revocation, Revoked};

/// The name of the feed.
pub(crate) const FEED: &str = "revocations";

const SESSION: u8 = 1;
const SUBJECT: u8 = 2;
const KEY: u8 = 3;

/// Appends a revocation; every process learns of it once the transaction is committed.
pub(crate) async fn append(tx: &Tx, revocation: &Revocation, now: Timestamp) -> Result<(), Error> {
    feed::append(tx, FEED, &encode(revocation), now).await
}

/// Reads revocations after a number of the feed, each with its own.
pub(crate) async fn read_after<C: ConnectionTrait>(
    connection: &C,
    seq: i64,
    limit: u32,
) -> Result<Vec<(i64, Revocation)>, Error> {
    let entries = feed::read_after(connection, FEED, seq, limit).await?;
    let read = |entry: rolecall_db::FeedEntry| Ok((entry.seq, decode(&entry.payload)?));
    entries.into_iter().map(read).collect()
}

/// Returns since when the oldest revocation waits that has no number yet.
pub(crate) async fn waiting_since<C: ConnectionTrait>(connection: &C) -> Result<Option<Timestamp>, Error> {
    feed::waiting_since(connection, FEED).await
}

/// Returns the number before the oldest revocation that is kept.
pub(crate) async fn beginning<C: ConnectionTrait>(connection: &C) -> Result<i64, Error> {
    Ok(feed::oldest(connection, FEED).await? - 1)
}

fn encode(revocation: &Revocation) -> Vec<u8> {
    let (kind, id, not_before) = match revocation.revoked {
        Revoked::Session(id) => (SESSION, id.as_uuid(), 0),
        Revoked::Subject(id, not_before) => (SUBJECT, id.as_uuid(), not_before.as_micros()),
        Revoked::Key(id) => (KEY, id.as_uuid(), 0),
    };
    let expires = revocation.expires.as_micros();
    [&[kind], &id.as_bytes()[..], &not_before.to_be_bytes(), &expires.to_be_bytes()].concat()
}

fn decode(bytes: &[u8]) -> Result<Revocation, Error> {
    let broken = || corrupt("revocation");
    let (kind, rest) = bytes.split_first().ok_or_else(broken)?;
    let (id, rest) = rest.split_first_chunk::<16>().ok_or_else(broken)?;
    let (not_before, rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
    let expires: [u8; 8] = rest.try_into().map_err(|_| broken())?;
    let (id, not_before) = (Uuid::from_bytes(*id), Timestamp::from_micros(i64::from_be_bytes(*not_before)));
    let revoked = match *kind {
        SESSION => Revoked::Session(SessionId::from_uuid(id)),
        SUBJECT => Revoked::Subject(SubjectId::from_uuid(id), not_before),
        KEY => Revoked::Key(KeyId::from_uuid(id)),
        _ => return Err(broken()),
    };
    Ok(Revocation { revoked, expires: Timestamp::from_micros(i64::from_be_bytes(expires)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_is_read_as_it_was_written() {
        let expires = Timestamp::from_seconds(7);
        let session = Revoked::Session(SessionId::from_uuid(Uuid::from_u128(1)));
        let subject = Revoked::Subject(SubjectId::from_uuid(Uuid::from_u128(2)), Timestamp::from_seconds(3));
        let key = Revoked::Key(KeyId::from_uuid(Uuid::from_u128(4)));
        for revoked in [session, subject, key] {
            let revocation = Revocation { revoked, expires };
            assert_eq!(decode(&encode(&revocation)).expect("readable"), revocation);
        }
        for broken in [&[][..], &[1; 7], &[4; 33], &[1; 34]] {
            assert!(decode(broken).is_err());
        }
    }
}
