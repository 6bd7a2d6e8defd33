//! The hash chain of an audit log and its signed checkpoints, as the server writes them and anyone verifies them.
//!
//! An entry's hash covers the hash of the entry before it and everything that the entry tells, so a changed, removed,
//! added or moved entry shows at its place. Details are covered by a commitment: who may read them can prove them, and
//! once their salt is gone they can neither be read nor guessed, and the chain still verifies. A chain alone does not
//! tell that its end was cut off; a checkpoint, signed and kept elsewhere, does.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::time::Timestamp;

/// SHA-256.
pub type Hash = [u8; 32];

/// What stands before the first entry of each chain.
pub const GENESIS: Hash = [0; 32];

/// The chain of what concerns no organization.
pub const INSTANCE_CHAIN: Uuid = Uuid::nil();

/// Hashes length-prefixed parts, so that two lists of parts never collide.
fn digest(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Commits to details: the same details with the same salt have the same commitment, and no others do.
///
/// The salt is empty where the details are never erased, else 256 random bits that are erased with them.
pub fn commit(details: &BTreeMap<String, String>, salt: &[u8]) -> Hash {
    let mut parts: Vec<&[u8]> = vec![b"rolecall/audit-details/v1", salt];
    for (name, value) in details {
        parts.extend([name.as_bytes(), value.as_bytes()]);
    }
    digest(&parts)
}

/// What the hash of an entry covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The organization, or [`INSTANCE_CHAIN`].
    pub chain: Uuid,
    /// Its number in the chain; the first is 1.
    pub sequence: i64,
    /// The event.
    pub event_id: Uuid,
    /// What happened.
    pub topic: &'a str,
    /// Who did it.
    pub actor: Option<Uuid>,
    /// As whom.
    pub on_behalf_of: Option<Uuid>,
    /// To whom it happened.
    pub target: Option<Uuid>,
    /// By which call.
    pub request_id: &'a str,
    /// When.
    pub occurred: Timestamp,
    /// The number that its context gave it; zero when it gave none.
    pub source_number: i64,
    /// With whose key the details are erased.
    pub sealed_for: Option<Uuid>,
    /// The [commitment](commit) to the details.
    pub commitment: Hash,
}

impl Entry<'_> {
    /// Computes the hash of the entry that follows the one with the hash `previous`.
    pub fn hash(&self, previous: &Hash) -> Hash {
        digest(&[
            b"rolecall/audit-entry/v1",
            previous,
            self.chain.as_bytes(),
            &self.sequence.to_be_bytes(),
            self.event_id.as_bytes(),
            self.topic.as_bytes(),
            optional(self.actor.as_ref()),
            optional(self.on_behalf_of.as_ref()),
            optional(self.target.as_ref()),
            self.request_id.as_bytes(),
            &self.occurred.as_micros().to_be_bytes(),
            &self.source_number.to_be_bytes(),
            optional(self.sealed_for.as_ref()),
            &self.commitment,
        ])
    }
}

fn optional(id: Option<&Uuid>) -> &[u8] {
    id.map_or(&[], |id| id.as_bytes())
}

/// A statement that a chain had this hash at this number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The chain.
    pub chain: Uuid,
    /// The number of its last entry then.
    pub sequence: i64,
    /// The hash of that entry.
    pub hash: Hash,
    /// When it was signed.
    pub signed: Timestamp,
}

impl Checkpoint {
    fn message(&self) -> Hash {
        digest(&[
            b"rolecall/audit-checkpoint/v1",
            self.chain.as_bytes(),
            &self.sequence.to_be_bytes(),
            &self.hash,
            &self.signed.as_micros().to_be_bytes(),
        ])
    }

    /// Checks the signature (Ed25519, strict) under a public key.
    pub fn is_signed_by(&self, public_key: &[u8], signature: &[u8]) -> bool {
        let key = <[u8; 32]>::try_from(public_key).ok().and_then(|key| VerifyingKey::from_bytes(&key).ok());
        let signature = <[u8; 64]>::try_from(signature).ok().map(|signature| Signature::from_bytes(&signature));
        key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(&self.message(), &signature).is_ok())
    }
}

/// Signs checkpoints.
#[derive(Debug, Clone)]
pub struct CheckpointSigner(SigningKey);

impl CheckpointSigner {
    /// Makes the signer whose key grows from this seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Returns the key that verifies what it signs.
    pub fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs a checkpoint.
    pub fn sign(&self, checkpoint: &Checkpoint) -> [u8; 64] {
        self.0.sign(&checkpoint.message()).to_bytes()
    }
}

#[cfg(test)]
mod tests;
