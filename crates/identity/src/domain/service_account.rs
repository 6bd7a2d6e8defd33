//! Accounts and keys of programs.

use std::time::Duration;

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePublicKey as _, EncodePublicKey as _};
use rolecall_kernel::id::{ApiKeyId, OrganizationId, ServiceAccountId};
use rolecall_kernel::text::PersonName;
use rolecall_kernel::time::Timestamp;
use sha2::{Digest as _, Sha256};

/// What every key begins with.
pub(crate) const PREFIX: &str = "rk_";

/// The longest life of a key, and its life when none is named.
pub(crate) const MAX_KEY_LIFE: Duration = Duration::from_hours(90 * 24);

/// The account of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "identifiers are called here what the contract calls them")]
pub(crate) struct ServiceAccount {
    /// Identifier.
    pub(crate) service_account_id: ServiceAccountId,
    /// The organization that it acts in; none for the whole instance.
    pub(crate) organization_id: Option<OrganizationId>,
    /// What it is called.
    pub(crate) name: PersonName,
    /// The permissions that it holds, in order.
    pub(crate) permissions: Vec<String>,
    /// Grows with each change.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created: Timestamp,
}

/// How the holder of a key shows that it holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By the secret itself.
    Secret,
    /// By what it signs; this is the public half.
    Signature(VerifyingKey),
}

/// Why a public key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an Ed25519 public key as PEM, such as `openssl pkey -pubout` writes")]
pub(crate) struct PublicKeyError;

/// Reads a public key; one under which the signatures of others would hold is none (RFC 8032, section 8.9).
pub(crate) fn parse_public_key(pem: &str) -> Result<VerifyingKey, PublicKeyError> {
    let key = VerifyingKey::from_public_key_pem(pem.trim()).map_err(|_| PublicKeyError)?;
    if key.is_weak() { Err(PublicKeyError) } else { Ok(key) }
}

/// Hashes what a key or an assertion is found by.
pub(crate) fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Writes a public key as it is read.
pub(crate) fn public_key_pem(key: &VerifyingKey) -> String {
    // Encoding fixed-size bytes does not fail.
    key.to_public_key_pem(LineEnding::LF).unwrap_or_default()
}

/// A key of a service account, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "identifiers are called here what the contract calls them")]
pub(crate) struct ApiKey {
    /// Identifier.
    pub(crate) api_key_id: ApiKeyId,
    /// Whose it is.
    pub(crate) service_account_id: ServiceAccountId,
    /// How its holder shows that it holds it.
    pub(crate) proof: Proof,
    /// When it ends.
    pub(crate) expires: Timestamp,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// When it was last exchanged.
    pub(crate) last_used: Option<Timestamp>,
}

/// Why an end of a key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyLifeError {
    /// It lies in the past.
    #[error("must lie in the future")]
    Past,
    /// It lies too far in the future.
    #[error("must lie at most 90 days in the future")]
    TooFar,
}

/// Decides when a key ends.
pub(crate) fn key_expiry(wish: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, KeyLifeError> {
    let latest = now.plus(MAX_KEY_LIFE);
    match wish {
        None => Ok(latest),
        Some(wish) if wish <= now => Err(KeyLifeError::Past),
        Some(wish) if wish > latest => Err(KeyLifeError::TooFar),
        Some(wish) => Ok(wish),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_t19_a_key_lives_ninety_days_at_most() {
        let now = Timestamp::from_seconds(1_000);
        let latest = now.plus(MAX_KEY_LIFE);
        assert_eq!(key_expiry(None, now), Ok(latest));
        assert_eq!(key_expiry(Some(latest), now), Ok(latest));
        assert_eq!(key_expiry(Some(latest.plus(Duration::from_micros(1))), now), Err(KeyLifeError::TooFar));
        assert_eq!(key_expiry(Some(now), now), Err(KeyLifeError::Past));
    }
}
