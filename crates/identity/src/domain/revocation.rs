//! Tokens that end before their time.

use rolecall_kernel::id::{KeyId, SessionId, SubjectId};
use rolecall_kernel::time::Timestamp;
use uuid::Uuid;

const SESSION: u8 = 1;
const SUBJECT: u8 = 2;
const KEY: u8 = 3;

/// Which tokens end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// All of a session.
    Session(SessionId),
    /// All of a subject that were issued before a time.
    Subject(SubjectId, Timestamp),
    /// All that were signed with a key.
    Key(KeyId),
}

/// Tokens that are no longer good, and until when that has to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Revocation {
    /// Which tokens.
    pub(crate) revoked: Revoked,
    /// When the last of them would have ended by itself.
    pub(crate) expires: Timestamp,
}

impl Revocation {
    /// Returns the bytes that it is stored as.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let (kind, id, not_before) = match self.revoked {
            Revoked::Session(id) => (SESSION, id.as_uuid(), 0),
            Revoked::Subject(id, not_before) => (SUBJECT, id.as_uuid(), not_before.as_micros()),
            Revoked::Key(id) => (KEY, id.as_uuid(), 0),
        };
        let expires = self.expires.as_micros();
        [&[kind], &id.as_bytes()[..], &not_before.to_be_bytes(), &expires.to_be_bytes()].concat()
    }

    /// Reads the bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (not_before, rest) = rest.split_first_chunk::<8>()?;
        let expires: [u8; 8] = rest.try_into().ok()?;
        let (id, not_before) = (Uuid::from_bytes(*id), Timestamp::from_micros(i64::from_be_bytes(*not_before)));
        let revoked = match *kind {
            SESSION => Revoked::Session(SessionId::from_uuid(id)),
            SUBJECT => Revoked::Subject(SubjectId::from_uuid(id), not_before),
            KEY => Revoked::Key(KeyId::from_uuid(id)),
            _ => return None,
        };
        Some(Self { revoked, expires: Timestamp::from_micros(i64::from_be_bytes(expires)) })
    }
}

/// How far somebody has followed the feed of revocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The number that was read up to.
    pub(crate) number: i64,
    /// What had that number, by which a database is recognised that was restored to an earlier state; none before the
    /// first.
    pub(crate) last: Option<Revocation>,
}

impl Position {
    /// Returns the bytes of a resume token.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let last = self.last.map(Revocation::to_bytes).unwrap_or_default();
        [&self.number.to_be_bytes()[..], &last].concat()
    }

    /// Reads the bytes of a resume token.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (number, last) = bytes.split_first_chunk::<8>()?;
        let last = if last.is_empty() { None } else { Some(Revocation::parse(last)?) };
        Some(Self { number: i64::from_be_bytes(*number), last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_and_a_position_are_read_as_they_were_written() {
        let expires = Timestamp::from_seconds(7);
        let session = Revoked::Session(SessionId::from_uuid(Uuid::from_u128(1)));
        let subject = Revoked::Subject(SubjectId::from_uuid(Uuid::from_u128(2)), Timestamp::from_seconds(3));
        let key = Revoked::Key(KeyId::from_uuid(Uuid::from_u128(4)));
        for revoked in [session, subject, key] {
            let revocation = Revocation { revoked, expires };
            assert_eq!(Revocation::parse(&revocation.to_bytes()), Some(revocation));
            for last in [None, Some(revocation)] {
                let position = Position { number: 5, last };
                assert_eq!(Position::parse(&position.to_bytes()), Some(position));
            }
        }
        for broken in [&[][..], &[1; 7], &[4; 33], &[1; 34]] {
            assert_eq!(Revocation::parse(broken), None);
        }
        for broken in [&[][..], &[0; 7], &[0; 9], &[4; 41], &[1; 42]] {
            assert_eq!(Position::parse(broken), None);
        }
    }
}
