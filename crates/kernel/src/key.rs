//! The master key, the keys derived from it, and sealing.
//!
//! One secret outside the databases protects everything inside them: a copy of a database alone
//! opens no sealed field, forges no page token and signs no service token.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::text::EmailAddress;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// What a derived key is for; two purposes never share a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Page tokens of lists.
    PageToken,
    /// Fingerprints of requests, kept to recognise a repeat.
    RequestFingerprint,
    /// The successor of a refresh token.
    RefreshSuccessor,
    /// Secrets on their way into a mail.
    MailSecret,
    /// Signing keys at rest.
    SigningKey,
    /// The seed of the key that signs tokens between the services of the suite.
    ServiceToken,
    /// Resume tokens of streams.
    ResumeToken,
    /// Secrets of second factors at rest.
    FactorSecret,
    /// The seed of the key that signs checkpoints of the audit log.
    AuditCheckpoint,
    /// The keys under which the audit log seals what names a person.
    AuditSubject,
    /// Secrets of identity providers at rest, and of logins that are under way there.
    ProviderSecret,
    /// Links in mails by which a person unsubscribes.
    Unsubscribe,
    /// Addresses that persons proved, as the contexts tell each other of them.
    ProvenAddress,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::PageToken => b"rolecall/page-token/v1",
            Self::RequestFingerprint => b"rolecall/request-fingerprint/v1",
            Self::RefreshSuccessor => b"rolecall/refresh-successor/v1",
            Self::MailSecret => b"rolecall/mail-secret/v1",
            Self::SigningKey => b"rolecall/signing-key/v1",
            Self::ServiceToken => b"rolecall/service-token/v1",
            Self::ResumeToken => b"rolecall/resume-token/v1",
            Self::FactorSecret => b"rolecall/factor-secret/v1",
            Self::AuditCheckpoint => b"rolecall/audit-checkpoint/v1",
            Self::AuditSubject => b"rolecall/audit-subject/v1",
            Self::ProviderSecret => b"rolecall/provider-secret/v1",
            Self::Unsubscribe => b"rolecall/unsubscribe/v1",
            Self::ProvenAddress => b"rolecall/proven-address/v1",
        }
    }
}

/// The text was not a base64 encoding of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 random bytes in base64; make one with `openssl rand -base64 32`")]
pub struct ParseKeyError;

/// The one secret that lives outside the databases: 256 bits.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

impl MasterKey {
    /// Makes a new master key.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        entropy.fill(bytes.as_mut());
        Self(bytes)
    }

    /// Parses the base64 form, surrounding white space allowed.
    pub fn parse(text: &str) -> Result<Self, ParseKeyError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| ParseKeyError)?);
        let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| ParseKeyError)?;
        // A key of one repeated byte is a placeholder that somebody forgot to replace.
        if key.iter().all(|byte| *byte == key[0]) {
            return Err(ParseKeyError);
        }
        Ok(Self(Zeroizing::new(key)))
    }

    /// Returns the base64 form, to be written into a file of mode 0600.
    pub fn encode(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.as_ref()))
    }

    /// Derives the 256-bit key of a purpose (HMAC-SHA-256 of its label, as in RFC 5869's expand step).
    pub fn derive(&self, purpose: Purpose) -> Zeroizing<[u8; KEY_BYTES]> {
        Zeroizing::new(mac(self.0.as_ref(), &[purpose.label(), &[1]]))
    }

    /// Returns a sealer whose key serves this purpose alone.
    pub fn sealer(&self, purpose: Purpose) -> Sealer {
        Sealer(XChaCha20Poly1305::new((&*self.derive(purpose)).into()))
    }

    /// Returns a keyed hash that serves this purpose alone.
    pub fn keyed_hash(&self, purpose: Purpose) -> KeyedHash {
        KeyedHash(self.derive(purpose))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(redacted)")
    }
}

