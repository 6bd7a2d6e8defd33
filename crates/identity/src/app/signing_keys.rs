//! The keys that sign access tokens.

use std::time::Duration;

use ed25519_dalek::SigningKey as Ed25519;
use rolecall_authz::{PublicKey, TokenSigner};
use rolecall_db::{Database, Error as StoreError, leases};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::KeyId;
use rolecall_kernel::key::Sealer;
use rolecall_kernel::time::Timestamp;
use zeroize::Zeroizing;

use crate::store::signing_keys::{self, SigningKey};

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The master key is another than the one that sealed the signing keys.
    #[error("the signing keys cannot be opened: give the server the master key that the database was made with")]
    WrongMasterKey,
    /// A stored key is none.
    #[error("a stored signing key is not an Ed25519 key")]
    Malformed,
    /// The database did not do its part.
    #[error("the signing keys cannot be read")]
    Store(#[from] StoreError),
}

/// Loads the newest key, and makes the first one; all replicas agree.
pub(crate) async fn load_or_create(
    db: &Database,
    sealer: &Sealer,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<TokenSigner, SigningKeyError> {
    let (kid, seed) = draw(now, entropy);
    let fresh = &SigningKey {
        key_id: kid,
        public: Ed25519::from_bytes(&seed).verifying_key().to_bytes(),
        sealed_private: sealer.seal(kid.to_string().as_bytes(), seed.as_ref(), entropy),
        active_from: now,
        retired_at: None,
    };
    let newest = db
        .write(|tx| async move {
            // Waits for another replica that is just making the first key; what it made is read next.
            leases::hold(&tx, "signing_keys", kid.as_uuid(), Duration::ZERO, now).await?;
            let known = signing_keys::list(&tx).await?;
            match known.into_iter().rfind(|key| key.retired_at.is_none()) {
                Some(newest) => Ok(newest),
                None => signing_keys::insert(&tx, fresh).await.map(|()| fresh.clone()),
            }
        })
        .await?;
    open(sealer, &newest)
}

fn draw(now: Timestamp, entropy: &dyn Entropy) -> (KeyId, Zeroizing<[u8; 32]>) {
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(seed.as_mut());
    (KeyId::new(now, entropy), seed)
}

fn open(sealer: &Sealer, key: &SigningKey) -> Result<TokenSigner, SigningKeyError> {
    let kid = key.key_id.to_string();
    let seed = sealer.open(kid.as_bytes(), &key.sealed_private).map_err(|_| SigningKeyError::WrongMasterKey)?;
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(seed.as_slice().try_into().map_err(|_| SigningKeyError::Malformed)?);
    Ok(TokenSigner::from_seed(&kid, &seed))
}

/// Lists the public keys that tokens may be verified with now.
pub(crate) async fn list(db: &Database, now: Timestamp) -> Result<Vec<PublicKey>, SigningKeyError> {
    let keys = signing_keys::list(&db.reader()).await?;
    let good = keys.into_iter().filter(|key| key.retired_at.is_none_or(|retired| now < retired));
    good.map(|key| PublicKey::new(&key.key_id.to_string(), key.public).map_err(|_| SigningKeyError::Malformed))
        .collect()
}
