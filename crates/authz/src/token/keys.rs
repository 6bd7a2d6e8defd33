//! The public keys that access tokens are verified with.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{SigningKey, VerifyingKey};
use jsonwebtoken::DecodingKey;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::access::AccessError;

/// Unknown key ids make the source be asked at most this often, so that forged ones are no lever.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// How long the source may take for an answer.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(2);

/// The bytes are no public key that may be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not 32 bytes in base64url without padding.
    #[error("an Ed25519 public key is 32 bytes in base64url without padding")]
    Encoding,
    /// Not a point of the curve, or one under which signatures of others hold too.
    #[error("the bytes are not an Ed25519 public key")]
    Weak,
}

/// An Ed25519 public key and the id by which tokens name it.
#[derive(Clone)]
pub struct PublicKey {
    kid: Arc<str>,
    bytes: [u8; 32],
    decoding: DecodingKey,
}

impl PublicKey {
    /// Takes a key by its 32 bytes (RFC 8032).
    pub fn new(kid: &str, bytes: [u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::Weak)?;
        if key.is_weak() { Err(KeyError::Weak) } else { Ok(Self::from_valid(kid, bytes)) }
    }

    /// Takes a key by the `kid` and `x` of its JSON Web Key (RFC 8037).
    pub fn from_jwk(kid: &str, x: &str) -> Result<Self, KeyError> {
        let bytes = URL_SAFE_NO_PAD.decode(x).map_err(|_| KeyError::Encoding)?;
        Self::new(kid, bytes.try_into().map_err(|_| KeyError::Encoding)?)
    }

    pub(super) fn of(kid: &str, key: &SigningKey) -> Self {
        Self::from_valid(kid, key.verifying_key().to_bytes())
    }

    fn from_valid(kid: &str, bytes: [u8; 32]) -> Self {
        Self { kid: Arc::from(kid), bytes, decoding: DecodingKey::from_ed_der(&bytes) }
    }

    /// Returns the id by which tokens name the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Returns the `x` of the JSON Web Key.
    pub fn x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes)
    }

    pub(super) const fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.kid == other.kid && self.bytes == other.bytes
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.kid, self.x())
    }
}

/// Tells the public keys: asked when a token names a key that is not known yet.
///
/// A key must be listed for a second before the first token is signed with it, or from the source's first answer
/// on: what was not listed a moment ago counts as unknown, unless a key was [retired](KeySet::retire) since.
#[async_trait::async_trait]
pub trait KeySource: Send + Sync {
    /// Returns all keys that tokens may be signed with now.
    async fn signing_keys(&self) -> Result<Vec<PublicKey>, AccessError>;
}

/// The keys that are trusted at present; replaced as a whole, read without a lock.
pub struct KeySet {
    current: ArcSwap<Keys>,
    source: Option<Arc<dyn KeySource>>,
    last_refresh: Mutex<Option<Refresh>>,
}

/// When the source was last asked, and whether it answered.
struct Refresh {
    at: Instant,
    answered: bool,
    /// How many keys were retired by then: one that takes the place of a stolen key signs at once.
    retired: usize,
}

/// One state of the set. Its generation tells verified tokens whether they must be looked at again.
pub(super) struct Keys {
    pub(super) generation: u64,
    by_kid: HashMap<Arc<str>, PublicKey>,
    /// Keys that are never trusted again. They are few: each was retired because somebody stole it.
    retired: HashSet<Arc<str>>,
}

impl Keys {
    pub(super) fn get(&self, kid: &str) -> Option<&PublicKey> {
        self.by_kid.get(kid)
    }
}

impl KeySet {
    /// Makes a set of keys that this process manages itself: an unknown key id is refused.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        let current = ArcSwap::from_pointee(Keys { generation: 0, by_kid: HashMap::new(), retired: HashSet::new() });
        let set = Self { current, source: None, last_refresh: Mutex::new(None) };
        set.replace(keys);
        set
    }

    /// Makes a set that asks the source when a token names an unknown key.
    pub fn from_source(source: Arc<dyn KeySource>) -> Self {
        Self { source: Some(source), ..Self::new([]) }
    }

    /// Replaces all keys. Tokens of a key that is gone are refused from the next call on.
    pub fn replace(&self, keys: impl IntoIterator<Item = PublicKey>) {
        let keys: HashMap<_, _> = keys.into_iter().map(|key| (Arc::clone(&key.kid), key)).collect();
        self.current.rcu(|current| {
            let mut by_kid = keys.clone();
            by_kid.retain(|kid, _| !current.retired.contains(kid));
            // The same keys again are no reason to verify every remembered token again.
            let generation = current.generation + u64::from(current.by_kid != by_kid);
            Keys { generation, by_kid, retired: current.retired.clone() }
        });
    }

    /// Forgets a key for good: an answer that was asked for before it was retired cannot bring it back.
    pub fn retire(&self, kid: &str) {
        self.current.rcu(|current| {
            let (mut by_kid, mut retired) = (current.by_kid.clone(), current.retired.clone());
            let generation = current.generation + u64::from(by_kid.remove(kid).is_some());
            retired.insert(Arc::from(kid));
            Keys { generation, by_kid, retired }
        });
    }

    /// Returns the keys in no order.
    pub fn keys(&self) -> Vec<PublicKey> {
        self.current.load().by_kid.values().cloned().collect()
    }

    pub(super) fn load(&self) -> arc_swap::Guard<Arc<Keys>> {
        self.current.load()
    }

    /// Asks the source for the keys, unless the key has become known meanwhile.
    ///
    /// The lock is a queue rather than a guard: one caller asks, the others wait for its answer.
    pub(super) async fn refresh(&self, kid: &str) -> Result<Refreshed, AccessError> {
        let Some(source) = &self.source else {
            return Ok(Refreshed::Known);
        };
        let mut last = self.last_refresh.lock().await;
        if self.load().get(kid).is_some() {
            return Ok(Refreshed::Known);
        }
        let retired = self.load().retired.len();
        let is_recent = |last: &&Refresh| last.at.elapsed() < REFRESH_INTERVAL && last.retired == retired;
        if let Some(last) = last.as_ref().filter(is_recent) {
            // A key is listed for longer than the interval before it signs, so a fresh answer is the whole truth.
            return Ok(if last.answered { Refreshed::Known } else { Refreshed::TooSoon });
        }
        *last = Some(Refresh { at: Instant::now(), answered: false, retired });
        let answer = tokio::time::timeout(SOURCE_TIMEOUT, source.signing_keys()).await;
        self.replace(answer.map_err(AccessError::unavailable)??);
        *last = Some(Refresh { at: Instant::now(), answered: true, retired });
        Ok(Refreshed::Known)
    }
}

/// What a refresh of the keys came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// The set is what the source says; a key that is not in it does not exist.
    Known,
    /// The source was asked a moment ago, did not answer, and is not asked again yet.
    TooSoon,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.load().by_kid.keys()).finish()
    }
}