/// HMAC-SHA-256 over length-prefixed parts, so that two lists of parts never collide.
fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("any key length");
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// A hash that only holders of the master key can compute.
#[derive(Clone)]
pub struct KeyedHash(Zeroizing<[u8; KEY_BYTES]>);

impl KeyedHash {
    /// Hashes the parts; their borders count.
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(self.0.as_ref(), parts)
    }

    /// Hashes the canonical form of an address, as URL-safe base64.
    pub fn address(&self, email: &EmailAddress) -> String {
        URL_SAFE_NO_PAD.encode(self.hash(&[email.key().as_bytes()]))
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash(redacted)")
    }
}

/// The sealed bytes were cut, changed, or sealed for another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value is not ours")]
pub struct OpenError;

/// Encrypts and authenticates (XChaCha20-Poly1305, random 192-bit nonce).
#[derive(Clone)]
pub struct Sealer(XChaCha20Poly1305);

impl Sealer {
    /// Makes the sealer of a key that is itself kept sealed, so that whoever deletes it erases what it seals.
    pub fn from_key(key: &[u8; KEY_BYTES]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Seals `plain`, bound to `context`: it opens only with the same context.
    #[expect(clippy::expect_used, reason = "encryption fails only beyond 256 GiB")]
    pub fn seal(&self, context: &[u8], plain: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        entropy.fill(&mut nonce);
        let payload = Payload { msg: plain, aad: context };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).expect("below the cipher's limit");
        [&nonce[..], &sealed].concat()
    }

    /// Opens what [`seal`](Self::seal) made with the same key and context.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (nonce, body) = sealed.split_at_checked(NONCE_BYTES).ok_or(OpenError)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| OpenError)?;
        let payload = Payload { msg: body, aad: context };
        self.0.decrypt(&XNonce::from(nonce), payload).map(Zeroizing::new).map_err(|_| OpenError)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn asvs_v11_3_4_no_nonce_comes_twice() {
        let sealer = MasterKey::new(&SystemEntropy).sealer(Purpose::MailSecret);
        let nonces: std::collections::HashSet<Vec<u8>> =
            (0..100_000).map(|_| sealer.seal(b"here", b"", &SystemEntropy)[..24].to_vec()).collect();
        assert_eq!(nonces.len(), 100_000);
    }

    /// ASVS: V11.2.5, V11.3.2
    #[test]
    fn asvs_v11_3_3_a_sealed_value_opens_only_whole_unchanged_and_in_its_place() {
        let sealer = MasterKey::new(&SystemEntropy).sealer(Purpose::MailSecret);
        let closed = sealer.seal(b"here", b"secret", &SystemEntropy);
        assert_eq!(sealer.open(b"here", &closed).as_deref().map(Vec::as_slice), Ok(&b"secret"[..]));
        assert_eq!(sealer.open(b"there", &closed), Err(OpenError));
        for index in 0..closed.len() {
            let mut changed = closed.clone();
            changed[index] ^= 1;
            assert_eq!(sealer.open(b"here", &changed), Err(OpenError));
            assert_eq!(sealer.open(b"here", &closed[..index]), Err(OpenError));
        }
    }

    #[test]
    fn two_purposes_never_share_a_key() {
        let master = MasterKey::new(&SystemEntropy);
        let sealed = master.sealer(Purpose::MailSecret).seal(b"", b"secret", &SystemEntropy);
        assert_eq!(master.sealer(Purpose::SigningKey).open(b"", &sealed), Err(OpenError));
        assert_ne!(*master.derive(Purpose::PageToken), *master.derive(Purpose::ServiceToken));
    }

    /// ASVS: T40
    #[test]
    fn asvs_v13_2_3_a_placeholder_is_not_a_master_key() {
        assert!(MasterKey::parse(&STANDARD.encode([0; 32])).is_err());
        assert!(MasterKey::parse("short").is_err());
        let key = MasterKey::new(&SystemEntropy);
        assert_eq!(MasterKey::parse(&format!("{}\n", *key.encode())).map(|key| *key.0), Ok(*key.0));
    }
}
