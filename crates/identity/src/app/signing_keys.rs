//! The keys of access tokens: those that this process signs with, and those that it verifies with.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use ed25519_dalek::SigningKey as Ed25519;
use rolecall_authz::{AccessClaims, KeySet, PublicKey, TokenSigner};
use rolecall_db::{Database, Error as StoreError, Tx, leases};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::KeyId;
use rolecall_kernel::key::Sealer;
use rolecall_kernel::time::Timestamp;
use tokio::sync::Mutex;
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

/// The keys of this process. They are read without a lock, and replaced as a whole.
///
/// Which key signs is decided by the time at which a token is issued, so that every replica changes over by itself
/// when the time of a new key has come.
pub(crate) struct KeyRing {
    sealer: Sealer,
    signers: ArcSwap<Signers>,
    keys: Arc<KeySet>,
    /// How many times the table was begun to be read.
    begun: AtomicU64,
    /// Which of those times came to its end last. Held while the table is read: what was read earlier never takes the
    /// place of what was read later.
    finished: Mutex<u64>,
}

/// The keys that sign now or later, never none.
struct Signers {
    /// The one that stays longest.
    newest: Entry,
    others: Vec<Entry>,
}

struct Entry {
    key_id: KeyId,
    active_from: Timestamp,
    retired_at: Option<Timestamp>,
    signer: TokenSigner,
}

impl Entry {
    fn is_retired(&self, now: Timestamp) -> bool {
        self.retired_at.is_some_and(|retired| retired <= now)
    }

    /// A key that ends later is newer, also when two were made at once.
    fn rank(&self) -> (bool, Option<Timestamp>, Timestamp, KeyId) {
        (self.retired_at.is_none(), self.retired_at, self.active_from, self.key_id)
    }
}

impl Signers {
    /// The newest key whose time has come.
    ///
    /// Without one, the clock of the replica that made the newest key is ahead of ours: it serves all the same.
    fn choose(&self, now: Timestamp) -> &TokenSigner {
        let all = || std::iter::once(&self.newest).chain(&self.others).filter(|entry| !entry.is_retired(now));
        let active = all().filter(|entry| entry.active_from <= now);
        &active.max_by_key(|entry| entry.rank()).unwrap_or(&self.newest).signer
    }

    fn find(&self, id: KeyId) -> Option<&TokenSigner> {
        std::iter::once(&self.newest).chain(&self.others).find(|entry| entry.key_id == id).map(|entry| &entry.signer)
    }
}

