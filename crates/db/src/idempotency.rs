//! Answers kept for a day, so that a repeated request is answered and not done again.
//!
//! The record is stored in the transaction of the change. A caller that repeats a request whose
//! first run is still under way violates `idempotency_key`, finds the record, and answers from it.

use std::fmt;

use rolecall_kernel::id::{RequestId, SubjectId};
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::time::Timestamp;
use sea_orm::ConnectionTrait;

use crate::sql::{execute, statement};
use crate::{Error, Tx};

/// The constraint that a second record of the same request violates.
pub const CONSTRAINT: &str = "idempotency_key";

/// What a request asked for, recognisable but not readable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Computes the fingerprint of an encoded request under a key outside the database.
    pub fn new(key: &KeyedHash, method: &str, request: &[u8]) -> Self {
        Self(key.hash(&[method.as_bytes(), request]))
    }

    /// Takes the bytes of a fingerprint that was kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint")
    }
}

/// What is known of an earlier run.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// What it asked for; another fingerprint under the same id is a mistake of the caller.
    pub fingerprint: Fingerprint,
    /// What it was answered.
    pub answer: Vec<u8>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("answer_bytes", &self.answer.len()).finish_non_exhaustive()
    }
}

/// Looks for an earlier run of the request.
pub async fn find<C: ConnectionTrait>(
    reader: &C,
    caller: SubjectId,
    method: &str,
    request_id: RequestId,
) -> Result<Option<Stored>, Error> {
    let text =
        "SELECT fingerprint, answer FROM idempotency_records WHERE caller = $1 AND method = $2 AND request_id = $3";
    let values = vec![caller.as_uuid().into(), method.into(), request_id.as_uuid().into()];
    let Some(row) = reader.query_one_raw(statement(reader, text, values)).await? else {
        return Ok(None);
    };
    let fingerprint: Vec<u8> = row.try_get("", "fingerprint")?;
    let fingerprint = fingerprint.try_into().map_err(|_| Error::internal("a fingerprint has 32 bytes"))?;
    Ok(Some(Stored { fingerprint: Fingerprint(fingerprint), answer: row.try_get("", "answer")? }))
}

/// Stores what the request was answered; violates [`CONSTRAINT`] when it already was.
pub async fn store(
    tx: &Tx,
    caller: SubjectId,
    method: &str,
    request_id: RequestId,
    fingerprint: &Fingerprint,
    answer: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    let text = "INSERT INTO idempotency_records (caller, method, request_id, fingerprint, answer, created)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let values = vec![
        caller.as_uuid().into(),
        method.into(),
        request_id.as_uuid().into(),
        fingerprint.0.to_vec().into(),
        answer.to_vec().into(),
        now.as_micros().into(),
    ];
    execute(tx, text, values).await.map(drop)
}