impl KeyRing {
    /// Loads the keys, and makes the first one; all replicas agree. The verifying keys of the process are filled.
    pub(crate) async fn load_or_create(
        db: &Database,
        sealer: Sealer,
        keys: Arc<KeySet>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, SigningKeyError> {
        let fresh = &draw(&sealer, now, now, entropy);
        let known = db
            .write(|tx| async move {
                let known = lock_and_list(&tx, fresh.key_id, now).await?;
                if known.iter().any(|key| key.retired_at.is_none()) {
                    return Ok(known);
                }
                signing_keys::insert(&tx, fresh).await.map(|()| vec![fresh.clone()])
            })
            .await?;
        let signers = open_all(&sealer, &known, now, None)?;
        keys.replace(publish(known, now)?);
        let (begun, finished) = (AtomicU64::new(0), Mutex::default());
        Ok(Self { sealer, signers: ArcSwap::from_pointee(signers), keys, begun, finished })
    }

    /// Reads the keys again: obeys what any replica decided before this was called. Of many callers at once one reads.
    pub(crate) async fn refresh(&self, db: &Database, now: Timestamp) -> Result<(), SigningKeyError> {
        let before = self.begun.load(Ordering::SeqCst);
        let mut finished = self.finished.lock().await;
        if *finished > before {
            return Ok(());
        }
        let this = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let stored = signing_keys::list(&db.reader()).await?;
        let signers = open_all(&self.sealer, &stored, now, Some(&self.signers.load()))?;
        self.signers.store(Arc::new(signers));
        self.keys.replace(publish(stored, now)?);
        *finished = this;
        Ok(())
    }

    /// Forgets a key for good, without asking the database.
    pub(crate) fn retire(&self, id: KeyId) {
        self.keys.retire(&id.to_string());
    }

    /// Draws a new key, to be stored.
    pub(crate) fn draw(&self, now: Timestamp, active_from: Timestamp, entropy: &dyn Entropy) -> SigningKey {
        draw(&self.sealer, now, active_from, entropy)
    }

    /// Signs the claims with the key of the time at which they are issued.
    pub(crate) fn sign_access(&self, claims: &AccessClaims) -> String {
        self.signers.load().choose(claims.iat).sign_access(claims)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// Reads all keys, and keeps every other replica from changing them until the transaction ends.
pub(super) async fn lock_and_list(tx: &Tx, holder: KeyId, now: Timestamp) -> Result<Vec<SigningKey>, StoreError> {
    // Whether the lease is ours does not matter: its row is locked, and what others did before is read next.
    leases::hold(tx, "signing_keys", holder.as_uuid(), Duration::ZERO, now).await?;
    signing_keys::list(tx).await
}

fn draw(sealer: &Sealer, now: Timestamp, active_from: Timestamp, entropy: &dyn Entropy) -> SigningKey {
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(seed.as_mut());
    let key_id = KeyId::new(now, entropy);
    SigningKey {
        key_id,
        public: Ed25519::from_bytes(&seed).verifying_key().to_bytes(),
        sealed_private: sealer.seal(key_id.to_string().as_bytes(), seed.as_ref(), entropy),
        active_from,
        retired_at: None,
    }
}

/// Opens the keys that are not retired; those that are open already are taken over.
fn open_all(
    sealer: &Sealer,
    stored: &[SigningKey],
    now: Timestamp,
    known: Option<&Signers>,
) -> Result<Signers, SigningKeyError> {
    let mut entries = Vec::new();
    for key in stored.iter().filter(|key| is_good(key, now)) {
        let signer = match known.and_then(|known| known.find(key.key_id)) {
            Some(signer) => signer.clone(),
            None => open(sealer, key)?,
        };
        let SigningKey { key_id, active_from, retired_at, .. } = *key;
        entries.push(Entry { key_id, active_from, retired_at, signer });
    }
    entries.sort_by_key(Entry::rank);
    // The newest is retired by nothing but a newer one.
    let newest = entries.pop().ok_or(SigningKeyError::Malformed)?;
    Ok(Signers { newest, others: entries })
}

fn open(sealer: &Sealer, key: &SigningKey) -> Result<TokenSigner, SigningKeyError> {
    let kid = key.key_id.to_string();
    let seed = sealer.open(kid.as_bytes(), &key.sealed_private).map_err(|_| SigningKeyError::WrongMasterKey)?;
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(seed.as_slice().try_into().map_err(|_| SigningKeyError::Malformed)?);
    Ok(TokenSigner::from_seed(&kid, &seed))
}

fn is_good(key: &SigningKey, now: Timestamp) -> bool {
    key.retired_at.is_none_or(|retired| now < retired)
}

fn publish(keys: Vec<SigningKey>, now: Timestamp) -> Result<Vec<PublicKey>, SigningKeyError> {
    let good = keys.into_iter().filter(|key| is_good(key, now));
    good.map(|key| PublicKey::new(&key.key_id.to_string(), key.public).map_err(|_| SigningKeyError::Malformed))
        .collect()
}

/// Lists the public keys that tokens may be verified with now; those that will sign soon are among them.
pub(crate) async fn list(db: &Database, now: Timestamp) -> Result<Vec<PublicKey>, SigningKeyError> {
    publish(signing_keys::list(&db.reader()).await?, now)
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;

    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn entry(active_from: i64, retired_at: Option<i64>) -> Entry {
        let key_id = KeyId::new(at(active_from), &SystemEntropy);
        let mut seed = [0; 32];
        SystemEntropy.fill(&mut seed);
        let signer = TokenSigner::from_seed(&key_id.to_string(), &seed);
        Entry { key_id, active_from: at(active_from), retired_at: retired_at.map(at), signer }
    }

    #[test]
    fn the_newest_key_whose_time_has_come_signs() {
        let signers = Signers { newest: entry(300, None), others: vec![entry(100, Some(500)), entry(200, Some(605))] };
        for (now, expected) in [(150, 100), (200, 200), (299, 200), (300, 300), (10_000, 300)] {
            let all = std::iter::once(&signers.newest).chain(&signers.others);
            let expected = all.into_iter().find(|entry| entry.active_from == at(expected)).expect("there");
            assert_eq!(signers.choose(at(now)).kid(), expected.signer.kid(), "{now}");
        }
        assert_eq!(signers.choose(at(0)).kid(), signers.newest.signer.kid(), "a clock that is behind");
    }

    #[test]
    fn of_two_keys_that_were_made_at_once_the_one_that_stays_signs() {
        let signers = Signers { newest: entry(300, None), others: vec![entry(300, Some(605)), entry(100, Some(605))] };
        assert_eq!(signers.choose(at(299)).kid(), signers.others[1].signer.kid());
        assert_eq!(signers.choose(at(300)).kid(), signers.newest.signer.kid());
    }

    #[test]
    fn a_retired_key_signs_no_more_whatever_the_clocks_say() {
        let signers = Signers { newest: entry(300, None), others: vec![entry(100, Some(300))] };
        assert_eq!(signers.choose(at(300)).kid(), signers.newest.signer.kid());
        let behind = Signers { newest: entry(305, None), others: vec![entry(100, Some(299))] };
        assert_eq!(behind.choose(at(300)).kid(), behind.newest.signer.kid());
    }
}
